"""Reads the file that describes a competition, its weeks and rules, into what the judge is asked for; sends nothing."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cli.errors import WRONG_USE, CliError

TOP = (
    "slug", "title", "time_zone", "opens", "closes", "per_day", "late", "counts", "freeze", "private", "team_size",
    "named", "step", "feedback", "organisers", "join", "cohorts", "roster", "challenges", "weeks",
)  # fmt: skip
AS_IT_STANDS = ("late", "counts", "private", "named", "step", "feedback", "organisers", "join")
"""What the judge itself checks, word for word."""
COHORT = ("name", "staff")
MOST_ROSTER_BYTES = 1_000_000
WEEK = ("title", "opens", "closes", "challenges")
PLACE = ("slug", "points")


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """The competition's slug (the file's name where it names none) and the body of the request. Raises CliError."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}.", WRONG_USE) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CliError(f"{path}: {error}.", WRONG_USE) from error
    try:
        return _slug(given, path), _body(given, path.parent)
    except _Wrong as error:
        raise CliError(f"{path}: {error}", WRONG_USE) from error


class _Wrong(Exception):
    """What is wrong with the file, and where."""


def _slug(given: Mapping[str, Any], path: Path) -> str:
    return _text(given, "slug", "") if "slug" in given else path.stem


def _body(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    _only(given, TOP, "")
    zone = _zone(given)
    body: dict[str, Any] = {"title": _text(given, "title", ""), "time_zone": zone.key}
    for ours, theirs in (("opens", "opens_at"), ("closes", "closes_at"), ("freeze", "freeze_at")):
        if ours in given:
            body[theirs] = _moment(given, ours, "", zone)
    for key in ("per_day", "team_size"):
        if key in given:
            body[key] = _number(given, key, "")
    body |= {key: given[key] for key in AS_IT_STANDS if key in given}
    if "cohorts" in given:
        body["cohorts"] = [_cohort(one) for one in _list(given, "cohorts", "")]
    if "roster" in given:
        body["roster"] = _roster(folder / _text(given, "roster", ""))
    places = [_place(one, "challenges: ") for one in _list(given, "challenges", "")]
    for number, week in enumerate(_list(given, "weeks", ""), start=1):
        where = f"week {number}: "
        if not isinstance(week, dict):
            raise _Wrong(f"{where}write it as [[weeks]].")
        _only(week, WEEK, where)
        title = _text(week, "title", where)
        window = {
            theirs: _moment(week, ours, where, zone)
            for ours, theirs in (("opens", "opens_at"), ("closes", "closes_at"))
            if ours in week
        }
        found = [_place(one, where) | window | {"week": title} for one in _list(week, "challenges", where)]
        if not found:
            raise _Wrong(f"{where}it has no challenges.")
        places += found
    if not places:
        raise _Wrong("it has neither challenges nor weeks.")
    return body | {"challenges": places}


def _cohort(one: Any) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise _Wrong('cohorts: a cohort is {name = "...", staff = ["..."]}.')
    _only(one, COHORT, "cohorts: ")
    return {"name": _text(one, "name", "cohorts: "), "staff": _list(one, "staff", "cohorts: ")}


def _roster(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MOST_ROSTER_BYTES:
            raise _Wrong(f"roster: {path} is larger than {MOST_ROSTER_BYTES:,} bytes.")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise _Wrong(f"roster: {path}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise _Wrong(f"roster: {path} is no UTF-8; save the table as CSV UTF-8.") from None


def _place(one: Any, where: str) -> dict[str, Any]:
    if isinstance(one, str):
        return {"slug": one}
    if not isinstance(one, dict):
        raise _Wrong(f'{where}a challenge is "slug" or {{slug = "...", points = 100}}.')
    _only(one, PLACE, where)
    place: dict[str, Any] = {"slug": _text(one, "slug", where)}
    if "points" in one:
        place["points"] = _number(one, "points", where)
    return place


def _zone(given: Mapping[str, Any]) -> ZoneInfo:
    name = _text(given, "time_zone", "") if "time_zone" in given else "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _Wrong(f"time_zone: {name!r} is none; write one such as Europe/Berlin.") from None


def _moment(given: Mapping[str, Any], key: str, where: str, zone: ZoneInfo) -> str:
    value = given[key]
    if not isinstance(value, datetime):
        raise _Wrong(f"{where}{key} is a date with a time, as 2027-03-01T09:00:00, without quotes.")
    local = value if value.tzinfo else value.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise _Wrong(f"{where}{key}: the clocks are put forward over {value.isoformat()}, so there is no such moment.")
    return local.isoformat()


def _text(given: Mapping[str, Any], key: str, where: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise _Wrong(f"{where}{key} is missing, or no text.")
    return value


def _number(given: Mapping[str, Any], key: str, where: str) -> int:
    value = given[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _Wrong(f"{where}{key} is a whole number from 1.")
    return value


def _list(given: Mapping[str, Any], key: str, where: str) -> list[Any]:
    value = given.get(key, [])
    if not isinstance(value, list):
        raise _Wrong(f"{where}{key} is a list.")
    return value


def _only(given: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in given.keys() - set(known):
        raise _Wrong(f"{where}{key!r} is not known; there are: {', '.join(known)}.")
