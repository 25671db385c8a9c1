"""Reads a folder that is handed in: plain files in bounds, and it says what it leaves out; knows no challenge."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

from cli.client import show
from cli.client.starter import MAX_DEPTH, MAX_FILES, PART
from cli.errors import WRONG_USE, CliError

MAX_BYTES = 64 * 1024 * 1024
MAX_NAMED = 5
CACHES = ("__pycache__",)
_DATE = (1980, 1, 1, 0, 0, 0)


def read(folder: Path) -> dict[str, bytes]:
    """The files below the folder, by their path in it with "/". Hidden files, caches and links are left out, and
    stderr says so. Raises CliError.
    """
    found: dict[str, bytes] = {}
    left_out: list[str] = []
    try:
        _read(folder, "", found, left_out)
    except OSError as error:
        raise CliError(f"{error.filename or folder} cannot be read: {error.strerror}.", WRONG_USE) from error
    if left_out:
        named = ", ".join(show.safe(name) for name in left_out[:MAX_NAMED])
        more = f" and {len(left_out) - MAX_NAMED} more" if len(left_out) > MAX_NAMED else ""
        show.err.print(f"Left out, as hidden, a cache or a link: {named}{more}.", soft_wrap=True)
    if not found:
        raise CliError(f"There is no file to hand in in {folder}.", WRONG_USE)
    return found


def zipped(files: dict[str, bytes]) -> bytes:
    """One zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _read(folder: Path, prefix: str, found: dict[str, bytes], left_out: list[str]) -> None:
    for path in sorted(folder.iterdir()):
        name = prefix + path.name
        mode = path.lstat().st_mode
        if path.name.startswith(".") or path.name in CACHES or stat.S_ISLNK(mode):
            left_out.append(name)
            continue
        if PART.fullmatch(path.name) is None or name.count("/") >= MAX_DEPTH:
            raise CliError(
                f"{name!a:.200} cannot be handed in: names have at most {MAX_DEPTH} parts of A-Z a-z 0-9 _ . -",
                WRONG_USE,
            )
        if stat.S_ISDIR(mode):
            _read(path, f"{name}/", found, left_out)
        elif stat.S_ISREG(mode):
            found[name] = _content(path, MAX_BYTES - sum(map(len, found.values())))
            if len(found) > MAX_FILES:
                raise CliError(f"There are more than {MAX_FILES} files in the folder.", WRONG_USE)
        else:
            raise CliError(f"{path} is neither a file nor a folder.", WRONG_USE)


def _content(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise CliError(
            f"The folder's files together are larger than any judge takes, {MAX_BYTES // 2**20} MB.", WRONG_USE
        )
    return content
