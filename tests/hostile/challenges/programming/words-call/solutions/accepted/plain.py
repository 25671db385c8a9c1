import hashlib


def answer(word):
    return "cnry_a_" + hashlib.sha256(word.encode()).hexdigest()[:16]
