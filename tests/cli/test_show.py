"""Strangers' text on a terminal: nothing in it moves a cursor, changes a colour or turns the writing direction."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.client import show
from cli.client.api import ApiError

NASTY = "\x1b]0;owned\x07\x1b[2J\x9b31m[bold red]Ada[/]\u202e\u2066:smile:\r\n\x00\udc80"
OURS = re.compile(r"\x1b\[[0-9;]*m")
"""Rich's own colours, which it writes where a style was asked for."""


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What a colour terminal would get."""
    said = io.StringIO()
    console = Console(file=said, force_terminal=True, width=200, highlight=False, emoji=False, markup=False)
    monkeypatch.setattr(show, "out", console)
    return said


def submission(**changes: Any) -> dict[str, Any]:
    check = {"name": NASTY, "passed": False, "hint": NASTY, "value": 0.25}
    used = {"cpu_seconds": 1.0, "wall_seconds": 2.0, "peak_memory_mb": 30.0}
    values = {
        "id": NASTY, "competition": NASTY, "challenge": NASTY, "entry": NASTY, "state": "done", "stage": None,
        "received_at": "2026-11-23T20:25:42Z", "held_reason": None, "queue_position": None, "eta_seconds": None,
        "verdict": NASTY, "score": 33.333, "points": 12.0, "message": NASTY, "checks": [check], "resources": used,
    }  # fmt: skip
    return values | changes


def board() -> dict[str, Any]:
    row = {"rank": 1, "name": NASTY, "points": 1.0, "solved": 1, "challenges": {NASTY: 1.0}}
    return {
        "title": NASTY, "challenge": None, "phase": NASTY, "view": NASTY, "entries": 1, "challenges": [NASTY], "rows": [row],
    }  # fmt: skip


def harmless(text: str) -> None:
    rest = OURS.sub("", text)
    assert [one for one in rest if one != "\n" and not one.isprintable()] == []
    assert "[bold red]Ada[/]" in rest, "what looks like markup is shown, not obeyed"
    assert ":smile:" in rest


def test_a_verdict(terminal: io.StringIO) -> None:
    show.verdict(submission())
    harmless(terminal.getvalue())
    assert "33.33 of 100" in terminal.getvalue()


def test_a_submission_that_waits(terminal: io.StringIO) -> None:
    show.verdict(submission(verdict=None, state="queued", held_reason=NASTY))
    harmless(terminal.getvalue())


def test_lists_and_boards(terminal: io.StringIO) -> None:
    show.submissions([submission()])
    show.board(board())
    show.catalogue([{"slug": NASTY, "title": NASTY, "skill": NASTY, "level": 1, "points": 100}])
    harmless(terminal.getvalue())


def test_a_statement(terminal: io.StringIO) -> None:
    show.statement({"statement": f"# Title\n\n{NASTY} [a link](http://evil.test)\n"})
    rest = OURS.sub("", terminal.getvalue())
    assert [one for one in rest if one != "\n" and not one.isprintable()] == []
    assert "\x1b]8;" not in terminal.getvalue(), "no link that hides its address"


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    show.print_json({"name": NASTY})
    assert capsys.readouterr().out.isascii()


@given(st.text())
def test_safe_leaves_what_is_harmless(text: str) -> None:
    assert show.safe(text).isprintable()
    assert "".join(show.safe(text).split()) == "".join(one for one in text if one.isprintable() and not one.isspace())
    assert show.safe_lines(text).replace("\n", "").replace("\t", "").isprintable()


def test_progress_in_words() -> None:
    queued = submission(state="queued", verdict=None)
    assert show.progress(queued | {"queue_position": 3, "eta_seconds": 300.0}) == "queued, position 3, about 5 min"
    assert show.progress(queued | {"queue_position": 3, "eta_seconds": 8.2}) == "queued, position 3, about 8 s"
    assert show.progress(submission(state="running", stage="scoring")) == "scoring"


@pytest.mark.parametrize("broken", [{}, submission(score="many"), submission(checks=[{}]), submission(resources=3)])
def test_an_answer_that_lacks_something_is_one_sentence(broken: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="not one that this version"):
        show.verdict(broken)
