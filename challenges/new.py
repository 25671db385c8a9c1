"""Copies the folder `template` as a challenge that is to be written; judges nothing."""

import shutil
from pathlib import Path

from challenges.keys import ChallengeError
from challenges.loader import load

TEMPLATE = Path(__file__).parent / "template"
"""A small challenge that works, with a solution of each kind; it is no challenge of Assay."""


def create(folder: Path) -> None:
    """Make `folder`, named by its slug and lying in the folder of its skill.

    Raises:
        ChallengeError: it is there already, or is not where a challenge can be. Nothing is left of it then.
        OSError: it cannot be written.
    """
    if folder.exists():
        raise ChallengeError(f"{folder} is there already")
    skill, title = folder.parent.name, folder.name.replace("-", " ").capitalize()
    try:
        shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        for name in ("challenge.toml", "statement.md"):
            text = (folder / name).read_text("utf-8")
            (folder / name).write_text(text.replace("TITLE", title).replace("SKILL", skill), "utf-8")
        load(folder)
    except (OSError, ChallengeError):
        shutil.rmtree(folder, ignore_errors=True)
        raise
