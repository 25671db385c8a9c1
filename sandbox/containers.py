"""Makes boxes of Docker containers, flag by flag; the only module that talks to the engine about them.

Knows nothing of what runs inside. The flags are explained in SECURITY.md.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
from docker.types import LogConfig, Ulimit

from sandbox.builds import BUILD, ENGINE_ERRORS, SLIM, Builds, BuiltImage
from sandbox.cgroups import ROOT, Cgroup, Usage
from sandbox.engine import has_own_kernel
from sandbox.pool import Pool
from sandbox.service import SupervisedService, Watch
from sandbox.supervisor import BOOT, START_SECONDS, SupervisedBox
from sandbox.types import BuildFailed, BuildLimits, Image, Job, Limits, RunResult, SandboxError, Unfit, never

log = logging.getLogger(__name__)

INSTANCE = "assay.instance"
ENGINE_SECONDS = 60
"""Socket time-out of one engine call."""
GONE_SECONDS = 10.0
"""From the end of a container's stream until the engine must know that it has ended."""
KILLED = 137
"""The exit code of a first process that was killed."""
FIRST_UID = 200_000
SHM_MB = 16
WEIGHT = 1024
"""Of a box in the sharing of a core, as the engine counts it."""
WAITING_WEIGHT = 32
"""The same while it is made ahead: it gets what nobody else wants."""
IMPORT_SECONDS = 600.0
"""For the imports of a box of so little weight."""
OWN_KERNEL_PROCESSES = 128
"""A box with a kernel of its own (gVisor) gets at least so many: the threads of that kernel count, too."""
RELAY = Limits(cpu_seconds=600, wall_seconds=600, memory_mb=192, processes=96, output_kb=64, files_mb=8)
SECCOMP = (Path(__file__).parent / "seccomp.json").read_text()
"""The profile's text: the engine takes the JSON itself, not a path."""
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "BLIS")
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/tmp",
    "USER": "box",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "MPLCONFIGDIR": "/tmp/.matplotlib",
    "PYTHONDONTWRITEBYTECODE": "1",
    **{f"{name}_NUM_THREADS": "1" for name in THREADS},
    # an image's own settings must not reach the interpreter
    **dict.fromkeys(("LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONHOME"), ""),
}


def box_flags(
    api: Any,
    job: Job,
    *,
    image: str,
    uid: int,
    cpu: int,
    labels: Mapping[str, str],
    oci_runtime: str,
    weight: int = WEIGHT,
) -> dict[str, Any]:
    """The engine's create call for a hardened box; a test asserts each flag on a live one."""
    return {
        "image": image,
        "entrypoint": ["/usr/bin/python3", "-I", "-c", BOOT],
        "command": [],
        "user": f"{uid}:{uid}",
        "working_dir": "/",
        "hostname": "box",
        "tty": False,
        "stdin_open": True,
        "environment": ENVIRONMENT,
        "use_config_proxy": False,
        "healthcheck": {"test": ["NONE"]},
        "stop_signal": "SIGKILL",
        "labels": dict(labels),
        "host_config": _hardened(api, job.limits, cpu=cpu, network="none", oci_runtime=oci_runtime, weight=weight),
    }


def service_flags(
    api: Any,
    limits: Limits,
    *,
    image: str,
    environment: Mapping[str, str],
    relay: str,
    uid: int,
    cpu: int,
    labels: Mapping[str, str],
    oci_runtime: str,
) -> dict[str, Any]:
    """The same for an image's own entry point, which joins the network of the container `relay`.

    Its own settings stay, but for its user. There is no init: its program is process 1, as under `docker run`.
    """
    network = f"container:{relay}"
    ours = {"HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1", **{f"{name}_NUM_THREADS": "1" for name in THREADS}}
    return {
        "image": image,
        "user": f"{uid}:{uid}",
        "tty": False,
        "stdin_open": False,
        "environment": {name: value for name, value in ours.items() if name not in environment},
        "use_config_proxy": False,
        "healthcheck": {"test": ["NONE"]},
        "stop_signal": "SIGKILL",
        "labels": dict(labels),
        "host_config": _hardened(api, limits, cpu=cpu, network=network, oci_runtime=oci_runtime),
    }


def _hardened(api: Any, limits: Limits, *, cpu: int, network: str, oci_runtime: str, weight: int = WEIGHT) -> Any:
    memory = limits.memory_mb * 2**20
    largest_file = limits.files_mb * 2**20
    return api.create_host_config(
        network_mode=network,
        ipc_mode="private",
        cgroupns="private",
        cap_drop=["ALL"],
        privileged=False,
        security_opt=["no-new-privileges:true", f"seccomp={SECCOMP}"],
        read_only=True,
        tmpfs={"/tmp": f"rw,nosuid,nodev,noexec,size={limits.files_mb}m,nr_inodes=16384,mode=1777"},
        shm_size=f"{SHM_MB}m",
        mem_limit=memory,
        memswap_limit=memory,
        pids_limit=limits.processes,
        nano_cpus=10**9,
        cpuset_cpus=str(cpu),
        cpu_shares=weight,
        ulimits=[
            Ulimit(name="nofile", soft=1024, hard=1024),
            Ulimit(name="fsize", soft=largest_file, hard=largest_file),
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="memlock", soft=65536, hard=65536),
        ],
        init=False,  # the engine's own is a file of the host, mounted into every box: a lock on it is seen in all
        log_config=LogConfig(type="none"),
        auto_remove=False,
        oom_kill_disable=False,
        runtime=oci_runtime,
    )


_ENTRY_POINT = re.compile(
    r'exec: "[^"]{0,200}": (?:executable file not found in \$PATH|permission denied|is a directory|stat [^:]*: [a-z ]+)'
    r"|(?:chdir to cwd|mkdir)[^:]*: (?:not a directory|permission denied)"
)


class _CannotStart(SandboxError):
    """The engine cannot start the first process of this very image."""


@dataclass
class _Place:
    """What a container holds of this host until it is removed."""

    uid: int
    cpu: int | None
    """The core it keeps busy; none while it waits."""


class _EngineContainer:
    """One started container as the supervisor needs it."""

    def __init__(self, sandbox: DockerSandbox, name: str, stream: Any, place: _Place) -> None:
        self._sandbox = sandbox
        self._name = name
        self._stream = stream
        self._sock: socket.socket = stream._sock
        self.place = place
        self._cgroup: Cgroup | None = None
        self._last = Usage(0.0, 0.0, 0)

    def find_cgroup(self, id: str) -> None:
        try:
            self._cgroup = Cgroup(id, self._sandbox.cgroup_root)
        except FileNotFoundError:
            if self._sandbox.state(self._name).get("Running", True):
                raise  # it had ended at once: that is no fault of this host

    def fileno(self) -> int:
        return self._sock.fileno()

    def send(self, data: memoryview) -> int:
        return self._sock.send(data)

    def receive(self, size: int) -> bytes:
        return self._sock.recv(size)

    def cpu_seconds(self) -> float:
        if self._cgroup is not None:
            with suppress(OSError):  # dead: the last reading stands
                self._last = self._cgroup.usage()
        return self._last.cpu_seconds

    def usage(self) -> Usage:
        try:
            if self._cgroup is None:
                raise FileNotFoundError
            self._last = self._cgroup.usage()
        except OSError:
            state = self._sandbox.state(self._name)
            kills = max(self._last.oom_kills, int(bool(state.get("OOMKilled"))))
            self._last = Usage(self._last.cpu_seconds, self._last.peak_memory_mb, kills)
        return self._last

    @property
    def name(self) -> str:
        """The container's name."""
        return self._name

    def kill(self, signal: str) -> bool:
        """Send a signal to its first process; False if it had ended."""
        try:
            self._sandbox.api.kill(self._name, signal)
        except docker.errors.APIError as error:
            if error.status_code in (404, 409):
                return False
            raise SandboxError(f"the engine could not send a signal: {error}") from error
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the engine could not send a signal: {error}") from error
        return True

    def state(self) -> Mapping[str, Any]:
        """The engine's word on it, empty if it has none."""
        return self._sandbox.state(self._name)

    def broken(self) -> str:
        end = time.monotonic() + GONE_SECONDS
        while True:
            try:
                state = self._sandbox.api.inspect_container(self._name)["State"]
            except ENGINE_ERRORS as error:
                return f"the engine went away, or the box did: {error}"
            if not state.get("Running", False):
                break
            if time.monotonic() > end:
                return "the engine let go of a box that still runs"
            time.sleep(0.02)
        # nobody in the box can kill its first process, which is our shim, and a kill for memory is told
        told = state.get("OOMKilled") or self._last.oom_kills or self._sandbox.own_kernel
        return "" if state.get("ExitCode") != KILLED or told else "somebody outside has killed the box"

    def close(self) -> None:
        # the socket first: kill does not return while nobody reads a flooding box
        self._stream.close()
        self._sock.close()
        self._sandbox.discard(self._name, self.place)


@dataclass(frozen=True)
class _Warm:
    """A box whose modules are imported and which has met no job."""

    box: SupervisedBox
    container: _EngineContainer
    memory_mb: float = 0.0

    def finish(self) -> object:
        return self.box.finish()


class DockerSandbox:
    """Boxes of level `fresh`: one container a run, made for it and removed after it. Safe to use from many threads."""

    def __init__(
        self,
        *,
        instance: str,
        image_of: Callable[[str], str],
        base_url: str | None = None,
        cpus: Collection[int] = (),
        cgroup_root: Path = ROOT,
        builds: str = "wheels",
        oci_runtime: str = "runc",
        warm_mb: float = 0.0,
    ) -> None:
        """`instance` labels everything made here; `image_of` gives the image id of a runtime. Raises SandboxError.

        `oci_runtime` is the engine's name of what starts boxes; there is no other to fall back to.
        `builds`: "off", "wheels" (a Dockerfile may run the wheelhouse's installer) or "any" (whatever it likes).
        `warm_mb` is how much memory boxes may hold that are made ahead; none are if it is 0.
        """
        self.instance = instance
        self.cgroup_root = cgroup_root
        self._oci_runtime = oci_runtime
        self.own_kernel = False
        """Whether boxes have a kernel of their own (gVisor)."""
        self._image_of = image_of
        self._base_url = base_url
        self._local = threading.local()
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._starting = 0
        self._closed = False
        self._live: set[str] = set()
        self._uids: set[int] = set()
        self._busy = dict.fromkeys(sorted(cpus or os.sched_getaffinity(0)), 0)
        self._doomed: queue.Queue[tuple[str, _Place | None] | None] = queue.Queue()
        self._remover = threading.Thread(target=self._remove_doomed, name="box-remover", daemon=True)
        self._remover.start()
        self._builds = Builds(self, image_of, any_run=builds == "any")
        self._may_build = builds != "off"
        self.ping()
        if oci_runtime != "runc":
            self.own_kernel = has_own_kernel(self.about()[1], oci_runtime)
        most = 2 * len(self._busy)
        self.pool = Pool(self._made_ahead, image_of, self._kind, most=most, memory_mb=warm_mb) if warm_mb else None

    @property
    def api(self) -> Any:
        """The engine client of this thread. Raises SandboxError."""
        if not hasattr(self._local, "api"):
            try:
                if self._base_url is None:
                    self._local.api = docker.from_env(timeout=ENGINE_SECONDS).api
                else:
                    self._local.api = docker.APIClient(self._base_url, version="auto", timeout=ENGINE_SECONDS)
            except ENGINE_ERRORS as error:
                raise SandboxError(f"no Docker engine answers: {error}") from error
        return self._local.api

    def ping(self) -> None:
        """Raises SandboxError unless the engine answers."""
        try:
            self.api.ping()
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the Docker engine does not answer: {error}") from error

    def about(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The engine's own words on itself: its version and its info. Raises SandboxError."""
        try:
            return self.api.version(), self.api.info()
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the Docker engine does not answer: {error}") from error

    def run(self, job: Job, abandoned: Callable[[], bool] = never) -> RunResult:
        """Run a program to its end. Raises SandboxError, Abandoned."""
        box = self.open(job, abandoned)
        try:
            return box.wait()
        finally:
            box.finish()

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> SupervisedBox:
        """Start a job and return its box. Raises SandboxError, Abandoned."""
        box = self._warm(job, abandoned).box
        try:
            box.start(job, abandoned)
        except BaseException:
            box.finish()
            raise
        return box

    def build(
        self,
        files: Mapping[str, bytes],
        limits: BuildLimits,
        *,
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> BuiltImage:
        """Make an image of a Dockerfile and its context. Raises BuildFailed, SandboxError, Abandoned."""
        if not self._may_build:
            raise SandboxError("builds are switched off on this worker")
        return self._builds.build(files, limits, labels=labels, abandoned=abandoned)

    def serve(
        self,
        image: Image,
        *,
        limits: Limits,
        files: Mapping[str, bytes],
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> SupervisedService:
        """Start an image's own entry point, and the relay that speaks to it.

        Raises BuildFailed when its first process cannot be started at all, SandboxError, Abandoned.
        """
        assert isinstance(image, BuiltImage)
        if self.own_kernel:
            raise Unfit(
                f"{self._oci_runtime} gives each container a loopback of its own, so no relay reaches a service"
            )
        id = self._builds.layered(image, files)
        watch: Watch | None = None
        job = Job(
            runtime=SLIM,
            limits=replace(RELAY, wall_seconds=limits.wall_seconds),
            entry="sandbox.inside.relay",
            labels={**labels, BUILD: image.build},
        )
        warm = self._warm(job, abandoned)
        relay = warm.box
        try:
            relay.start(job, lambda: abandoned() or (watch is not None and watch.over))

            def flags(uid: int, cpu: int, labels: Mapping[str, str]) -> dict[str, Any]:
                return service_flags(
                    self.api,
                    self._in_force(limits),
                    image=id,
                    environment=image.environment,
                    relay=warm.container.name,
                    uid=uid,
                    cpu=cpu,
                    labels=labels,
                    oci_runtime=self._oci_runtime,
                )

            watch = Watch(self._started(flags, job.labels), limits)
        except _CannotStart as error:
            relay.finish()
            raise BuildFailed(f"The image's first process cannot be started: {error}", image.log) from error
        except BaseException:
            relay.finish()
            raise
        return SupervisedService(relay, watch, abandoned)

    def leftover_builds(self) -> set[str]:
        """Builds of this installation of which something is left though nobody uses it. Raises SandboxError."""
        return self._builds.leftovers()

    def remove_build(self, build: str) -> bool:
        """Remove what is left of a build; False if the engine would not (try again later)."""
        return self._builds.remove(build)

    def close(self) -> None:
        """Start nothing more, end every box there still is, and return when all are removed."""
        with self._idle:
            self._closed = True
        if self.pool is not None:
            self.pool.close()
        with self._idle:
            self._idle.wait_for(lambda: not self._starting, ENGINE_SECONDS)
            for name in self._live:
                self.discard(name)
        self._doomed.put(None)
        self._remover.join()

    def leftovers(self) -> list[str]:
        """Names of this installation's containers that belong to no box of this process. Raises SandboxError."""
        try:
            found = self.api.containers(all=True, filters={"label": f"{INSTANCE}={self.instance}"})
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the engine cannot list containers: {error}") from error
        with self._lock:  # after the look: what begins in between was not seen, or is alive
            live = set(self._live)
        return [
            name
            for one in found
            if (name := (one.get("Names") or [one["Id"]])[0].removeprefix("/")) not in live
            and not self._builds.is_live(one["Labels"].get(BUILD, ""))
        ]

    def remove(self, name: str) -> bool:
        """Remove a container with its volumes; False if the engine would not (try again later)."""
        try:
            self.api.remove_container(name, force=True, v=True)
        except docker.errors.NotFound:
            pass
        except docker.errors.APIError as error:
            if "already in progress" in str(error.explanation):  # the end of its build removes it too
                return True
            log.warning("container %s was not removed: %s", name, error)
            return False
        except ENGINE_ERRORS as error:
            log.warning("container %s was not removed: %s", name, error)
            return False
        return True

    def state(self, name: str) -> Mapping[str, Any]:
        """The engine's word on a container, empty if it has none."""
        try:
            found: Mapping[str, Any] = self.api.inspect_container(name)["State"]
        except ENGINE_ERRORS:
            return {}
        return found

    def discard(self, name: str, place: _Place | None = None) -> None:
        """Have a container killed and removed, and its place given back; off the caller's path: removal is slow."""
        self._doomed.put((name, place))

    def _remove_doomed(self) -> None:
        while (doomed := self._doomed.get()) is not None:
            name, place = doomed
            for pause in (0.0, 0.5, 2.0):
                time.sleep(pause)
                if self.remove(name):
                    break
            with self._lock:
                if place is not None:
                    self._leave(place)
                    self._uids.discard(place.uid)
                self._live.discard(name)  # what is left now is the reaper's

    def _take_core(self) -> int:
        """The least busy core, which has one more from now on. Called with the lock held."""
        cpu = min(self._busy, key=lambda one: self._busy[one])
        self._busy[cpu] += 1
        return cpu

    def _in_force(self, limits: Limits) -> Limits:
        least = OWN_KERNEL_PROCESSES if self.own_kernel else 0
        return replace(limits, processes=max(limits.processes, least))

    def _leave(self, place: _Place) -> None:
        """Called with the lock held."""
        if place.cpu is not None:
            self._busy[place.cpu] -= 1
            place.cpu = None

    def _kind(self, job: Job) -> Hashable:
        """What beside its image cannot be changed on a waiting box; of one with a kernel of its own, everything."""
        memory = job.limits.memory_mb if self.own_kernel else 0
        return job.modules, job.limits.processes, job.limits.files_mb, memory

    def _warm(self, job: Job, abandoned: Callable[[], bool]) -> _Warm:
        """A box with everything imported: one that waits, else a new one. Raises SandboxError, Abandoned."""
        found = self.pool.take(job, lambda warm: self._fits(warm, job.limits)) if self.pool else None
        return found or self._made(job, job.labels, abandoned, WEIGHT, START_SECONDS)

    def _made(
        self, job: Job, labels: Mapping[str, str], abandoned: Callable[[], bool], weight: int, seconds: float
    ) -> _Warm:
        """A new box of this weight with everything imported within so many seconds."""

        def flags(uid: int, cpu: int, labels: Mapping[str, str]) -> dict[str, Any]:
            return box_flags(
                self.api,
                replace(job, limits=self._in_force(job.limits)),
                image=self._image_of(job.runtime),
                uid=uid,
                cpu=cpu,
                labels=labels,
                oci_runtime=self._oci_runtime,
                weight=weight,
            )

        container = self._started(flags, labels)
        box = SupervisedBox(container, job)
        try:
            box.warm(abandoned, seconds)
        except BaseException:
            box.finish()
            raise
        return _Warm(box, container)

    def _made_ahead(self, job: Job, abandoned: Callable[[], bool]) -> _Warm:
        """A box to wait in the pool, on no core's account."""
        plain = replace(job, files={}, library={}, outputs=(), labels={})
        warm = self._made(plain, {}, abandoned, WEIGHT if self.own_kernel else WAITING_WEIGHT, IMPORT_SECONDS)
        with self._lock:
            self._leave(warm.container.place)
        return replace(warm, memory_mb=warm.container.usage().peak_memory_mb)

    def _fits(self, warm: _Warm, limits: Limits) -> bool:
        """Make a box that waited one like any other: its weight, its core, its memory. False if it is not to be had."""
        place = warm.container.place
        with self._lock:
            place.cpu = self._take_core()
        memory = limits.memory_mb * 2**20
        try:
            if not warm.box.awake():
                return False
            if self.own_kernel:
                return True
            changed = self.api.update_container(
                warm.container.name,
                cpu_shares=WEIGHT,
                cpuset_cpus=str(place.cpu),
                mem_limit=memory,
                memswap_limit=memory,
            )
        except (*ENGINE_ERRORS, SandboxError) as error:
            log.warning("a waiting box could not be used: %s", error)
            return False
        return not changed.get("Warnings")

    def _started(
        self, flags: Callable[[int, int, Mapping[str, str]], dict[str, Any]], labels: Mapping[str, str]
    ) -> _EngineContainer:
        """A started container of these flags, which are made for a uid, a core and all labels. Raises SandboxError."""
        name = f"assay-{secrets.token_hex(8)}"
        with self._lock:
            if self._closed:
                raise SandboxError("the sandbox is closed")
            self._starting += 1
            self._live.add(name)
            cpu = self._take_core()
            place = _Place(next(n for n in range(FIRST_UID, FIRST_UID + 60_000) if n not in self._uids), cpu)
            self._uids.add(place.uid)

        labels = {**labels, INSTANCE: self.instance}
        try:
            return self._create(name, flags(place.uid, cpu, labels), place)
        except BaseException:
            self.discard(name, place)
            raise
        finally:
            with self._idle:
                self._starting -= 1
                self._idle.notify_all()

    def _create(self, name: str, flags: dict[str, Any], place: _Place) -> _EngineContainer:
        try:
            made = self.api.create_container(name=name, **flags)
            if made.get("Warnings"):
                raise Unfit(f"the engine would not keep every limit of a box: {'; '.join(made['Warnings'])}")
            stream = self.api.attach_socket(name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
            stream._sock.setblocking(False)
            container = _EngineContainer(self, name, stream, place)
            self._start(name)
            container.find_cgroup(made["Id"])
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the engine could not start a box: {error}") from error
        return container

    def _start(self, name: str) -> None:
        try:
            self.api.start(name)
        except docker.errors.APIError as error:
            # in a box of ours this cannot happen; in a stranger's image it is the stranger's entry point
            said = _ENTRY_POINT.search(str(error.explanation or ""))
            if said is None:
                raise
            raise _CannotStart(said[0][:300]) from error
