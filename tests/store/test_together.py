"""Several at once, in real threads and transactions: whoever comes second waits or goes on, and nobody loses a race."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from api.errors import Problem
from api.store import Store, accept, builds, competitions, events, judgings, people, standings, submissions, workers
from api.store.sweep import sweep
from api.store.tables import Attempt, Audience, Entry, Event, Judging, Outbox, Person, Role, State, VerdictRow
from tests.databases import Databases
from tests.store.test_accept import offer
from tests.store.world import LEASE, World, report


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What these calls give when they begin in the same moment; an exception is a result too."""
    together = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        together.wait()
        try:
            found[number] = call()
        except Exception as error:  # noqa: BLE001 - it is told in the main thread
            found[number] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@contextmanager
def beside(call: Callable[[], Any]) -> Iterator[Callable[[], bool]]:
    """Runs a call in another thread; yields whether it is over, and waits for it in the end."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is told in the main thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield lambda: not thread.is_alive()
    thread.join(60)
    assert not thread.is_alive()
    assert failed == []


def waits(is_over: Callable[[], bool], store: Store) -> bool:
    """Whether a call is seen waiting for a lock of the database, and not over."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
    )
    for _ in range(3000):
        if is_over():
            return False
        with store.read() as session:
            if session.connection().execute(query).scalar_one():
                return True
        threading.Event().wait(0.01)
    raise AssertionError("it neither waits nor ends")


def test_two_of_one_entry_are_never_claimed_at_once(world: World) -> None:
    for _ in range(3):
        for name in ("ann", "ben"):
            world.submit(name)
    for _ in range(3):
        found = at_once(
            *[lambda n=n: judgings.claim(world.store, worker=f"w{n}", lease_seconds=LEASE) for n in range(8)]
        )
        claims = [claim for claim in found if claim is not None]
        with world.store.read() as session:
            running = session.exec(select(Judging.entry_id).where(Judging.state == State.running)).all()
        assert len(claims) == len(running) == len(set(running))
        assert claims, "somebody got something"
        assert all(at_once(*[lambda c=c: judgings.commit(world.store, c, report(50), evidence={}) for c in claims]))


def test_a_suspect_is_claimed_alone_though_all_slots_ask_at_once(world: World) -> None:
    world.submit("ann")
    assert judgings.give_back(world.store, world.claimed(), reason="x", delay_seconds=0, strike=True)
    for name in ("ben", "cid", "dan"):
        world.submit(name)
    found = at_once(*[world.claim for _ in range(4)])
    assert [claim.strikes for claim in found if claim is not None] == [1]


def test_verdicts_of_one_entry_at_once_are_all_in_its_standing(world: World) -> None:
    for round_number in range(3):
        for challenge in ("alpha", "beta", "gamma"):
            world.submit("ann", challenge)
        claims = [world.claimed(f"w{number}") for number in range(3)]
        result = report(20.0 + 30 * round_number)
        found = at_once(*[lambda c=c, r=result: judgings.commit(world.store, c, r, evidence={}) for c in claims])
        assert found == [True] * 3
        assert standings.differences(world.store) == []


@pytest.mark.fault("F22")
def test_one_verdict_whatever_happens_to_a_judging_in_one_moment(world: World) -> None:
    for _ in range(6):
        sent = world.submit("ann")
        claim = world.claimed()
        world.clock.tick(LEASE + 1)
        found = at_once(
            partial(judgings.commit, world.store, claim, report(80), evidence={}),
            partial(judgings.commit, world.store, claim, report(30), evidence={}),
            partial(judgings.give_back, world.store, claim, reason="r", delay_seconds=0),
            partial(submissions.cancel, world.store, sent, owner=None, by=1),
            partial(sweep, world.store, retry_base_seconds=0.0, ring=lambda: None),
            partial(judgings.set_stage, world.store, claim, "running"),
            partial(
                judgings.renew, world.store, worker="w", held=[(claim.judging_id, claim.epoch)], lease_seconds=LEASE
            ),
        )
        others = [one for one in found if isinstance(one, Exception) and not isinstance(one, Problem)]
        assert others == []
        with world.store.read() as session:
            judging = session.get_one(Judging, claim.judging_id)
            given = session.exec(select(VerdictRow).where(VerdictRow.judging_id == claim.judging_id)).all()
            (attempt,) = session.exec(select(Attempt).where(Attempt.judging_id == claim.judging_id)).all()
        assert attempt.outcome is not None
        assert len(given) == (judging.state is State.done)
        if judging.state is State.queued:
            submissions.cancel(world.store, sent, owner=None, by=1)
    assert standings.differences(world.store) == []


def test_names_and_places_are_given_once(world: World) -> None:
    world.person("ann")
    world.competition("mug")

    def codes(found: list[Any]) -> list[str]:
        return sorted(one.code.code if isinstance(one, Problem) else "made" for one in found)

    staff = world.ids["staff"]
    same = [lambda: people.create_person(world.store, "eve", Role.participant, by=staff)] * 6
    assert codes(at_once(*same)) == ["made"] + ["name_taken"] * 5
    entered = [lambda: competitions.add_entry(world.store, "mug", "ann", by=staff)] * 6
    assert codes(at_once(*entered)) == ["already_entered"] * 5 + ["made"]
    cups = [lambda: world.competition("pot")] * 4
    assert codes(at_once(*cups)) == ["made"] + ["name_taken"] * 3
    with world.store.read() as session:
        assert len(session.exec(select(Entry)).all()) == 2


def test_the_first_administrator_is_made_once_by_processes_that_start_at_once(databases: Databases) -> None:
    url = databases.new()
    stores = [Store(url) for _ in range(4)]
    kept: list[str] = []
    made = at_once(*[lambda s=store: people.ensure_admin(s, kept.append) for store in stores])
    assert sorted(made) == [False, False, False, True]
    assert len(kept) == 1
    for store in stores:
        store.close()


def test_one_build_is_in_force_whoever_records_it_at_once(world: World) -> None:
    found = at_once(*[lambda n=n: builds.record(world.store, "alpha", "v1", 0, f"p{n}", f"h{n}") for n in range(6)])
    assert len(set(found)) == 1
    assert builds.find(world.store, "alpha", "v1") == found[0]


def test_sweeps_at_once_take_each_lease_and_each_message_once(world: World) -> None:
    for name in ("ann", "ben", "cid", "dan"):
        world.submit(name)
    for number in range(3):
        world.claimed(f"w{number}")
    world.clock.tick(LEASE + 1)
    found = at_once(*[lambda: sweep(world.store, ring=lambda: None)] * 4)
    assert sum(counts.expired for counts in found) == 3
    with world.store.read() as session:
        assert [judging.strikes for judging in session.exec(select(Judging).order_by(col(Judging.id)))] == [1, 1, 1, 0]
        owed = session.exec(select(Outbox.created_at)).all()
    assert all(moment >= world.clock.now for moment in owed), "what was due is delivered; the given back wait"


def test_a_worker_beats_beside_its_claims(world: World) -> None:
    for name in ("ann", "ben", "cid"):
        world.submit(name)
    workers.heartbeat(world.store, "w", 2)
    found = at_once(
        *[world.claim] * 3,
        *[lambda: judgings.renew(world.store, worker="w", held=[], lease_seconds=LEASE, slots=3)] * 3,
    )
    assert [one for one in found if isinstance(one, Exception)] == []


def test_who_reads_events_from_the_last_on_misses_none(world: World) -> None:
    """Writers of very different length, and a reader that never looks back."""
    world.person("ann")
    seen: list[int] = []
    done = threading.Event()

    def follow() -> None:
        last = events.last_id(world.store)
        while True:
            over = done.is_set()
            for happening in events.after(world.store, last):
                assert happening.id > last
                last = happening.id
                seen.append(last)
            if over:
                return

    def write(number: int) -> None:
        for turn in range(12):
            with world.store.write(shared=True) as session:
                _note(session, world)
                if turn % 4 == number % 4:
                    threading.Event().wait(0.02)

    before = events.last_id(world.store)
    with beside(follow):
        failed = [one for one in at_once(*[lambda n=n: write(n) for n in range(6)]) if one is not None]
        done.set()
    assert failed == []
    with world.store.read() as session:
        written = session.exec(select(Event.id).where(col(Event.id) > before).order_by(col(Event.id))).all()
    assert seen == list(written)
    assert len(seen) == 72


def _note(session: Session, world: World) -> None:
    events.add(session, "note", at=world.clock.now, audience=Audience.operator, payload={})


# PostgreSQL alone: who waits for whom. SQLite has one writer.


@pytest.fixture
def there(postgres: Databases) -> Iterator[World]:
    """A world on PostgreSQL."""
    found = World.at(postgres.new())
    yield found
    found.store.close()


def test_an_event_waits_for_the_one_before_it(there: World) -> None:
    """The control of the test above: ids are given in the order of commits, not of writing."""
    held = there.store
    with held.write(shared=True) as first:
        first.flush()
        there.store.lock(first, "late")

        def second() -> None:
            with there.store.write(shared=True) as session:
                _note(session, there)

        with beside(second) as is_over:
            assert waits(is_over, there.store)
            first.add(Event(at=there.clock.now, audience=Audience.operator, kind="first", payload={}))
            first.commit()
    with there.store.read() as session:
        kinds = session.exec(select(Event.kind).order_by(col(Event.id).desc()).limit(2)).all()
    assert kinds == ["note", "first"]


def test_shared_writers_go_on_beside_each_other_and_who_is_alone_waits(there: World) -> None:
    there.person("ann")
    with there.store.write(shared=True) as session:
        session.add(Person(name="eve", role=Role.participant, created_at=there.clock.now))
        session.flush()
        sent = there.submit("ann")  # in a transaction of its own, and does not wait
        with beside(lambda: there.person("ben")) as is_over:
            assert waits(is_over, there.store)
            session.commit()
    assert there.state(sent).state is State.queued
    assert "ben" in there.ids


def test_a_claim_passes_by_what_somebody_else_is_deciding_on(there: World) -> None:
    first, second = there.submit("ann"), there.submit("ben")
    with there.store.write(shared=True) as session:
        row = select(Judging).where(Judging.submission_id == first).with_for_update(key_share=True)
        assert session.exec(row).one()
        assert there.claimed("w1").submission_id == second
        assert there.claim("w2") is None
    assert there.claimed("w2").submission_id == first


def test_a_claim_passes_by_an_entry_that_somebody_else_is_deciding_on(there: World) -> None:
    there.submit("ann")
    other = there.submit("ben")
    with there.store.write(shared=True) as session:
        entry = select(Entry).where(Entry.name == "ann").with_for_update(key_share=True)
        session.exec(entry).one()
        assert there.claimed("w1").submission_id == other
        assert there.claim("w2") is None
    assert there.claim("w2") is not None


def test_what_a_claim_saw_before_it_had_its_locks_does_not_count(there: World) -> None:
    """One worker's choice stops between what it saw and its locks; another takes the entry's first submission."""
    first, _ = there.submit("ann"), there.submit("ann")
    slow = Store(there.url)

    def stops(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        pause = "WHERE (SELECT true FROM (SELECT pg_advisory_xact_lock(42)) AS pause) AND "
        return (statement.replace("WHERE ", pause, 1) if "SKIP LOCKED" in statement else statement), parameters

    event.listen(slow.engine, "before_cursor_execute", stops, retval=True)
    with there.store.write(shared=True) as session:
        session.connection().execute(text("SELECT pg_advisory_xact_lock(42)"))
        found: list[Any] = []
        with beside(lambda: found.append(judgings.claim(slow, worker="w2", lease_seconds=LEASE))) as is_over:
            assert waits(is_over, there.store)
            assert there.claimed("w1").submission_id == first
            session.commit()
    assert found == [None], "the entry's second waits for its first"
    slow.close()


def test_a_key_that_is_being_used_is_waited_for(there: World) -> None:
    there.person("ann")
    with there.store.write(shared=True) as session:
        mine = select(Person).where(Person.name == "ann").with_for_update(key_share=True)
        session.exec(mine).one()
        with beside(lambda: accept.accept(there.store, offer(there, idempotency_key="k"))) as is_over:
            assert waits(is_over, there.store)
            session.commit()


def test_whoever_waits_too_long_is_told_that_the_database_is_busy(there: World) -> None:
    impatient = Store(there.url.replace("lock_timeout=60s", "lock_timeout=200ms"))
    with there.store.write() as session:
        session.connection()
        with pytest.raises(OperationalError, match="lock timeout"), impatient.write(shared=True):
            raise AssertionError("it did not wait")
    with impatient.write(shared=True) as session:
        assert session.exec(select(Entry)).all() == []
    impatient.close()
