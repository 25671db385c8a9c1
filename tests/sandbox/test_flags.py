"""Every flag of a box, read back from the engine on a live container (CIS Docker Benchmark, section 5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import docker
import pytest

from sandbox.containers import INSTANCE, OWN_KERNEL_PROCESSES, SECCOMP, DockerSandbox
from sandbox.types import Job, Limits, SandboxError, Unfit

LIMITS = Limits.of(cpu_seconds=5, memory_mb=128, processes=50, files_mb=32)
WAITING = Job("python-ml", LIMITS, entry="idle", library={"idle.py": b"import time\ndef main(sock): time.sleep(30)"})


@pytest.fixture
def sandbox(image: str, oci_runtime: str) -> Iterator[DockerSandbox]:
    """One that makes nothing ahead, so that every container is a box of the test."""
    found = DockerSandbox(instance=f"test-flags-{os.getpid()}", image_of=lambda _: image, oci_runtime=oci_runtime)
    yield found
    found.close()
    assert found.leftovers() == []


def test_a_live_box_has_every_flag(sandbox: DockerSandbox, image: str, oci_runtime: str) -> None:
    box = sandbox.open(WAITING)
    try:
        client = docker.from_env().api
        name = client.containers(filters={"label": f"{INSTANCE}={sandbox.instance}"})[0]["Id"]
        found = client.inspect_container(name)
        top = client.top(name, ps_args="-eo pid,uid,args")
    finally:
        box.finish()
    host, config = found["HostConfig"], found["Config"]
    assert found["Image"] == image
    assert (host["NetworkMode"], host["IpcMode"], host["CgroupnsMode"]) == ("none", "private", "private")
    assert (host["PidMode"], host["UTSMode"], host["UsernsMode"]) == ("", "", "")
    assert (host["Privileged"], host["ReadonlyRootfs"], host["Init"], host["AutoRemove"]) == (False, True, False, False)
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None)
    assert set(host["SecurityOpt"]) == {"no-new-privileges:true", f"seccomp={SECCOMP}"}
    assert (host["Memory"], host["MemorySwap"], host["OomKillDisable"]) == (128 * 2**20, 128 * 2**20, False)
    processes = 50 if oci_runtime == "runc" else OWN_KERNEL_PROCESSES
    assert (host["PidsLimit"], host["NanoCpus"], host["CpuShares"]) == (processes, 10**9, 1024)
    assert host["CpusetCpus"].isdigit()
    assert not any((host["Binds"], host["Devices"], host["PortBindings"], host["VolumesFrom"], found["Mounts"]))
    assert host["Runtime"] == oci_runtime
    assert host["RestartPolicy"]["Name"] in ("", "no")
    assert host["LogConfig"]["Type"] == "none"
    assert set(host["Tmpfs"]) == {"/tmp"}
    assert set(host["Tmpfs"]["/tmp"].split(",")) >= {"nosuid", "nodev", "noexec", "size=32m", "nr_inodes=16384"}
    limits = {one["Name"]: (one["Soft"], one["Hard"]) for one in host["Ulimits"]}
    assert limits == {"nofile": (1024, 1024), "fsize": (32 * 2**20,) * 2, "core": (0, 0), "memlock": (65536, 65536)}
    assert "nproc" not in limits
    assert config["Healthcheck"] == {"Test": ["NONE"]}
    assert (config["Tty"], config["OpenStdin"], config["StdinOnce"]) == (False, True, True)
    assert int(config["User"].split(":")[0]) >= 200_000
    if oci_runtime == "runc":  # of gVisor the host sees the kernel and not what runs on it
        assert all(int(uid) >= 200_000 for _, uid, _ in (row[:3] for row in top["Processes"]))


def test_two_boxes_at_once_have_two_users(sandbox: DockerSandbox) -> None:
    boxes = [sandbox.open(WAITING), sandbox.open(WAITING)]
    client = docker.from_env().api
    listed = client.containers(filters={"label": f"{INSTANCE}={sandbox.instance}"})
    users = {client.inspect_container(one["Id"])["Config"]["User"] for one in listed}
    for box in boxes:
        box.finish()
    assert len(users) == 2


def test_a_runtime_that_lacks_a_declared_module_is_the_operators_error(sandbox: DockerSandbox) -> None:
    job = Job("python-ml", LIMITS, argv=("true",), modules=("no_such_module",))
    with pytest.raises(SandboxError, match="cannot import no_such_module"):
        sandbox.run(job)


def test_an_unknown_runtime_is_refused_and_no_other_takes_its_place(image: str) -> None:
    other = DockerSandbox(instance="test-no-runtime", image_of=lambda _: image, oci_runtime="no-such-runtime")
    try:
        with pytest.raises(SandboxError, match="no-such-runtime"):
            other.run(Job("python-ml", LIMITS, argv=("true",)))
    finally:
        other.close()
    assert other.leftovers() == []


class Warns:
    """The engine's client, but an engine that discards a limit."""

    def __init__(self, api: Any) -> None:
        self._api = api

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def create_container(self, **flags: Any) -> dict[str, Any]:
        made = self._api.create_container(**flags)
        return {**made, "Warnings": ["Your kernel does not support swap limit capabilities"]}


def test_a_limit_that_the_engine_would_not_keep_is_no_box(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    other = DockerSandbox(instance=f"test-warns-{os.getpid()}", image_of=lambda _: image)
    api = other.api
    monkeypatch.setattr(DockerSandbox, "api", property(lambda _: Warns(api)))
    try:
        with pytest.raises(Unfit, match=r"would not keep every limit.*swap limit"):
            other.run(Job("python-ml", LIMITS, argv=("true",)))
    finally:
        other.close()
    assert other.leftovers() == []


def test_an_engine_that_does_not_answer_is_the_operators_error(image: str) -> None:
    with pytest.raises(SandboxError, match="engine"):
        DockerSandbox(instance="x", image_of=lambda _: image, base_url="unix:///nowhere.sock")


@pytest.mark.parametrize("name", ["cpu_seconds", "wall_seconds", "memory_mb", "processes", "output_kb", "files_mb"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_missing_limit_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        Limits(**{"cpu_seconds": 1, "wall_seconds": 1, "memory_mb": 64, name: value})  # type: ignore[arg-type]
