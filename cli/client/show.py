"""Puts what a judge says on a terminal: harmless whatever it holds, in words and tables; asks a judge nothing."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client.api import not_understood

P = ParamSpec("P")
T = TypeVar("T")

BOARD_COLUMNS = 6
"""A board of more challenges than this shows totals only."""
VERDICT_STYLE = {"accepted": "bold green", "judge_error": "bold magenta"}

WIDTH_OF_A_FILE = 160

out = Console(highlight=False, emoji=False, markup=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
err = Console(highlight=False, emoji=False, markup=False, stderr=True)


def safe(value: object) -> str:
    """One line of a stranger's text without anything that steers a terminal or turns the writing direction."""
    return "".join(one for one in " ".join(str(value).split()) if one.isprintable())


def safe_lines(value: object) -> str:
    """The same for text of several lines."""
    text = str(value).replace("\r\n", "\n")
    return "".join(one for one in text if one.isprintable() or one in "\n\t")


def text(value: object, style: str = "") -> Text:
    """A stranger's text for rich: nothing in it is markup."""
    return Text(safe(value), style)


def understood(render: Callable[P, T]) -> Callable[P, T]:
    """Turns an answer that lacks what is read from it into one sentence."""

    @functools.wraps(render)
    def careful(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return render(*args, **kwargs)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise not_understood() from error

    return careful


def print_json(value: Any) -> None:
    """For programs: ASCII only, so no terminal is steered by it either."""
    print(json.dumps(value, indent=2, ensure_ascii=True))


@understood
def progress(seen: dict[str, Any]) -> str:
    """Where a submission is, in a few words."""
    if seen["state"] == "queued":
        if seen["held_reason"]:
            return f"waits: {safe(seen['held_reason'])}"
        position, eta = seen["queue_position"], seen["eta_seconds"]
        place = f"queued, position {int(position)}" if position is not None else "queued"
        return place if eta is None else f"{place}, about {duration(float(eta))}"
    if seen["state"] == "running":
        return safe(seen["stage"] or "running")
    return safe(seen["state"])


@understood
def verdict(seen: dict[str, Any]) -> None:
    """A submission in full."""
    headline = Text()
    if seen["verdict"]:
        style = VERDICT_STYLE.get(seen["verdict"], "bold red")
        headline.append_text(text(str(seen["verdict"]).replace("_", " "), style))
        if seen["score"] is not None:
            headline.append(f"  {_number(seen['score'])} of 100")
        if seen["points"] is not None:
            headline.append(f"  ({_number(seen['points'])} points)")
        if seen.get("void_reason"):
            headline.append("  voided", "bold red")
        if seen.get("withheld"):
            headline.append("  not a step better than the best score you were told", "dim")
    else:
        headline.append(progress(seen), "bold")
    headline.append(f"  {safe(seen['challenge'])}  {safe(seen['id'])}", "dim")
    out.print(headline, soft_wrap=True)
    if seen.get("void_reason"):
        out.print(text(f"It counts for nothing: {seen['void_reason']}"), soft_wrap=True)
    if seen["message"]:
        out.print(text(seen["message"]), soft_wrap=True)
    if seen.get("output"):
        out.print("It printed:")
        out.print(Text(safe_lines(seen["output"]).rstrip("\n")), soft_wrap=True)
    if seen.get("build_log"):
        out.print(Text("build log:", "dim"))
        out.print(Text(safe_lines(seen["build_log"]).rstrip("\n")), soft_wrap=True)
    if seen["checks"]:
        out.print(checks_table(seen["checks"]))
    used = seen["resources"]
    if used:
        out.print(resources(used), style="dim")


@understood
def checks_table(checks: Iterable[dict[str, Any]]) -> Table:
    """Each check with its outcome and, where it failed, its hint."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("check", "result", "hint"):
        table.add_column(name)
    for check in checks:
        mark = Text("passed", "green") if check["passed"] else Text("failed", "red")
        if check["value"] is not None and 0 < float(check["value"]) < 1:
            mark.append(f" {_number(100 * float(check['value']))} %")
        table.add_row(text(check["name"]), mark, text(check["hint"] or ""))
    return table


@understood
def resources(used: dict[str, Any]) -> str:
    """What was used, in one line."""
    return (
        f"{_number(used['cpu_seconds'])} s of cpu, {_number(used['wall_seconds'])} s on the clock, "
        f"{_number(used['peak_memory_mb'])} MB"
    )


@understood
def submissions(lines: Iterable[dict[str, Any]]) -> None:
    """A list of submissions, one a line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "received", "competition", "challenge", "by", "verdict"):
        table.add_column(name, no_wrap=name == "id")
    table.add_column("score", justify="right")
    for one in lines:
        found = one["verdict"]
        word = text(str(found).replace("_", " "), VERDICT_STYLE.get(found, "red")) if found else Text(progress(one))
        score = "" if one["score"] is None else _number(one["score"])
        received = _moment(one["received_at"])
        table.add_row(
            text(one["id"]), received, text(one["competition"]), text(one["challenge"]), text(one["entry"]), word, score
        )
    out.print(table)


@understood
def board(found: dict[str, Any]) -> None:
    """A leaderboard."""
    heading = Text(safe(found["title"]), "bold")
    if found["challenge"]:
        heading.append(f"  {safe(found['challenge'])}")
    heading.append(f"  {safe(found['phase'])}, {int(found['entries'])} entries, {safe(found['view'])} part", "dim")
    out.print(heading, soft_wrap=True)
    challenges = [str(one) for one in found["challenges"]]
    parts = challenges if not found["challenge"] and len(challenges) <= BOARD_COLUMNS else []
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, right in (("rank", True), ("name", False), ("points", True), ("solved", True)):
        table.add_column(name, justify="right" if right else "left")
    for one in parts:
        table.add_column(text(one), justify="right")
    for row in found["rows"]:
        scores = [_number(row["challenges"][one]) if one in row["challenges"] else "" for one in parts]
        rank = "" if row["rank"] is None else str(int(row["rank"]))
        points = "" if row["points"] is None else _number(row["points"])
        table.add_row(rank, text(row["name"]), points, str(int(row["solved"])), *scores)
    out.print(table)


@understood
def catalogue(challenges: Iterable[dict[str, Any]]) -> None:
    """All challenges, one a line."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("challenge", "title", "skill", "level", "points"):
        table.add_column(name, justify="right" if name in ("level", "points") else "left")
    for one in challenges:
        numbers = (str(int(one["level"])), str(int(one["points"])))
        table.add_row(text(one["slug"]), text(one["title"]), text(one["skill"]), *numbers)
    out.print(table)


@understood
def statement(challenge: dict[str, Any]) -> None:
    """What a participant reads: formatted on a terminal, as it was written everywhere else."""
    written = safe_lines(challenge["statement"])
    if out.is_terminal:
        from rich.markdown import Markdown

        out.print(Markdown(written, hyperlinks=False))
    else:
        out.print(Text(written), soft_wrap=True)


def _number(value: Any) -> str:
    return f"{float(value):.2f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """A time in words, in seconds or whole minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _moment(value: Any) -> str:
    return datetime.fromisoformat(str(value)).astimezone().strftime("%Y-%m-%d %H:%M:%S")
