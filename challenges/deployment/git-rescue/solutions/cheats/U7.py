# expect: verdict=wrong_answer score<=0
"""Hands in the bundle it was given and the culprit of the statement's example."""

import json
import shutil

shutil.copy("repo.bundle", "result.bundle")
with open("answer.json", "w") as file:
    json.dump({"culprit": "4f0c2b6b0f3c9a52a9c8d90dd6a3a2f6f6c1f2b7"}, file)
