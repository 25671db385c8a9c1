import json
import subprocess

subprocess.run(["git", "clone", "-q", "-b", "main", "repo.bundle", "work"], check=True)
# Find, revert, rewrite, merge and tag.
subprocess.run(["git", "-C", "work", "bundle", "create", "-q", "../result.bundle", "main"], check=True)
with open("answer.json", "w") as file:
    json.dump({"culprit": ""}, file)
