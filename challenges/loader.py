"""Reads a challenge from its folder, strictly; knows nothing of judging, tables or Docker."""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from challenges import keys
from challenges.keys import ChallengeError
from challenges.kit.errors import GraderError
from challenges.kit.score import MAX_CHECKS, Group
from challenges.solutions import Solution, solutions
from challenges.version import challenge_version
from sandbox.types import BuildLimits, Limits

__all__ = ["Challenge", "ChallengeError", "Solution", "builtin_root", "load", "load_all", "solutions"]

PASS_MARK = 70
LADDER_STEP = 1.0
POINTS = {1: 100, 2: 200, 3: 300, 4: 500}
COMPULSORY = ("accepted", "wrong_answer", "baseline")
"""Folders of solutions without which nobody could tell whether the challenge is sound."""


@dataclass(frozen=True)
class Challenge:
    """One challenge as its folder describes it; the slug is the name of the folder."""

    slug: str
    title: str
    skill: str
    level: int
    runtime: str
    modules: tuple[str, ...]
    """Imported before a submission starts; not charged to it."""
    tags: tuple[str, ...]
    feedback: str
    submit: str
    """The name of the file that every submission holds."""
    max_kb: int
    """The most that all files of a submission may weigh together, in KiB."""
    max_files: int
    """The most files a submission may hold; with 1 it is that one file."""
    limits: Limits
    build: BuildLimits | None
    """Of the image, where the submission is a Dockerfile with its context; None where nothing is built."""
    grader_runtime: str
    grader_modules: tuple[str, ...]
    grader_limits: Limits
    groups: tuple[Group, ...]
    baseline: tuple[float, float]
    """The band of points in which the baseline solution lands."""
    sources: dict[str, str]
    folder: Path = field(repr=False)
    statement: str = field(repr=False)
    starter: dict[str, bytes] = field(repr=False)
    version: str
    """Changes exactly when something that can change a score changes."""

    @property
    def points(self) -> int:
        """What a full score is worth in a competition, by level."""
        return POINTS[self.level]

    @property
    def pass_mark(self) -> int:
        """The score, of 100, from which a submission is accepted when every gate holds."""
        return PASS_MARK

    @property
    def ladder_step(self) -> float | None:
        """By how many points a public score must beat the best one told, to be told; None where nothing can be probed.

        That is where all groups are exact: no number of tries, each a little luckier, comes nearer to hidden answers.
        """
        return LADDER_STEP if any(group.lo is not None for group in self.groups) else None


def builtin_root() -> Path:
    """The folder of the challenges that come with Assay."""
    return Path(__file__).parent


def load_all(roots: Iterable[Path]) -> dict[str, Challenge]:
    """Every challenge of these roots by slug; a challenge is the folder <root>/<skill>/<slug>.

    Raises:
        ChallengeError: a root is missing, a challenge is not as it must be, or two have the same slug.
    """
    found: dict[str, Challenge] = {}
    for root in roots:
        if not root.is_dir():
            raise ChallengeError(f"{root}: there is no such folder of challenges")
        for folder in sorted(_challenge_folders(root)):
            challenge = load(folder)
            if challenge.slug in found:
                raise ChallengeError(f"{folder}: {found[challenge.slug].folder} has the same slug")
            found[challenge.slug] = challenge
    return found


def load(folder: Path) -> Challenge:
    """Reads one challenge.

    Raises:
        ChallengeError: anything in the folder is missing, unknown or of the wrong kind; names the file and the key.
    """
    folder = folder.resolve()
    where = folder / "challenge.toml"
    fields = keys.read(_toml(where), str(where))
    _check_layout(folder, fields)
    try:
        version = challenge_version(folder, keys.graded(fields))
    except LookupError as error:
        raise ChallengeError(f"{where}: runtime: {error.args[0]}") from error
    top, grader = fields.top, fields.grader
    return Challenge(
        **{name: top[name] for name in ("title", "skill", "level", "runtime", "modules", "tags", "feedback")},
        slug=folder.name,
        submit=top["submit"],
        max_kb=top["max_kb"],
        max_files=top["max_files"],
        limits=Limits.of(**fields.limits),
        build=None if fields.build is None else BuildLimits(**fields.build),
        grader_runtime=grader["runtime"],
        grader_modules=grader["modules"],
        grader_limits=Limits.of(
            cpu_seconds=grader["wall_seconds"], wall_seconds=grader["wall_seconds"], memory_mb=grader["memory_mb"]
        ),
        groups=_groups(fields, where),
        baseline=_baseline(fields, where),
        sources=dict(fields.sources),
        folder=folder,
        statement=_text(folder / "statement.md"),
        starter={path.name: path.read_bytes() for path in sorted((folder / "starter").iterdir()) if path.is_file()},
        version=version,
    )


def _challenge_folders(root: Path) -> set[Path]:
    """Folders that are or must be challenges: all of a skill's, and any that holds a challenge.toml."""
    of_skills = {path for skill in keys.SKILLS for path in root.glob(f"{skill}/*") if path.is_dir()}
    named = {path.parent for path in root.glob("*/*/challenge.toml")}
    return {path for path in of_skills | named if not path.name.startswith((".", "__"))}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ChallengeError(f"{path}: not TOML: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ChallengeError(f"{path} is missing") from None
    except UnicodeDecodeError:
        raise ChallengeError(f"{path} is not UTF-8 text") from None


def _check_layout(folder: Path, fields: keys.Fields) -> None:
    if re.fullmatch(keys.NAME, folder.name) is None:
        raise ChallengeError(f"{folder}: the folder's name is the slug: lower-case words joined by hyphens")
    if fields.top["skill"] != folder.parent.name:
        raise ChallengeError(
            f"{folder / 'challenge.toml'}: skill must be the name of the folder above, {folder.parent.name}"
        )
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise ChallengeError(f"{path}: a challenge holds no links")
    if fields.build is not None and fields.top["submit"] != "Dockerfile":
        raise ChallengeError(f"{folder / 'challenge.toml'}: with [build], submit must be Dockerfile")
    needed = ["statement.md", "grader.py", f"starter/{fields.top['submit']}"]
    for name in needed:
        if not (folder / name).is_file():
            raise ChallengeError(f"{folder / name} is missing")
    for kind in COMPULSORY:
        if not any((folder / "solutions" / kind).glob("[!.]*")):
            raise ChallengeError(f"{folder / 'solutions' / kind}: at least one solution is missing here")


def _groups(fields: keys.Fields, where: Path) -> tuple[Group, ...]:
    try:
        groups = tuple(Group(**values) for values in fields.groups)
    except GraderError as error:
        raise ChallengeError(f"{where}: {error}") from error
    if len(groups) > MAX_CHECKS or len({group.name for group in groups}) != len(groups):
        raise ChallengeError(f"{where}: group.name must differ, and there are at most {MAX_CHECKS} groups")
    if not any(group.weight for group in groups):
        raise ChallengeError(f"{where}: group.weight must be greater than 0 for at least one group")
    return groups


def _baseline(fields: keys.Fields, where: Path) -> tuple[float, float]:
    low, high = fields.baseline["low"], fields.baseline["high"]
    if not low <= high < PASS_MARK:
        raise ChallengeError(f"{where}: baseline.low, baseline.high and the pass mark {PASS_MARK} must ascend")
    return low, high
