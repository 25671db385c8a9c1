"""Part 2: a whole judge over HTTP, waiting for work, with one submission at a time and with more than it can do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from api.blobs import Blobs, unpack
from api.settings import Settings
from api.store import Store, builds
from bench.effort import Effort
from bench.plain import PYTHON, docker_run, engine, network
from bench.report import ROOT, Row, percentile, say
from challenges.loader import builtin_root, load_all, solutions
from cli.client.api import Api
from cli.client.config import Account
from sandbox.images.build import resolve

CHALLENGE = "messy-orders"
SMALL = "toy-call"
"""A challenge whose function and data are next to nothing, so that what is left is the judge's own time."""
TOYS = ROOT / "tests" / "toys"
DOUBLE = "def double(x): return 2 * x"
COMPETITION = "bench"
READY_SECONDS = 180.0
VERDICT_SECONDS = 300.0
PLAIN = (
    "import glob, sys\n"
    "sys.path.insert(0, '/tmp')\n"
    "import solution\n"
    "for path in sorted(glob.glob('/tmp/*.csv')):\n"
    "    with open(path, newline='') as file: solution.clean(file.read())\n"
)
"""What the grader asks, without grader and judge: the same function on the same hidden files."""


def environment(**settings: Any) -> dict[str, str]:
    """The environment of a process of ours with these settings and no others."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
    return found | {f"ASSAY_{name.upper()}": str(value) for name, value in settings.items()}


def rows(effort: Effort) -> Iterator[Row]:
    """Idle, one by one, saturated; each beside plain containers that call the same function."""
    slots = Settings().slots_in_force
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as folder, _served(Path(folder)) as (url, pid):
        say("  the judge is ready")
        people = _people(url, Path(folder), [f"bench-{n}" for n in range(effort.people_per_slot * slots)])
        source = _reference()
        with _client(url, people[0]) as client:
            for challenge, text in ((CHALLENGE, source), (SMALL, DOUBLE)):
                _judged(client, challenge, text)  # once for nothing: data are made, a grader stands
        plain = _plain(Settings(data=Path(folder)), source)
        yield from _idle_cpu(effort, pid)
        yield from _idle(effort, "judge.idle", url, people[0], CHALLENGE, source, plain)
        yield from _idle(effort, "judge.idle.small", url, people[0], SMALL, DOUBLE, _plain_double())
        yield from _saturated(effort, url, people, source, plain, slots)


def _idle_cpu(effort: Effort, pid: int) -> Iterator[Row]:
    time.sleep(min(5.0, effort.idle_seconds))  # what the set-up began is over
    before, begin = _cpu(pid), time.monotonic()
    time.sleep(effort.idle_seconds)
    seconds = time.monotonic() - begin
    used = {one: ticks - before.get(one, 0.0) for one, ticks in _cpu(pid).items()}
    broker = sum(ticks for (_, name), ticks in used.items() if "valkey" in name or "redis" in name)
    say(f"  {seconds:.0f} s without work")
    yield Row(
        "judge.idle_cpu_percent",
        100 * sum(used.values()) / seconds,
        "%",
        100 * broker / seconds,
        "its broker alone",
    )


def _idle(
    effort: Effort, name: str, url: str, token: str, challenge: str, source: str, plain: Callable[[], float]
) -> Iterator[Row]:
    took, beside = [], []
    with _client(url, token) as client:
        for n in range(effort.idle_runs):
            took.append(1000 * _judged(client, challenge, source))
            beside.append(1000 * plain())
            if (n + 1) % 5 == 0 or n + 1 == effort.idle_runs:
                say(f"  {challenge}: {n + 1} of {effort.idle_runs} submissions, one at a time")
    for percent in (50, 95):
        yield Row(
            f"{name}.p{percent}_ms",
            percentile(took, percent),
            "ms",
            percentile(beside, percent),
            "docker run of the function",
        )


def _saturated(
    effort: Effort, url: str, people: list[str], source: str, plain: Callable[[], float], slots: int
) -> Iterator[Row]:
    half = effort.saturated_seconds / 2

    def submitting(token: str) -> Callable[[], object]:
        client = _client(url, token)
        return lambda: _judged(client, CHALLENGE, source)

    say(f"  plain containers for {half:.0f} s, {slots} at once")
    before = _rate([plain] * slots, half)
    say(f"  {len(people)} people submit for {effort.saturated_seconds:.0f} s")
    judged = _rate([submitting(token) for token in people], effort.saturated_seconds)
    say(f"  plain containers for {half:.0f} s")
    after = _rate([plain] * slots, half)
    yield Row(
        "judge.saturated.verdicts_per_second", judged, "1/s", (before + after) / 2, f"docker run, {slots} at once"
    )


def _rate(acts: list[Callable[[], object]], seconds: float) -> float:
    """How often a second these are done, each again and again in a thread of its own."""
    ends: list[float] = []
    errors: list[Exception] = []
    begin = time.monotonic()

    def repeat(act: Callable[[], object]) -> None:
        try:
            while time.monotonic() - begin < seconds:
                act()
                ends.append(time.monotonic() - begin)
        except Exception as error:  # noqa: BLE001 - told to whoever started the thread
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    # what was under way at the end counts with the time it needed: nobody is cut off
    return len(ends) / max(ends)


def _judged(client: httpx.Client, challenge: str, source: str) -> float:
    """Seconds from sending a submission to having its verdict."""
    begin = time.perf_counter()
    body = {"challenge": challenge, "competition": COMPETITION, "files": {"solution.py": source}}
    posted = client.post("/api/v1/submissions", json=body)
    posted.raise_for_status()
    path = f"/api/v1/submissions/{posted.json()['id']}"
    while time.perf_counter() - begin < VERDICT_SECONDS:
        answer = client.get(path, params={"wait": 30})
        answer.raise_for_status()
        seen = answer.json()
        if seen["state"] == "done":
            if seen["verdict"] != "accepted":
                raise RuntimeError(f"the reference solution is {seen['verdict']}: {seen['message']}")
            return time.perf_counter() - begin
    raise RuntimeError(f"no verdict after {VERDICT_SECONDS:.0f} s")


def _plain(settings: Settings, source: str) -> Callable[[], float]:
    """One plain container that calls the same function with the same hidden files; returns its seconds."""
    challenge = load_all([builtin_root()])[CHALLENGE]
    store = Store(settings.database)
    try:
        build = builds.find(store, challenge.slug, challenge.version)
    finally:
        store.close()
    if build is None:
        raise RuntimeError(f"the data of {CHALLENGE} are not prepared")
    hidden = unpack(Blobs(settings.hidden_dir).get(build.hidden_digest))
    inputs = {name.replace("/", "-"): data for name, data in hidden.items() if not name.endswith(".clean.csv")}
    files: Mapping[str, bytes] = {"solution.py": source.encode(), **inputs}
    image = resolve(challenge.runtime)
    net = network(engine(), image)
    return lambda: docker_run(engine(), image, [PYTHON, "-c", PLAIN], files, net=net).seconds


def _plain_double() -> Callable[[], float]:
    """One plain container that calls the small function as often as its grader does."""
    files = {"solution.py": DOUBLE.encode()}
    image = resolve(load_all([TOYS])[SMALL].runtime)
    net = network(engine(), image)
    program = "import sys; sys.path.insert(0, '/tmp'); import solution; [solution.double(n) for n in range(41)]"
    return lambda: docker_run(engine(), image, [PYTHON, "-c", program], files, net=net).seconds


def _reference() -> str:
    challenge = load_all([builtin_root()])[CHALLENGE]
    solution = next(one for one in solutions(challenge) if one.kind == "accepted")
    return solution.files[challenge.submit].decode()


@contextmanager
def _served(data: Path) -> Iterator[tuple[str, int]]:
    """(address, process id) of a whole judge as `assay serve` runs it."""
    many = 1_000_000
    settings = environment(
        submissions_per_minute=many, requests_per_minute=many, anonymous_per_minute=many, challenges=TOYS
    )
    log = data / "serve.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "serve", "--port", "0", "--data", str(data)],
            env=settings,
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + READY_SECONDS
        while "ready after" not in log.read_text("utf-8", "replace"):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the judge did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.1)
        line = next(line for line in log.read_text().splitlines() if "the judge is at " in line)
        yield line.rpartition(" ")[2], process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _people(url: str, data: Path, names: list[str]) -> list[str]:
    """A competition and people in it; their tokens."""
    tokens = []
    with Api(Account(url=url, token=(data / "admin-token").read_text("ascii").strip())) as admin:
        admin.create_competition(COMPETITION, "Bench", [CHALLENGE, SMALL])
        for name in names:
            person = admin.create_person(name)
            admin.add_entry(COMPETITION, name)
            tokens.append(admin.create_token(person["id"], "bench"))
    return tokens


def _client(url: str, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=httpx.Timeout(120)
    )


def _cpu(pid: int) -> dict[tuple[int, str], float]:
    """Cpu seconds of a process and of all below it, by id and name, those that ended and were waited for included."""
    seen: dict[int, tuple[int, str, float]] = {}
    ticks = os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue  # it has just ended
        name = text[text.index("(") + 1 : text.rindex(")")]
        fields = text[text.rindex(")") + 2 :].split()
        used = sum(int(one) for one in fields[11:15]) / ticks
        seen[int(path.parent.name)] = (int(fields[1]), name, used)
    ours = {pid}
    while more := {one for one, (parent, _, _) in seen.items() if parent in ours} - ours:
        ours |= more
    return {(one, seen[one][1]): seen[one][2] for one in ours if one in seen}
