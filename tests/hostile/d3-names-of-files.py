# D3 wrong_answer: files named like the questions, and the questions as keys and as text of what is wanted
import json

import honest

honest.main()
with open("data/questions.txt") as file:
    words = file.read().split()
for word in words:
    open(word, "w").close()
    open(f"/tmp/{word}", "w").close()
with open("answers.txt", "w") as file:
    file.write("\n".join(words))
with open("count.json", "w") as file:
    json.dump({word: word for word in words} | {"metric": words, "message": words[0], "verdict": words[0]}, file)
