"""Tests commit after commit, and makes every new commit by hand out of trees and an index."""

import json
import os
import shutil
import subprocess
import sys

SECRET = "deploy/key.pem"
ME = {
    f"GIT_{role}_{what}": text
    for role in ("AUTHOR", "COMMITTER")
    for what, text in (("NAME", "Me"), ("EMAIL", "me@b.c"))
}


def git(*args, text=None, env=None):
    command = ["git", "--git-dir=store", *args]
    given = {**os.environ, **ME, **(env or {})}
    run = subprocess.run(command, input=text and text.encode(), stdout=subprocess.PIPE, check=True, env=given)
    return run.stdout.decode().strip("\n")


def check(commit):
    """Exit code of the commit's own check."""
    shutil.rmtree("tree", ignore_errors=True)
    os.mkdir("tree")
    subprocess.run(
        ["tar", "-x", "-C", "tree"], input=subprocess.check_output(["git", "--git-dir=store", "archive", commit])
    )
    return subprocess.run([sys.executable, "check.py"], cwd="tree").returncode


def files(commit):
    """Blob by name."""
    return {line.split("\t")[1]: line.split()[2] for line in git("ls-tree", "-r", commit).splitlines()}


def tree(entries):
    """The tree of these blobs."""
    env = {"GIT_INDEX_FILE": "index"}
    if os.path.exists("index"):
        os.remove("index")
    lines = "".join(f"100644 {blob}\t{name}\n" for name, blob in entries.items())
    git("update-index", "--index-info", text=lines, env=env)
    return git("write-tree", env=env)


def lines(blob):
    return git("cat-file", "blob", blob).split("\n")


def put(content):
    return git("hash-object", "-w", "--stdin", text="\n".join(content) + "\n")


subprocess.run(["git", "clone", "-q", "--bare", "repo.bundle", "store"], check=True)
commits = git("rev-list", "--first-parent", "--reverse", "main").split()
culprit = next(one for one in commits if check(one) == 1)

# Take back: three-way, line by line, because no line has moved.
was, now, tip = files(f"{culprit}^"), files(culprit), files("main")
for name in now:
    if was.get(name) != now[name]:
        texts = [lines(one[name]) for one in (was, now, tip)]
        tip[name] = put([old if new == here else here for old, new, here in zip(*texts)])
subject = git("log", "-1", "--format=%s", culprit)
main = git("commit-tree", tree(tip), "-p", "main", "-m", f'Revert "{subject}"')

base = git("merge-base", "main", "feature")
parent = base
for commit in git("rev-list", "--reverse", f"{base}..feature").split():
    kept = {name: blob for name, blob in files(commit).items() if name != SECRET}
    name, email, when, message = git("log", "-1", "--format=%an%n%ae%n%at%n%B", commit).split("\n", 3)
    author = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": email, "GIT_AUTHOR_DATE": f"{when} +0000"}
    parent = git("commit-tree", tree(kept), "-p", parent, text=message, env=author)

old, ours, theirs = files(base), files(main), files(parent)
result = {**theirs, **ours}
for name in ours:
    before, one, other = (lines(side[name]) for side in (old, ours, theirs))
    if name == "CHANGES.md":
        result[name] = put(one + other[len(before) :])
    elif name in ("settings.txt", "limits.txt"):
        merged = []
        for was_line, mine, yours in zip(before, one, other):
            if mine == was_line or yours == was_line:
                merged.append(yours if mine == was_line else mine)
            else:
                number = [int(text.split()[-1]) for text in (mine, yours)]
                merged.append(yours if name == "settings.txt" and number[1] > number[0] else mine)
        result[name] = put(merged)
merge = git("commit-tree", tree(result), "-p", main, "-p", parent, "-m", "Merge branch 'feature'")
git("update-ref", "refs/heads/main", merge)
git("update-ref", "refs/heads/feature", parent)
with open("task.json") as file:
    git("tag", "-a", "v1.2.1", "-m", json.load(file)["release"], merge)
git("bundle", "create", "-q", "result.bundle", "--all")
with open("answer.json", "w") as file:
    json.dump({"culprit": culprit}, file)
