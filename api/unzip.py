"""Reads a participant's ZIP strictly: one way to read every byte or none; knows nothing of what the files mean."""

import re
import stat
import struct
import zlib
from dataclasses import dataclass

from api.members import BadArchive, Members, shown

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_SUMS = struct.Struct("<3I")
_DESCRIPTOR = b"PK\x07\x08"

STORED, DEFLATED = 0, 8
ENCRYPTED, STREAMED = 0x1, 0x8
NEWEST = 63
"""The last version of the format, as headers write it: 6.3."""
_KNOWN_FLAGS = 0x1 | 0x2 | 0x4 | STREAMED | 0x800
ZIP64, UNICODE_PATH = 0x0001, 0x7075
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF
_GIT_COMMENT = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
"""`git archive` writes the commit as the comment of the archive; no other comment is accepted."""


@dataclass(frozen=True)
class _Entry:
    """What the directory at the end says of a member."""

    raw: bytes
    flags: int
    method: int
    sums: tuple[int, int, int]
    """CRC, packed size, size."""
    offset: int

    @property
    def folder(self) -> bool:
        return self.raw.endswith(b"/")


def unzip(data: bytes, members: Members) -> dict[str, bytes]:
    """The files. Everything that headers say is checked before anything is unpacked. Raises BadArchive, TooLarge."""
    names: list[tuple[str | None, _Entry, memoryview]] = []
    for entry, until in _directory(data, members):
        packed = _packed(data, entry, until)
        if not entry.folder:
            names.append((members.file(entry.raw, entry.sums[2]), entry, packed))
        elif entry.sums[2]:
            raise BadArchive(f"{shown(entry.raw)} is a folder with content; pack the folder again.")
        else:
            members.folder(entry.raw)
            names.append((None, entry, packed))
    members.check()
    unpacked = [(name, _unpacked(entry, packed)) for name, entry, packed in names]
    return {name: content for name, content in unpacked if name is not None}


def _directory(data: bytes, members: Members) -> list[tuple[_Entry, int]]:
    """The members in the order in which they lie in the archive, each with where the next thing begins."""
    end = _end(data)
    _, disk, directory_disk, count_here, count, size, start, _ = _END.unpack_from(data, end)
    if (disk, directory_disk, count_here) != (0, 0, count):
        raise BadArchive("The archive is one of several parts; pack everything into one file.")
    if count == _MAX16 or _MAX32 in (size, start):
        raise _zip64()
    if start + size != end:
        raise _broken("the directory at its end is not where it should be")
    members.check_count(count)
    entries = []
    at = start
    for _ in range(count):
        entry, at = _entry(data, at, end)
        entries.append(entry)
    if at != end:
        raise _broken("the directory at its end is longer than it says")
    entries.sort(key=lambda entry: entry.offset)
    places = [*(entry.offset for entry in entries), start]
    if places[0] != 0:
        raise _broken("something stands before the first file")
    return list(zip(entries, places[1:], strict=True))


def _end(data: bytes) -> int:
    """Where the end record begins; nothing but git's comment may follow it."""
    for comment in (0, 40, 64):
        at = len(data) - comment - _END.size
        if at >= 0 and data[at : at + 4] == b"PK\x05\x06":
            said = _END.unpack_from(data, at)[-1]
            if said == comment and (not comment or _GIT_COMMENT.fullmatch(data[at + _END.size :])):
                return at
    raise BadArchive("The archive is no complete zip, or something stands after its end; pack the files again.")


def _entry(data: bytes, at: int, end: int) -> tuple[_Entry, int]:
    """The entry of the directory at this place, and where the next one begins."""
    if at + _CENTRAL.size > end or data[at : at + 4] != b"PK\x01\x02":
        raise _broken("the directory at its end cannot be read")
    (
        _, _, needed, flags, method, _, _, crc, packed, size,
        name_len, extra_len, comment_len, disk, _, attributes, offset,
    ) = _CENTRAL.unpack_from(data, at)  # fmt: skip
    at += _CENTRAL.size
    after = at + name_len + extra_len + comment_len
    if after > end:
        raise _broken("the directory at its end cannot be read")
    entry = _Entry(data[at : at + name_len], flags, method, (crc, packed, size), offset)
    said = shown(entry.raw)
    if disk:
        raise BadArchive("The archive is one of several parts; pack everything into one file.")
    if flags & ENCRYPTED:
        raise BadArchive(f"{said} is encrypted; pack it without a password.")
    if needed > NEWEST or flags & ~_KNOWN_FLAGS or method not in (STORED, DEFLATED):
        raise BadArchive(f"{said} is packed in an unusual way; use store or deflate.")
    if _MAX32 in (packed, size, offset):
        raise _zip64()
    _check_extra(entry.raw, data[at + name_len : at + name_len + extra_len])
    kind = stat.S_IFMT(attributes >> 16)
    if kind not in (0, stat.S_IFDIR if entry.folder else stat.S_IFREG):
        raise BadArchive(f"{said} is a link or another special file; pack plain files only.")
    return entry, after


def _check_extra(raw: bytes, extra: bytes) -> None:
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            raise _broken(f"the extra fields of {shown(raw)} cannot be read")
        kind, size = struct.unpack_from("<2H", extra, at)
        at += 4 + size
        if kind == UNICODE_PATH:
            raise BadArchive(f"{shown(raw)} has a second name; pack it under plain ASCII names.")
        if kind == ZIP64:
            raise _zip64()
    if at != len(extra):
        raise _broken(f"the extra fields of {shown(raw)} cannot be read")


def _packed(data: bytes, entry: _Entry, until: int) -> memoryview:
    """The content as it is packed: the member's own header agrees with the directory, and it fills its place.

    Each member ends where the next one begins, so none overlap and nothing hides between them. Raises BadArchive.
    """
    if entry.offset + _LOCAL.size > until:
        raise _overlaps(entry)
    signature, needed, flags, method, _, _, *sums, name_len, extra_len = _LOCAL.unpack_from(data, entry.offset)
    name_at = entry.offset + _LOCAL.size
    extra_at = name_at + name_len
    begin = extra_at + extra_len
    finish = begin + entry.sums[1]
    if finish > until:
        raise _overlaps(entry)
    same = (
        signature == b"PK\x03\x04"
        and data[name_at:extra_at] == entry.raw
        and method == entry.method
        and not (flags ^ entry.flags) & (ENCRYPTED | STREAMED)
        and not flags & ~_KNOWN_FLAGS
        and needed <= NEWEST
    )
    late = bool(entry.flags & STREAMED)
    if not same or not all(here == said or (late and here == 0) for here, said in zip(sums, entry.sums, strict=True)):
        raise BadArchive(f"{shown(entry.raw)} is described in two different ways; pack the files again.")
    _check_extra(entry.raw, data[extra_at:begin])
    _check_descriptor(entry, data[finish:until])
    return memoryview(data)[begin:finish]


def _check_descriptor(entry: _Entry, between: bytes) -> None:
    """What lies between a member's content and the next member: sums that were not known in time, or nothing."""
    sums = _SUMS.pack(*entry.sums)
    allowed = (sums, _DESCRIPTOR + sums) if entry.flags & STREAMED else (b"",)
    if between not in allowed:
        raise _broken(f"something that belongs to no file stands after {shown(entry.raw)}")


def _unpacked(entry: _Entry, packed: memoryview) -> bytes:
    crc, _, size = entry.sums
    if entry.method == STORED:
        content, whole = bytes(packed), True
    else:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = inflate.decompress(packed, size + 1)  # one byte more than it claims, and no further
        except zlib.error:
            raise _broken(f"{shown(entry.raw)} cannot be unpacked") from None
        whole = inflate.eof and not inflate.unused_data
    if not whole or len(content) != size or zlib.crc32(content) != crc:
        raise BadArchive(f"{shown(entry.raw)} does not have the size or the checksum it claims; pack the files again.")
    return content


def _overlaps(entry: _Entry) -> BadArchive:
    return BadArchive(f"{shown(entry.raw)} overlaps what follows it; pack the files again.")


def _zip64() -> BadArchive:
    return BadArchive("The archive is in the zip64 format, for very many or very large files; pack a plain zip.")


def _broken(what: str) -> BadArchive:
    return BadArchive(f"The archive is damaged or unusual: {what}; pack the files again.")
