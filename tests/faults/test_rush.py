"""A rush over REST: every receipt is judged once, nobody starves, and the api does not grow with the queue.

Api and workers are real processes; gradings are scripted, because boxes would hide the queue behind their own slowness.
"""

from __future__ import annotations

import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from sqlmodel import col, func, select

from api.store import people
from api.store.tables import Judging, Lane, Scope, State, Submission, VerdictRow
from tests.databases import Databases
from tests.installation import Installation, environment, wait_for

SHORT, LONG = (20, 200), (500, 10_000)
"""People and submissions."""
HANDS = 8
WORKERS = 2
SLOTS = 4
GROWTH_MB = 150.0


@contextmanager
def process(at: Installation, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    with (at.settings.data / "processes.log").open("ab") as log:
        found = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment(at.settings), stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield found
    finally:
        found.send_signal(signal.SIGTERM)
        assert found.wait(30) in (0, -signal.SIGTERM)


def memory_mb(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.fault("F15")
@pytest.mark.timeout(1500)
def test_every_receipt_of_a_rush_is_judged_once(
    tmp_path: Path, databases: Databases, pytestconfig: pytest.Config
) -> None:
    crowd, total = LONG if pytestconfig.getoption("--faults") == "long" else SHORT
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    names = [f"p{number}" for number in range(crowd)]
    at = Installation(
        tmp_path / "data",
        database_url=databases.new(),
        names=[*names, "light"],
        port=port,
        slots=SLOTS,
        lease_seconds=30,
        fence_seconds=20,
        renew_seconds=5,
        requests_per_minute=10**6,
    )
    tokens = {
        name: people.create_token(at.store, at.people[name], "rush", [Scope.submit, Scope.read], by=1)[1]
        for name in at.people
    }
    receipts: dict[str, list[str]] = {name: [] for name in at.people}
    refused: Counter[str] = Counter()
    lock = threading.Lock()
    url = f"http://127.0.0.1:{port}/api/v1"

    def submit(client: httpx.Client, name: str) -> None:
        challenge = random.choice(("toy-call", "toy-run"))
        sent = client.post(
            f"{url}/submissions",
            headers={"Authorization": f"Bearer {tokens[name]}"},
            json={"challenge": challenge, "competition": at.slug, "files": {"solution.py": "0.0"}},
        )
        with lock:
            if sent.status_code == 202:
                receipts[name].append(sent.json()["id"])
            else:
                refused[f"{sent.status_code} {sent.json().get('code')}"] += 1

    def hand(mine: list[str]) -> None:
        with httpx.Client(timeout=60, trust_env=False) as client:
            for name in mine:
                submit(client, name)

    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def unfinished() -> int:
        with at.store.read() as session:
            open_ = select(func.count()).select_from(Judging).where(col(Judging.ended_at).is_(None))
            return session.exec(open_).one()

    with ExitStack() as stack:
        api = stack.enter_context(process(at, "cli.main", "api"))
        wait_for(answers, "the api", 60)
        for _ in range(WORKERS):
            stack.enter_context(process(at, "tests.faults.worker"))
        plan = [names[number % crowd] for number in range(total)]
        random.shuffle(plan)
        with ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(hand, [plan[n : total // 5 : HANDS] for n in range(HANDS)]))
            before = memory_mb(api.pid)
            hands = [pool.submit(hand, plan[total // 5 + n :: HANDS]) for n in range(HANDS)]
            with httpx.Client(timeout=60, trust_env=False) as client:
                submit(client, "light")
            for one in hands:
                one.result()
        grown = memory_mb(api.pid) - before
        wait_for(lambda: unfinished() == 0, "every verdict", 900)

    assert grown < GROWTH_MB, "memory of the api does not follow the queue"
    assert set(refused) <= {"429 rate_limited", "503 database_unavailable"}, refused
    ids = [one for mine in receipts.values() for one in mine]
    assert len(ids) == len(set(ids)) == total + 1 - refused.total()
    assert refused.total() <= total // 20
    with at.store.read() as session:
        assert set(session.exec(select(Submission.id))) == set(ids)
        verdicts = session.exec(select(VerdictRow.verdict, func.count()).group_by(VerdictRow.verdict)).all()
        assert dict(verdicts) == {"accepted": len(ids)}
        (light,) = receipts["light"]
        mine = session.exec(select(Judging).where(Judging.submission_id == light)).one()
        assert mine.ended_at is not None
        between = (col(Judging.ended_at) > mine.received_at, col(Judging.ended_at) < mine.ended_at)
        first = session.exec(select(func.count()).select_from(Judging).where(*between)).one()
        assert first <= 2 * (crowd + WORKERS * SLOTS), "one judging of everybody else is its fair share"
        left = select(Judging.id).where(Judging.state != State.done, Judging.lane == Lane.contest)
        assert session.exec(left).all() == []
    at.audit()
    at.store.close()
