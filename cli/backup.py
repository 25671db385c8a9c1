"""`assay backup` and `assay restore`: a whole installation into a folder and out of it; looks at no row itself."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from api.blobs import Blobs, digest_of
from api.settings import Settings, write_private
from api.store import backup
from cli.errors import WRONG_USE, CliError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
SECRETS = ("secret", "admin-token")
"""Small files without which the rest is of no use. The id of the installation is none of them: two that have the same
on one host would remove each other's containers."""
_CHUNK = 1024 * 1024

Say = Callable[[str], None]


@dataclass(frozen=True)
class Taken:
    """What a backup holds, and what of it was damaged when it was taken."""

    blobs: int
    hidden: int
    bytes: int
    damaged: list[str]


def take(settings: Settings, target: Path, say: Say) -> Taken:
    """Write a backup, while the judge works or not; `target` appears whole or not at all. Raises CliError, OSError."""
    if target.exists():
        raise CliError(f"{target} exists already: name a new folder for each backup.", WRONG_USE)
    revision = backup.revision(settings.database)
    if revision is None:
        raise CliError("There is nothing to back up: the database has no tables.")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    try:
        say("the database")  # first: every file it names is stored before it is named
        try:
            backup.dump(settings.database, part / DATABASE)
        except backup.CopyFailed as error:
            raise CliError(f"The database was not copied: {error}.") from error
        for name in SECRETS:
            if (settings.data / name).is_file():
                write_private(part / name, (settings.data / name).read_text("ascii"))
        damaged: list[str] = []
        copied = {
            kind: _copy_all(root, part / kind, damaged, say)
            for kind, root in (("blobs", settings.blobs_dir), ("hidden", settings.hidden_dir))
        }
        manifest = {
            "format": FORMAT,
            "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "assay": version("assay"),
            "database": {
                "kind": backup.kind(settings.database),
                "revision": revision,
                "sha256": digest_of(part / DATABASE),
            },
            "files": {name: digest_of(part / name) for name in SECRETS if (part / name).is_file()},
            **copied,
        }
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        os.sync()
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    return Taken(len(copied["blobs"]), len(copied["hidden"]), size, damaged)


def put_back(settings: Settings, source: Path, say: Say) -> backup.Counts:
    """Make an installation out of a backup, where there is none. Raises CliError and OSError, and leaves nothing then.

    The whole backup is looked at before anything is written.
    """
    manifest = _manifest(source)
    _check_place(settings, manifest)
    say("looking at the backup")
    _check(source, manifest)
    existed = settings.data.exists()
    try:
        settings.prepare()
        for folder, root in (("blobs", settings.blobs_dir), ("hidden", settings.hidden_dir)):
            blobs = Blobs(root)
            for number, digest in enumerate(manifest[folder], 1):
                blobs.put(_chunks(source / folder / digest[:2] / digest))
                if number % 1000 == 0:
                    say(f"{folder}: {number} of {len(manifest[folder])}")
        for name in manifest["files"]:
            write_private(settings.data / name, (source / name).read_text("ascii"))
        say("the database")
        try:
            return backup.load(source / DATABASE, settings.database)
        except backup.CopyFailed as error:
            raise CliError(f"The database was not restored: {error}.") from error
    except BaseException:
        for path in settings.data.iterdir() if settings.data.exists() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not existed:
            settings.data.rmdir()
        raise


def _check_place(settings: Settings, manifest: dict[str, Any]) -> None:
    """Whether this backup can be restored here at all. Raises CliError."""
    kind = backup.kind(settings.database)
    if manifest["database"]["kind"] != kind:
        raise CliError(f"The backup is of {manifest['database']['kind']}, this installation has {kind}.", WRONG_USE)
    if manifest["database"]["revision"] not in backup.revisions():
        raise CliError(f"The backup was made by Assay {manifest['assay']}, which is newer than this one.")
    if settings.data.exists() and any(settings.data.iterdir()):
        raise CliError(f"{settings.data} is not empty: a backup is restored where there is no installation.", WRONG_USE)
    if not backup.is_empty(settings.database):
        raise CliError("The database is not empty: a backup is restored where there is no installation.", WRONG_USE)


def _copy_all(root: Path, target: Path, damaged: list[str], say: Say) -> list[str]:
    """The digests copied; one whose content is another is copied nowhere, and named in `damaged`."""
    target.mkdir(mode=0o700)
    blobs = Blobs(target)
    found: list[str] = []
    for path in Blobs(root).stored() if root.is_dir() else ():
        try:
            digest = blobs.put(_chunks(path))
        except FileNotFoundError:
            continue  # nobody referred to it, and the sweep took it away
        if digest != path.name:
            damaged.append(path.name)
            if digest not in found:
                blobs.path(digest).unlink()
            continue
        found.append(digest)
        if len(found) % 1000 == 0:
            say(f"{target.name}: {len(found)} files")
    (target / "tmp").rmdir()
    return found


def _manifest(source: Path) -> dict[str, Any]:
    try:
        found = json.loads((source / MANIFEST).read_text())
        if found["format"] == FORMAT and {"kind", "revision", "sha256"} <= found["database"].keys():
            lists = (found["blobs"], found["hidden"], found["files"], found["assay"])
            if [type(one) for one in lists] == [list, list, dict, str] and set(found["files"]) <= set(SECRETS):
                return dict(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_backup(source) from error
    raise _no_backup(source)


def _no_backup(source: Path) -> CliError:
    return CliError(f"{source} is no backup of Assay that this version can read.", WRONG_USE)


def _check(source: Path, manifest: dict[str, Any]) -> None:
    wrong = []
    for name, digest in [(DATABASE, manifest["database"]["sha256"]), *manifest["files"].items()]:
        if not (source / name).is_file() or digest_of(source / name) != digest:
            wrong.append(name)
    for folder in ("blobs", "hidden"):
        for digest in manifest[folder]:
            if re.fullmatch("[0-9a-f]{64}", str(digest)) is None:
                raise _no_backup(source)
            path = source / folder / digest[:2] / digest
            if not path.is_file() or digest_of(path) != digest:
                wrong.append(f"{folder}/{digest[:2]}/{digest}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise CliError(f"The backup is damaged: {', '.join(wrong[:3])}{more} missing or changed. Nothing was restored.")


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
