"""Makes the images of the services without a container registry: `python -m deploy.build --help`; knows no runtime.

`server` is the project itself, for api and worker. `database` and `broker` are PostgreSQL and Redis out of Debian
packages, for where docker-compose.yml cannot pull the official images.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sandbox.images import BASE, ROOT, debian, image_tag, recipe_digest, wheels
from sandbox.images.build import Builder, connect, default_cache, dpkg_status, follow, pack
from sandbox.types import SandboxError

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = {"database": "postgresql-15", "broker": "redis-server"}
SERVICES = ("server", *PACKAGES)
INSTALLER = ROOT / "python-ml" / "installer.lock"
"""pip itself, as the runtimes bring it in."""


def tag(service: str) -> str:
    """The name under which .env can name the image."""
    return f"assay/{service}:local"


def parts(service: str) -> list[str]:
    """What of the project goes into an image, and so decides whether it must be made anew."""
    if service == "server":
        rooms = ["api", "challenges", "cli", "sandbox", "worker"]
        return [*rooms, "pyproject.toml", "requirements.lock", "deploy/Dockerfile", "deploy/install"]
    return [f"deploy/{service}"]


def digest(service: str) -> str:
    """SHA-256 over everything an image is made of, but for the Debian packages of the day."""
    total = hashlib.sha256(recipe_digest(BASE).encode() + INSTALLER.read_bytes())
    for path in _files(parts(service)):
        content = path.read_bytes()
        total.update(f"{path.relative_to(PROJECT).as_posix()} {len(content)}\n".encode() + content)
    return total.hexdigest()


def build(service: str, engine: Any, *, cache: Path, again: bool = False) -> bool:
    """Leave the image of a service as it must be now; whether it was made. Raises SandboxError."""
    wanted = digest(service)
    found = engine.images.list(tag(service), filters={"label": f"assay.service={wanted}"})
    if found and not again:
        return False
    base = engine.images.get(image_tag(BASE))
    with tempfile.TemporaryDirectory(dir=cache) as name:
        folder = Path(name)
        if service == "server":
            locks = [_any_python(PROJECT / "requirements.lock", folder), INSTALLER]
            house = wheels.bring(locks, machine=engine.info()["Architecture"], cache=cache)
            context = [(PROJECT / part, part) for part in parts(service)] + [(house, "wheels")]
            dockerfile = "deploy/Dockerfile"
        else:
            debian.fetch(folder / "debs", [PACKAGES[service]], status=dpkg_status(engine, str(base.id)))
            context = [(PROJECT / "deploy" / service, "."), (folder / "debs", "debs")]
            dockerfile = "Dockerfile"
        with tempfile.TemporaryFile(dir=cache) as file:
            pack(context, file)
            file.seek(0)
            lines = engine.api.build(
                fileobj=file,
                custom_context=True,
                dockerfile=dockerfile,
                buildargs={"PARENT": base.id},
                labels={"assay.service": wanted},
                network_mode="none",
                nocache=again,
                rm=True,
                forcerm=True,
                decode=True,
            )
            image = follow(lines, service)
    engine.images.get(image).tag(*tag(service).split(":"))
    return True


def _any_python(lock: Path, folder: Path) -> Path:
    """The lock without its conditions on Python: pip asks this host's, and the image has another 3.11."""
    text = re.sub(r" ; python_(full_)?version [<>=]+ '[0-9.]+'", "", lock.read_text())
    (folder / lock.name).write_text(text)
    return folder / lock.name


def _files(names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        path = PROJECT / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (one for one in found if one.is_file() and "__pycache__" not in one.parts)


def main(argv: list[str] | None = None) -> int:
    """0 when every image named is there."""
    parser = argparse.ArgumentParser(prog="python -m deploy.build", description="Make the images of the services.")
    parser.add_argument("services", nargs="*", default=list(SERVICES), metavar="SERVICE", help=", ".join(SERVICES))
    parser.add_argument("--again", action="store_true", help="make them anew, with the Debian packages of today")
    parser.add_argument("--registry", default="", metavar="HOST[:PORT]/PREFIX", help="pull plain Debian from here")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where wheels are kept between builds")
    args = parser.parse_args(argv)
    try:
        if unknown := set(args.services) - set(SERVICES):
            raise SandboxError(f"no service {sorted(unknown)[0]!r}; there are: {', '.join(SERVICES)}")
        engine = connect()
        builder = Builder(engine, cache=args.cache, registry=args.registry.rstrip("/"), say=print)
        builder.build(BASE)
        for service in args.services:
            begun = time.monotonic()
            with builder.alone():
                made = build(service, engine, cache=args.cache, again=args.again)
            how = f"made in {time.monotonic() - begun:.0f} s" if made else "is there already"
            size = engine.images.get(tag(service)).attrs["Size"] // 1_000_000
            print(f"  {tag(service)} {how}: {size} MB", flush=True)
    except SandboxError as error:
        print(f"deploy.build: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
