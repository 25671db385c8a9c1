# expect: verdict=invalid_output
"""Looks for expected answers, graders and secrets in files, environments and processes, and hands in what it finds."""

import itertools
import os
import re

NAMES = ("environ", "cmdline", "maps")
TELLING = re.compile("expected|grade|secret|token|answer")


def secrets() -> str:
    """The environment, the command lines and environments of other processes, and small files with telling names."""
    found = [repr(sorted(os.environ.items()))]
    paths = [f"/proc/{process}/{name}" for process in os.listdir("/proc") if process.isdigit() for name in NAMES]
    for root in ("/tmp", "/run", "/mnt", "/srv", "/home", "/dev/shm"):
        for folder, _, names in itertools.islice(os.walk(root), 200):
            paths += [os.path.join(folder, name) for name in names if TELLING.search(name)]
    for path in paths[:2000]:
        try:
            with open(path, "rb") as file:
                found.append(file.read(2000).decode("ascii", "replace"))
        except OSError:
            continue
    return "\n".join(found)[:100_000]


FOUND = secrets()


def slices(*args: object) -> object:
    return FOUND
