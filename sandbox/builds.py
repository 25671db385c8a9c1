"""Makes images of strangers' Dockerfiles: parsed in a box, rewritten by us, built without a network, removed whole.

Knows nothing of what an image is for. No file of a participant is in a container that runs something during a build,
unless the operator allows any RUN; the limits hold in both cases.
"""

from __future__ import annotations

import io
import json
import logging
import os
import queue
import re
import secrets
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import docker
import requests

from sandbox.cgroups import BuildGroup
from sandbox.inside import frames
from sandbox.recipe import BadPlan, Recipe, render
from sandbox.types import Abandoned, Box, BoxEnded, BuildFailed, BuildLimits, Job, Limits, SandboxError, never

log = logging.getLogger(__name__)

BUILD = "assay.build"
DOCKERFILE = "Dockerfile"
SLIM, WHEELHOUSE = "python-slim", "python-wheelhouse"
OURS = ".assay.Dockerfile"
"""The rewritten Dockerfile's name in the context; no upload has a name that begins with a dot."""
PARSE = Limits(cpu_seconds=5, wall_seconds=20, memory_mb=128, processes=16, output_kb=256, files_mb=8)
PARSE_CAP = 1 << 20
LOG_CHARACTERS = 16_000
LOOK_EVERY = 0.1
WRITTEN_TIMES = 4
"""What all stages and steps together may write, as a multiple of what the image may hold."""
FREE_GB = 2.0
"""Below so much free space on the engine's disk a build is cancelled."""
REMOVE_SECONDS = 20.0
LET_GO_SECONDS = 0.5
ENGINE_ERRORS = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)

_STEP = re.compile(r"Step (\d+)/\d+ : ")
_IMAGE = re.compile(r" ---> ([0-9a-f]{12,64})\n?")
_NOISE = re.compile(
    r" ---> Running in [0-9a-f]+\n?|Removing intermediate container [0-9a-f]+\n?|Successfully (built|tagged) .*"
)
_OF_THE_HOST = re.compile(
    r"no space left|input/output error|cannot allocate memory|context canceled|timeout|connection|too many open files"
    r"|quota exceeded|OCI runtime|No such image|layer does not exist|database",
    re.IGNORECASE,
)
_FAILED_RUN = re.compile(r"returned a non-zero code: (\d+)")


class Host(Protocol):
    """What a build needs of the sandbox it belongs to."""

    instance: str

    @property
    def api(self) -> Any:
        """The engine client of this thread. Raises SandboxError."""
        ...

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> Box:
        """Start a box. Raises SandboxError, Abandoned."""
        ...


@dataclass(frozen=True)
class BuiltImage:
    """An image made of a stranger's files."""

    id: str
    build: str
    user: str
    size_mb: float
    log: str
    environment: Mapping[str, str]
    builds: Builds

    def remove(self) -> None:
        """Remove it and all that was made on the way; may be called again."""
        self.builds.end(self.build)


class Builds:
    """The builds of one sandbox. Safe to use from many threads: each build has names of its own."""

    def __init__(self, host: Host, image_of: Callable[[str], str], *, any_run: bool) -> None:
        """`any_run` lets a Dockerfile run what it likes; else only the wheelhouse's installer runs in a build."""
        self._host = host
        self._image_of = image_of
        self._any_run = any_run
        self._lock = threading.Lock()
        self._live: set[str] = set()

    def build(
        self,
        files: Mapping[str, bytes],
        limits: BuildLimits,
        *,
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> BuiltImage:
        """Make an image. Raises BuildFailed, SandboxError, Abandoned; then nothing of it is left."""
        if DOCKERFILE not in files:
            raise BuildFailed("There is no file called Dockerfile.")
        plan = self._parsed(files[DOCKERFILE], labels, abandoned)
        build = secrets.token_hex(8)
        base = self._image_of(SLIM)
        ours = {**labels, **self._labels(build)}
        try:
            recipe = render(plan, base=base, wheelhouse=self._image_of(WHEELHOUSE), labels=ours, any_run=self._any_run)
        except BadPlan as error:
            raise BuildFailed(str(error)) from error
        context = {name: content for name, content in files.items() if name != DOCKERFILE}
        with self._lock:
            self._live.add(build)
        try:
            source = files[DOCKERFILE].decode().split("\n")
            run = _Run(self._host, build, recipe, limits, abandoned, source=source, any_run=self._any_run)
            id = run.image(pack({**context, DOCKERFILE: files[DOCKERFILE], **_hidden(recipe.text)}))
            return self._checked(id, build, base, limits, run.log)
        except BaseException:
            self.end(build)
            raise

    def layered(self, image: BuiltImage, files: Mapping[str, bytes]) -> str:
        """ID of an image that holds these files (absolute names) besides; it goes with the first one."""
        if not files:
            return image.id
        inside = {f"files{name}": content for name, content in files.items()}
        tops = sorted({name.split("/")[1] for name in files})
        lines = [f"FROM {image.id}", *(f'COPY ["files/{top}", "/{top}"]' for top in tops)]
        recipe = Recipe("\n".join(lines).encode() + b"\n", ())
        run = _Run(self._host, image.build, recipe, BuildLimits(seconds=60), never, any_run=False)
        try:
            return run.image(pack({**inside, **_hidden(recipe.text)}))
        except BuildFailed as error:
            raise SandboxError(f"the attempt's files could not be laid into the image: {error} {error.log}") from error

    def leftovers(self) -> set[str]:
        """Builds of this installation of which something is left though nobody uses it. Raises SandboxError."""
        wanted = {"label": [f"assay.instance={self._host.instance}", BUILD]}
        try:
            found = [
                *self._host.api.images(all=True, filters=wanted),
                *self._host.api.containers(all=True, filters=wanted),
            ]
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the engine cannot list what builds left: {error}") from error
        there = {*(one["Labels"][BUILD] for one in found), *BuildGroup.all(self._host.instance)}
        with self._lock:  # after the look: what begins in between was not seen, or is alive
            return there - self._live

    def is_live(self, build: str) -> bool:
        """Whether somebody makes or uses it."""
        with self._lock:
            return build in self._live

    def end(self, build: str) -> None:
        """Remove it, and give it up: what is left after this is the reaper's."""
        try:
            if not self.remove(build):
                log.warning("something of build %s is left", build)
        finally:
            with self._lock:
                self._live.discard(build)

    def remove(self, build: str) -> bool:
        """Remove all containers and images of a build; whether nothing is left."""
        end = time.monotonic() + REMOVE_SECONDS
        wanted = {"label": f"{BUILD}={build}"}
        while True:
            try:
                api = self._host.api
                containers = api.containers(all=True, filters=wanted)
                images = api.images(all=True, filters=wanted)
                if not containers and not images:
                    BuildGroup(self._host.instance, build).remove()
                    return True
                for one in containers:
                    with suppress(*ENGINE_ERRORS):
                        api.remove_container(one["Id"], force=True, v=True)
                # an image goes after those made of it; what it stands on goes with it
                parents = {one["ParentId"] for one in images}
                for one in images:
                    if one["Id"] not in parents:
                        with suppress(*ENGINE_ERRORS):
                            api.remove_image(one["Id"], force=True)
            except (*ENGINE_ERRORS, SandboxError) as error:
                log.warning("the engine could not remove build %s: %s", build, error)
            if time.monotonic() > end:
                return False
            time.sleep(0.02)

    def _labels(self, build: str) -> dict[str, str]:
        return {"assay.instance": self._host.instance, BUILD: build}

    def _parsed(self, text: bytes, labels: Mapping[str, str], abandoned: Callable[[], bool]) -> Any:
        job = Job(runtime=SLIM, limits=PARSE, entry="sandbox.inside.dockerfile", labels=labels)
        box = self._host.open(job, abandoned)
        try:
            said = json.loads(box.ask(frames.CALL, b"{}", text, cap=PARSE_CAP).json)
        except (BoxEnded, ValueError, RecursionError) as error:
            seen = box.finish()
            log.warning("a Dockerfile could not be read: %s, %s: %s", error, seen.ended, seen.stderr[-1000:])
            raise BuildFailed("The Dockerfile could not be read within its limits.") from error
        finally:
            box.finish()
        if not isinstance(said, dict) or "plan" not in said:
            line, why = (said.get("line"), said.get("why")) if isinstance(said, dict) else (None, None)
            raise BuildFailed(f"Dockerfile, line {line}: {why}"[:500])
        return said["plan"]

    def _checked(self, id: str, build: str, base: str, limits: BuildLimits, log: str) -> BuiltImage:
        """The image, if it is what our rewritten Dockerfile can have made. Raises BuildFailed, SandboxError."""
        try:
            found = self._host.api.inspect_image(id)
            size = (found["Size"] - self._host.api.inspect_image(base)["Size"]) / 1e6
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the engine lost the image it made: {error}") from error
        config = found["Config"]
        if config.get("Volumes") or config.get("OnBuild") or config.get("Labels", {}).get(BUILD) != build:
            raise SandboxError(f"the image of build {build} is not what its Dockerfile says")
        if size > limits.size_mb:
            raise BuildFailed(f"The image holds {size:.0f} MB beyond its base; it may hold {limits.size_mb}.", log)
        pairs = (one.partition("=") for one in config.get("Env") or ())
        return BuiltImage(found["Id"], build, config.get("User") or "", size, log, {k: v for k, _, v in pairs}, self)


class _Run:
    """One call of the engine's builder: its stream, its clock, its disk, its log."""

    def __init__(
        self,
        host: Host,
        build: str,
        recipe: Recipe,
        limits: BuildLimits,
        abandoned: Callable[[], bool],
        *,
        source: Sequence[str] = (),
        any_run: bool,
    ) -> None:
        self._api = host.api
        self._group = BuildGroup(host.instance, build)
        self._build = build
        self._recipe = recipe
        self._source = source
        self._limits = limits
        self._abandoned = abandoned
        self._any_run = any_run
        self._log: list[str] = []
        self._room = LOG_CHARACTERS
        self._told = 0
        self._seen: set[str] = set()
        self._written = 0
        self._disk = Path()

    @property
    def log(self) -> str:
        """What the build said, in the participant's terms."""
        return "".join(self._log)

    def image(self, context: bytes) -> str:
        """ID of the image. Raises BuildFailed, SandboxError, Abandoned."""
        said: queue.Queue[dict[str, Any] | BaseException | None] = queue.Queue()
        end = time.monotonic() + self._limits.seconds
        response = self._post(context)
        reader = threading.Thread(target=_read, args=(response, said), name="build-reader", daemon=True)
        reader.start()
        try:
            return self._follow(said, end)
        finally:
            self._let_go(response, reader)
            response.close()

    def _let_go(self, response: Any, reader: threading.Thread) -> None:
        """End a build that goes on: kill what it runs, and hang up, which keeps the engine from beginning a step.

        A step that only copies goes on to its end; the layer it then adds has our label, and is the reaper's.
        """
        if reader.is_alive():
            with suppress(*ENGINE_ERRORS):
                for one in self._api.containers(filters={"label": f"{BUILD}={self._build}"}):
                    self._api.kill(one["Id"])
                reader.join(LET_GO_SECONDS)  # then it mostly ends by itself, and adds nothing more
        if reader.is_alive():
            with suppress(*ENGINE_ERRORS, AttributeError):
                _hang_up(response)
            reader.join(5)
            time.sleep(LET_GO_SECONDS)

    def _post(self, context: bytes) -> Any:
        memory = self._limits.memory_mb * 2**20
        info = self._api.info()
        parameters: dict[str, Any] = {
            "dockerfile": OURS,
            "nocache": True,
            "rm": True,
            "forcerm": True,
            "networkmode": "none",
            "memory": memory,
            "memswap": memory,
            "cpuperiod": 100_000,
            "cpuquota": 100_000,
        }
        self._disk = Path(info["DockerRootDir"])
        if info.get("CgroupDriver") == "cgroupfs" and self._group.make():
            parameters["cgroupparent"] = self._group.parent
        elif self._any_run:
            raise SandboxError("builds may run anything only where the worker can limit their processes (cgroupfs)")
        url = f"{self._api.base_url}/v{self._api.api_version}/build"
        try:
            # not docker-py's own build: that one sends every registry credential of this host along
            response = self._api.post(
                url, params=parameters, data=context, headers={"Content-Type": "application/x-tar"}, stream=True,
                timeout=(10, None),
            )  # fmt: skip
            if response.status_code != 200:
                raise SandboxError(f"the engine refused a build: {response.text[:500]}")
        except ENGINE_ERRORS as error:
            raise SandboxError(f"the engine could not begin a build: {error}") from error
        return response

    def _follow(self, said: queue.Queue[dict[str, Any] | BaseException | None], end: float) -> str:
        image = ""
        while True:
            if self._abandoned():
                raise Abandoned
            if time.monotonic() > end:
                raise BuildFailed(f"The build was not done within {self._limits.seconds:g} s.", self.log)
            self._check_disk()
            try:
                line = said.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            if isinstance(line, BaseException):
                raise SandboxError(f"the engine broke a build off: {line}") from line
            if line is None:
                if not image:
                    raise SandboxError("a build ended without an image")
                return image
            if "error" in line:
                self._fail(str(line["error"]))
            image = line.get("aux", {}).get("ID", image)
            self._hear(str(line.get("stream", "")))

    def _fail(self, error: str) -> None:
        code = _FAILED_RUN.search(error)
        if code:
            why = "The packages could not be installed" if not self._any_run else f"A step ended with code {code[1]}"
            raise BuildFailed(f"{why}; the build's log says more.", self.log)
        if _OF_THE_HOST.search(error) and not (self._any_run and "OCI runtime" in error):
            raise SandboxError(f"the engine's builder failed: {error[:500]}")
        # what else it complains of is about the files: a COPY of what is not there, a folder where a file is
        self._say(f"{self._without_places(error)[:1000]}\n")
        raise BuildFailed("A step could not be done; the build's log says more.", self.log)

    def _without_places(self, error: str) -> str:
        """The engine's words without the folders of this host."""
        root = re.escape(str(self._disk))
        return re.sub(rf"{root}/\S*", "[...]", re.sub(rf"{root}/\S*?/merged(?=/)", "", error))

    def _hear(self, text: str) -> None:
        step = _STEP.match(text)
        if step:
            number = int(step[1]) - 1
            steps = self._recipe.steps
            mine = steps[number] if number < len(steps) else None
            if mine is not None and mine.line is not None and mine.line != self._told:
                self._told = mine.line
                self._say(f"Dockerfile, line {mine.line}: {self._source[mine.line - 1].strip()[:200]}\n")
            return
        made = _IMAGE.fullmatch(text)
        if made:
            self._weigh(made[1])
        elif text.strip() and not _NOISE.fullmatch(text):
            self._say(text)

    def _weigh(self, id: str) -> None:
        """Add up what each step wrote, and stop long before a disk is full."""
        try:
            found = self._api.inspect_image(id)
            above = self._api.inspect_image(found["Parent"])["Size"] if found.get("Parent") else found["Size"]
        except ENGINE_ERRORS:
            return  # gone: the build is being ended
        if found["Id"] not in self._seen and found["Config"].get("Labels", {}).get(BUILD) == self._build:
            self._seen.add(found["Id"])
            self._written += max(0, found["Size"] - above)
        if self._written > WRITTEN_TIMES * self._limits.size_mb * 1e6:
            raise BuildFailed(
                f"The steps write more than {WRITTEN_TIMES * self._limits.size_mb} MB together.", self.log
            )

    def _check_disk(self) -> None:
        try:
            disk = os.statvfs(self._disk)
        except OSError:
            return  # an engine elsewhere: its disk cannot be seen from here
        if disk.f_bavail * disk.f_frsize < FREE_GB * 1e9:
            raise SandboxError(f"{self._disk} has less than {FREE_GB:g} GB free; a build was cancelled")

    def _say(self, text: str) -> None:
        """Keep the first part of the log; ANSI and control characters are not text."""
        clean = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x20-\x7e\n\t\xa0-\U0010ffff]", "", text)
        if self._room > 0:
            kept = clean[: self._room]
            self._log.append(kept if len(kept) == len(clean) else kept + "\n[the log is cut here]\n")
        self._room -= len(clean)


def _read(response: Any, said: queue.Queue[dict[str, Any] | BaseException | None]) -> None:
    """Put every message of the builder into the queue; None at its end."""
    try:
        for message in _messages(response.iter_content(1 << 14)):
            said.put(message)
        said.put(None)
    except Exception as error:  # noqa: BLE001 - whatever broke the stream is told to the thread that follows it
        said.put(error)


def _messages(chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """JSON objects, one a line. Raises ValueError."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines if line.strip())
    if rest.strip():
        yield json.loads(rest)


def _hang_up(response: Any) -> None:
    response.raw._fp.fp.raw._sock.shutdown(2)


def _hidden(text: bytes) -> dict[str, bytes]:
    """The rewritten Dockerfile, and the list that keeps both files out of `COPY . .`."""
    return {OURS: text, ".dockerignore": f"{OURS}\n.dockerignore\n".encode()}


def pack(files: Mapping[str, bytes]) -> bytes:
    """A build context: root's, without times; a file that begins with `#!` may be executed."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        folders = {name.rsplit("/", n)[0] for name in files for n in range(1, name.count("/") + 1)}
        for name in sorted(folders):  # named, or the engine gives them a mode of its own
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = 0o755 if files[name].startswith(b"#!") else 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return out.getvalue()
