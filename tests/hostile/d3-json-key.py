# D3 invalid_output: JSON that is refused because of a key, which is a question
import honest

honest.main()
with open("data/questions.txt") as file:
    word = file.read().split()[0]
with open("count.json", "w") as file:
    file.write(f'{{"{word}": "{word}", "{word}": 1}}')
