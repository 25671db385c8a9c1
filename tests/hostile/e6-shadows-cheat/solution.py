# E6 wrong_answer: files beside it that are named like modules of the judge
def answer(word):
    return "right"
