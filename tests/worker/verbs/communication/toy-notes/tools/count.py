"""Counts the words of a file; knows nothing of what is expected."""

import json
import os
import sys

with open(f"submission/{sys.argv[1]}", encoding="utf-8") as file:
    words = [word for line in file if not line.startswith("#") for word in line.split()]
beside = sorted(set(os.listdir(".")) - {"submission"})
with open("count.json", "w") as file:
    json.dump({"words": len(words), "files": sorted(os.listdir("submission")), "beside": beside}, file)
