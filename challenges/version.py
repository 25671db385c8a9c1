"""The digest of all that can change a score of a challenge; does not know what any of it means."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from challenges import kit

UNGRADED = frozenset(["statement.md", "starter", "solutions", "gate.json", "mutants.toml", "challenge.toml"])
"""Names at the top of a challenge's folder that cannot change a score (the toml's graded keys count by themselves)."""


def graded_files(folder: Path) -> list[Path]:
    """The code and data files of a challenge, sorted: what goes to its grader's box and what its version counts."""
    return [path for path in _files(folder) if path.relative_to(folder).parts[0] not in UNGRADED]


def challenge_version(folder: Path, graded: Mapping[str, Any]) -> str:
    """SHA-256, in hex, over the graded files, the graded keys, the kit's version and the recipes of both runtimes.

    Raises:
        LookupError: a runtime has no recipe.
    """
    # Imported here because only versions need recipes; a grader's box holds the kit without the sandbox.
    from sandbox.images import recipe_digest

    recipes = [recipe_digest(graded["top"]["runtime"]), recipe_digest(graded["grader"]["runtime"])]
    settings = json.dumps([graded, kit.VERSION, recipes], sort_keys=True)
    return _digest(folder, graded_files(folder), settings)


def kit_digest() -> str:
    """SHA-256, in hex, over the kit's own files; a test pins it so that nobody forgets `kit.VERSION`."""
    folder = Path(kit.__file__).parent
    return _digest(folder, _files(folder), "")


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _digest(folder: Path, files: list[Path], settings: str) -> str:
    digest = hashlib.sha256(f"settings {len(settings)}\n{settings}".encode())
    for path in files:
        content = path.read_bytes()
        digest.update(f"file {len(content)} {path.relative_to(folder).as_posix()}\n".encode() + content)
    return digest.hexdigest()
