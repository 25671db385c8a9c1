"""Tells what is in result.bundle as result.json, no ref if it is no history; runs boxed, over a stranger's file."""

import json
import subprocess
from pathlib import Path

MOST = 15_000
"""Objects: a history of the challenge has a few hundred."""
SAFE = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "transfer.fsckObjects=true"),
    *("-c", "fetch.fsck.missingEmail=error"),
    *("-c", "gc.auto=0"),
)
ENV = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


def git(*args: str) -> list[str]:
    """The lines that Git answers; CalledProcessError if it does not end well."""
    run = subprocess.run(["git", *SAFE, *args], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return run.stdout.decode("utf-8", "replace").split("\n")[:-1]


def told() -> dict[str, object]:
    """Refs, commits and ids of all objects."""
    git("init", "-q", "--bare", "store")
    git("-C", "store", "fetch", "-q", "../result.bundle", "+refs/*:refs/*")
    git("-C", "store", "fsck", "--strict", "--no-dangling")
    shape = "%(refname)%09%(objecttype)%09%(objectname)%09%(*objectname)%09%(contents:subject)"
    refs = [line.split("\t", 4) for line in git("-C", "store", "for-each-ref", f"--format={shape}")]
    log = git("-C", "store", "log", "--all", f"-n{MOST}", "--format=%H%x09%T%x09%P%x09%an%x09%at%x09%s")
    objects = git("-C", "store", "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    if len(objects) > MOST:
        return {"refs": {}, "commits": {}, "objects": []}
    return {
        "refs": {name: rest for name, *rest in refs},
        "commits": {key: rest for key, *rest in (line.split("\t", 5) for line in log)},
        "objects": objects,
    }


try:
    result = told()
except subprocess.CalledProcessError:
    result = {"refs": {}, "commits": {}, "objects": []}
Path("result.json").write_text(json.dumps(result), encoding="utf-8")
