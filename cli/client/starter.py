"""Lays a challenge's starter files and public data in a folder; believes no name and overwrites nothing by chance."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from cli.client.show import understood
from cli.errors import CliError

PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
MAX_DEPTH = 4
MAX_FILES = 1000
MAX_BYTES = 1024 * 1024 * 1024
DATA = "data"
STATEMENT = "statement.md"


@understood
def starter_files(challenge: dict[str, Any]) -> dict[str, bytes]:
    """The files of the challenge's answer, with the statement beside them. Raises CliError."""
    files = {STATEMENT: str(challenge["statement"]).encode()}
    for one in challenge["starter"]:
        content = str(one["content"])
        try:
            files[str(one["name"])] = content.encode() if one["encoding"] == "utf-8" else base64.b64decode(content)
        except binascii.Error as error:
            raise CliError("A starter file of the judge cannot be read.") from error
    return files


def data_files(archive: IO[bytes]) -> dict[str, bytes]:
    """The files of the data archive, below `data/`. Raises CliError for anything that is not plain files in bounds."""
    try:
        with zipfile.ZipFile(archive) as packed:
            infos = packed.infolist()
            if len({one.filename for one in infos}) != len(infos):
                raise CliError("The judge's data archive holds two files of one name.")
            if len(infos) > MAX_FILES or sum(one.file_size for one in infos) > MAX_BYTES:
                raise CliError("The judge's data archive holds more than can be wanted.")
            return {f"{DATA}/{one.filename}": _member(packed, one) for one in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise CliError("The judge's data archive cannot be read.") from error


def lay_out(folder: Path, files: Mapping[str, bytes], *, force: bool) -> list[Path]:
    """Write the files below the folder, all of them or (when one is there already and not `force`) none; their paths.

    Raises CliError.
    """
    _check_names(files)
    targets = {folder.joinpath(*name.split("/")): content for name, content in files.items()}
    there = sorted(str(path) for path in targets if os.path.lexists(path))
    if there and not force:
        raise CliError(f"{there[0]} exists already; nothing was written. With --force it is overwritten.")
    try:
        for path, content in targets.items():
            _make_folders(folder, path.parent)
            _write(path, content)
    except OSError as error:
        raise CliError(f"{error.filename or folder} cannot be written: {error.strerror}.") from error
    return list(targets)


def _member(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    # what the header says of the size is a claim: read one byte more and no further
    with packed.open(info) as file:
        content = file.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise CliError("A file of the judge's data archive does not have the size it claims.")
    return content


def _check_names(files: Mapping[str, bytes]) -> None:
    for name in files:
        parts = name.split("/")
        if len(parts) > MAX_DEPTH or not all(PART.fullmatch(part) for part in parts):
            raise CliError(f"The judge names a file {name!r:.100}, which is not acceptable; nothing was written.")
    folded = [name.lower() for name in files]
    folders = {one.rsplit("/", depth)[0] for one in folded for depth in range(1, one.count("/") + 1)}
    if len(set(folded)) != len(folded) or folders & set(folded):
        raise CliError("Two of the judge's files have the same name; nothing was written.")


def _make_folders(root: Path, folder: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    below = root
    for part in folder.relative_to(root).parts:
        below = below / part
        if below.is_symlink():
            raise CliError(f"{below} is a link; files are not written through it.")
        below.mkdir(exist_ok=True)


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with part.open("xb") as file:
        file.write(content)
    part.replace(path)  # a link that stands there is replaced, not followed
