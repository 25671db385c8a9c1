"""Whose turn it is: a place that nobody's flood can push back, and entries that are held until there is room."""

from __future__ import annotations

import heapq
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from api.errors import Problem
from api.store import accept, judgings, leaderboards, submissions, turns, workers
from api.store.judgings import Claim
from api.store.sweep import sweep
from api.store.tables import Judging, State
from tests.databases import Databases
from tests.store.world import CHALLENGES, LEASE, World, report


def served(world: World) -> str:
    """The name of whoever is served next; their judging ends at once, after a second."""
    claim = world.claimed()
    world.clock.tick(1)
    assert judgings.commit(world.store, claim, report(1), evidence={})
    return world.state(claim.submission_id).entry


def test_a_flood_costs_nobody_else_more_than_one_judging(world: World) -> None:
    for challenge in CHALLENGES:
        for _ in range(3):
            world.submit("heavy", challenge)
    assert served(world) == "heavy", "the control: nobody else is there"
    for name in ("light", "lighter"):
        world.submit(name)
    order = [served(world) for _ in range(10)]
    assert set(order[:3]) == {"heavy", "light", "lighter"}
    assert order[3:] == ["heavy"] * 7


def test_turns_go_round_however_late_somebody_comes(world: World) -> None:
    for challenge in CHALLENGES:  # what they cost is known
        world.submit("zoe", challenge)
        served(world)
    for _ in range(2):
        for challenge in CHALLENGES:
            world.submit("ann", challenge)
    [served(world) for _ in range(3)]
    for challenge in CHALLENGES:
        world.submit("ben", challenge)
    assert sorted(served(world) for _ in range(2)) == ["ann", "ben"]
    assert sorted(served(world) for _ in range(2)) == ["ann", "ben"]


def test_an_idle_judge_forgets_what_somebody_had_before(world: World) -> None:
    for _ in range(8):
        world.submit("ann")
        assert served(world) == "ann"
    ann, ben = world.submit("ann"), world.submit("ben")
    assert [world.state(one).queue_position for one in (ann, ben)] == [1, 2]


def test_what_costs_more_waits_longer(world: World) -> None:
    for challenge, seconds in (("alpha", 1), ("beta", 30)):
        world.submit("ann", challenge)
        claim = world.claimed()
        world.clock.tick(seconds)
        assert judgings.commit(world.store, claim, report(1), evidence={})
    for _ in range(2):
        world.submit("ann", "beta")
        world.submit("ben", "alpha")
        world.submit("ben", "gamma")
    with world.store.read() as session:
        assert turns.cost_seconds(session, "beta") == 30
        assert turns.cost_seconds(session, "alpha") == 1
        assert turns.cost_seconds(session, "gamma") == turns.cost_seconds(session) == 15.5
    assert [served(world) for _ in range(3)] == ["ann", "ben", "ben"], "beta costs as much as two of ben's"


def test_what_is_too_much_is_held_and_told_so_and_never_refused(world: World) -> None:
    workers.heartbeat(world.store, "w", 1)
    sent = [world.submit("ann") for _ in range(5)]
    views = [world.state(one) for one in sent]
    assert [view.queue_position for view in views] == [1, 2, None, None, None]
    assert [view.held_reason for view in views] == [None, None, *[turns.HELD] * 3]
    assert {view.state for view in views} == {State.queued}
    assert world.state(world.submit("ann", "beta")).held_reason is None, "another challenge has its own room"
    assert world.state(world.submit("ben")).held_reason is None, "and so has everybody else"

    claims: list[Claim] = []
    for place, one in enumerate(sent):
        claim = next(c for c in iter(world.claim, None) if c.challenge == "alpha" and c.submission_id in sent)
        claims.append(claim)
        assert claim.submission_id == one
        free = [world.state(later).held_reason is None for later in sent[place + 1 :]]
        assert free == [True, True, False, False, False][: len(free)]
        assert judgings.commit(world.store, claim, report(1), evidence={})
    assert len(claims) == 5


def test_cancelling_lets_a_held_one_in(world: World) -> None:
    first, second, third, fourth = (world.submit("ann") for _ in range(4))
    submissions.cancel(world.store, fourth, owner=None, by=1)
    assert world.state(third).held_reason == turns.HELD, "one that is held itself makes no room"
    assert world.state(fourth).held_reason is None
    submissions.cancel(world.store, first, owner=None, by=1)
    assert world.state(third).held_reason is None
    assert [world.state(one).queue_position for one in (second, third)] == [1, 2]


def test_what_was_cancelled_before_it_began_costs_no_turn(world: World) -> None:
    running = world.submit("eve")
    assert world.claimed().submission_id == running
    for _ in range(5):
        submissions.cancel(world.store, world.submit("ann"), owner=None, by=1)
    ann, ben = world.submit("ann"), world.submit("ben")
    assert [world.state(one).queue_position for one in (ann, ben)] == [1, 2]


def test_the_receipt_says_that_a_submission_is_held(world: World) -> None:
    for _ in range(2):
        world.submit("ann")
    offer = accept.Offer(world.ids["ann"], "alpha", "v1", "cup", "d" * 64, 10, ["solution.py"])
    receipt = accept.accept(world.store, offer)
    assert (receipt["held_reason"], receipt["queue_position"], receipt["eta_seconds"]) == (turns.HELD, None, None)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), slots=st.integers(1, 4), light=st.integers(2, 8), flood=st.integers(10, 30))
@pytest.mark.fault("F15")
def test_in_a_rush_a_light_user_waits_at_most_twice_the_fair_share(
    sqlite: Databases, seed: int, slots: int, light: int, flood: int
) -> None:
    """The fair share: everybody who takes part has one judging served in turn, and a slot becomes free once a judging."""
    dice = random.Random(seed)
    world = World.at(sqlite.new())
    heavy = [f"heavy{n}" for n in range(dice.randint(1, 3))]
    cost = {challenge: dice.choice((2.0, 5.0, 10.0)) for challenge in CHALLENGES}
    for challenge in CHALLENGES:  # what they cost is known, as in a competition that has begun
        world.submit("zoe", challenge)
        claim = world.claimed()
        world.clock.tick(cost[challenge])
        assert judgings.commit(world.store, claim, report(1), evidence={})
    begin = world.clock.now
    arrivals = [(dice.uniform(0, 60), name, dice.choice(CHALLENGES)) for name in heavy for _ in range(flood)]
    arrivals += [(dice.uniform(0, 60), f"light{n}", dice.choice(CHALLENGES)) for n in range(light)]
    coming = sorted(arrivals, reverse=True)
    running: list[tuple[float, int, Claim]] = []
    came: dict[str, float] = {}
    waited: dict[str, float] = {}
    try:
        while coming or running:
            if coming and (not running or coming[-1][0] < running[0][0]):
                now, name, challenge = coming.pop()
                world.clock.now = begin
                world.clock.tick(now - 1)
                came[world.submit(name, challenge)] = now
            else:
                now, _, ended = heapq.heappop(running)
                world.clock.now = begin
                world.clock.tick(now)
                assert judgings.commit(world.store, ended, report(1), evidence={})
            while len(running) < slots and (begun := world.claim()):
                waited[begun.submission_id] = now - came[begun.submission_id]
                heapq.heappush(running, (now + cost[begun.challenge], begun.judging_id, begun))
        assert len(waited) == len(arrivals), "everything was served"
        people = len(heavy) + light
        share = max(1.0, people / slots) * max(cost.values())
        for sent, seconds in waited.items():
            if world.state(sent).entry.startswith("light"):
                assert seconds <= 2 * share, (seconds, share)
    finally:
        world.store.close()


def test_a_held_judging_that_was_forgotten_is_found_and_released(world: World) -> None:
    sent = [world.submit("ann") for _ in range(3)]
    with world.store.write() as session:  # no way of ours leads here
        for judging in session.exec(select(Judging).where(col(Judging.submission_id).in_(sent[:2]))):
            judging.state = State.cancelled
            session.add(judging)
    with world.store.read() as session:
        assert turns.stranded(session) == [(1, "alpha")]
    assert world.claim() is None
    sweep(world.store, ring=lambda: None)
    assert world.claimed().submission_id == sent[2]


@pytest.mark.fault("F24")
def test_what_came_before_the_deadline_counts_in_its_order_however_late_it_is_judged(world: World) -> None:
    world.competition("dash", closes_after=100)
    names = [f"runner{number}" for number in range(8)]
    for name in names:
        world.person(name, "dash")
    random.Random(24).shuffle(names)
    sent = {name: [world.submit(name, challenge) for challenge in CHALLENGES] for name in names}
    more = [world.submit(name, "alpha") for name in names for _ in range(3)]
    world.clock.tick(100)
    with pytest.raises(Problem) as late:
        world.submit(names[0])
    assert late.value.code.code == "competition_over"

    deaths = 0
    while judgings.next_not_before(world.store) or judgings.runnable(world.store):
        claim = world.claim(f"worker{deaths}")
        if claim is None:
            world.clock.tick(10)
        elif deaths < 12 and claim.attempts == 1:
            deaths += 1  # and another is started in its place
            world.clock.tick(LEASE + 1)
            sweep(world.store, ring=lambda: None)
        else:
            assert judgings.commit(world.store, claim, report(50), evidence={})
    assert deaths == 12, "the control: they died"
    assert {world.state(one).state for one in [*more, *(id for ids in sent.values() for id in ids)]} == {State.done}
    rows = leaderboards.board(world.store, "dash").rows
    assert [row.name for row in rows] == names, "equal points, in the order in which they came"
    assert [row.reached_at for row in rows] == [world.state(sent[name][-1]).received_at for name in names]
