"""Whatever order things happen in: every accepted submission gets one verdict, of its newest attempt."""

import random
import threading

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import col, select

from api.errors import Problem
from api.store import Store, judgings, standings, submissions
from api.store.judgings import Claim
from api.store.sweep import sweep
from api.store.tables import Attempt, Judging, State, Submission, VerdictRow
from tests.databases import Databases
from tests.store.world import CHALLENGES, LEASE, World, report

WORKERS = ("w1", "w2", "w3")
NAMES = ("ann", "ben", "cid")


class Queue(RuleBasedStateMachine):
    """Workers that may stop anywhere, come back late, repeat themselves; a clock that jumps; people who cancel."""

    databases: Databases
    claims: list[tuple[str, Claim]]

    @initialize(seed=st.integers(0, 2**32))
    def start(self, seed: int) -> None:
        self.world = World.at(self.databases.new())
        self.claims = []
        self.sent: list[str] = []
        self.committed: dict[str, float] = {}
        self.epochs: dict[int, int] = {}

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.store.close()
            self.databases.drop()

    @rule(name=st.sampled_from(NAMES), challenge=st.sampled_from(CHALLENGES))
    def submit(self, name: str, challenge: str) -> None:
        self.sent.append(self.world.submit(name, challenge))

    @rule(worker=st.sampled_from(WORKERS))
    def claim(self, worker: str) -> None:
        claim = self.world.claim(worker)
        if claim is not None:
            assert claim.epoch > self.epochs.get(claim.judging_id, 0)
            self.epochs[claim.judging_id] = claim.epoch
            self.claims.append((worker, claim))

    @rule(seconds=st.sampled_from((1.0, 10.0, LEASE + 1, 600.0)))
    def wait(self, seconds: float) -> None:
        self.world.clock.tick(seconds)

    @rule()
    def sweep(self) -> None:
        sweep(self.world.store, ring=lambda: None)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), points=st.sampled_from((0.0, 50.0, 70.0, 100.0)))
    def commit(self, data: st.DataObject, points: float) -> None:
        _, claim = data.draw(st.sampled_from(self.claims))
        if judgings.commit(self.world.store, claim, report(points), evidence={}):
            assert self.world.state(claim.submission_id).state is State.done
            self.committed.setdefault(claim.submission_id, points)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), strike=st.booleans())
    def give_back(self, data: st.DataObject, strike: bool) -> None:
        _, claim = data.draw(st.sampled_from(self.claims))
        judgings.give_back(self.world.store, claim, reason="r", delay_seconds=1, strike=strike)

    @rule(worker=st.sampled_from(WORKERS))
    def renew(self, worker: str) -> None:
        held = [(claim.judging_id, claim.epoch) for owner, claim in self.claims if owner == worker]
        kept = judgings.renew(self.world.store, worker=worker, held=held, lease_seconds=LEASE)
        assert kept <= {judging for judging, _ in held}

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from(self.sent))
        if self.world.state(sent).state is State.done:
            with pytest.raises(Problem, match="already_done"):
                submissions.cancel(self.world.store, sent, owner=None, by=1)
        else:
            submissions.cancel(self.world.store, sent, owner=None, by=1)
            assert self.world.state(sent).state is State.cancelled

    @invariant()
    def one_verdict_of_the_last_epoch(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.world.store.read() as session:
            judged = {row.judging_id: row for row in session.exec(select(VerdictRow))}
            running = set()
            for judging in session.exec(select(Judging)):
                assert (judging.state is State.done) == (judging.id in judged)
                if judging.id in judged:
                    assert judged[judging.id].epoch == judging.epoch
                    score = judged[judging.id].score
                    assert score == self.committed.get(judging.submission_id)
                if judging.state is State.running:
                    assert (judging.entry_id, judging.challenge) not in running
                    running.add((judging.entry_id, judging.challenge))
                tries = session.exec(select(Attempt).where(Attempt.judging_id == judging.id)).all()
                assert len(tries) == judging.attempts
                assert sum(attempt.outcome is None for attempt in tries) == (judging.state is State.running)
            for attempt in session.exec(select(Attempt).where(col(Attempt.outcome).is_(None))):
                owner = session.get_one(Judging, attempt.judging_id).owner
                beside = session.exec(
                    select(Judging.strikes).where(Judging.state == State.running, Judging.owner == owner)
                ).all()
                assert len(beside) == 1 or not any(beside), "a suspect runs alone"

    @invariant()
    def standings_are_a_function_of_the_verdicts(self) -> None:
        if hasattr(self, "world"):
            assert standings.differences(self.world.store) == []


@pytest.mark.fault("F22")
def test_any_order_of_moves(databases: Databases) -> None:
    run_state_machine_as_test(
        type("QueueHere", (Queue,), {"databases": databases}),
        settings=settings(
            max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.fault("F07")
def test_many_workers_at_once_give_one_verdict_each(databases: Databases, seed: int) -> None:
    """Real threads on the real database clock: workers stop silently, dawdle past their lease, repeat commits."""
    world = World.at(databases.new())
    sent = [world.submit(f"p{number % 20}", CHALLENGES[number % 3]) for number in range(60)]
    store = Store(world.url)  # the real clock from here on; the leases are 0.2 s
    open_since = world.clock.now
    with world.store.write() as session:
        for judging in session.exec(select(Judging)):
            judging.received_at = open_since
    failed: list[BaseException] = []
    finished = threading.Event()

    def work(name: str) -> None:
        rng = random.Random(f"{seed}{name}")
        try:
            while not finished.is_set():
                claim = judgings.claim(store, worker=name, lease_seconds=0.2)
                if claim is None:
                    finished.wait(0.02)
                    continue
                fate = rng.random()
                if fate < 0.1:
                    continue  # stopped; somebody else must finish it
                finished.wait(0.3 if fate < 0.2 else 0.001)
                if fate > 0.9:
                    judgings.give_back(store, claim, reason="r", delay_seconds=0, max_strikes=99, max_attempts=99)
                    continue
                judgings.commit(store, claim, report(100), evidence={})
                if fate > 0.7:
                    judgings.commit(store, claim, report(0), evidence={})
        except BaseException as error:  # noqa: BLE001 - it is told in the main thread
            failed.append(error)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(600):
        sweep(store, retry_base_seconds=0.01, max_strikes=99, max_attempts=99, ring=lambda: None)
        with store.read() as session:
            left = session.exec(select(Judging.id).where(Judging.state != State.done)).all()
        if not left or failed:
            break
        finished.wait(0.05)
    finished.set()
    for thread in threads:
        thread.join()
    assert failed == []
    with store.read() as session:
        verdicts = session.exec(select(VerdictRow)).all()
        judged = [session.get_one(Judging, row.judging_id) for row in verdicts]
        assert sorted(judging.submission_id for judging in judged) == sorted(sent)
        assert all(row.epoch == judging.epoch for row, judging in zip(verdicts, judged, strict=True))
        assert {row.verdict for row in verdicts} == {"accepted"}, "nobody gave up: the caps are out of reach"
        assert all(row.score == 100 for row in verdicts), "a repeated commit changed nothing"
        assert len(session.exec(select(Submission)).all()) == len(sent)
    assert standings.differences(store) == []
