"""Part 3: boards of many entries: a page, its JSON, and one more verdict, beside the plainest way there is."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import SQLModel, insert, select

from api.app import create_app
from api.serve import server
from api.settings import Settings
from api.store import Store, accept, competitions, judgings, people, seasons
from api.store.tables import (
    OVERALL,
    Competition,
    CompetitionChallenge,
    Entry,
    Judging,
    Kind,
    Lane,
    Member,
    Person,
    Role,
    Standing,
    State,
    Submission,
    VerdictRow,
    View,
)
from bench.effort import Effort
from bench.report import Row, percentile, say
from challenges.kit.score import Check, Score
from challenges.loader import builtin_root, load_all
from challenges.report import Report, Verdict

CHALLENGE = "messy-orders"
BENCH = "bench"
BATCH = 20_000
PAGE = 100
VERDICT_EVERY = 10
"""Requests between two verdicts: a page is rendered once a change, so some of them render it."""


class _Bell:
    def ring(self) -> None:
        """Nobody listens."""

    def close(self) -> None:
        """Nothing to close."""


def rows(effort: Effort) -> Iterator[Row]:
    """Installations with ever more entries, of ten submissions each."""
    for entries in effort.board_entries:
        with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder:
            yield from _measured(Path(folder), entries, effort.board_requests)


def _measured(folder: Path, entries: int, requests: int) -> Iterator[Row]:
    settings = Settings(data=folder / "data", port=0, anonymous_per_minute=10_000_000)
    settings.prepare()
    store = Store(settings.database)
    store.migrate()
    begin = time.monotonic()
    _fill(store, entries)
    say(f"  {entries} entries of ten submissions each, written in {time.monotonic() - begin:.0f} s")
    took: dict[str, list[float]] = {name: [] for name in ("page", "json", "static", "query", "verdict", "first")}
    with _served(settings) as url, httpx.Client(base_url=url) as client:
        _requests(store, client, entries, requests, took)
    lone = folder / "lone"
    took["first"] = _verdicts_alone(lone, len(took["verdict"]))
    store.close()
    for name, baseline, what in (
        ("page", "static", "a static file of the same server"),
        ("json", "query", "the same rows straight from the database"),
    ):
        for percent in (50, 99):
            value, beside = (1000 * percentile(took[one], percent) for one in (name, baseline))
            yield Row(f"board.{entries}.{name}_p{percent}_ms", value, "ms", beside, what)
    value, beside = (1000 * percentile(took[one], 50) for one in ("verdict", "first"))
    yield Row(f"board.{entries}.verdict_ms", value, "ms", beside, "the same in a competition of one entry")


def _requests(store: Store, client: httpx.Client, entries: int, requests: int, took: Mapping[str, list[float]]) -> None:
    chance = random.Random(entries)
    pages = max(1, entries // PAGE)
    style = client.get("/static/assay.css")
    assert style.status_code == 200
    for number in range(requests):
        if number % VERDICT_EVERY == 0:
            took["verdict"].append(_verdict(store, f"p{chance.randrange(entries)}", chance.uniform(0, 100)))
        # most look at the top of a board, some further down
        page = 1 if chance.random() < 0.7 else chance.randint(1, pages)
        offset = (page - 1) * PAGE
        for name, path in (
            ("page", f"/leaderboards/{BENCH}?page={page}"),
            ("json", f"/api/v1/leaderboards/{BENCH}?offset={offset}&limit={PAGE}"),
            ("static", "/static/assay.css"),
        ):
            begin = time.perf_counter()
            answer = client.get(path)
            took[name].append(time.perf_counter() - begin)
            assert answer.status_code == 200, answer.text
        begin = time.perf_counter()
        with store.read() as session:
            order = (Standing.points.desc(), Standing.reached_at, Standing.entry_id)  # type: ignore[union-attr]
            found = select(Standing, Entry.name).join(Entry).where(Standing.board == OVERALL)
            shown = found.where(Standing.view == View.public).order_by(*order).offset(offset).limit(PAGE)  # type: ignore[arg-type]
            assert session.exec(shown).all()
        took["query"].append(time.perf_counter() - begin)


@contextmanager
def _served(settings: Settings) -> Iterator[str]:
    running = server(settings, create_app(settings, bell=_Bell()))
    thread = threading.Thread(target=running.run, name="uvicorn")
    thread.start()
    try:
        while not running.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(30)


def _verdict(store: Store, name: str, points: float) -> float:
    """Seconds from the report to its durable verdict, with standings and events."""
    person = people.find(store, name).id
    version = load_all([builtin_root()])[CHALLENGE].version
    accept.accept(store, accept.Offer(person, CHALLENGE, version, BENCH, "d" * 64, 1, ["solution.py"]))
    claim = judgings.claim(store, worker="bench", lease_seconds=60)
    assert claim is not None
    begin = time.perf_counter()
    assert judgings.commit(store, claim, _report(points), evidence={})
    return time.perf_counter() - begin


def _verdicts_alone(folder: Path, number: int) -> list[float]:
    settings = Settings(data=folder)
    settings.prepare()
    store = Store(settings.database)
    store.migrate()
    _fill(store, 1)
    found = [_verdict(store, "p0", float(n % 100)) for n in range(number)]
    store.close()
    return found


def _report(points: float) -> Report:
    checks = (Check("exact", points / 100, 1.0, False, "", points >= 70),)
    return Report(Verdict.wrong_answer, Score(points, points, checks), checks)


def _fill(store: Store, entries: int) -> None:
    """A competition as it would be, written at once: only reading it, and one more verdict, is measured."""
    people.ensure_admin(store, lambda _: None)
    version = load_all([builtin_root()])[CHALLENGE].version
    place = competitions.ChallengePlace(CHALLENGE, 100, version)
    seasons.create(store, slug=BENCH, title="Bench", opens_at=None, closes_at=None, challenges=[place], by=1)
    with store.read() as session:
        here = session.exec(select(Competition.id)).one() or 0
        challenge = session.exec(select(CompetitionChallenge.id)).one() or 0
        now = store.now(session)
    chance = random.Random(1)
    best = [round(chance.uniform(0, 100), 2) for _ in range(entries)]
    first = 2  # the administrator is 1
    report = _report(50.0).as_json()
    moments = [now - timedelta(seconds=entries * 10 - n) for n in range(entries * 10)]
    _write(
        store,
        Person,
        ({"id": first + n, "name": f"p{n}", "role": Role.participant, "created_at": now} for n in range(entries)),
    )
    _write(
        store,
        Entry,
        ({"id": 1 + n, "competition_id": here, "name": f"p{n}", "created_at": now} for n in range(entries)),
    )
    _write(
        store,
        Member,
        ({"competition_id": here, "entry_id": 1 + n, "person_id": first + n} for n in range(entries)),
    )
    _write(
        store,
        Submission,
        (
            {
                "id": f"{n:022}",
                "kind": Kind.scored,
                "person_id": first + n // 10,
                "entry_id": 1 + n // 10,
                "competition_challenge_id": challenge,
                "challenge": CHALLENGE,
                "received_at": moments[n],
                "digest": "d" * 64,
                "size": 1,
                "files": ["solution.py"],
                "receipt": {},
            }
            for n in range(entries * 10)
        ),
    )
    _write(
        store,
        Judging,
        (
            {
                "id": 1 + n,
                "submission_id": f"{n:022}",
                "entry_id": 1 + n // 10,
                "challenge": CHALLENGE,
                "version": version,
                "received_at": moments[n],
                "lane": Lane.contest,
                "state": State.done,
                "epoch": 1,
                "attempts": 1,
                "strikes": 0,
                "effective": True,
                "ended_at": moments[n],
            }
            for n in range(entries * 10)
        ),
    )
    _write(
        store,
        VerdictRow,
        (
            {
                "judging_id": 1 + n,
                "epoch": 1,
                "verdict": "wrong_answer",
                "score": best[n // 10],
                "private_score": best[n // 10],
                "report": report,
                "created_at": moments[n],
            }
            for n in range(entries * 10)
        ),
    )
    _write(
        store,
        Standing,
        (
            {
                "competition_id": here,
                "board": board,
                "view": view,
                "entry_id": 1 + n,
                "score": best[n] if board else None,
                "points": best[n],
                "solved": 0,
                "submission_id": f"{10 * n:022}" if board else None,
                "reached_at": moments[10 * n],
            }
            for n in range(entries)
            for board in (OVERALL, CHALLENGE)
            for view in (View.public, View.private)
        ),
    )


def _write(store: Store, table: type[SQLModel], values: Iterable[dict[str, Any]]) -> None:
    for some in _batches(values):
        with store.write() as session:
            session.connection().execute(insert(table), some)


def _batches(values: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for value in values:
        batch.append(value)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
