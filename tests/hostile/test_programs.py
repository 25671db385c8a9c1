"""Every hostile program of this folder gets its verdict, the next honest submission is accepted, and nothing is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.hostile.arena import CHALLENGES, Arena, Program, Seen, programs

PROGRAMS = programs()


@pytest.fixture(scope="module", autouse=True)
def _warm(arena: Arena) -> None:
    """Everything that stays once it has been used stands before anything is counted."""
    for challenge in CHALLENGES.values():
        seen = arena.honest(challenge)
        assert seen.report.verdict == "accepted", seen
    arena.begin()


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_verdict_is_right_and_nothing_is_left(arena: Arena, once: Callable[[str], Seen], name: str) -> None:
    program: Program = PROGRAMS[name]
    seen = once(name)
    assert seen.report.verdict in program.verdicts, seen
    if seen.report.verdict != "accepted":
        assert (seen.report.score.points if seen.report.score else 0) < 70, seen
    after = arena.honest(program.challenge)
    assert after.report.verdict == "accepted", after
    arena.assert_as_at_the_start(name)
