"""Reads a participant's tar.gz strictly: plain files and folders, or a refusal; knows nothing of what they mean."""

import re
import zlib

from api.members import BadArchive, Members, shown

BLOCK = 512
MAX_END_BYTES = 64 * 1024
"""Of zeros after the last member; archivers fill up to a record, 10 KiB as a rule."""
MAX_PAX_BYTES = 16 * 1024
MAX_PAX_RECORDS = 256
_FEED, _STEP = 16 * 1024, 64 * 1024

USTAR, GNU = b"ustar\x0000", b"ustar  \x00"
_NUMBER = re.compile(rb" *([0-7]{1,12})[ \x00]*")
_UNUSED = re.compile(rb" *[0-7]*[ \x00]*|[\x80\xff].*", re.DOTALL)
"""A number that is not read here; a very large one is written in binary."""
_UNUSED_FIELDS = ((100, 108), (108, 116), (116, 124), (136, 148), (329, 337), (337, 345))
"""Mode, owner, group, time and the two numbers of a device."""
_PAX_RECORD = re.compile(rb"([1-9][0-9]{0,4}) ([A-Za-z0-9_.:+%#@~-]{1,200})=")
_PAX_HARMLESS = re.compile(
    r"[amc]time|[ug]id|[ug]name|comment|LIBARCHIVE\..+|SCHILY\.(dev|ino|nlink|fflags|(xattr|acl)\..+)"
)
"""Times, owners and the like. What could change a name, a size or a kind is not among them and is refused."""
_KINDS = {
    b"1": "a hard link",
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"K": "a link",
    b"S": "a file with holes",
}


def untar(data: bytes, members: Members) -> dict[str, bytes]:
    """The files. A size is checked before its content is unpacked. Raises BadArchive, TooLarge."""
    stream = _Stream(data)
    found: dict[str, bytes] = {}
    pax = False
    while (header := stream.read(BLOCK)).strip(b"\x00"):
        raw, size, kind = _header(header)
        if kind in (b"x", b"g"):
            if pax:
                raise _broken("a pax header stands before another one")
            _check_pax(stream.padded(size) if size <= MAX_PAX_BYTES else b"")
            if kind == b"g":
                members.note()
            pax = kind == b"x"
            continue
        pax = False
        if kind == b"5":
            if size:
                raise BadArchive(f"{shown(raw)} is a folder with content; pack the folder again.")
            members.folder(raw)
        else:
            name = members.file(raw, size)
            found[name] = stream.padded(size)
    if pax:
        raise _broken("a pax header stands at its end")
    stream.end()
    members.check()
    return found


class _Stream:
    """What one gzip member holds, unpacked no further than it is asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        """Exactly so many bytes. Raises BadArchive."""
        while len(self._held) < size:
            if not self._more():
                raise BadArchive("The archive ends too early; pack the files again.")
        got = bytes(self._held[:size])
        del self._held[:size]
        return got

    def padded(self, size: int) -> bytes:
        """A content and the zeros up to the next block, which are dropped. Raises BadArchive."""
        got = self.read(size + -size % BLOCK)
        if got[size:].strip(b"\x00"):
            raise _broken("something stands between two files")
        return got[:size]

    def end(self) -> None:
        """Reads to the end after a first block of zeros: at least one more, and nothing else. Raises BadArchive."""
        while len(self._held) <= MAX_END_BYTES and self._more():
            pass
        if len(self._held) > MAX_END_BYTES or self._held.strip(b"\x00"):
            raise _broken("something stands after its end")
        if len(self._held) < BLOCK or len(self._held) % BLOCK:
            raise BadArchive("The archive ends too early; pack the files again.")
        if self._inflate.unused_data or self._at < len(self._data):
            raise _broken("something stands after its end")

    def _more(self) -> bool:
        """Unpacks a little more; whether there was any."""
        while not self._inflate.eof:
            # in small pieces: what is left of one is copied at each step
            packed = self._inflate.unconsumed_tail or self._data[self._at : self._at + _FEED]
            if not self._inflate.unconsumed_tail:
                self._at += len(packed)
            try:
                got = self._inflate.decompress(packed, _STEP)
            except zlib.error:
                raise _broken("it cannot be unpacked") from None
            self._held += got
            if got:
                return True
            if not packed and not self._inflate.eof:
                raise BadArchive("The archive ends too early; pack the files again.")
        return False


def _header(block: bytes) -> tuple[bytes, int, bytes]:
    """Name, size and kind of the next member."""
    dialect = block[257:265]
    checksum = _number(block[148:156])
    if dialect not in (USTAR, GNU) or checksum != sum(block[:148]) + 8 * 32 + sum(block[156:]):
        raise _broken("it has no readable header where one should be")
    if block[500:].strip(b"\x00") or (dialect == GNU and block[345:].strip(b"\x00")):
        raise _broken("a header has fields that plain archives do not have")
    if not all(_UNUSED.fullmatch(block[begin:end]) for begin, end in _UNUSED_FIELDS):
        raise _broken("a header has a number that cannot be read")
    raw = _text(block[:100])
    if dialect == USTAR and block[345]:
        raw = _text(block[345:500]) + b"/" + raw
    size, kind = _number(block[124:136]), block[156:157]
    if kind == b"L":
        raise BadArchive("The archive holds a name that is too long; use short names in at most 4 levels.")
    if kind in _KINDS:
        raise BadArchive(f"{shown(raw)} is {_KINDS[kind]}; pack plain files only.")
    if kind not in (b"0", b"\x00", b"5", b"x", b"g") or (kind in b"0\x00" and raw.endswith(b"/")):
        raise BadArchive(f"{shown(raw)} is of an unusual kind; pack plain files only.")
    if kind not in b"xg" and block[157:257].strip(b"\x00"):
        raise BadArchive(f"{shown(raw)} says that it is a link; pack plain files only.")
    return raw, size, kind


def _number(field: bytes) -> int:
    found = _NUMBER.fullmatch(field)
    if found is None:
        raise _broken("a header has a number that cannot be read")
    return int(found[1], 8)


def _text(field: bytes) -> bytes:
    text, _, rest = field.partition(b"\x00")
    if rest.strip(b"\x00"):
        raise BadArchive(f"{shown(text)} has a zero byte in its name; rename it.")
    return text


def _check_pax(content: bytes) -> None:
    """Records "length key=value\\n" that change nothing of what is read here."""
    if not content:
        raise _broken("a pax header is empty or too long")
    at = records = 0
    while at < len(content):
        found = _PAX_RECORD.match(content, at)
        after = at + int(found[1]) if found else 0
        records += 1
        if found is None or not found.end() < after <= len(content) or content[after - 1] != 10:
            raise _broken("a pax header cannot be read")
        key = found[2].decode("ascii")
        if _PAX_HARMLESS.fullmatch(key) is None or records > MAX_PAX_RECORDS:
            raise BadArchive(
                f"The archive has the pax field {shown(key)}, which is not accepted; "
                "use short plain ASCII names, or pack with `tar --format=ustar`."
            )
        at = after


def _broken(what: str) -> BadArchive:
    return BadArchive(f"The archive is damaged or unusual: {what}; pack the files again.")
