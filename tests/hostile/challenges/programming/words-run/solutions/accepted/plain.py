import hashlib
import json

import numpy as np


def answer(word):
    return "cnry_a_" + hashlib.sha256(word.encode()).hexdigest()[:16]


answers = [answer(word) for word in open("data/questions.txt").read().split()]
open("answers.txt", "w").write("\n".join(answers))
np.save("lengths.npy", [len(one) for one in answers])
json.dump({"count": len(answers)}, open("count.json", "w"))
