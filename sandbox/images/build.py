"""Makes the images of the runtimes from their recipes; one of the two modules that speak to a Docker Engine.

Works with and without a container registry: a plain Debian 12 is pulled where a registry answers, and else made from
Debian packages. Python packages are brought in by the host, so that nothing is installed over a network.
Knows nothing of settings: `python -m sandbox.images.build --help`.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import json
import shutil
import sys
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from sandbox.images import BASE, CORE, ROOT, RUNTIMES, debian, image_tag, parent, recipe_digest, recipe_folder, wheels
from sandbox.images.progress import Progress
from sandbox.types import SandboxError, Unfit

DEBIAN = "debian:12-slim"
REGISTRY_PATIENCE_SECONDS = 5.0
NEEDED_GB = 3.0
SMOKE_SECONDS = 180
LOOK_SECONDS = 60


@dataclass(frozen=True)
class Built:
    """An image of a runtime: its ID, whether it was made just now, from what, and the seconds each phase took."""

    runtime: str
    tag: str
    image: str
    made: bool
    base: str
    megabytes: int
    seconds: dict[str, float]


class Builder:
    """Makes images in one engine. `registry` is where plain Debian comes from: a name, "" for the engine's own
    default, None for no registry at all."""

    def __init__(self, engine: docker.DockerClient, *, cache: Path, registry: str | None, say: Callable[[str], None]):
        self._engine = engine
        self._cache = cache
        self._registry = registry
        self._progress = Progress(say)

    def build(self, runtime: str) -> Built:
        """The image of this recipe: the one that exists, or a new one. Raises SandboxError."""
        recipe_folder(runtime)
        made = False
        if _find(self._engine, runtime) is None:
            with self.alone():
                if _find(self._engine, runtime) is None:
                    self._make(runtime)
                    made = True
        image = self._engine.images.get(image_tag(runtime))
        size = image.attrs["Size"] // 1_000_000
        origin = image.labels.get("assay.base", "unknown")
        return Built(runtime, image_tag(runtime), str(image.id), made, origin, size, self._progress.seconds)

    def _make(self, runtime: str) -> None:
        info = self._engine.info()
        self._check_disk(Path(info["DockerRootDir"]))
        above = parent(runtime)
        if above is None:
            self._make_base()
            return
        if _find(self._engine, above) is None:
            self._make(above)
        folder = recipe_folder(runtime)
        origin = self._engine.images.get(image_tag(above))
        with tempfile.TemporaryDirectory(dir=self._cache) as scratch:
            extra = {}
            if locks := sorted(folder.glob("*.lock")):
                with self._progress.phase(f"{runtime}: wheels"):
                    extra["wheels"] = wheels.bring(locks, machine=info["Architecture"], cache=self._cache)
            if (listed := folder / "packages.txt").is_file():
                extra["debs"] = Path(scratch) / "debs"
                with self._progress.phase(f"{runtime}: Debian packages"):
                    status = dpkg_status(self._engine, str(origin.id))
                    debian.fetch(extra["debs"], listed.read_text().split(), status=status)
            with self._progress.phase(f"{runtime}: image", "half a minute" if extra else ""):
                image = self._run_recipe(runtime, str(origin.id), extra, origin.labels["assay.base"], "none")
        with self._progress.phase(f"{runtime}: smoke test"):
            smoke(self._engine, image, _declared(folder), _smoke_program(folder))
        self._engine.images.get(image).tag(*image_tag(runtime).split(":"))

    def _make_base(self) -> None:
        pulled = None
        if self._registry is not None:
            with self._progress.phase("base: ask a container registry"):
                pulled = self._pull()
        if pulled:
            # A pulled Debian lacks Python, and the engine's own default network may be cut off (or not be there).
            with self._progress.phase("base: image"):
                image = self._run_recipe(BASE, pulled, {}, f"pulled {self._debian}", "host")
        else:
            with self._progress.phase("base: Debian from its packages", "half a minute"):
                plain = self._bootstrap()
            with self._progress.phase("base: image"):
                image = self._run_recipe(BASE, plain, {}, "made from Debian packages", "none")
            self._engine.images.remove(f"assay/debian:{recipe_digest(BASE)[:16]}")  # the name; its layer lives on
        self._engine.images.get(image).tag(*image_tag(BASE).split(":"))

    @property
    def _debian(self) -> str:
        return f"{self._registry}/{DEBIAN}" if self._registry else DEBIAN

    def _pull(self) -> str | None:
        """ID of a pulled plain Debian, None where the default registry does not answer in time."""
        hasty = docker.from_env(timeout=REGISTRY_PATIENCE_SECONDS)
        try:
            hasty.api.inspect_distribution(self._debian)
        except (APIError, requests.exceptions.RequestException) as error:
            if self._registry:
                raise SandboxError(f"the registry named does not give {self._debian}: {error}") from error
            return None
        finally:
            hasty.close()
        return str(self._engine.images.pull(*self._debian.rsplit(":", 1)).id)

    def _bootstrap(self) -> str:
        packages = (recipe_folder(BASE) / "packages.txt").read_text().split()
        tag = recipe_digest(BASE)[:16]
        with tempfile.TemporaryDirectory(dir=self._cache) as folder:
            tar = Path(folder) / "debian.tar"
            debian.make(tar, packages)
            self._engine.api.import_image_from_file(str(tar), repository="assay/debian", tag=tag)
        return str(self._engine.images.get(f"assay/debian:{tag}").id)

    def _run_recipe(self, runtime: str, above: str, extra: dict[str, Path], origin: str, network: str) -> str:
        """ID of the image the classic builder makes of a recipe; `extra` are folders that join its context."""
        labels = {"assay.recipe": recipe_digest(runtime), "assay.runtime": runtime, "assay.base": origin}
        with tempfile.TemporaryFile(dir=self._cache) as context:
            pack([(recipe_folder(runtime), "."), *((path, name) for name, path in extra.items())], context)
            context.seek(0)
            lines = self._engine.api.build(
                fileobj=context,
                custom_context=True,
                buildargs={"PARENT": above},
                labels=labels,
                network_mode=network,
                rm=True,
                forcerm=True,
                decode=True,
            )
            image = follow(lines, runtime)
        # The stage the wheels were installed in is as large again as the image, and serves nobody.
        self._engine.images.prune(filters={"dangling": True, "label": ["assay.stage=wheels"]})
        return image

    def _check_disk(self, engine_root: Path) -> None:
        for folder in (engine_root, self._cache):
            if not folder.exists():  # an engine elsewhere: its disk cannot be seen from here
                continue
            free = shutil.disk_usage(folder).free / 1e9
            if free < NEEDED_GB:
                raise SandboxError(f"{folder} has {free:.1f} GB free; making an image needs {NEEDED_GB:.0f} GB")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Two builds on one host take turns; the second finds the first one's image."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with (self._cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def dpkg_status(engine: docker.DockerClient, image: str) -> str:
    """Which Debian packages an image has."""
    container = engine.containers.create(image, ["/bin/true"], network_mode="none", labels={"assay.smoke": "true"})
    try:
        chunks, _ = container.get_archive("/var/lib/dpkg/status")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile("status")
            assert file is not None
            return file.read().decode()
    finally:
        container.remove(force=True)


def connect(timeout: float = 600) -> docker.DockerClient:
    """The engine of the environment (DOCKER_HOST, or the local socket). Raises SandboxError if it does not answer."""
    try:
        engine = docker.from_env(timeout=timeout)
        engine.ping()
    except (DockerException, requests.exceptions.RequestException) as error:
        raise SandboxError(f"no Docker Engine answers ({error}); scripts/ensure-docker says what to do") from error
    return engine


def resolve(runtime: str, engine: docker.DockerClient | None = None) -> str:
    """Image ID (sha256:...) of a runtime's recipe as it stands. Raises SandboxError if it has not been made."""
    recipe_folder(runtime)
    image = _sought(engine or connect(), runtime)
    if image is None:
        raise SandboxError(
            f"the image of {runtime} has not been made; run `assay images build {runtime}` or `make images`"
        )
    return image


def provide(runtime: str, *, say: Callable[[str], None]) -> str:
    """The same, made first where it has not been. Raises SandboxError."""
    return Builder(connect(), cache=default_cache(), registry="", say=say).build(runtime).image


class Pinned:
    """The image ids a process began with, by runtime. Safe to use from many threads.

    Looks each time again: an image that is gone, or another one since, would give other verdicts than those before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: docker.DockerClient | None = None
        self._ids: dict[str, str] = {}

    def __call__(self, runtime: str) -> str:
        """Raises Unfit when it is not the image it was; SandboxError when there never was one, or nobody answers."""
        with self._lock:
            self._engine = self._engine or connect(LOOK_SECONDS)
            pinned = self._ids.get(runtime)
            if pinned is None:
                pinned = self._ids[runtime] = resolve(runtime, self._engine)
            elif (image := _sought(self._engine, runtime)) != pinned:
                now = f"is {image[:19]} now" if image else "is gone"
                raise Unfit(f"the image of {runtime} was {pinned[:19]} when this process began, and {now}")
            return pinned


def _sought(engine: docker.DockerClient, runtime: str) -> str | None:
    """The same as `_find`. Raises SandboxError when the engine does not answer."""
    try:
        return _find(engine, runtime)
    except (DockerException, requests.exceptions.RequestException) as error:
        raise SandboxError(f"the engine does not say whether it has the image of {runtime}: {error}") from error


def _find(engine: docker.DockerClient, runtime: str) -> str | None:
    """ID of the image that bears the recipe's name and was made of it; a name alone can be given to any image."""
    try:
        image = engine.images.get(image_tag(runtime))
    except ImageNotFound:
        return None
    return str(image.id) if image.labels.get("assay.recipe") == recipe_digest(runtime) else None


def pack(parts: Iterable[tuple[Path, str]], target: Any) -> None:
    """Write a build context: these files and folders under these names, owned by root and without the host's times."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if member.name.endswith("__pycache__"):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = 0
        member.mode = 0o755 if member.isdir() else 0o644
        return member

    with tarfile.open(fileobj=target, mode="w") as tar:
        for path, name in parts:
            tar.add(path, name, filter=plain)


def follow(lines: Iterator[dict[str, Any]], runtime: str) -> str:
    """Read the builder's output to its end; the image it made. Raises SandboxError with the output's tail."""
    said: list[str] = []
    image = ""
    for line in lines:
        said.append(line.get("stream", ""))
        if "error" in line:
            tail = "".join(said)[-3000:]
            raise SandboxError(f"building the image of {runtime} failed: {line['error']}\n{tail}")
        image = line.get("aux", {}).get("ID", image)
    if not image:
        raise SandboxError(f"building the image of {runtime} ended without an image:\n{''.join(said)[-3000:]}")
    return image


def _declared(folder: Path) -> list[str]:
    """The packages the recipe is there for; a recipe without a list of them has none."""
    listed = folder / "requirements.in"
    lines = listed.read_text().splitlines() if listed.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _smoke_program(folder: Path) -> Path:
    """The recipe's own smoke test, or the one that imports every package."""
    own = folder / "smoke.py"
    return own if own.is_file() else ROOT / "smoke.py"


def smoke(engine: docker.DockerClient, image: str, declared: list[str], program: Path = ROOT / "smoke.py") -> None:
    """Try the declared packages in a box of this image. Raises SandboxError with what it said."""
    container = engine.containers.create(
        image,
        ["/usr/bin/python3", "-I", "-c", program.read_text(), *declared],
        user="200000:200000",
        environment={"HOME": "/tmp"},
        network_mode="none",
        read_only=True,
        tmpfs={"/tmp": "rw,nosuid,nodev,noexec,size=64m,mode=1777"},
        cap_drop=["ALL"],
        security_opt=["no-new-privileges:true"],
        labels={"assay.smoke": "true"},
    )
    try:
        container.start()
        code = container.wait(timeout=SMOKE_SECONDS)["StatusCode"]
        if code != 0:
            said = container.logs().decode(errors="replace")[-3000:]
            raise SandboxError(f"the new image does not give what its recipe declares:\n{said}")
    finally:
        container.remove(force=True, v=True)


def default_cache() -> Path:
    """Where wheels are kept between builds: beside the project in a checkout, else in the user's cache folder."""
    project = ROOT.parents[1]
    return project / ".cache" / "images" if (project / "Makefile").is_file() else Path.home() / ".cache" / "assay"


def main(argv: list[str] | None = None) -> int:
    """`python -m sandbox.images.build`: 0 when every image named is there."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.images.build", description="Make the images of runtimes.")
    parser.add_argument("runtimes", nargs="*", metavar="RUNTIME", help=f"{', '.join(RUNTIMES)}; else {', '.join(CORE)}")
    parser.add_argument("--all", action="store_true", help="every runtime there is")
    parser.add_argument("--registry", default="", metavar="HOST[:PORT]/PREFIX", help="pull plain Debian from here")
    parser.add_argument("--no-registry", action="store_true", help="make Debian from its packages, ask no registry")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where wheels are kept between builds")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, the progress on stderr")
    args = parser.parse_args(argv)

    out = sys.stderr if args.json else sys.stdout
    say = lambda line: print(line, file=out, flush=True)  # noqa: E731
    try:
        registry = None if args.no_registry else args.registry.rstrip("/")
        builder = Builder(connect(), cache=args.cache, registry=registry, say=say)
        wanted = RUNTIMES if args.all else args.runtimes or CORE
        built = [builder.build(runtime) for runtime in wanted]
    except (SandboxError, LookupError) as error:
        print(f"assay: {error}", file=sys.stderr)
        return 1
    for one in built:
        say(f"  {one.tag} {'made' if one.made else 'is there already'}: {one.megabytes} MB, {one.image[:19]}")
    if args.json:
        print(json.dumps([asdict(one) for one in built], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
