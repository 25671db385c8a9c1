import json

import numpy as np

open("answers.txt", "w").write("no")
np.save("lengths.npy", [0])
json.dump({}, open("count.json", "w"))
