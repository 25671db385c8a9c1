"""A runtime whose image is not there yet: its submissions wait and are told why, all others are judged, nothing fails."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import Session

from api.store import submissions, workers
from api.store.tables import State
from challenges.loader import Challenge, load_all
from sandbox.types import SandboxError
from tests.databases import Databases
from tests.installation import DOUBLE, TOYS, Installation, environment, wait_for
from worker import runtimes
from worker.runtimes import Runtimes

LATE = """
import sys, time
from pathlib import Path
from sandbox.images import build
folder = Path(sys.argv[1])
found, make = build._find, build.Builder._make
build._find = lambda engine, runtime: found(engine, runtime) if runtime != "python-slim" or (folder / "made").exists() else None
def late(self, runtime):
    (folder / "asked").touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    if (folder / "fail").exists():
        raise build.SandboxError("the mirror is away")
    (folder / "made").touch()
build.Builder._make = late
from cli.main import app
app(["worker"])
"""
"""`assay worker` on a host without the image of python-slim, which comes into being when a file says so."""


def challenge(slug: str, runtime: str) -> Challenge:
    return replace(load_all([TOYS])["toy-call"], slug=slug, runtime=runtime)


class House:
    """Images that are there or not; making one waits for `go`."""

    def __init__(self, *there: str) -> None:
        self.there = set(there)
        self.go = threading.Event()
        self.made: list[str] = []
        self.fault: Exception | None = None

    def image_of(self, runtime: str) -> str:
        if runtime not in self.there:
            raise SandboxError(f"the image of {runtime} has not been made")
        return f"sha256:{runtime}"

    def make(self, runtime: str) -> None:
        self.made.append(runtime)
        assert self.go.wait(20)
        if self.fault:
            raise self.fault
        self.there.add(runtime)


CHALLENGES = {one.slug: one for one in (challenge("a", "python-ml"), challenge("b", "r"), challenge("c", "java"))}


def test_one_after_another_is_made_when_somebody_needs_it() -> None:
    house = House("python-ml")
    found = Runtimes(CHALLENGES, house.image_of, house.make)
    assert set(found.lacking()) == {"b", "c"}
    assert "when it is first needed" in found.lacking()["b"]
    found.need([])
    found.need(["a"])
    assert house.made == []
    found.need(["c", "b"])
    found.need(["b"])
    wait_for(lambda: house.made, "the first to be begun")
    assert house.made == ["java"], "one at a time"
    assert "is being made" in found.lacking()["c"]
    assert "when it is first needed" in found.lacking()["b"]
    house.go.set()
    wait_for(lambda: set(found.lacking()) == {"b"}, "java to be there")
    wait_for(lambda: (found.need(["b"]), not found.lacking())[1], "r to be there")  # type: ignore[func-returns-value]
    assert house.made == ["java", "r"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("fault", [SandboxError("the disk is full"), RuntimeError("an error of our own")], ids=type)
def test_a_failure_is_told_and_tried_again_later(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    house = House("python-ml", "java")
    house.fault = fault
    house.go.set()
    found = Runtimes(CHALLENGES, house.image_of, house.make)
    found.need(["b"])
    wait_for(lambda: "has not been made" in found.lacking()["b"], "it to fail")
    found.need(["b"])
    assert house.made == ["r"], "not at once"
    monkeypatch.setattr(runtimes, "AGAIN_SECONDS", 0.0)
    house.fault = None
    wait_for(lambda: (found.need(["b"]), not found.lacking())[1], "the second try")  # type: ignore[func-returns-value]
    assert house.made == ["r", "r"]


def test_what_somebody_else_makes_is_noticed() -> None:
    house = House("python-ml", "java")
    found = Runtimes(CHALLENGES, house.image_of, None)
    found.need(["b"])
    assert found.lacking() == {"b": "Its runtime r has not been made on the judge yet."}
    house.there.add("r")
    found.look()
    assert found.lacking() == {}


@pytest.fixture
def at(tmp_path: Path, databases: Databases) -> Iterator[Installation]:
    base = {one.slug: one for one in load_all([TOYS]).values() if one.slug == "toy-call"}
    folder = tmp_path / "more" / "programming" / "toy-late"
    folder.parent.mkdir(parents=True)
    copy(base["toy-call"].folder, folder)
    late = load_all([tmp_path / "more"])
    found = Installation(tmp_path / "data", base=base | late, database_url=databases.new())
    yield found
    found.store.close()


def copy(origin: Path, target: Path) -> None:
    """The toy once more, in another runtime."""
    for path in origin.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            place = target / path.relative_to(origin)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())
    toml = target / "challenge.toml"
    text = toml.read_text()
    assert 'runtime = "python-ml"' in text
    toml.write_text(text.replace('runtime = "python-ml"', 'runtime = "python-slim"').replace('modules = ["numpy"]', ""))


def reason(at: Installation, submission: str) -> str | None:
    return submissions.find(at.store, submission, owner=None).held_reason


def session(at: Installation, look: Callable[[Session], str | None]) -> str | None:
    with at.store.read() as opened:
        return look(opened)


@pytest.mark.fault("F18")
def test_submissions_wait_for_their_runtime_and_are_told_so(at: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "signs"
    folder.mkdir()
    late = at.submit(DOUBLE, challenge="toy-late")
    variables = environment(at.settings) | {"ASSAY_BUILDS": "off"}
    process = subprocess.Popen([sys.executable, "-c", LATE, folder], env=variables, stderr=subprocess.DEVNULL)
    try:
        wait_for((folder / "asked").exists, "the image to be asked for")
        wait_for(lambda: "is being made" in (reason(at, late) or ""), "the reason")
        told = session(at, lambda one: workers.lacks(one, "toy-late", at.store.now(one)))
        assert told == "Its runtime python-slim is being made on the judge, which takes a few minutes."
        assert session(at, lambda one: workers.lacks(one, "toy-call", at.store.now(one))) is None
        assert at.wait(at.submit(DOUBLE)) == "accepted", "others are judged meanwhile"
        judging = at.judging(late)
        assert (judging.state, judging.attempts) == (State.queued, 0)
        (folder / "go").touch()
        assert at.wait(late) == "accepted"
        assert len(at.attempts(late)) == 1
        wait_for(lambda: not session(at, lambda one: workers.lacks(one, "toy-late", at.store.now(one))), "all is well")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert process.returncode == 0


@pytest.mark.fault("F18")
def test_what_cannot_be_made_makes_nothing_fail(at: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "signs"
    folder.mkdir()
    for sign in ("go", "fail"):
        (folder / sign).touch()
    late = at.submit(DOUBLE, challenge="toy-late")
    variables = environment(at.settings) | {"ASSAY_BUILDS": "off"}
    process = subprocess.Popen([sys.executable, "-c", LATE, folder], env=variables, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: "has not been made" in (reason(at, late) or ""), "the reason")
        assert at.wait(at.submit(DOUBLE)) == "accepted"
        assert (at.judging(late).state, at.judging(late).attempts) == (State.queued, 0)
        (folder / "made").touch()  # the operator's own doing
        assert at.wait(late) == "accepted"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
