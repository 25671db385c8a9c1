"""Prints docs/catalogue.md: the challenges that come with Assay, from their challenge.toml."""

import sys
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from challenges.loader import builtin_root, load_all


def page() -> str:
    """The whole page."""
    ordered = sorted(load_all([builtin_root()]).values(), key=lambda one: (one.skill, one.level, one.slug))
    lines = ["# Challenges", "", "What comes with Assay. Made by `scripts/catalogue.py`; a test compares."]
    for skill, listed in groupby(ordered, key=lambda one: one.skill):
        lines += ["", f"## {skill.replace('-', ' ').capitalize()}", ""]
        lines += ["| challenge | level | points | runtime | handed in | tags |", "|---|---|---|---|---|---|"]
        for one in listed:
            place = one.folder.relative_to(builtin_root().parent).as_posix()
            name = f"[{one.title}](../{place}/statement.md)"
            tags = ", ".join(one.tags)
            lines.append(f"| {name} | {one.level} | {one.points} | `{one.runtime}` | `{one.submit}` | {tags} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
