"""The runtimes a submission may run in, named by their recipes; knows nothing of an engine or of what an image holds.

A recipe is a folder beside this file: a `Dockerfile` and whatever it copies. Its digest is what a challenge's version
counts (never the built image, which differs from machine to machine), and the tag of the image made from it.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent
BASE = "base"

_PARENT = re.compile(r"^ARG PARENT=([a-z0-9-]+)$", re.MULTILINE)


def recipe_folder(runtime: str) -> Path:
    """The folder of a recipe; `LookupError` if there is none of that name."""
    folder = ROOT / runtime
    if runtime not in (BASE, *RUNTIMES):
        raise LookupError(f"no runtime {runtime!r}; there are: {', '.join(RUNTIMES)}")
    return folder


def parent(runtime: str) -> str | None:
    """The recipe this one is built from, as its Dockerfile says in `ARG PARENT=`; None for the base."""
    if runtime == BASE:
        return None
    found = _PARENT.search((recipe_folder(runtime) / "Dockerfile").read_text())
    if found is None:
        raise LookupError(f"sandbox/images/{runtime}/Dockerfile names no recipe in `ARG PARENT=`")
    return found[1]


@cache
def recipe_digest(runtime: str) -> str:
    """SHA-256, in hex, over the name and bytes of every file of the recipe, and over the recipe it is built from."""
    digest = hashlib.sha256()
    above = parent(runtime)
    digest.update(f"parent {recipe_digest(above) if above else 'none'}\n".encode())
    folder = recipe_folder(runtime)
    for name in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if _counts(path)):
        content = (folder / name).read_bytes()
        digest.update(f"file {len(content)} {name}\n".encode() + content)
    return digest.hexdigest()


def image_tag(runtime: str) -> str:
    """The local tag of the image made from this recipe as it stands."""
    return f"assay/{runtime}:{recipe_digest(runtime)[:16]}"


def _counts(path: Path) -> bool:
    return path.is_file() and path.parent.name != "__pycache__" and not path.name.startswith(".")


RUNTIMES: tuple[str, ...] = tuple(
    sorted(folder.parent.name for folder in ROOT.glob("*/Dockerfile") if folder.parent.name != BASE)
)
"""Every recipe but the base."""

CORE = ("python-ml", "python-slim", "python-wheelhouse")
"""What every installation needs: graders run in the first, as most programs do; a submission that is a Dockerfile is
built on the second and takes its packages out of the third. The others are made when they are first needed."""
