"""Boards: best counts, ties share a rank, no score never outranks a score, and a rebuild changes nothing."""

import random
import statistics

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import delete, select, update

from api.errors import Problem
from api.store import competitions, judgings, leaderboards, standings
from api.store.tables import Entry, Judging, Standing, View
from challenges.loader import LADDER_STEP
from challenges.report import Verdict
from tests.databases import Databases
from tests.store.world import CHALLENGES, World, report


def ranks(world: World, challenge: str | None = None) -> list[tuple[int | None, str, float | None]]:
    board = leaderboards.board(world.store, "cup", leaderboards.Which(challenge))
    return [(row.rank, row.entry, row.points) for row in board.rows]


def test_the_best_counts_and_points_follow_the_worth(world: World) -> None:
    for points in (40, 90, 60):
        world.submit("ann", "beta")
        world.judge(report(points))
    assert ranks(world, "beta") == [(1, "ann", 180.0)]
    world.submit("ann", "alpha")
    world.judge(report(33.333333))
    assert ranks(world) == [(1, "ann", 213.33)]
    (row,) = leaderboards.board(world.store, "cup").rows
    assert (row.challenges, row.solved) == ({"beta": 180.0, "alpha": 33.33}, 1)


def test_ties_share_a_rank_in_the_order_of_reaching(world: World) -> None:
    for name, points in (("late", 50), ("top", 100), ("early", 50), ("low", 10)):
        world.submit(name)
        world.judge(report(points))
    assert ranks(world) == [(1, "top", 100.0), (2, "late", 50.0), (2, "early", 50.0), (4, "low", 10.0)]


def test_what_reads_the_same_ranks_the_same(world: World) -> None:
    for name, points in (("ann", 66.666), ("ben", 66.6701)):
        world.submit(name)
        world.judge(report(points))
    assert [rank for rank, _, _ in ranks(world)] == [1, 1]


def test_no_score_never_outranks_a_score(world: World) -> None:
    world.person("idle")
    world.submit("crash")
    world.judge(report(None))
    world.submit("zero")
    world.judge(report(0))
    world.submit("unlucky")
    world.judge(report(None, verdict=Verdict.judge_error))
    assert ranks(world)[0] == (1, "zero", 0.0)
    assert {row[1:] for row in ranks(world)[1:]} == {("idle", None), ("crash", None), ("unlucky", None)}
    assert all(rank is None for rank, _, _ in ranks(world)[1:])
    assert ranks(world, "alpha") == [(1, "zero", 0.0), (None, "crash", None)]


def test_an_equal_score_received_earlier_counts_from_then_whenever_it_was_judged(world: World) -> None:
    first = world.submit("ann", "alpha")
    early = world.claimed()
    world.submit("ben", "alpha")
    ben = world.claimed()
    assert judgings.commit(world.store, ben, report(50), evidence={})
    assert judgings.commit(world.store, early, report(50), evidence={})
    board = leaderboards.board(world.store, "cup")
    assert [row.name for row in board.rows] == ["ann", "ben"]
    assert board.rows[0].reached_at == world.state(first).received_at


def test_the_private_part_counts_from_the_close_on(world: World) -> None:
    sent = world.submit("ann")
    world.judge(report(90, 30))
    world.submit("ben")
    world.judge(report(80, 85))
    assert [row[1:] for row in ranks(world)] == [("ann", 90.0), ("ben", 80.0)]
    assert (world.state(sent).score, world.state(sent).view) == (90.0, View.public)
    world.clock.tick(86400)
    assert [row[1:] for row in ranks(world)] == [("ben", 85.0), ("ann", 30.0)]
    assert (world.state(sent).score, world.state(sent).view) == (30.0, View.private)
    with pytest.raises(Problem, match="competition_over"):
        world.submit("ann")


def test_a_judging_that_is_not_effective_moves_nobody(world: World) -> None:
    world.submit("ann")
    with world.store.write() as session:
        session.exec(update(Judging).values(effective=False))
    world.judge(report(90))
    assert ranks(world) == [(None, "ann", None)]
    assert standings.differences(world.store) == []


def test_pages_of_a_board_agree_with_the_whole(world: World) -> None:
    for number in range(7):
        world.submit(f"p{number}")
        world.judge(report([50, 50, 50, 20, 20, 5, 90][number]))
    world.person("idle")
    whole = leaderboards.board(world.store, "cup").rows
    assert [row.rank for row in whole] == [1, 2, 2, 2, 5, 5, 7, None]
    for limit in (1, 2, 3):
        pages = []
        for offset in range(0, 9, limit):
            pages += leaderboards.board(world.store, "cup", offset=offset, limit=limit).rows
        assert pages == whole
    assert leaderboards.board(world.store, "cup", offset=99).rows == []


def test_boards_that_do_not_exist(world: World) -> None:
    with pytest.raises(Problem, match="unknown_competition"):
        leaderboards.board(world.store, "nope")
    with pytest.raises(Problem, match="unknown_challenge"):
        leaderboards.board(world.store, "cup", leaderboards.Which("delta"))
    assert leaderboards.board(world.store, "cup", leaderboards.Which("alpha")).rows == []


def test_competitions_do_not_mix(world: World) -> None:
    world.competition("mug")
    world.person("ann", "cup", "mug")
    world.submit("ann", competition="mug")
    world.judge(report(100))
    assert ranks(world) == [(None, "ann", None)]
    assert leaderboards.board(world.store, "mug").rows[0].points == 100.0


def test_a_rebuild_mends_what_was_damaged(world: World) -> None:
    world.submit("ann")
    world.judge(report(90))
    before = ranks(world)
    with world.store.write() as session:
        session.exec(delete(Standing))
    assert standings.differences(world.store) != []
    standings.rebuild(world.store)
    assert standings.differences(world.store) == []
    assert ranks(world) == before


def test_the_cost_of_a_verdict_does_not_grow_with_submissions(world: World) -> None:
    def statements() -> int:
        world.submit("ann", "alpha")
        claim = world.claimed()
        seen: list[str] = []

        def count(_c: object, _cur: object, statement: str, *_: object) -> None:
            seen.append(statement)

        event.listen(world.store.engine, "before_cursor_execute", count)
        assert judgings.commit(world.store, claim, report(50), evidence={})
        event.remove(world.store.engine, "before_cursor_execute", count)
        return len(seen)

    statements()
    few = statements()
    for number in range(30):
        world.submit(f"p{number % 3}", CHALLENGES[number % 3])
        world.judge(report(number))
    assert statements() <= few


Try = tuple[str, str, float | None, float, bool]
tries = st.lists(
    st.tuples(
        st.sampled_from(("ann", "ben", "cid")),
        st.sampled_from(CHALLENGES),
        st.none() | st.integers(0, 100).map(float) | st.floats(0, 100),
        st.floats(0, 100),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(tries=tries)
def test_kept_standings_are_those_of_a_plain_computation(databases: Databases, tries: list[Try]) -> None:
    world = World.at(databases.new())
    for name, challenge, points, private, fault in tries:
        world.submit(name, challenge)
        world.judge(report(points, private, Verdict.judge_error if fault and points is None else None))
    assert standings.differences(world.store) == []
    with world.store.read() as session:
        places = competitions.find(world.store, "cup").challenges
        worth = {place.slug: place.points for place in places}
        for row in session.exec(select(Standing).where(Standing.board == "")):
            part = 2 if row.view is View.public else 3
            name = next(n for n, number in _entries(world).items() if number == row.entry_id)
            best: dict[str, float] = {}
            for attempt in tries:
                if attempt[0] == name and attempt[2] is not None:
                    score = round(float(attempt[part] or 0.0), 2)
                    best[attempt[1]] = max(best.get(attempt[1], 0.0), score)
            expected = round(sum(round(worth[c] * s / 100, 2) for c, s in best.items()), 2) if best else None
            assert row.points == (None if expected is None else pytest.approx(expected, abs=0.011))
    world.store.close()
    databases.drop()


def _entries(world: World) -> dict[str, int]:
    with world.store.read() as session:
        return {entry.name: entry.id or 0 for entry in session.exec(select(Entry))}


def test_the_public_board_is_a_ladder_and_the_private_one_is_not(world: World) -> None:
    """A score moves what is told of an entry by a step or not at all; all of them count at the close."""
    told = []
    for public, private in ((50, 10), (50.5, 90), (50.99, 20), (51, 30), (20, 95), (51.5, 40)):
        sent = world.submit("ann")
        world.judge(report(public, private), step=1.0)
        seen = world.state(sent)
        told.append(seen.score)
        assert seen.withheld is (seen.score is None)
        assert seen.points == seen.score
    assert told == [50, None, None, 51, None, None]
    assert ranks(world) == [(1, "ann", 51.0)]
    world.submit("ben")
    world.judge(report(50.5, 20), step=1.0)
    assert ranks(world) == [(1, "ann", 51.0), (2, "ben", 50.5)], "everybody has a ladder of their own"
    assert standings.differences(world.store) == []
    world.clock.tick(86400)
    assert ranks(world) == [(1, "ann", 95.0), (2, "ben", 20.0)]
    last = world.state(sent)
    assert (last.score, last.withheld) == (40, False)
    standings.rebuild(world.store)
    assert standings.differences(world.store) == []


def test_what_is_accepted_is_solved_even_if_its_score_is_not_told(world: World) -> None:
    world.submit("ann")
    world.judge(report(69.8, verdict=Verdict.wrong_answer), step=1.0)
    world.submit("ann")
    world.judge(report(70.2, verdict=Verdict.accepted), step=1.0)
    (row,) = leaderboards.board(world.store, "cup").rows
    assert (row.points, row.solved) == (69.8, 1)


def told_by(tries: int, rows: int, step: float | None, seed: int) -> float:
    """What an attacker comes to who knows nothing: keeps each guess that seemed to gain, and hands in their majority.

    The public score, of 100, of the last one. Without knowledge 50 is what there is to have.
    """
    rng = random.Random(seed)
    truth = [rng.random() < 0.5 for _ in range(rows)]
    best, votes = None, [0] * rows
    for _ in range(tries):
        guess = [rng.random() < 0.5 for _ in range(rows)]
        score = 100 * sum(a == b for a, b in zip(guess, truth, strict=True)) / rows
        if step is None:
            gains = score > 50
        else:
            gains = best is None or score >= best + step
            best = score if gains else best
        if gains:
            votes = [vote + (1 if one else -1) for vote, one in zip(votes, guess, strict=True)]
    return 100 * sum((vote > 0) == real for vote, real in zip(votes, truth, strict=True)) / rows


def test_lucky_guesses_add_up_without_a_ladder_and_hardly_with_one() -> None:
    plain = statistics.fmean(told_by(400, 200, None, seed) for seed in range(6))
    ladder = statistics.fmean(told_by(400, 200, LADDER_STEP, seed) for seed in range(6))
    assert plain > 72, "the control: every score told is as good as reading the answers"
    assert ladder < 63
