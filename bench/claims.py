"""Part 4: the queue of each database, beside the same done by hand in its driver; and how soon a death is made good."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlmodel import col, select

from api.blobs import Blobs, pack
from api.settings import Settings
from api.store import Store, accept, competitions, judgings, people, seasons
from api.store.tables import (
    Attempt,
    Competition,
    CompetitionChallenge,
    Entry,
    Judging,
    Kind,
    Lane,
    Person,
    Role,
    Stage,
    State,
    Submission,
)
from bench import postgres
from bench.effort import Effort
from bench.judging import environment
from bench.report import ROOT, Row, say
from challenges.kit.score import Check, Score
from challenges.loader import builtin_root, load_all
from challenges.report import Report, Verdict

CHALLENGE = "messy-orders"
PROCESSES = 4
_barrier: Any = None
DEATH_SECONDS = 300.0
SLEEPS = "import time\ntime.sleep(25)\n"


Step = Callable[[], bool]
"""Claims one and finishes it; False when there is none."""
Ready = Callable[[], AbstractContextManager[Step]]


@dataclass(frozen=True)
class Database:
    """A kind of database: where a new one is, and how a claim is made in its driver without any of our code."""

    name: str
    url: Callable[[], str]
    fill: Callable[[str, int], None]
    by_hand: Callable[[str], AbstractContextManager[Step]]
    """Claims and finishes one row of a bare table a step."""
    settle: Callable[[str], None] = lambda _: None
    """What the database does by itself within a minute of being filled."""


def rows(effort: Effort) -> Iterator[Row]:
    """Both figures of every database there is."""
    with (
        tempfile.TemporaryDirectory(prefix="assay-bench-") as folder,
        databases(Path(folder)) as all_of_them,
        _processes() as pool,
    ):
        for database in all_of_them:
            yield _claims(database, pool, effort)
            if database.name in effort.deaths:
                yield _recovery(database, Path(folder) / f"{database.name}-recovery", effort)


@contextmanager
def databases(folder: Path) -> Iterator[list[Database]]:
    """Those that can be measured here."""
    numbers = count()
    found = [Database("sqlite", lambda: f"sqlite:///{folder / f'{next(numbers)}.db'}", _fill_sqlite, _sqlite_by_hand)]
    programs = postgres.programs()
    if programs is None:
        say("  no rows for postgres: Debian's package postgresql is not installed")
        yield found
        return
    with postgres.server(programs, {}) as at:  # as it comes: durable

        def new() -> str:
            name = f"bench_{next(numbers)}"
            with psycopg.connect(_libpq(postgres.url(at, "postgres")), autocommit=True) as db:
                db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return postgres.url(at, name)

        yield [*found, Database("postgres", new, _fill_postgres, _postgres_by_hand, _analyze)]


def _claims(database: Database, pool: ProcessPoolExecutor, effort: Effort) -> Row:
    ours, theirs = [], []
    for n in range(effort.claim_rounds):
        store = Store(url := database.url())
        store.migrate()
        _fill(store, effort)
        store.close()
        database.settle(url)
        ours.append(_in_processes(pool, partial(_by_store, url), effort.claim_seconds))
        database.fill(bare := database.url(), effort.people * effort.each)
        database.settle(bare)
        theirs.append(_in_processes(pool, partial(database.by_hand, bare), effort.claim_seconds))
        say(f"  {database.name}: round {n + 1} of {effort.claim_rounds}")
    return Row(
        f"queue.{database.name}.claims_per_second",
        sum(ours) / len(ours),
        "1/s",
        sum(theirs) / len(theirs),
        "the same by hand in the driver",
    )


def _in_processes(pool: ProcessPoolExecutor, ready: Ready, seconds: float) -> float:
    """How many steps all processes do a second."""
    return sum(pool.map(_one_process, [ready] * PROCESSES, [seconds] * PROCESSES))


@contextmanager
def _processes() -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    with ProcessPoolExecutor(PROCESSES, context, initializer=_begin_together, initargs=(barrier,)) as pool:
        yield pool


def _begin_together(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def _one_process(ready: Ready, seconds: float) -> float:
    with ready() as step:
        _barrier.wait(120)
        done, begin = 0, time.monotonic()
        while time.monotonic() - begin < seconds and step():
            done += 1
        return done / (time.monotonic() - begin)


@contextmanager
def _by_store(url: str) -> Iterator[Step]:
    """What a slot does with the queue for each submission; the running of it takes no time here."""
    checks = (Check("all", 1.0, 1.0, False, "", True),)
    report = Report(Verdict.accepted, Score(100.0, 100.0, checks), checks)
    store, name = Store(url), f"bench-{os.getpid()}"
    store.now()  # connected

    def step() -> bool:
        claim = judgings.claim(store, worker=name, lease_seconds=45)
        return claim is not None and judgings.commit(store, claim, report, evidence={})

    try:
        yield step
    finally:
        store.close()


def _fill(store: Store, effort: Effort) -> None:
    """A full queue: many people, some submissions each, written at once because only the claiming is measured."""
    admin, place = _competition(store)
    with store.write() as session:
        now = store.now(session)
        competition_id, challenge_id = place
        persons = [Person(name=f"p{n}", role=Role.participant, created_at=now) for n in range(effort.people)]
        session.add_all(persons)
        session.flush()
        entries = [Entry(competition_id=competition_id, name=one.name, created_at=now) for one in persons]
        session.add_all(entries)
        session.flush()
        whose = {one.name: one.id for one in persons}
        received = [
            (entry, now - timedelta(seconds=3600 - (n * effort.people + m) / 100))
            for n in range(effort.each)
            for m, entry in enumerate(entries)
        ]
        submissions = [
            Submission(
                id=accept.new_id(),
                kind=Kind.scored,
                person_id=whose.get(entry.name) or admin,
                entry_id=entry.id or 0,
                competition_challenge_id=challenge_id,
                challenge=CHALLENGE,
                received_at=at,
                digest="d" * 64,
                size=1,
                files=["solution.py"],
                receipt={},
            )
            for entry, at in received
        ]
        session.add_all(submissions)
        session.flush()
        for one in submissions:
            session.add(
                Judging(
                    submission_id=one.id,
                    entry_id=one.entry_id,
                    challenge=CHALLENGE,
                    version="v1",
                    received_at=one.received_at,
                    lane=Lane.contest,
                    state=State.queued,
                )
            )


def _competition(store: Store) -> tuple[int, tuple[int, int]]:
    """An administrator and a competition with one challenge: (administrator, (competition, its challenge))."""
    people.ensure_admin(store, lambda _: None)
    version = load_all([builtin_root()])[CHALLENGE].version
    seasons.create(
        store,
        slug="bench",
        title="Bench",
        opens_at=None,
        closes_at=None,
        challenges=[competitions.ChallengePlace(CHALLENGE, 100, version)],
        by=1,
    )
    with store.read() as session:
        competition = session.exec(select(Competition.id)).one()
        challenge = session.exec(select(CompetitionChallenge.id)).one()
    return 1, (competition or 0, challenge or 0)


def _recovery(database: Database, data: Path, effort: Effort) -> Row:
    """Seconds from a worker's death by SIGKILL in mid-run to the next claim of what it held."""
    settings = Settings(data=data, database_url=database.url(), **effort.worker)
    settings.prepare()
    given: Mapping[str, Any] = {"data": data, "database_url": settings.database_url, "slots": 1, **effort.worker}
    store = Store(settings.database)
    workers: list[subprocess.Popen[bytes]] = []
    try:
        store.migrate()
        submission = _submit(store, settings)
        workers.append(_worker(data, given))
        _wait(lambda: _running(store, submission), "the submission to run", workers[0])
        workers[0].send_signal(signal.SIGKILL)
        workers[0].wait()
        begin = time.monotonic()
        workers.append(_worker(data, given))  # as `assay serve` or a service manager does
        _wait(lambda: _claimed(store, submission) == 2, "the next claim", workers[1])
        seconds = time.monotonic() - begin
    finally:
        for one in workers:
            if one.poll() is None:
                one.send_signal(signal.SIGTERM)
                one.wait(60)
        store.close()
    say(f"  {database.name}: claimed again {seconds:.1f} s after the worker was killed")
    return Row(f"queue.{database.name}.recovery_s", seconds, "s", settings.lease_seconds, "the lease")


def _submit(store: Store, settings: Settings) -> str:
    _competition(store)
    person = people.create_person(store, "ada", Role.participant, by=1)
    competitions.add_entry(store, "bench", "ada", by=1)
    data = pack({"solution.py": SLEEPS.encode()})
    offer = accept.Offer(
        person_id=person.id,
        challenge=CHALLENGE,
        version=load_all([builtin_root()])[CHALLENGE].version,
        competition="bench",
        digest=Blobs(settings.blobs_dir).put([data]),
        size=len(SLEEPS),
        files=["solution.py"],
    )
    return str(accept.accept(store, offer)["id"])


def _worker(data: Path, settings: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    with (data / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "cli.main", "worker"],
            env=environment(**settings),
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _running(store: Store, submission: str) -> bool:
    with store.read() as session:
        stage = session.exec(select(Judging.stage).where(Judging.submission_id == submission)).one()
    return stage is Stage.running


def _claimed(store: Store, submission: str) -> int:
    with store.read() as session:
        query = select(Attempt.id).join(Judging, col(Judging.id) == Attempt.judging_id)
        return len(session.exec(query.where(Judging.submission_id == submission)).all())


def _wait(look: Callable[[], bool], what: str, worker: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + DEATH_SECONDS
    while not look():
        if worker.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"waited in vain for {what}")
        time.sleep(0.05)


def _fill_sqlite(url: str, number: int) -> None:
    with closing(_sqlite(url)) as db:
        db.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, state TEXT NOT NULL, owner TEXT)")
        db.execute("CREATE INDEX by_state ON queue (state, id)")
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO queue (state) VALUES (?)", [("queued",)] * number)
        db.execute("COMMIT")


@contextmanager
def _sqlite_by_hand(url: str) -> Iterator[Step]:
    """The least there is: lock, take the first row, commit; lock, finish it, commit; as durable as ours."""
    with closing(_sqlite(url)) as db:

        def step() -> bool:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute("SELECT id FROM queue WHERE state = 'queued' ORDER BY id LIMIT 1").fetchone()
            if row is not None:
                db.execute("UPDATE queue SET state = 'running', owner = 'me' WHERE id = ?", row)
            db.execute("COMMIT")
            if row is None:
                return False
            db.execute("BEGIN IMMEDIATE")
            db.execute("UPDATE queue SET state = 'done' WHERE id = ? AND owner = 'me'", row)
            db.execute("COMMIT")
            return True

        yield step


def _sqlite(url: str) -> sqlite3.Connection:
    db = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db


def _fill_postgres(url: str, number: int) -> None:
    with psycopg.connect(_libpq(url)) as db:
        db.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, state TEXT NOT NULL, owner TEXT)")
        db.execute("CREATE INDEX by_state ON queue (state, id)")
        db.execute("INSERT INTO queue (id, state) SELECT n, 'queued' FROM generate_series(1, %s) n", (number,))


def _analyze(url: str) -> None:
    with psycopg.connect(_libpq(url), autocommit=True) as db:
        db.execute("ANALYZE")


@contextmanager
def _postgres_by_hand(url: str) -> Iterator[Step]:
    """The same with SKIP LOCKED, which lets several take rows at once."""
    with psycopg.connect(_libpq(url), autocommit=True) as db:

        def step() -> bool:
            with db.transaction():
                row = db.execute(
                    "SELECT id FROM queue WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED"
                ).fetchone()
                if row is not None:
                    db.execute("UPDATE queue SET state = 'running', owner = 'me' WHERE id = %s", row)
            if row is None:
                return False
            db.execute("UPDATE queue SET state = 'done' WHERE id = %s AND owner = 'me'", row)
            return True

        yield step


def _libpq(url: str) -> str:
    return url.replace("postgresql+psycopg:", "postgresql:")
