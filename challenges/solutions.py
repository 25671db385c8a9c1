"""The solutions an author ships with a challenge, and what each must come to; runs none of them.

The folder says the kind: solutions/<verdict>/ must get that verdict, accepted/ with the full 100 points;
alternatives/ pass: right by another method, or wrong only where no gate is; baseline/ lands in the band of the toml;
cheats/ holds the universal ones, U1 to U8, which gain no more than a baseline. A solution of several files is a folder.
The first line (of a folder: of its file `expect`, which is not submitted, or of the one that the toml's `submit` names)
may say more, in a comment:

    # expect: verdict=<verdict> fails=<group> only=<group> score<=<points> score>=<points>

Every word is optional and stands at most once. `fails` names a group whose check must fail, `only` the one group that
fails. `verdict` is for baselines and cheats; elsewhere the folder has already said it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from challenges.keys import ChallengeError
from challenges.kit.score import Group
from challenges.report import Verdict

NAMED = ("alternatives", "baseline", "cheats")
UNIVERSAL = tuple(f"U{n}" for n in range(1, 9))
"""Names of the eight cheats, by their first two characters; docs/quality-gate.md says what each does."""
SAYS = "expect"
KINDS = (*(verdict.value for verdict in Verdict if verdict is not Verdict.judge_error), *NAMED)

_FIRST_LINE = re.compile(r"\s*(?:#|//|--|<!--)\s*expect:(.*?)(?:\s*-->)?")
_WORD = re.compile(r"(verdict|fails|only)=([a-z0-9_-]+)|(score<=|score>=)([0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True)
class Expectation:
    """What a first line asks for; None = it does not say."""

    verdict: str | None = None
    fails: str | None = None
    only: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Solution:
    """One shipped solution and what it must come to. `expected` None: any verdict, the score counts."""

    name: str
    kind: str
    path: Path
    """The file, or the folder of a solution of several files."""
    files: Mapping[str, bytes]
    """What is submitted, by name."""
    expected: str | None
    must_fail: str | None
    """A group whose check must fail."""
    only: bool
    """No other group may fail."""
    low: float
    """The score is at least this; 0 where no score is expected."""
    high: float


class HasSolutions(Protocol):
    """What this module needs to know of a challenge."""

    @property
    def folder(self) -> Path: ...
    @property
    def submit(self) -> str: ...
    @property
    def groups(self) -> tuple[Group, ...]: ...
    @property
    def baseline(self) -> tuple[float, float]: ...
    @property
    def pass_mark(self) -> int: ...


def solutions(challenge: HasSolutions) -> list[Solution]:
    """All shipped solutions, by kind and name.

    Raises:
        ChallengeError: a folder names no kind, a first line cannot be read, or it names an unknown group.
    """
    found: list[Solution] = []
    for folder in sorted(path for path in (challenge.folder / "solutions").iterdir() if _counts(path)):
        if folder.name not in KINDS or not folder.is_dir():
            raise ChallengeError(f"{folder}: a folder of solutions is named {', '.join(KINDS)}")
        found += [_solution(challenge, folder.name, path) for path in sorted(folder.iterdir()) if _counts(path)]
    return found


def expectation(source: bytes, where: str) -> Expectation:
    """What the first line of a program says about its outcome.

    Raises:
        ChallengeError: it starts with `expect:` but cannot be read.
    """
    line = source.split(b"\n", 1)[0].decode("utf-8", "replace").rstrip()
    match = _FIRST_LINE.fullmatch(line)
    if match is None:
        return Expectation()
    said: dict[str, str] = {}
    for word in match[1].split():
        part = _WORD.fullmatch(word)
        key = part and (part[1] or part[3])
        if part is None or key is None or key in said:
            raise ChallengeError(f"{where}: the first line's {word!r} cannot be read")
        said[key] = part[2] or part[4]
    if said.get("verdict", Verdict.accepted) not in set(Verdict) or ("fails" in said and "only" in said):
        raise ChallengeError(f"{where}: the first line names no verdict, or both fails and only")
    low, high = said.get("score>="), said.get("score<=")
    return Expectation(
        verdict=said.get("verdict"),
        fails=said.get("fails"),
        only=said.get("only"),
        low=None if low is None else float(low),
        high=None if high is None else float(high),
    )


def _solution(challenge: HasSolutions, kind: str, path: Path) -> Solution:
    files = submitted(challenge, path)
    says = path / SAYS
    said = expectation(says.read_bytes() if says.is_file() else files[challenge.submit], str(path))
    if said.verdict is not None and kind not in ("baseline", "cheats"):
        raise ChallengeError(f"{path}: the folder says the verdict, the first line may not")
    group = said.fails or said.only
    if group is not None and group not in {one.name for one in challenge.groups}:
        raise ChallengeError(f"{path}: there is no group {group}")
    low, high = _band(challenge, kind)
    accepted = kind in (Verdict.accepted, "alternatives")
    return Solution(
        name=path.stem,
        kind=kind,
        path=path,
        files=files,
        expected=said.verdict if kind in ("baseline", "cheats") else Verdict.accepted if accepted else kind,
        must_fail=group,
        only=said.only is not None,
        low=low if said.low is None else said.low,
        high=high if said.high is None else said.high,
    )


def submitted(challenge: HasSolutions, path: Path) -> dict[str, bytes]:
    """The files of a solution at `path`, by the names they are submitted under.

    Raises:
        ChallengeError: a folder does not hold the file that every submission must have.
    """
    if path.is_file():
        return {challenge.submit: path.read_bytes()}
    files = {
        one.relative_to(path).as_posix(): one.read_bytes()
        for one in sorted(path.rglob("*"))
        if one.is_file()
        and one.relative_to(path).as_posix() != SAYS
        and all(not part.startswith((".", "__")) for part in one.relative_to(path).parts)
    }
    if challenge.submit not in files:
        raise ChallengeError(f"{path}: a solution holds {challenge.submit}")
    return files


def _band(challenge: HasSolutions, kind: str) -> tuple[float, float]:
    if kind == "baseline":
        return challenge.baseline
    if kind == "cheats":
        return 0, challenge.baseline[1]
    if kind == Verdict.accepted:
        return 100, 100
    if kind == "alternatives":
        return challenge.pass_mark, 100
    return 0, challenge.pass_mark


def _counts(path: Path) -> bool:
    return not path.name.startswith((".", "__"))
