"""Whether this machine can judge: its engine, cgroup tree and images, and in real boxes that every limit fires.

`assay doctor` shows it all; a worker begins with it and claims nothing when anything refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sandbox import engine, selftest
from sandbox.cgroups import ROOT
from sandbox.containers import DockerSandbox
from sandbox.selftest import RUNTIME, Finding, ok, refusal
from sandbox.types import SandboxError, never

CONTROLLERS = {1: ("cpuacct", "memory", "pids"), 2: ("cpu", "memory", "pids")}
"""What each version of the cgroup tree must have."""


def examine(
    *,
    instance: str,
    image_of: Callable[[str], str],
    on_finding: Callable[[Finding], None],
    oci_runtime: str = "runc",
    runtimes: Iterable[str] = (RUNTIME,),
    services: bool = False,
    abandoned: Callable[[], bool] = never,
) -> list[Finding]:
    """All findings, each told as it is found. What cannot be tried after a refusal is not: its cause stands above.

    `services`: images of strangers are to be served, too. The probe boxes belong to `instance` and are gone
    afterwards. Raises Abandoned.
    """
    findings: list[Finding] = []

    def found(*those: Finding) -> bool:
        """Whether judging is possible for all one can see so far."""
        for one in those:
            findings.append(one)
            on_finding(one)
        return not any(one.refuses for one in findings)

    try:
        sandbox = DockerSandbox(instance=instance, image_of=image_of, oci_runtime=oci_runtime)
    except SandboxError as error:
        found(refusal("Docker Engine", str(error)))
        return findings
    before: list[str] = []
    try:
        try:
            version, info = sandbox.about()
            before = sandbox.leftovers()
        except SandboxError as error:
            found(refusal("Docker Engine", str(error)))
            return findings
        found(*engine.judge(version, info, oci_runtime, services=services))
        found(cgroup_tree())
        if found(*(image(one, image_of) for one in dict.fromkeys((RUNTIME, *runtimes)))):
            own_kernel = engine.has_own_kernel(info, oci_runtime)
            for one in selftest.findings(sandbox, own_kernel=own_kernel, abandoned=abandoned):
                found(one)
    finally:
        sandbox.close()
    found(nothing_left(sandbox, before))
    return findings


def cgroup_tree() -> Finding:
    """Whether the host's tree, from which all facts are read, is there and has what is read from it."""
    listed = ROOT / "cgroup.controllers"
    try:
        version = 2 if listed.exists() else 1
        has = listed.read_text().split() if version == 2 else [n for one in ROOT.iterdir() for n in one.name.split(",")]
    except OSError as error:
        return refusal("cgroup tree", f"{ROOT} cannot be read: {error.strerror}")
    missing = [one for one in CONTROLLERS[version] if one not in has]
    if missing:
        return refusal("cgroup tree", f"{ROOT} (version {version}) lacks {', '.join(missing)}; is it mounted here?")
    return ok("cgroup tree", f"version {version} at {ROOT}")


def image(runtime: str, image_of: Callable[[str], str]) -> Finding:
    """Whether the image of this runtime has been made, from the recipe as it stands."""
    try:
        return ok(f"image of {runtime}", image_of(runtime)[:19])
    except SandboxError as error:
        return refusal(f"image of {runtime}", str(error))


def nothing_left(sandbox: DockerSandbox, before: Iterable[str]) -> Finding:
    """Whether the probes left a container behind; what was there before is the reaper's."""
    try:
        left = sorted(set(sandbox.leftovers()) - set(before))
    except SandboxError as error:
        return refusal("nothing left behind", str(error))
    if left:
        return refusal("nothing left behind", f"containers remain: {', '.join(left)}")
    return ok("nothing left behind", "all boxes are gone")
