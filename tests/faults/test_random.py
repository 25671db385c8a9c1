"""Whatever is killed, frozen, cancelled or cut off, in whatever order: each submission gets its one verdict.

The seed stands in the test's name; `pytest --faults long` (as `make faults`) takes a new one and more of everything.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlmodel import col, select

from api.errors import Problem
from api.store import rejudgings, submissions
from api.store.tables import Attempt, Judging, Outcome, State
from tests.databases import Databases
from tests.installation import Installation, environment, wait_for

PEOPLE = [f"p{number}" for number in range(12)]
QUICK: dict[str, Any] = {
    "lease_seconds": 3.0,
    "renew_seconds": 0.5,
    "fence_seconds": 2.0,
    "sweep_seconds": 0.5,
    "poll_without_broker_seconds": 0.1,
    "retry_base_seconds": 0.05,
    "slots": 2,
    "max_strikes": 8,
    "max_attempts": 60,
}
"""Everything as it is, fifteen times as fast; caps so high that bad luck ends nothing with judge_error."""
WORKERS = 3
QUIET_SECONDS = 120.0


@dataclass
class House:
    """An installation with some scripted workers, and what has been done to them."""

    at: Installation
    rng: random.Random
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    cancelled: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    rejudging: int | None = None

    def hire(self) -> None:
        """Up to as many workers as there should be."""
        self.workers = [one for one in self.workers if one.poll() is None]
        while len(self.workers) < WORKERS:
            with (self.at.settings.data / "workers.log").open("ab") as log:
                command = [sys.executable, "-m", "tests.faults.worker"]
                env = environment(self.at.settings)
                self.workers.append(subprocess.Popen(command, env=env, stdout=log, stderr=subprocess.STDOUT))

    def dismiss(self) -> None:
        """Everybody goes, in good order if they still can."""
        for one in self.workers:
            one.send_signal(signal.SIGCONT)
            one.send_signal(signal.SIGTERM)
        for one in self.workers:
            try:
                one.wait(30)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
                raise

    def _victim(self) -> subprocess.Popen[bytes]:
        """Somebody with work in hand, if there is anybody."""
        with self.at.store.read() as session:
            owners = session.exec(select(Judging.owner).where(Judging.state == State.running)).all()
        busy = [one for one in self.workers if any(owner and f"-{one.pid}-" in owner for owner in owners)]
        return self.rng.choice(busy or self.workers)

    def kill(self) -> None:
        """A worker dies at once."""
        one = self._victim()
        one.kill()
        one.wait()

    def stop(self) -> None:
        """A worker is stopped in good order."""
        self._victim().send_signal(signal.SIGTERM)

    def freeze_for_a_moment(self) -> None:
        """A worker stands still for less than its lease."""
        self._freeze(1.0)

    def freeze_for_long(self) -> None:
        """A worker stands still until others have its work, and then goes on."""
        self._freeze(QUICK["lease_seconds"] + 1.5)

    def _freeze(self, seconds: float) -> None:
        one = self._victim()
        one.send_signal(signal.SIGSTOP)
        threading.Timer(seconds, one.send_signal, [signal.SIGCONT]).start()

    def cancel(self) -> None:
        """Somebody takes back what has no verdict yet."""
        with self.at.store.read() as session:
            open_ = session.exec(select(Judging.submission_id).where(col(Judging.ended_at).is_(None))).all()
        if open_:
            chosen = self.rng.choice(sorted(open_))
            try:
                submissions.cancel(self.at.store, chosen, owner=None, by=1)
                self.cancelled.add(chosen)
            except Problem as problem:
                if problem.code.code != "already_done":
                    raise

    def rejudge(self) -> None:
        """Everything that has a verdict is judged again; the next time that is applied, or dropped half way."""
        try:
            if self.rejudging is None:
                chosen = rejudgings.Selection(self.at.slug)
                versions = {slug: one.version for slug, one in self.at.challenges.items()}
                made = rejudgings.create(self.at.store, chosen, versions=versions, reason="a fault", by=1)
                self.rejudging = made.id
                return
            end = rejudgings.apply if self.rng.random() < 0.5 else rejudgings.drop
            end(self.at.store, self.rejudging, by=1)
        except Problem as problem:
            if problem.code.code != "not_judged_yet":
                raise
            rejudgings.drop(self.at.store, self.rejudging or 0, by=1)
        self.rejudging = None

    def database_away(self) -> None:
        """Another writer holds SQLite for seconds; PostgreSQL closes every connection but ours."""
        url = sqlalchemy.make_url(self.at.settings.database)
        if url.get_backend_name() == "sqlite":
            assert url.database is not None
            connection = sqlite3.connect(url.database, timeout=30, isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(2.5)
            connection.execute("ROLLBACK")
            connection.close()
            return
        with self.at.store.engine.connect() as connection_:
            connection_.execute(
                sqlalchemy.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )

    def submit(self) -> None:
        """One more submission of somebody, of a moment's work."""
        source = f"{self.rng.choice([0.05, 0.3, 1.0, 2.0])}"
        self.done.append(again(lambda: self.at.submit(source, person=self.rng.choice(PEOPLE))))


def again(act: Callable[[], str]) -> str:
    """What the api's client does on 503: the same once more."""
    for _ in range(20):
        try:
            return act()
        except sqlalchemy.exc.SQLAlchemyError:
            time.sleep(0.2)
    return act()


FAULTS = (
    House.kill,
    House.kill,
    House.stop,
    House.freeze_for_a_moment,
    House.freeze_for_long,
    House.cancel,
    House.cancel,
    House.rejudge,
    House.rejudge,
    House.database_away,
)


@pytest.fixture
def house(tmp_path: Path, databases: Databases, seed: int) -> Iterator[House]:
    at = Installation(tmp_path / "data", database_url=databases.new(), names=PEOPLE, **QUICK)
    found = House(at, random.Random(seed))
    yield found
    found.dismiss()
    at.store.close()


@pytest.mark.timeout(900)
@pytest.mark.fault("all")
def test_every_submission_gets_its_one_verdict(house: House, extent: tuple[int, int]) -> None:
    faults, count = extent
    house.hire()
    house.submit()
    wait_for(lambda: quiet(house), "the first verdict")
    kinds = [*FAULTS]
    house.rng.shuffle(kinds)
    wounds = cycle(kinds)
    when = sorted(house.rng.sample(range(count), faults))
    for number in range(count):
        house.submit()
        if number in when:
            next(wounds)(house)
            house.hire()
            time.sleep(house.rng.uniform(0.2, 1.2))
    wait_for(lambda: quiet(house), "every verdict", QUIET_SECONDS)
    if house.rejudging is not None:
        rejudgings.apply(house.at.store, house.rejudging, by=1)
    house.at.audit()
    states = {one: house.at.judging(one).state for one in house.done}
    assert {one for one, state in states.items() if state is State.cancelled} == house.cancelled
    for one in set(house.done) - house.cancelled:
        assert [row.verdict for row in house.at.verdicts(one)] == ["accepted"], one
    with house.at.store.read() as session:
        outcomes = session.exec(select(Attempt.outcome)).all()
    assert {Outcome.expired, Outcome.given_back} & set(outcomes), "the control: faults were felt"


def quiet(house: House) -> bool:
    """Whether nothing waits and nothing runs, as far as the database answers."""
    try:
        with house.at.store.read() as session:
            return session.exec(select(Judging.id).where(col(Judging.ended_at).is_(None))).first() is None
    except sqlalchemy.exc.SQLAlchemyError:
        return False
