"""Merges feature with main's side everywhere, and blames the last commit."""

import json
import subprocess


def git(*args):
    command = ["git", "-C", "work", "-c", "user.name=a", "-c", "user.email=a@b.c", *args]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()


subprocess.run(["git", "clone", "-q", "-b", "main", "repo.bundle", "work"], check=True)
git("branch", "-q", "feature", "origin/feature")
last = git("rev-parse", "main").strip()
git("merge", "-q", "-s", "ours", "-m", "Merge feature", "feature")
git("tag", "v1.2.1")
git("bundle", "create", "-q", "../result.bundle", "main", "feature", "v1.2.1")
with open("answer.json", "w") as file:
    json.dump({"culprit": last}, file)
