"""Whether this machine can judge: its engine, its cgroup tree, its image, and the sandbox's own proof of its limits."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sandbox import selftest
from sandbox.builds import ENGINE_ERRORS
from sandbox.cgroups import ROOT
from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from sandbox.selftest import RUNTIME, Finding
from sandbox.types import SandboxError

CONTROLLERS = {1: ("cpuacct", "memory", "pids"), 2: ("cpu", "memory", "pids")}
"""What each version of the cgroup tree must have."""


def examine(on_finding: Callable[[Finding], None], runtime: str = RUNTIME) -> list[Finding]:
    """All findings, each told as it is found. What cannot be tried after a failure is not: its cause stands above."""
    findings: list[Finding] = []

    def found(finding: Finding) -> bool:
        findings.append(finding)
        on_finding(finding)
        return finding.ok

    try:
        sandbox = DockerSandbox(instance=f"doctor-{secrets.token_hex(4)}", image_of=resolve)
    except SandboxError as error:
        found(Finding("Docker Engine", False, str(error)))
        return findings
    try:
        found(engine(sandbox))
        found(cgroup_tree())
        if found(image(runtime)):
            for finding in selftest.findings(sandbox, runtime=runtime):
                found(finding)
    finally:
        sandbox.close()
    found(leftovers(sandbox))
    return findings


def engine(sandbox: DockerSandbox) -> Finding:
    """Its version, and that it does not itself say that it cannot keep a limit."""
    try:
        version, info = sandbox.api.version(), sandbox.api.info()
    except (*ENGINE_ERRORS, SandboxError) as error:
        return Finding("Docker Engine", False, f"it does not answer: {error}")
    lacking = [warning for warning in info.get("Warnings") or () if "limit" in warning.lower() or "cpuset" in warning]
    if lacking:
        return Finding("Docker Engine", False, "; ".join(lacking))
    said = f"{version.get('Version')}, API {version.get('ApiVersion')}, cgroup driver {info.get('CgroupDriver')}"
    return Finding("Docker Engine", True, said)


def cgroup_tree() -> Finding:
    """Whether the host's tree, from which all facts are read, is there and has what is read from it."""
    listed = ROOT / "cgroup.controllers"
    try:
        version = 2 if listed.exists() else 1
        has = listed.read_text().split() if version == 2 else [n for one in ROOT.iterdir() for n in one.name.split(",")]
    except OSError as error:
        return Finding("cgroup tree", False, f"{ROOT} cannot be read: {error.strerror}")
    missing = [one for one in CONTROLLERS[version] if one not in has]
    if missing:
        said = f"{ROOT} (version {version}) lacks {', '.join(missing)}; is it mounted here?"
        return Finding("cgroup tree", False, said)
    return Finding("cgroup tree", True, f"version {version} at {ROOT}")


def image(runtime: str) -> Finding:
    """Whether the image of this runtime has been made from the recipe as it stands."""
    try:
        return Finding(f"image of {runtime}", True, resolve(runtime)[:19])
    except SandboxError as error:
        return Finding(f"image of {runtime}", False, str(error))


def leftovers(sandbox: DockerSandbox) -> Finding:
    """Whether the probes left a container behind."""
    try:
        left = sandbox.leftovers()
    except SandboxError as error:
        return Finding("nothing left behind", False, str(error))
    return Finding(
        "nothing left behind", not left, f"containers remain: {', '.join(left)}" if left else "all boxes are gone"
    )
