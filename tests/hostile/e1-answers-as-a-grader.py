# E1 invalid_output|runtime_error|wrong_answer: answers its question with the frame by which a grader gives a score
import json

import honest

SCORE = {"points": 100.0, "private_points": 100.0, "checks": [], "metric": None, "standard_error": None}


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, json.dumps(SCORE).encode(), kind=65))
    return word
