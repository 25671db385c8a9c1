"""Every key a challenge.toml may have, and how one is read; knows nothing of the folder around the file.

docs/challenge-toml.md has one row for each key; a test compares the two.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SKILLS = (
    "programming",
    "mathematics",
    "data-handling",
    "algorithms",
    "deep-learning",
    "evaluation",
    "deployment",
    "communication",
)
FEEDBACK = ("F0", "F1", "F2", "F3")
MAX_TEXT = 200


class ChallengeError(Exception):
    """The author's fault: a challenge folder is not as it must be. Names the file and the key."""


REQUIRED = object()


@dataclass(frozen=True)
class Kind:
    """How a value looks: words for people and the test for it."""

    words: str
    fits: Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= MAX_TEXT and re.fullmatch(pattern, value) is not None


NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
MODULE = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*"
FILE = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"

TEXT = Kind("text of one line, 1 to 200 characters", _is_text)
WORD = Kind("lower-case words joined by hyphens", _matches(NAME))
FILE_NAME = Kind("file name", _matches(FILE))
NUMBER = Kind("number", _is_number)
POSITIVE = Kind("number greater than 0", lambda value: _is_number(value) and value > 0)
NOT_NEGATIVE = Kind("number from 0", lambda value: _is_number(value) and value >= 0)
COUNT = Kind("whole number greater than 0", lambda value: _is_integer(value) and value > 0)
LEVEL = Kind("whole number from 1 to 4", lambda value: _is_integer(value) and 1 <= value <= 4)
POINTS = Kind("number from 0 to 100", lambda value: _is_number(value) and 0 <= value <= 100)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
SKILL = Kind("one of the eight skills", lambda value: value in SKILLS)
FEEDBACK_LEVEL = Kind("F0, F1, F2 or F3", lambda value: value in FEEDBACK)
WORDS = Kind(
    "list of lower-case words joined by hyphens", lambda value: isinstance(value, list) and all(map(WORD.fits, value))
)
MODULES = Kind("list of module names", lambda value: isinstance(value, list) and all(map(_matches(MODULE), value)))


@dataclass(frozen=True)
class Key:
    """One key: its section ("" = top), name, kind, default (None = absent) and whether it can change a score."""

    section: str
    name: str
    kind: Kind
    default: Any = REQUIRED
    graded: bool = True

    @property
    def dotted(self) -> str:
        """The name with its section, as messages and the documentation write it."""
        return f"{self.section}.{self.name}" if self.section else self.name


KEYS = (
    Key("", "title", TEXT, graded=False),
    Key("", "skill", SKILL, graded=False),
    Key("", "level", LEVEL, graded=False),
    Key("", "runtime", WORD),
    Key("", "modules", MODULES, ()),
    Key("", "tags", WORDS, (), graded=False),
    Key("", "feedback", FEEDBACK_LEVEL, "F1", graded=False),
    Key("", "submit", FILE_NAME),
    Key("", "max_kb", COUNT, 256),
    Key("", "max_files", COUNT, 1),
    Key("limits", "cpu_seconds", POSITIVE),
    Key("limits", "memory_mb", COUNT),
    Key("limits", "wall_seconds", POSITIVE, None),
    Key("limits", "processes", COUNT, 64),
    Key("limits", "output_kb", COUNT, 1024),
    Key("limits", "files_mb", COUNT, 64),
    Key("build", "seconds", POSITIVE, 120),
    Key("build", "size_mb", COUNT, 300),
    Key("build", "memory_mb", COUNT, 1024),
    Key("grader", "runtime", WORD, "python-ml"),
    Key("grader", "modules", MODULES, ()),
    Key("grader", "wall_seconds", POSITIVE, 60),
    Key("grader", "memory_mb", COUNT, 1024),
    Key("baseline", "low", POINTS, graded=False),
    Key("baseline", "high", POINTS, graded=False),
    Key("group", "name", WORD),
    Key("group", "weight", NOT_NEGATIVE),
    Key("group", "gate", FLAG, False),
    Key("group", "hint", TEXT, graded=False),
    Key("group", "lo", NUMBER, None),
    Key("group", "hi", NUMBER, None),
    Key("group", "threshold", NUMBER, None),
)
OPTIONAL_SECTIONS = frozenset(["build", "grader"])
SOURCES = "sources"
"""The one section whose keys are free: each names a source of data, its value the licence or how it was made."""


@dataclass(frozen=True)
class Fields:
    """A challenge.toml in full: defaults filled in, every value of its kind."""

    top: Mapping[str, Any]
    limits: Mapping[str, Any]
    build: Mapping[str, Any] | None
    """None where the toml has no such section: nothing is built."""
    grader: Mapping[str, Any]
    baseline: Mapping[str, Any]
    groups: tuple[Mapping[str, Any], ...]
    sources: Mapping[str, str]


def read(toml: Mapping[str, Any], where: str) -> Fields:
    """Reads a parsed challenge.toml strictly; `where` is the name of the file for messages.

    Raises:
        ChallengeError: an unknown or missing key or section, or a value of another kind.
    """
    sections = {key.section for key in KEYS if key.section}
    top = {name: value for name, value in toml.items() if name not in sections | {SOURCES}}
    tables = {name: _table(toml, name, where) for name in sorted(sections - {"group"})}
    groups = toml.get("group")
    if not isinstance(groups, list) or not groups or not all(isinstance(group, dict) for group in groups):
        raise ChallengeError(f"{where}: [[group]] is missing; a challenge has at least one")
    sources = toml.get(SOURCES)
    if not isinstance(sources, dict) or not sources or not all(map(_is_text, sources.values())):
        raise ChallengeError(f"{where}: [{SOURCES}] must name each source of data with its licence, as text")
    return Fields(
        top=_section("", top, where),
        limits=_section("limits", tables["limits"], where),
        build=_section("build", tables["build"], where) if "build" in toml else None,
        grader=_section("grader", tables["grader"], where),
        baseline=_section("baseline", tables["baseline"], where),
        groups=tuple(_section("group", group, where) for group in groups),
        sources=dict(sources),
    )


def graded(fields: Fields) -> dict[str, Any]:
    """The values that can change a score, as plain data with sorted meaning: what a challenge's version counts."""

    def keep(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return {key.name: values[key.name] for key in KEYS if key.section == section and key.graded}

    return {
        "top": keep("", fields.top),
        "limits": keep("limits", fields.limits),
        "build": None if fields.build is None else keep("build", fields.build),
        "grader": keep("grader", fields.grader),
        "group": [keep("group", group) for group in fields.groups],
    }


def _table(toml: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    table = toml.get(name, {} if name in OPTIONAL_SECTIONS else None)
    if not isinstance(table, dict):
        raise ChallengeError(f"{where}: the section [{name}] is missing")
    return table


def _section(section: str, table: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = {key.name: key for key in KEYS if key.section == section}
    for name in table:
        if name not in known:
            raise ChallengeError(f"{where}: unknown key {f'{section}.{name}' if section else name}")
    return {name: _value(key, table, where) for name, key in known.items()}


def _value(key: Key, table: Mapping[str, Any], where: str) -> Any:
    if key.name not in table:
        if key.default is REQUIRED:
            raise ChallengeError(f"{where}: the key {key.dotted} is missing")
        return key.default
    value = table[key.name]
    if not key.kind.fits(value):
        raise ChallengeError(f"{where}: {key.dotted} must be: {key.kind.words}")
    return tuple(value) if isinstance(value, list) else value
