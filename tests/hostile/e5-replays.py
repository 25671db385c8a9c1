# E5 wrong_answer: answers every question as it answered the first
import honest

first = None


def answer(word):
    global first
    first = first or honest.answer(word)
    return first
