"""`assay doctor` on the real engine, and with sandboxes that break one promise each: the right line fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from cli import doctor
from sandbox import containers, fitness, selftest
from sandbox.containers import DockerSandbox
from sandbox.selftest import PROBE, Finding, State, check, ok
from sandbox.types import Box, Ended, Job, RunResult, SandboxError, never
from tests.cli.conftest import Assay

SOUND: dict[str, Any] = {
    "interfaces": ["lo"],
    "connect": "ENETUNREACH",
    "root": dict.fromkeys(("/", "/usr", "/etc", "/var"), "EROFS"),
    "read_only": True,
    "tmp": "done",
    "uid": 200_000,
    "gid": 200_000,
    "status": dict.fromkeys(("CapEff", "CapPrm", "CapBnd", "CapInh"), "0" * 16) | {"NoNewPrivs": "1", "Seccomp": "2"},
    "calls": {"getpid": "done", "kcmp": "EPERM", "unshare": "EPERM"},
    "files": 15,
    "processes": 37,
}
PLAIN = "a plain program runs"


def result(ended: Ended = Ended.EXIT, code: int | None = 0, **facts: Any) -> RunResult:
    given = {"cpu_seconds": 0.02, "wall_seconds": 0.05, "peak_memory_mb": 13.0, "oom_kills": 0, **facts}
    return RunResult(ended, code if ended is Ended.EXIT else None, None, **given)


KEPT: dict[str, RunResult] = {
    PLAIN: result(stdout=json.dumps(SOUND).encode()),
    "wall clock": result(Ended.TIME, wall_seconds=0.5),
    "cpu time": result(Ended.TIME, cpu_seconds=0.55),
    "memory": result(Ended.MEMORY, peak_memory_mb=128.0, oom_kills=1),
    "output": result(Ended.OUTPUT, stdout=bytes(64 * 1024)),
}
"""The facts of a sandbox that keeps its promises."""


class FakeSandbox:
    """Reports these facts, by the name of the probe."""

    def __init__(self, facts: Mapping[str, RunResult | Exception]) -> None:
        self._facts: dict[str, RunResult | Exception] = {**KEPT, **facts}

    def run(self, job: Job, abandoned: Callable[[], bool] = never) -> RunResult:
        fact = self._facts[job.labels[PROBE]]
        if isinstance(fact, Exception):
            raise fact
        return fact

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> Box:
        raise NotImplementedError


def failed(facts: Mapping[str, RunResult | Exception]) -> dict[str, str]:
    return {one.name: one.detail for one in check(FakeSandbox(facts)) if one.refuses}


def seen(**changes: Any) -> dict[str, RunResult]:
    return {PLAIN: result(stdout=json.dumps(SOUND | changes).encode())}


def test_a_sandbox_that_keeps_its_promises() -> None:
    findings = check(FakeSandbox({}))
    assert [one for one in findings if one.state is not State.OK] == []
    assert [one.name for one in findings] == [PLAIN, *selftest.LOOKS, *selftest.PROBES]
    assert set(KEPT) == {PLAIN, *selftest.PROBES}


@pytest.mark.parametrize(
    ("name", "fact", "why"),
    [
        ("wall clock", result(), "not by exit"),
        ("wall clock", result(Ended.TIME, wall_seconds=9.0), "9.0 s until it fired"),
        ("wall clock", result(Ended.TIME, wall_seconds=1.0, cpu_seconds=1.0), "charged 1.0 s"),
        ("cpu time", result(Ended.SIGNAL), "not by signal"),
        ("cpu time", result(Ended.TIME, cpu_seconds=20.0), "charged 20.00 s"),
        ("cpu time", result(Ended.TIME, cpu_seconds=0.0), "charged 0.00 s"),
        ("memory", result(), "not by exit"),
        ("memory", result(Ended.MEMORY, peak_memory_mb=512.0), "512 MB of 128"),
        ("output", result(), "not by exit"),
        ("output", result(Ended.OUTPUT, stdout=bytes(70_000)), "70000 bytes"),
        ("memory", SandboxError("the engine went away"), "the engine went away"),
    ],
)
def test_each_limit_that_does_not_fire_fails_its_own_line(name: str, fact: RunResult | Exception, why: str) -> None:
    found = failed({name: fact})
    assert list(found) == [name]
    assert why in found[name]


@pytest.mark.parametrize(
    ("name", "changes", "why"),
    [
        ("no network", {"interfaces": ["lo", "eth0"]}, "eth0"),
        ("no network", {"connect": "done"}, "done"),
        ("no network", {"connect": "ETIMEDOUT"}, "ETIMEDOUT"),
        ("read-only root", {"root": SOUND["root"] | {"/etc": "done"}}, "/etc"),
        ("read-only root", {"root": SOUND["root"] | {"/etc": "ENOENT"}}, "ENOENT"),
        ("read-only root", {"read_only": False}, "no read-only"),
        ("read-only root", {"root": {}}, "write"),
        ("read-only root", {"tmp": "EROFS"}, "/tmp"),
        ("not root", {"uid": 0}, "uid 0"),
        ("not root", {"gid": 0}, "gid 0"),
        ("no capabilities", {"status": SOUND["status"] | {"CapBnd": "00000000a80425fb"}}, "a80425fb"),
        ("no new privileges", {"status": SOUND["status"] | {"NoNewPrivs": "0"}}, "NoNewPrivs 0"),
        ("seccomp", {"status": SOUND["status"] | {"Seccomp": "0"}}, "Seccomp 0"),
        ("denied system calls", {"calls": SOUND["calls"] | {"kcmp": "ESRCH"}}, "kcmp (ESRCH)"),
        ("denied system calls", {"calls": SOUND["calls"] | {"getpid": "EPERM"}}, "getpid"),
        ("denied system calls", {"calls": {"getpid": "done"}}, "came through"),
        ("processes", {"processes": 160}, "160 processes"),
        ("processes", {"processes": 0}, "0 processes"),
        ("temporary files", {"files": 64}, "64 MB"),
        ("temporary files", {"files": 0}, "0 MB"),
    ],
)
def test_each_lack_of_isolation_fails_its_own_line(name: str, changes: dict[str, Any], why: str) -> None:
    found = failed(seen(**changes))
    assert list(found) == [name]
    assert why in found[name]


def test_a_probe_that_tells_nothing_is_no_proof() -> None:
    assert list(failed({PLAIN: result(stdout=b"[]")})) == [PLAIN]
    assert list(failed({PLAIN: result(stdout=b"{}")})) == list(selftest.LOOKS)


def test_where_boxes_have_a_kernel_of_their_own_a_filter_is_not_asked_for() -> None:
    lax = seen(status=SOUND["status"] | {"Seccomp": "0"}, calls=SOUND["calls"] | {"kcmp": "ENOSYS"})
    assert set(failed(lax)) == {"seccomp", "denied system calls"}
    as_there = lax | {"processes": result(Ended.SIGNAL), "memory": result(code=1, oom_kills=1, peak_memory_mb=128.0)}
    findings = check(FakeSandbox(as_there), own_kernel=True)
    assert [one for one in findings if one.refuses] == []
    assert {"processes", "memory", "no network"} <= {one.name for one in findings}


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("processes", result(stdout=b"")),
        ("processes", result(Ended.TIME)),
        ("memory", result(oom_kills=1)),
        ("memory", result(code=1, oom_kills=0)),
    ],
)
def test_limits_must_fire_there_too(name: str, fact: RunResult) -> None:
    as_there = {"processes": result(Ended.SIGNAL), "memory": result(code=1, oom_kills=1, peak_memory_mb=128.0)}
    found = check(FakeSandbox(as_there | {name: fact}), own_kernel=True)
    assert [one.name for one in found if one.refuses] == [name]


@pytest.mark.parametrize(
    "fact",
    [SandboxError("no cgroup of container"), result(stdout=b""), replace(KEPT[PLAIN], exit_code=1), result(Ended.TIME)],
)
def test_where_nothing_runs_there_is_one_line_only(fact: RunResult | Exception) -> None:
    findings = check(FakeSandbox({PLAIN: fact}))
    assert [(one.name, one.state) for one in findings] == [(PLAIN, State.REFUSAL)]


def test_doctor_on_this_machine(assay: Assay) -> None:
    healthy = assay("doctor", "--json")
    findings = json.loads(healthy.stdout)
    assert healthy.exit_code == 0, findings
    names = [one["name"] for one in findings]
    assert {"Docker Engine", "runc", "cgroup tree", "image of python-ml"} <= set(names)
    assert "refusal" not in {one["state"] for one in findings}
    assert set(selftest.PROBES) | set(selftest.LOOKS) <= set(names)
    assert names[-1] == "nothing left behind"


def test_a_limit_that_really_does_not_fire_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control on the real engine: the same probes in boxes whose limits are far away."""
    sound = DockerSandbox.run

    def generous(self: DockerSandbox, job: Job, abandoned: Callable[[], bool] = never) -> RunResult:
        far = replace(job.limits, memory_mb=1024, processes=400, output_kb=4096, files_mb=128)
        return sound(self, replace(job, limits=far), abandoned)

    monkeypatch.setattr(DockerSandbox, "run", generous)
    found: list[Finding] = []
    doctor.examine(found.append)
    assert {one.name for one in found if one.refuses} == {"memory", "output", "processes", "temporary files"}


def test_a_box_without_its_filter_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control on the real engine for the calls that a filter alone refuses."""
    monkeypatch.setattr(containers, "SECCOMP", "unconfined")
    found: list[Finding] = []
    doctor.examine(found.append)
    refusals = {one.name: one.detail for one in found if one.refuses}
    assert set(refusals) == {"seccomp", "denied system calls"}
    for call in ("add_key", "process_vm_readv", "kcmp", "vmsplice"):
        assert call in refusals["denied system calls"]


def test_a_box_that_stays_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    remove = DockerSandbox.remove

    def forgetful(self: DockerSandbox, name: str) -> bool:
        if not kept or name in kept:
            kept.append(name)
            return True
        return remove(self, name)

    monkeypatch.setattr(DockerSandbox, "remove", forgetful)
    try:
        found: list[Finding] = []
        doctor.examine(found.append)
        assert [(one.name, one.state) for one in found if one.refuses] == [("nothing left behind", State.REFUSAL)]
        assert kept[0] in found[-1].detail
    finally:
        docker.from_env().api.remove_container(kept[0], force=True)


def test_a_runtime_that_the_engine_does_not_know_refuses(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_RUNTIME", "no-such-runtime")
    sick = assay("doctor")
    assert sick.exit_code == 1
    (line,) = [one for one in sick.stdout.splitlines() if one.startswith("FAIL")]
    assert "the engine does not know the runtime no-such-runtime" in line
    assert "memory  " not in sick.stdout, "no box was tried"


def test_without_an_engine_it_says_so_and_stops(assay: Assay, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{home}/nobody.sock")
    sick = assay("doctor")
    assert sick.exit_code == 1
    (line,) = sick.stdout.splitlines()
    assert line.startswith("FAIL Docker Engine")


def test_without_the_image_nothing_is_tried(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.images.build.image_tag", lambda runtime: f"assay/{runtime}:nobody-made-this")
    sick = assay("doctor")
    assert sick.exit_code == 1
    assert "assay images build python-ml" in sick.stdout
    assert "memory" not in sick.stdout


@pytest.mark.parametrize("gone", ["memory", "pids"])
def test_a_cgroup_tree_that_lacks_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    for name in {"cpu,cpuacct", "memory", "pids"}:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(fitness, "ROOT", tmp_path)
    assert not fitness.cgroup_tree().refuses
    (tmp_path / gone).rmdir()
    assert fitness.cgroup_tree().refuses
    assert gone in fitness.cgroup_tree().detail
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    assert fitness.cgroup_tree() == ok("cgroup tree", f"version 2 at {tmp_path}")
    monkeypatch.setattr(fitness, "ROOT", tmp_path / "nowhere")
    assert fitness.cgroup_tree().refuses
