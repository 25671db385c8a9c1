"""Boards: best counts, ties share a rank, no score never outranks a score, and a rebuild changes nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import delete, select, update

from api.errors import Problem
from api.store import competitions, judgings, leaderboards, standings
from api.store.tables import Entry, Judging, Standing, View
from challenges.report import Verdict
from tests.databases import Databases
from tests.store.world import CHALLENGES, World, report


def ranks(world: World, challenge: str | None = None) -> list[tuple[int | None, str, float | None]]:
    board = leaderboards.board(world.store, "cup", challenge=challenge)
    return [(row.rank, row.name, row.points) for row in board.rows]


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
        leaderboards.board(world.store, "cup", challenge="delta")
    assert leaderboards.board(world.store, "cup", challenge="alpha").rows == []


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
