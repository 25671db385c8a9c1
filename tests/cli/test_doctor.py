"""`assay doctor` on the real engine, and with sandboxes that break one promise each: the right line fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli import doctor
from sandbox import selftest
from sandbox.containers import DockerSandbox
from sandbox.selftest import Finding, check
from sandbox.types import Box, Ended, Job, RunResult, SandboxError, never
from tests.cli.conftest import Assay

SOUND: dict[str, Any] = {
    "interfaces": ["lo"],
    "connect": "ENETUNREACH",
    "root": dict.fromkeys(("/", "/usr", "/etc", "/var"), "EROFS"),
    "tmp": "done",
    "uid": 200_000,
    "gid": 200_000,
    "status": dict.fromkeys(("CapEff", "CapPrm", "CapBnd", "CapInh"), "0" * 16) | {"NoNewPrivs": "1", "Seccomp": "2"},
}


def result(ended: Ended = Ended.EXIT, code: int | None = 0, **facts: Any) -> RunResult:
    given = {"cpu_seconds": 0.02, "wall_seconds": 0.05, "peak_memory_mb": 13.0, "oom_kills": 0, **facts}
    return RunResult(ended, code if ended is Ended.EXIT else None, None, **given)


KEPT: dict[str, RunResult] = {
    "a plain program runs": result(stdout=b"ready\n"),
    "wall clock": result(Ended.TIME, wall_seconds=1.0),
    "cpu time": result(Ended.TIME, cpu_seconds=0.55),
    "memory": result(Ended.MEMORY, peak_memory_mb=128.0, oom_kills=1),
    "output": result(Ended.OUTPUT, stdout=bytes(64 * 1024)),
    "processes": result(stdout=b"37\n"),
    "temporary files": result(stdout=b"15\n"),
    "look": result(stdout=json.dumps(SOUND).encode()),
}
"""The facts of a sandbox that keeps its promises."""


class FakeSandbox:
    """Reports these facts, whatever it is asked to run; the order is that of the probes."""

    def __init__(self, facts: Mapping[str, RunResult | Exception]) -> None:
        self._facts = iter((KEPT | dict(facts)).values())

    def run(self, job: Job, abandoned: Callable[[], bool] = never) -> RunResult:
        fact = next(self._facts)
        if isinstance(fact, Exception):
            raise fact
        return fact

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> Box:
        raise NotImplementedError


def failed(facts: Mapping[str, RunResult | Exception]) -> dict[str, str]:
    return {one.name: one.detail for one in check(FakeSandbox(facts)) if not one.ok}


def seen(**changes: Any) -> dict[str, RunResult]:
    return {"look": result(stdout=json.dumps(SOUND | changes).encode())}


def test_a_sandbox_that_keeps_its_promises() -> None:
    findings = check(FakeSandbox({}))
    assert [one for one in findings if not one.ok] == []
    assert [one.name for one in findings] == [*list(KEPT)[:-1], *selftest.LOOKS]


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
        ("processes", result(stdout=b"160\n"), "160 processes"),
        ("processes", result(stdout=b"0\n"), "0 processes"),
        ("processes", result(stdout=b"", stderr=b"oops"), "oops"),
        ("temporary files", result(stdout=b"64\n"), "64 MB"),
        ("temporary files", result(stdout=b"0\n"), "0 MB"),
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
        ("read-only root", {"root": SOUND["root"] | {"/etc": "EACCES"}}, "EACCES"),
        ("read-only root", {"root": {}}, "write"),
        ("read-only root", {"tmp": "EROFS"}, "/tmp"),
        ("not root", {"uid": 0}, "uid 0"),
        ("not root", {"gid": 0}, "gid 0"),
        ("no capabilities", {"status": SOUND["status"] | {"CapBnd": "00000000a80425fb"}}, "a80425fb"),
        ("no new privileges", {"status": SOUND["status"] | {"NoNewPrivs": "0"}}, "NoNewPrivs 0"),
        ("seccomp", {"status": SOUND["status"] | {"Seccomp": "0"}}, "Seccomp 0"),
    ],
)
def test_each_lack_of_isolation_fails_its_own_line(name: str, changes: dict[str, Any], why: str) -> None:
    found = failed(seen(**changes))
    assert list(found) == [name]
    assert why in found[name]


def test_a_probe_that_tells_nothing_is_no_proof() -> None:
    assert list(failed({"look": result(stdout=b"")})) == ["a look around from inside"]
    assert list(failed({"look": result(stdout=b"[]")})) == ["a look around from inside"]
    assert list(failed({"look": result(stdout=b"{}")})) == list(selftest.LOOKS)


@pytest.mark.parametrize(
    "fact", [SandboxError("no cgroup of container"), result(stdout=b""), result(code=1, stdout=b"ready\n")]
)
def test_where_nothing_runs_there_is_one_line_only(fact: RunResult | Exception) -> None:
    findings = check(FakeSandbox({"a plain program runs": fact}))
    assert [(one.name, one.ok) for one in findings] == [("a plain program runs", False)]


def test_doctor_on_this_machine(assay: Assay) -> None:
    healthy = assay("doctor", "--json")
    findings = json.loads(healthy.stdout)
    assert healthy.exit_code == 0, findings
    names = [one["name"] for one in findings]
    assert names[:3] == ["Docker Engine", "cgroup tree", "image of python-ml"]
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
    assert {one.name for one in found if not one.ok} == {"memory", "output", "processes", "temporary files"}


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
    monkeypatch.setattr(doctor, "ROOT", tmp_path)
    assert doctor.cgroup_tree().ok
    (tmp_path / gone).rmdir()
    assert gone in doctor.cgroup_tree().detail
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    assert doctor.cgroup_tree() == Finding("cgroup tree", True, f"version 2 at {tmp_path}")
    monkeypatch.setattr(doctor, "ROOT", tmp_path / "nowhere")
    assert not doctor.cgroup_tree().ok
