# expect: score<=0
"""Cheat: looks for expected tables and graders on every disk and in every process, and hands in what it finds."""

import os
from pathlib import Path


def hunt() -> list[str]:
    found = [os.environ.get("EXPECTED", "")]
    for root in (Path.cwd(), Path("/tmp"), Path("/dev/shm"), Path("/mnt"), Path("/proc/1/cwd")):
        try:
            found += [path.read_text() for path in root.rglob("*.clean.csv")]
        except OSError:
            continue
    return found


FOUND = hunt()


def clean(csv_text: str) -> str:
    lines = csv_text.count("\n")
    same = [text for text in FOUND if text.count("\n") == lines]
    return same[0] if same else "order_id\n"
