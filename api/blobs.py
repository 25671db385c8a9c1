"""Uploads and prepared data on disk, named by their SHA-256; knows nothing of what they mean or who owns them."""

import hashlib
import io
import os
import re
import secrets
import time
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

MAX_FILES = 1000
MAX_BYTES = 512 * 1024 * 1024
MAX_DEPTH = 4
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say; a packing moment would change the digest
_CHUNK = 1024 * 1024
_BATCH = 500


class BadPack(Exception):
    """What was to be packed or unpacked is not a set of plainly named files within the bounds."""


class Blobs:
    """A folder of immutable files. What has a name is whole and on the disk, whatever dies when."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts = root / "tmp"
        self._parts.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, chunks: Iterable[bytes]) -> str:
        """Stores what the chunks make up and returns its digest; the same content again is one file. Raises OSError."""
        part = self._parts / secrets.token_hex(16)
        digest = hashlib.sha256()
        try:
            with part.open("xb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            name = digest.hexdigest()
            target = self.path(name)
            if not target.parent.exists():
                target.parent.mkdir(exist_ok=True, mode=0o700)
                _sync(self.root)
            part.replace(target)
            _sync(target.parent)
        finally:
            part.unlink(missing_ok=True)
        return name

    def get(self, digest: str) -> bytes:
        """The content. Raises FileNotFoundError."""
        return self.path(digest).read_bytes()

    def has(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def intact(self, digest: str) -> bool:
        """Whether the content is there and is what its name says; reads all of it."""
        try:
            return digest_of(self.path(digest)) == digest
        except FileNotFoundError:
            return False

    def stored(self) -> list[Path]:
        """The files of all contents, in the order of their digests."""
        return sorted(self.root.glob("[0-9a-f][0-9a-f]/*"))

    def path(self, digest: str) -> Path:
        """Where this content is or would be. Raises ValueError for what is no digest."""
        if _DIGEST.fullmatch(digest) is None:
            raise ValueError("a digest is 64 lower-case hexadecimal digits")
        return self.root / digest[:2] / digest

    def writable(self) -> bool:
        """Whether something could be stored now."""
        part = self._parts / secrets.token_hex(16)
        try:
            part.write_bytes(b"x")
            part.unlink()
        except OSError:
            return False
        return True

    def clean(self, older_than_seconds: float = 3600.0) -> int:
        """Removes what a killed process left half written; returns how many files."""
        limit = time.time() - older_than_seconds
        old = [part for part in self._parts.iterdir() if part.stat().st_mtime < limit]
        for part in old:
            part.unlink(missing_ok=True)
        return len(old)

    def collect(self, wanted: Callable[[Collection[str]], Collection[str]], older_than_seconds: float = 3600.0) -> int:
        """Removes files that nobody wants and that were stored a while ago; returns how many.

        `wanted` says which of some digests are referred to. Whoever refers to one anew stores it first, which makes
        it young again: so nothing is removed that somebody is about to refer to, whatever happens at the same moment.
        """
        limit = time.time() - older_than_seconds
        old = [path for path in self.stored() if _stored_at(path) < limit]
        removed = 0
        for at in range(0, len(old), _BATCH):
            batch = {path.name: path for path in old[at : at + _BATCH]}
            removed += sum(self._remove(batch[name], limit) for name in batch.keys() - set(wanted(batch)))
        return removed

    def _remove(self, path: Path, limit: float) -> bool:
        """Takes a file away, and puts it back if it was stored anew since it was looked at."""
        away = self._parts / secrets.token_hex(16)
        try:
            path.replace(away)
        except FileNotFoundError:
            return False
        if _stored_at(away) >= limit:
            away.replace(path)
            return False
        away.unlink()
        return True


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, under which its content is or would be stored. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stored_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def pack(files: Mapping[str, bytes]) -> bytes:
    """A zip of these files; the same files give the same bytes. Raises BadPack."""
    check_names(files)
    if sum(map(len, files.values())) > MAX_BYTES:
        raise BadPack(f"together the files have more than {MAX_BYTES} bytes")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name], compresslevel=6)
    return out.getvalue()


def unpack(data: bytes, *, max_bytes: int = MAX_BYTES) -> dict[str, bytes]:
    """The files of a zip that `pack` made; `max_bytes` bounds them together. Raises BadPack."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if len({info.filename for info in infos}) != len(infos):
                raise BadPack("two files have the same name")
            check_names(info.filename for info in infos)
            if sum(info.file_size for info in infos) > max_bytes:
                raise BadPack(f"together the files have more than {max_bytes} bytes")
            return {info.filename: _member(archive, info) for info in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise BadPack(f"not one of our archives: {error}") from error


def names(path: Path) -> list[tuple[str, int]]:
    """Name and size in bytes of each file of a packed archive, by name. Raises BadPack, FileNotFoundError."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted((info.filename, info.file_size) for info in archive.infolist())
    except zipfile.BadZipFile as error:
        raise BadPack(f"not one of our archives: {error}") from error


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    # The size in the header is a claim: read one byte more than it and no further.
    with archive.open(info) as file:
        content = file.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise BadPack(f"{info.filename} does not have the size it claims")
    return content


def check_names(given: Iterable[str]) -> None:
    """Plain relative names, and none that two file systems could take for the same or for a folder of another.

    Raises BadPack.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for count, name in enumerate(given, 1):
        parts = name.split("/")
        if count > MAX_FILES:
            raise BadPack(f"there are more than {MAX_FILES} files")
        if len(parts) > MAX_DEPTH or not all(_PART.fullmatch(part) for part in parts):
            raise BadPack(f"not an acceptable file name: {name[:100]!r}")
        folded = name.lower()
        if folded in seen:
            raise BadPack(f"two files are called {name[:100]!r}")
        seen.add(folded)
        folders.update(folded.rsplit("/", depth)[0] for depth in range(1, len(parts)))
    if seen & folders:
        raise BadPack("a file has the name of a folder")
