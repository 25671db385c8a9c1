"""Engines that this machine does not have, from their own answers: a recorded one, and what each file alters in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.engine import has_own_kernel, judge
from sandbox.selftest import Finding, State

FOLDER = Path(__file__).parent / "engines"
RECORDED = "debian-12-engine-20.10.24"
Answers = tuple[dict[str, Any], dict[str, Any]]


def answers(altered: str = "", recorded: str = RECORDED) -> Answers:
    """Version and info of the recorded engine, with the fields that a file names replaced."""
    whole = json.loads((FOLDER / f"{recorded}.json").read_text())
    differs = json.loads((FOLDER / f"{altered}.json").read_text()) if altered else {}
    assert set(differs) <= {"version", "info"}
    return whole["version"] | differs.get("version", {}), whole["info"] | differs.get("info", {})


def notable(findings: list[Finding]) -> dict[str, State]:
    return {one.name: one.state for one in findings if one.state is not State.OK}


def test_the_engine_of_debian_12_may_judge_with_a_warning_about_its_runc() -> None:
    findings = judge(*answers(), "runc")
    assert notable(findings) == {"runc": State.WARNING}
    detail = findings[-1].detail
    assert "1.1.5+ds1-1+deb12u1" in detail
    assert "CVE-2025-31133" in detail
    assert "CVE-2024-21626" not in detail, "its package has that fix under its old number"
    assert findings[0].detail == "20.10.24+dfsg1, API 1.41, cgroup driver cgroupfs"


def test_the_engine_of_debian_13_may_judge_with_either_of_its_runtimes() -> None:
    newer = answers(recorded="debian-13-engine-26.1.5-with-runsc")
    for oci_runtime in ("runc", "runsc"):
        assert notable(judge(*newer, oci_runtime)) == {"runc": State.WARNING}
        assert has_own_kernel(newer[1], oci_runtime) is (oci_runtime == "runsc")
    assert "1.1.15+ds1-2+b4" in judge(*newer, "runc")[-1].detail


@pytest.mark.parametrize(
    ("altered", "name", "why"),
    [
        ("api-1.40", "Docker Engine", "must be 1.41 or later"),
        ("no-swap-accounting", "limits of the engine", "swapaccount=1"),
        ("no-controllers", "limits of the engine", "memory, swap"),
        ("a-warning-about-a-limit", "limits of the engine", "No kernel memory TCP limit support"),
        ("no-seccomp", "seccomp of the engine", "without seccomp"),
        ("only-crun", "OCI runtime", "does not know the runtime runc of ASSAY_RUNTIME; it has crun"),
        ("runc-1.1.4", "runc", "v1.1.4 is too old"),
    ],
)
def test_what_refuses(altered: str, name: str, why: str) -> None:
    findings = judge(*answers(altered), "runc")
    refusals = {one.name: one.detail for one in findings if one.refuses}
    assert list(refusals) == [name]
    assert why.removeprefix("v") in refusals[name]


@pytest.mark.parametrize(
    ("altered", "named"),
    [
        ("runc-1.1.5-of-upstream", ["CVE-2024-21626", "CVE-2025-52881"]),
        ("runc-1.1.12", ["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"]),
        ("runc-1.3.2", ["CVE-2025-52565"]),
        ("runc-1.2.8", []),
        ("runc-1.4.0", []),
        ("says-no-runc", ["which runc"]),
    ],
)
def test_holes_of_an_old_runc_are_named_and_judging_goes_on(altered: str, named: list[str]) -> None:
    (runc,) = [one for one in judge(*answers(altered), "runc") if one.name == "runc"]
    assert runc.state is (State.WARNING if named else State.OK)
    assert [one for one in named if one not in runc.detail] == []
    assert ("CVE-2024-21626" in runc.detail) == ("CVE-2024-21626" in named)


def test_a_runtime_nobody_has_is_named() -> None:
    (refusal,) = [one for one in judge(*answers(), "runsc") if one.refuses]
    assert "does not know the runtime runsc" in refusal.detail
    assert "runc" in refusal.detail


def test_whose_boxes_have_a_kernel_of_their_own() -> None:
    _, info = answers()
    info["Runtimes"] |= {"guarded": {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]}}
    assert has_own_kernel(info, "guarded")
    assert not has_own_kernel(info, "runc")
    assert notable(judge(*answers()[:1], info, "guarded")) == {"runc": State.WARNING}
    (refusal,) = [one for one in judge(*answers()[:1], info, "guarded", services=True) if one.refuses]
    assert "guarded gives each container a loopback of its own" in refusal.detail
    assert "ASSAY_BUILDS=off" in refusal.detail
    assert not has_own_kernel(info, "nobody")


def test_every_file_alters_something() -> None:
    version, info = answers()
    for path in FOLDER.glob("*.json"):
        if path.stem != RECORDED and not path.stem.startswith("debian-"):
            altered = answers(path.stem)
            assert altered != (version, info), path
