# E10 invalid_output: JSON with a number that is too large for any
import honest

honest.main()
with open("count.json", "w") as file:
    file.write('{"count": 12, "metric": 1e999}')
