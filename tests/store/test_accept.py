"""Receipt: one transaction, one queue place, the right competition, the same answer to the same key."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from api.errors import Problem
from api.store import accept, judgings, submissions, workers
from api.store.tables import Event, Judging, Outbox, State, Submission
from tests.store.world import World, report


def offer(world: World, name: str = "ann", **changes: Any) -> accept.Offer:
    values: dict[str, Any] = {
        "person_id": world.ids[name],
        "challenge": "alpha",
        "version": "v1",
        "competition": None,
        "digest": "d" * 64,
        "size": 10,
        "files": ["solution.py"],
    }
    return accept.Offer(**(values | changes))


def refused(world: World, code: str, **changes: Any) -> Problem:
    before = _rows(world)
    with pytest.raises(Problem, match=code) as problem:
        accept.accept(world.store, offer(world, **changes))
    assert _rows(world) == before, "nothing is half stored"
    return problem.value


def test_a_receipt(world: World) -> None:
    world.person("ann")
    receipt = accept.accept(world.store, offer(world))
    assert receipt == {
        "id": receipt["id"],
        "competition": "cup",
        "challenge": "alpha",
        "digest": "d" * 64,
        "received_at": world.clock.now.isoformat(),
        "state": "queued",
        "held_reason": None,
        "queue_position": 1,
        "eta_seconds": None,
        "attempts_left": None,
        "kind": "scored",
    }
    assert len(receipt["id"]) == 22
    assert _rows(world) == (1, 1, 1, 1)


def test_ids_cannot_be_guessed_from_one_another(world: World) -> None:
    ids = {world.submit("ann") for _ in range(20)}
    assert len({identifier[:8] for identifier in ids}) == 20


def test_the_same_key_gives_the_same_receipt(world: World) -> None:
    world.person("ann")
    first = accept.accept(world.store, offer(world, idempotency_key="k"))
    world.clock.tick(5)
    judgings.claim(world.store, worker="w", lease_seconds=9)
    assert accept.accept(world.store, offer(world, idempotency_key="k")) == first
    assert accept.accept(world.store, offer(world, idempotency_key="k", competition="cup")) == first
    assert _rows(world)[0] == 1
    for change in ({"digest": "e" * 64}, {"challenge": "beta"}, {"competition": "mug"}):
        refused(world, "idempotency_conflict", idempotency_key="k", **change)
    world.person("ben")
    other = accept.accept(world.store, offer(world, "ben", idempotency_key="k"))
    assert other["id"] != first["id"], "a key belongs to its person"


def test_the_same_key_at_the_same_time_is_one_submission(world: World) -> None:
    world.person("ann")
    got: list[str] = []

    def send() -> None:
        got.append(accept.accept(world.store, offer(world, idempotency_key="k"))["id"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1


def test_the_window_holds_its_first_moment_and_not_its_last(world: World) -> None:
    world.competition("soon", opens_after=100, closes_after=200)
    world.person("ann", "soon")
    start = world.clock.now
    for after, code in ((99.999, "competition_not_begun"), (200, "competition_over"), (1e6, "competition_over")):
        world.clock.now = start + timedelta(seconds=after)
        refused(world, code)
        refused(world, code, competition="soon")
    for after in (100.0, 199.999):
        world.clock.now = start + timedelta(seconds=after)
        assert accept.accept(world.store, offer(world))["competition"] == "soon"


def test_which_competition_is_meant(world: World) -> None:
    world.competition("mug")
    world.competition("past", closes_after=1)
    world.person("ann", "mug", "past")
    world.clock.tick(2)
    assert accept.accept(world.store, offer(world))["competition"] == "mug", "the only open one"
    world.person("ben", "cup", "mug")
    problem = refused(world, "competition_required", person_id=world.ids["ben"])
    assert problem.extra == {"competitions": ["cup", "mug"]}
    assert accept.accept(world.store, offer(world, "ben", competition="mug"))["competition"] == "mug"
    world.ids["cid"] = world.person("cid", "past")
    refused(world, "competition_over", person_id=world.ids["cid"])
    assert refused(world, "competition_required", person_id=world.ids["staff"]).extra == {"competitions": []}


def test_refusals_by_name(world: World) -> None:
    world.person("ann")
    refused(world, "unknown_competition", competition="nope")
    refused(world, "unknown_challenge", challenge="delta", competition="cup")
    refused(world, "not_entered", person_id=world.ids["staff"], competition="cup")


def test_position_and_guess(world: World) -> None:
    first = world.submit("ann")
    assert world.state(first).eta_seconds is None
    workers.heartbeat(world.store, "w", 2)
    claim = world.claimed()
    world.clock.tick(9)
    assert judgings.commit(world.store, claim, report(1), evidence={})
    sent = [world.submit(name) for name in ("ann", "ben", "cid")]
    assert [world.state(one).queue_position for one in sent] == [1, 2, 3]
    assert [world.state(one).eta_seconds for one in sent] == [9.0, 13.5, 18.0]


def test_reading_is_for_the_owner(world: World) -> None:
    sent = world.submit("ann")
    world.person("ben")
    assert submissions.find(world.store, sent, owner=world.ids["ann"]).id == sent
    assert submissions.find(world.store, sent, owner=None).id == sent
    ben = world.ids["ben"]
    for submission_id in (sent, "x" * 22):
        for act in (
            lambda i=submission_id: submissions.find(world.store, i, owner=ben),
            lambda i=submission_id: submissions.source(world.store, i, owner=ben),
            lambda i=submission_id: submissions.cancel(world.store, i, owner=ben, by=ben),
        ):
            with pytest.raises(Problem, match="not_found"):
                act()
    assert submissions.listed(world.store, owner=ben).submissions == []
    assert world.state(sent).state is State.queued


def test_pages_of_submissions(world: World) -> None:
    sent = [world.submit("ann", ("alpha", "beta")[number % 2]) for number in range(7)]
    world.submit("ben")
    seen: list[str] = []
    cursor = None
    while True:
        page = submissions.listed(world.store, owner=world.ids["ann"], cursor=cursor, limit=3)
        seen += [view.id for view in page.submissions]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sent[::-1]
    ann = world.ids["ann"]
    beta = submissions.listed(world.store, owner=ann, challenge="beta", state=State.queued).submissions
    assert [view.id for view in beta] == sent[1::2][::-1]
    assert submissions.listed(world.store, owner=ann, state=State.done).submissions == []
    for cursor in ("' OR 1=1 --", "x" * 22):
        with pytest.raises(Problem, match="invalid_request"):
            submissions.listed(world.store, owner=ann, cursor=cursor)
    with pytest.raises(Problem, match="invalid_request"):
        submissions.listed(world.store, owner=world.ids["ben"], cursor=sent[0])


def _rows(world: World) -> tuple[int, ...]:
    with world.store.read() as session:
        return tuple(len(session.exec(select(table)).all()) for table in (Submission, Judging, Outbox, Event))


def test_an_id_never_looks_like_an_option_of_a_command() -> None:
    ids = {accept.new_id() for _ in range(2000)}
    assert len(ids) == 2000
    assert all(len(one) == 22 and one.isascii() and one.isalnum() for one in ids)
