# E10 invalid_output: JSON with NaN
import honest

honest.main()
with open("count.json", "w") as file:
    file.write('{"count": NaN}')
