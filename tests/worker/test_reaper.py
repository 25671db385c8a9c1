"""The reaper as a process: what a dead or silent worker leaves behind goes, what a live one works on stays."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.installation import SLOW, Installation, environment, wait_for
from tests.worker.test_process import boxes
from worker.host import SILENT_SECONDS, AnotherWorker, is_masterless, own_host


@contextmanager
def reaper(at: Installation) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "cli.main", "reaper"]
    with subprocess.Popen(command, env=environment(at.settings), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "reaper.started" in process.stderr.readline()
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(20) == 0


def would_remove(at: Installation) -> str:
    command = [sys.executable, "-m", "cli.main", "reaper", "--dry-run"]
    return subprocess.run(command, env=environment(at.settings), capture_output=True, text=True, check=True).stdout


@pytest.fixture
def at(tmp_path: Path, databases: Databases) -> Iterator[Installation]:
    found = Installation(tmp_path / "data", database_url=databases.new())
    yield found
    found.store.close()


@pytest.mark.fault("F01")
def test_what_a_killed_worker_leaves_goes_without_another_worker(at: Installation) -> None:
    with at.worker() as worker:
        submission = at.submit(SLOW)
        wait_for(lambda: boxes(at), "a box of the submission")
        assert would_remove(at).splitlines() == ["0 to remove"]
        with reaper(at):
            assert at.wait(submission) == "accepted", "the control: beside a live worker the reaper harms nothing"
        assert len(at.attempts(submission)) == 1
        at.submit(SLOW)
        wait_for(lambda: boxes(at), "a box of the next one")
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert boxes(at), "the control: what a killed worker leaves behind"
    assert "0 to remove" not in would_remove(at)
    assert boxes(at), "a dry run removes nothing"
    with reaper(at):
        wait_for(lambda: not boxes(at), "the reaper")


@pytest.mark.fault("F01")
def test_what_a_silent_worker_holds_goes_and_it_works_again_when_it_wakes(at: Installation) -> None:
    with at.worker() as worker:
        submission = at.submit(SLOW)
        wait_for(lambda: boxes(at), "a box of the submission")
        worker.send_signal(signal.SIGSTOP)
        with reaper(at):
            time.sleep(2)
            assert boxes(at), "it has not been silent for long"
        os.utime(at.settings.worker_lock, times=(0, time.time() - SILENT_SECONDS - 1))
        with reaper(at):
            wait_for(lambda: not boxes(at), "the reaper")
        worker.send_signal(signal.SIGCONT)
        assert at.wait(submission) == "accepted"
        assert at.judging(submission).strikes == 0


def test_a_host_is_masterless_only_when_its_worker_is_dead_or_silent(tmp_path: Path) -> None:
    lock = tmp_path / "worker.lock"
    assert not is_masterless(lock), "where no worker ever was, nothing is known"
    with own_host(lock):
        assert not is_masterless(lock)
        assert is_masterless(lock, now=lambda: time.time() + SILENT_SECONDS + 10)
        with pytest.raises(AnotherWorker):
            own_host(lock)
    assert is_masterless(lock)


def test_it_has_a_pulse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.host.PULSE_SECONDS", 0.05)
    lock = tmp_path / "worker.lock"
    with own_host(lock):
        os.utime(lock, times=(0, 0))
        wait_for(lambda: lock.stat().st_mtime > time.time() - 60, "a pulse")


def test_who_only_looks_keeps_no_worker_from_starting(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    path.touch()
    with path.open("rb") as looks:
        fcntl.flock(looks, fcntl.LOCK_SH)
        threading.Timer(0.2, lambda: fcntl.flock(looks, fcntl.LOCK_UN)).start()
        own_host(path).close()
