"""Boxes made ahead: which are made, for how long, who gets them, and that one is a box like any other when it is taken."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import docker
import pytest

from sandbox import pool as pools
from sandbox.containers import INSTANCE, DockerSandbox
from sandbox.pool import WANTED_SECONDS, Pool
from sandbox.types import Abandoned, Ended, Job, Limits, SandboxError
from tests.installation import wait_for
from worker.reaper import reap

LIMITS = Limits.of(cpu_seconds=5, memory_mb=128)
JOB = Job("python-ml", LIMITS, files={"main.py": b"print('done')"}, argv=("python3", "main.py"))


@dataclass(eq=False)
class Waiting:
    """A box without an engine."""

    job: Job
    memory_mb: float = 50.0
    finished: bool = False

    def finish(self) -> None:
        self.finished = True


@dataclass
class Street:
    """A pool whose boxes, images and clock belong to the test."""

    made: list[Waiting] = field(default_factory=list)
    taken: list[Waiting | None] = field(default_factory=list)
    image: str = "one"
    now: float = 1000.0
    fails: bool = False
    pool: Pool[Waiting] = field(init=False)

    def make(self, job: Job, abandoned: Callable[[], bool]) -> Waiting:
        if self.fails:
            raise SandboxError("no engine")
        self.made.append(Waiting(job))
        return self.made[-1]

    def kind(self, job: Job) -> tuple[str, ...]:
        return job.modules

    def ask(self, modules: tuple[str, ...] = (), fits: Callable[[Waiting], bool] = lambda _: True) -> Waiting | None:
        self.taken.append(self.pool.take(replace(JOB, modules=modules), fits))
        return self.taken[-1]

    def settle(self) -> None:
        assert self.pool.settled(20)

    @property
    def waiting(self) -> list[Waiting]:
        return [one for one in self.made if not one.finished and one not in self.taken]


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> Iterator[Street]:
    monkeypatch.setattr(pools, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(pools, "AFTER_FAILURE_SECONDS", 0.2)
    found = Street()
    found.pool = Pool(found.make, lambda _: found.image, found.kind, most=4, memory_mb=220, clock=lambda: found.now)
    yield found
    found.pool.close()


def test_nothing_is_made_until_somebody_asks_and_a_box_is_handed_out_once(street: Street) -> None:
    street.settle()
    assert street.made == []
    assert street.ask() is None, "the first one finds none: it makes its own"
    street.settle()
    taken = [street.ask()]
    street.settle()
    taken.append(street.ask())
    assert None not in taken
    assert taken[0] is not taken[1]
    assert (street.pool.taken, street.pool.missed) == (2, 1)
    assert not any(one.finished for one in taken if one), "they are the askers' now"


def test_as_many_wait_as_were_lately_asked_for_within_the_most_of_a_kind(street: Street) -> None:
    for asked in range(1, 8):
        street.ask()
        street.settle()
        assert street.pool.waiting() == min(asked, 4)
    street.now += 100
    taken = [street.ask() for _ in range(4)]
    assert None not in taken


def test_who_asks_for_other_modules_gets_no_other_box(street: Street) -> None:
    street.ask()
    street.settle()
    assert street.ask(("numpy",)) is None
    assert street.pool.waiting() >= 1


def test_a_kind_nobody_asks_for_is_given_up(street: Street) -> None:
    street.ask()
    street.settle()
    street.now += WANTED_SECONDS
    street.ask(("numpy",))
    wait_for(lambda: street.made[0].finished, "the end of the box nobody wants")
    street.settle()
    assert [one.job.modules for one in street.waiting] == [("numpy",)]


def test_all_boxes_together_stay_within_the_memory_and_the_kind_asked_for_last_comes_first(street: Street) -> None:
    for modules in ((), (), (), ("numpy",), ("numpy",), ("pandas",)):
        street.ask(modules)
        street.settle()
        assert 50 * street.pool.waiting() <= 220
    kinds = [one.job.modules for one in street.waiting]
    assert ("pandas",) in kinds
    assert kinds.count(("numpy",)) == 2, "it was the plain ones that had to go"


def test_a_box_of_another_image_is_not_handed_out_and_not_kept(street: Street) -> None:
    street.ask()
    street.settle()
    street.image = "two"
    assert street.ask() is None
    wait_for(lambda: street.made[0].finished, "the end of the box of the old image")


def test_a_box_that_does_not_fit_is_ended_and_the_next_one_tried(street: Street) -> None:
    for _ in range(3):
        street.ask()
        street.settle()
    waiting = list(street.waiting)
    found = street.ask(fits=lambda one: one is waiting[-1])
    assert found is waiting[-1]
    assert [one.finished for one in waiting] == [True] * (len(waiting) - 1) + [False]


def test_an_engine_that_fails_is_asked_again_later(street: Street, caplog: pytest.LogCaptureFixture) -> None:
    street.fails = True
    street.ask()
    wait_for(lambda: "no box could be made ahead: no engine" in caplog.text, "the failure")
    assert street.ask() is None
    street.fails = False
    street.now += 1
    assert street.ask() is None
    street.settle()
    assert street.pool.waiting() >= 1


def test_the_end_is_the_end_of_all_that_wait(street: Street) -> None:
    for modules in ((), ("numpy",), ()):
        street.ask(modules)
        street.settle()
    assert street.waiting
    street.pool.close()
    assert street.waiting == []
    assert not any(one.finished for one in street.taken if one)


def test_the_end_does_not_wait_for_a_box_that_is_being_made() -> None:
    begun = threading.Event()

    def make(_: Job, abandoned: Callable[[], bool]) -> Waiting:
        begun.set()
        wait_for(abandoned, "the end of the pool")
        raise Abandoned

    found: Pool[Waiting] = Pool(make, lambda _: "image", lambda job: job.modules, most=4, memory_mb=1000)
    found.take(JOB, lambda _: True)
    assert begun.wait(20)
    found.close()
    assert found.take(JOB, lambda _: True) is None


# -- on the real engine


def waiting(sandbox: DockerSandbox, job: Job) -> None:
    """Have a box of this job's kind wait."""
    assert sandbox.pool is not None
    pool = sandbox.pool
    sandbox.run(job)
    assert pool.settled(60)
    wait_for(lambda: 0 < pool.waiting() == len(listed(sandbox)), "nothing but boxes that wait")


def listed(sandbox: DockerSandbox) -> dict[str, Any]:
    """What the engine says of this sandbox's containers, by name."""
    client = docker.from_env().api
    found = client.containers(all=True, filters={"label": f"{INSTANCE}={sandbox.instance}"})
    seen = {}
    for one in found:
        with suppress(docker.errors.NotFound):  # it has just been removed
            seen[one["Names"][0].removeprefix("/")] = client.inspect_container(one["Id"])
    return seen


@pytest.fixture
def warm(image: str, oci_runtime: str) -> Iterator[DockerSandbox]:
    """A sandbox of the test's own, with a pool."""
    instance = f"test-pool-{os.urandom(4).hex()}"
    found = DockerSandbox(instance=instance, image_of=lambda _: image, oci_runtime=oci_runtime, warm_mb=1000)
    yield found
    found.close()
    assert listed(found) == {}


def test_a_taken_box_has_the_limits_of_the_job_that_takes_it(warm: DockerSandbox) -> None:
    waiting(warm, replace(JOB, limits=replace(LIMITS, memory_mb=512)))
    before = listed(warm)
    assert {one["HostConfig"]["CpuShares"] for one in before.values()} == {32}, "what waits takes no core from anybody"
    idle = replace(
        JOB, argv=(), files={}, entry="idle", library={"idle.py": b"import time\ndef main(_): time.sleep(30)"}
    )
    assert warm.pool is not None
    taken = warm.pool.taken
    box = warm.open(idle)
    try:
        assert warm.pool.taken == taken + 1
        name = next(name for name, one in listed(warm).items() if one["HostConfig"]["CpuShares"] == 1024)
        host = listed(warm)[name]["HostConfig"]
        assert name in before
        assert (host["Memory"], host["MemorySwap"]) == (128 * 2**20, 128 * 2**20)
        assert host["CpusetCpus"].isdigit()
        assert (host["PidsLimit"], host["NanoCpus"], host["ReadonlyRootfs"]) == (64, 10**9, True)
    finally:
        box.finish()


@pytest.mark.parametrize(("before", "after"), [(512, 128), (128, 512)])
def test_the_memory_limit_that_fires_is_the_jobs_own(warm: DockerSandbox, before: int, after: int) -> None:
    waiting(warm, replace(JOB, limits=replace(LIMITS, memory_mb=before)))
    code = b"x = bytearray(300 * 2**20); print(len(x))"
    result = warm.run(replace(JOB, files={"main.py": code}, limits=replace(LIMITS, memory_mb=after)))
    assert warm.pool is not None
    assert warm.pool.taken == 1
    assert result.ended is (Ended.MEMORY if after == 128 else Ended.EXIT)
    assert result.clean == (after == 512)


def test_what_was_imported_ahead_is_not_charged(warm: DockerSandbox) -> None:
    code = b"import sys, time\nprint('sklearn.linear_model' in sys.modules, time.process_time() < 0.2)"
    job = replace(
        JOB, modules=("sklearn.linear_model",), files={"main.py": code}, limits=replace(LIMITS, memory_mb=512)
    )
    waiting(warm, job)
    result = warm.run(job)
    assert (result.stdout, warm.pool and warm.pool.taken) == (b"True True\n", 1)
    assert result.cpu_seconds < 0.3


def test_a_waiting_box_that_was_killed_or_stopped_is_never_handed_out(warm: DockerSandbox) -> None:
    client = docker.from_env().api
    waiting(warm, JOB)
    assert warm.pool is not None
    for harm in (client.kill, client.pause, lambda name: client.remove_container(name, force=True)):
        harmed = set(listed(warm))
        for name in harmed:
            harm(name)
        result = warm.run(JOB)
        assert result.clean, "the job met a sound box all the same"
        assert result.stdout == b"done\n"
        wait_for(lambda: not harmed & set(listed(warm)), "the end of what was harmed")  # noqa: B023
        assert warm.pool.settled(60)


def test_no_marker_of_one_run_is_in_the_next_box_of_the_pool(warm: DockerSandbox) -> None:
    code = b"import os\nprint(os.path.exists('/tmp/marker'), os.path.exists('/dev/shm/marker'))\nopen('/tmp/marker', 'w'); open('/dev/shm/marker', 'w')"
    job = replace(JOB, files={"main.py": code})
    waiting(warm, job)
    assert warm.run(job).stdout == b"False False\n"
    assert warm.pool is not None
    assert warm.pool.settled(60)
    assert warm.run(job).stdout == b"False False\n"
    assert warm.pool.taken == 2


KILLED = """
import os, signal, sys
from sandbox.containers import DockerSandbox
from tests.sandbox.test_pool import JOB, waiting
sandbox = DockerSandbox(instance=sys.argv[1], image_of=lambda _: sys.argv[2], warm_mb=1000)
waiting(sandbox, JOB)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.fault("F17")
def test_a_process_that_is_killed_leaves_nothing_the_reaper_does_not_find(image: str) -> None:
    instance = f"test-pool-{os.urandom(4).hex()}"
    ended = subprocess.run([sys.executable, "-c", KILLED, instance, image], check=False, timeout=120)
    assert ended.returncode == -signal.SIGKILL
    after = DockerSandbox(instance=instance, image_of=lambda _: image)
    assert after.leftovers(), "the control: it left what had waited"
    wait_for(
        lambda: not any(one["State"]["Running"] for one in listed(after).values()), "the end of boxes without owner"
    )
    reap(after)
    assert listed(after) == {}
    after.close()
