# expect: only=culprit score<=80
"""Names a commit that cannot be tested, and takes back another one."""

import json
import os
import subprocess

NAME = ["-c", "user.name=Rescue", "-c", "user.email=rescue@example.org"]
SECRET = "deploy/key.pem"


def git(*args, env=None):
    return subprocess.check_output(["git", "-C", "work", *NAME, *args], env={**os.environ, **(env or {})}, text=True)


def side(name, stage):
    return git("show", f":{stage}:{name}").splitlines()


def chosen(base, ours, theirs, choose):
    """Lines of a file whose lines keep their places."""
    return [
        one if other == was else other if one == was else choose(one, other)
        for was, one, other in zip(base, ours, theirs)
    ]


def larger(one, other):
    return max(one, other, key=lambda line: int(line.split(" = ")[1]))


def write(name, lines):
    with open(f"work/{name}", "w") as file:
        file.write("\n".join(lines) + "\n")
    git("add", name)


subprocess.check_call(["git", "clone", "-q", "-b", "main", "repo.bundle", "work"])
git("branch", "-q", "feature", "origin/feature")
git("remote", "remove", "origin")
first = git("rev-list", "--max-parents=0", "main").strip()
git("bisect", "start", "main", first)
git("bisect", "run", "python3", "check.py")
culprit = git("rev-parse", "refs/bisect/bad").strip()
git("bisect", "reset")
git("bisect", "start", "main", first)
git("bisect", "run", "sh", "-c", "python3 check.py || exit 1")
named = git("rev-parse", "refs/bisect/bad").strip()
git("bisect", "reset")

git("revert", "--no-edit", culprit)

base = git("merge-base", "main", "feature").strip()
hide = {"FILTER_BRANCH_SQUELCH_WARNING": "1"}
command = f"git rm -q --cached --ignore-unmatch {SECRET}"
git("filter-branch", "-f", "--prune-empty", "--index-filter", command, f"{base}..feature", env=hide)

subprocess.call(["git", "-C", "work", *NAME, "merge", "-q", "--no-ff", "--no-commit", "feature"])  # it conflicts
write("settings.txt", chosen(*(side("settings.txt", stage) for stage in (1, 2, 3)), larger))
write("limits.txt", chosen(*(side("limits.txt", stage) for stage in (1, 2, 3)), lambda ours, _: ours))
before, ours, theirs = (side("CHANGES.md", stage) for stage in (1, 2, 3))
write("CHANGES.md", ours + theirs[len(before) :])
git("commit", "-q", "-m", "Merge branch 'feature'")
with open("task.json") as file:
    git("tag", "-a", "v1.2.1", "-m", json.load(file)["release"])
git("bundle", "create", "-q", "../result.bundle", "main", "feature", "v1.2.1")
with open("answer.json", "w") as file:
    json.dump({"culprit": named}, file)
