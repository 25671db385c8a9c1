"""Archives: what honest archivers write comes out as it went in; anything else is refused, quickly, and says why."""

import gzip
import io
import os
import random
import stat
import struct
import subprocess
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.archives import BadArchive, TooLarge, extract, is_archive
from api.blobs import pack
from sandbox.types import BuildLimits
from tests.api.house import CHALLENGES, GOOD, House, built, challenge, refused
from tests.databases import Databases

FILES = {"main.py": b"print('hello')\n" * 50, "app/model.py": b"x = 1\n", "app/data/empty.txt": b""}
KB = 1024


def opened(name: str, data: bytes, max_bytes: int = 64 * KB, max_files: int = 8) -> dict[str, bytes]:
    return extract(name, data, max_bytes=max_bytes, max_files=max_files)


def zipped(files: Mapping[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


class Pipe(io.RawIOBase):
    """Cannot be rewound, so that archivers write sizes behind the content."""

    def __init__(self) -> None:
        self.out = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.out += data
        return len(data)


def streamed(files: Mapping[str, bytes] = FILES) -> bytes:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            with archive.open(name, "w") as member:
                member.write(content)
    return bytes(pipe.out)


def link_zip(name: str, mode: int, content: bytes = b"/etc/passwd") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = mode << 16
        archive.writestr(info, content)
        archive.writestr("main.py", GOOD)
    return out.getvalue()


def tarred(files: Mapping[str, bytes] = FILES, form: int = tarfile.PAX_FORMAT, **fields: Any) -> bytes:
    return tar_of([(member(name, **fields), content) for name, content in files.items()], form)


def member(name: str, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.USTAR_FORMAT, **more: Any) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form, **more) as archive:
        for info, content in members:
            info.size = len(content) if info.isreg() else info.size
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def gzipped(data: bytes, level: int = 9) -> bytes:
    """The same bytes whenever it is called, so that what is made of them is called the same in every process."""
    return gzip.compress(data, level, mtime=0)


def raw_tar(*headers: bytes) -> bytes:
    return gzipped(b"".join(headers) + bytes(1024))


def header(name: bytes, size: bytes = b"00000000000\x00", kind: bytes = b"0", **at: tuple[int, bytes]) -> bytes:
    """One ustar header; `at` puts bytes anywhere, and the checksum is right."""
    block = bytearray(512)
    block[0 : len(name)] = name
    block[100:108] = b"0000644\x00"
    block[124:136] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    for place, value in at.values():
        block[place : place + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\x00 " % sum(block)
    return bytes(block)


# What honest archivers write


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "main.py").chmod(0o755)
    return folder


def ran(*command: str, cwd: Path) -> bytes:
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True).stdout


GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "core.autocrlf=false")


def of_git(folder: Path, form: str, what: str = "HEAD") -> bytes:
    ran(*GIT, "init", "-q", cwd=folder)
    ran(*GIT, "add", ".", cwd=folder)
    ran(*GIT, "commit", "-qm", "x", cwd=folder)
    return ran("git", "archive", f"--format={form}", what, cwd=folder)


HONEST: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "zipfile": ("a.zip", lambda _: zipped()),
    "zipfile, stored": ("a.zip", lambda _: zipped(method=zipfile.ZIP_STORED)),
    "zipfile, streamed": ("a.ZIP", lambda _: streamed()),
    "ours": ("a.zip", lambda _: pack(FILES)),
    "info-zip": ("a.zip", lambda at: ran("zip", "-qr", "-", ".", cwd=at)),
    "info-zip, no folders": ("a.zip", lambda at: (ran("zip", "-qrD", "a.zip", ".", cwd=at), (at / "a.zip"))[1].read_bytes()),
    "info-zip, into a file": ("a.zip", lambda at: (ran("zip", "-qr", "a.zip", ".", cwd=at), (at / "a.zip"))[1].read_bytes()),
    "git, zip of a commit": ("a.zip", lambda at: of_git(at, "zip")),
    "git, zip of a tree": ("a.zip", lambda at: of_git(at, "zip", "HEAD^{tree}")),
    "git, tar of a commit": ("a.tar.gz", lambda at: of_git(at, "tar.gz")),
    "git, tar of a tree": ("a.tgz", lambda at: of_git(at, "tar.gz", "HEAD^{tree}")),
    "gnu tar": ("a.tar.gz", lambda at: ran("tar", "-cz", ".", cwd=at)),
    "gnu tar, names": ("a.tgz", lambda at: ran("tar", "-cz", "main.py", "app", cwd=at)),
    "gnu tar, ustar": ("a.tgz", lambda at: ran("tar", "-cz", "--format=ustar", ".", cwd=at)),
    "gnu tar, pax": ("a.tgz", lambda at: ran("tar", "-cz", "--format=pax", ".", cwd=at)),
    "tarfile, pax": ("a.TAR.GZ", lambda _: tarred(mtime=1.5)),
    "tarfile, gnu": ("a.tgz", lambda _: tarred(form=tarfile.GNU_FORMAT, uid=10**9)),
    "tarfile, ustar": ("a.tgz", lambda _: tarred(form=tarfile.USTAR_FORMAT)),
    "like bsdtar": (
        "a.tgz",
        lambda _: tarred(
            pax_headers={"LIBARCHIVE.creationtime": "1.5", "SCHILY.xattr.com.apple.provenance": "\x01", "atime": "1.2"}
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", HONEST)
def test_honest_archives_come_out_as_they_went_in(project: Path, case: str) -> None:
    name, make = HONEST[case]
    assert is_archive(name)
    assert opened(name, make(project)) == FILES


names = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,8}", fullmatch=True)
contents = st.binary(max_size=3000) | st.builds(bytes.__mul__, st.binary(min_size=1, max_size=3), st.integers(0, 2000))


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(names, contents, min_size=1, max_size=8), st.sampled_from("zds123"))
def test_round_trips(flat: dict[str, bytes], how: str) -> None:
    seen: set[str] = set()
    files = {  # names that differ in case only are refused, and so are a file and a folder of one name
        f"d{number}/{name}" if number % 2 else name: content
        for number, (name, content) in enumerate(flat.items())
        if name.lower() not in seen and not seen.add(name.lower()) and name[0] != "d"  # type: ignore[func-returns-value]
    } or {"x": b"1"}
    forms = {"1": tarfile.PAX_FORMAT, "2": tarfile.GNU_FORMAT, "3": tarfile.USTAR_FORMAT}
    if how in forms:
        assert opened("a.tgz", tarred(files, forms[how])) == files
    else:
        made = {"z": zipped, "d": streamed, "s": lambda all: zipped(all, zipfile.ZIP_STORED)}[how](files)
        assert opened("a.zip", made) == files


VALID = {
    "zip": ("a.zip", zipped()),
    "stored": ("a.zip", zipped(method=zipfile.ZIP_STORED)),
    "streamed": ("a.zip", streamed()),
    "pax": ("a.tgz", gzip.decompress(tarred(mtime=1.5))),
    "ustar": ("a.tgz", gzip.decompress(tarred(form=tarfile.USTAR_FORMAT))),
    "gzip": ("a.tgz", tarred(form=tarfile.GNU_FORMAT)),
}


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(sorted(VALID)), st.randoms(use_true_random=False), st.integers(1, 6))
def test_spoilt_archives_are_refused_or_whole(which: str, chance: random.Random, times: int) -> None:
    """Whatever is changed, it is a refusal of ours, or files within the bounds that another reader sees as well."""
    name, whole = VALID[which]
    data = bytearray(whole)
    for _ in range(times):
        at = chance.randrange(len(data) + 1)
        what = chance.randrange(4)
        if what == 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        elif what == 1:
            data[at : at + 4] = chance.choice([b"\xff" * 4, bytes(4), b"PK\x01\x02", b"PK\x05\x06", b"../."])
        elif what == 2:
            del data[at : at + chance.randrange(1, 40)]
        else:
            data[at:at] = data[chance.randrange(len(data) + 1) :][: chance.randrange(1, 600)]
    sent = bytes(data) if which in ("gzip", "zip", "stored", "streamed") else gzipped(bytes(data), 1)
    try:
        got = opened(name, sent)
    except (BadArchive, TooLarge) as error:
        said = str(error)
    else:
        said = "whole and in bounds"
        assert sum(map(len, got.values())) <= 64 * KB
        assert got == (by_zipfile(sent) if name == "a.zip" else by_tarfile(sent))
    assert 10 < len(said) < 400
    assert said.isascii()
    assert said.isprintable()


def by_zipfile(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}


def by_tarfile(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        members = [(info, archive.extractfile(info)) for info in archive if info.isreg()]
        return {info.name.removeprefix("./"): file.read() for info, file in members if file is not None}


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b\x08"]))
def test_noise_is_refused(noise: bytes, begin: bytes) -> None:
    for name in ("a.zip", "a.tgz"):
        with pytest.raises(BadArchive):
            opened(name, begin + noise)


# What is refused, through the parser: names, kinds, lies and bombs (F1 to F5 of the attack catalogue)


def both(name: str, content: bytes = b"x") -> Iterator[tuple[str, bytes]]:
    yield "a.zip", zipped({"main.py": GOOD, name: content})
    yield "a.tgz", tarred({"main.py": GOOD, name: content}, tarfile.GNU_FORMAT)


BAD_NAMES = [
    "../a.py", "a/../b.py", "/a.py", "//host/a.py", "C:/a.py", "C:a.py", "\\\\host\\a.py", "a\\b.py", "..", ".", "a//b",
    "a/./b", "././a", "a\nb.py", "a\tb", "a\x1bb", "a\x7f", "solution\u202epy", "\u00e9.py", "e\u0301.py", "a b.py", "-rf",
    "a:b", "a/b/c/d/e.py", "x" * 101,
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_names_are_refused_not_repaired(name: str) -> None:
    for file, data in both(name):
        with pytest.raises(BadArchive, match=r"rename it|unusual kind|short names"):
            opened(file, data)
    for file, data in both("fine.py"):
        assert opened(file, data) == {"main.py": GOOD, "fine.py": b"x"}


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        (".git/config", "leave out files and folders whose names begin with a dot"),
        (".dockerignore", "leave out files and folders whose names begin with a dot"),
        ("app/.DS_Store", "leave out files and folders whose names begin with a dot"),
        ("__MACOSX/._main.py", "leave out __MACOSX and all ._ files"),
        ("._main.py", "leave out __MACOSX and all ._ files"),
    ],
)
def test_hidden_files_are_refused_with_advice(name: str, advice: str) -> None:
    for file, data in both(name):
        with pytest.raises(BadArchive) as error:
            opened(file, data)
        assert advice in str(error.value)
        assert name in str(error.value)


@pytest.mark.parametrize("second", ["Main.py", "MAIN.PY", "main.py/x", "./main.py"])
def test_names_that_collide(second: str) -> None:
    for file, data in both(second):
        with pytest.raises(BadArchive, match="ambiguous"):
            opened(file, data)


def test_a_folder_with_the_name_of_a_file() -> None:
    for folder, good in (("main.py/", False), ("MAIN.py/x/", False), ("app/", True), ("Other/x/", True)):
        for file, data in (
            ("a.zip", zipped({"main.py": GOOD, folder: b""})),
            ("a.tgz", tar_of([(member("main.py"), GOOD), (member(folder.rstrip("/"), type=tarfile.DIRTYPE), b"")])),
        ):
            if good:
                assert opened(file, data) == {"main.py": GOOD}
            else:
                with pytest.raises(BadArchive, match="name of a file"):
                    opened(file, data)
    with pytest.raises(BadArchive, match="folder with content"):
        opened("a.zip", zipped({"main.py": GOOD, "app/": b"x"}))


def test_a_zero_byte_in_a_name() -> None:
    with pytest.raises(BadArchive, match="rename it"):
        opened("a.tgz", raw_tar(header(b"main.py\x00.txt")))
    with pytest.raises(BadArchive, match="rename it"):
        opened("a.zip", zipped({"main.py_.txt": b"x"}).replace(b"main.py_", b"main.py\x00"))
    assert opened("a.tgz", raw_tar(header(b"main.py"))) == {"main.py": b""}


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_special_files_in_a_zip(mode: int) -> None:
    with pytest.raises(BadArchive, match="'evil' is a link or another special file"):
        opened("a.zip", link_zip("evil", mode | 0o777))
    assert opened("a.zip", link_zip("good", stat.S_IFREG | 0o777)) == {"good": b"/etc/passwd", "main.py": GOOD}


@pytest.mark.parametrize(
    "kind", [b"1", b"2", b"3", b"4", b"6", b"7", b"K", b"L", b"S", b"D", b"M", b"V", b"X", b"\xff"]
)
def test_special_files_in_a_tar(kind: bytes) -> None:
    with pytest.raises(BadArchive, match=r"plain files only|short names"):
        opened("a.tgz", raw_tar(header(b"evil", kind=kind, link=(157, b"/etc/passwd")), header(b"main.py")))
    assert "evil" in opened("a.tgz", raw_tar(header(b"evil"), header(b"main.py")))


def test_a_link_and_a_write_through_it() -> None:
    link = member("app", type=tarfile.SYMTYPE, linkname="/tmp")
    for members in ([(link, b""), (member("app/x"), b"x")], [(member("app/x"), b"x"), (link, b"")]):
        with pytest.raises(BadArchive, match="'app' is a link"):
            opened("a.tgz", tar_of(members))
    with pytest.raises(BadArchive, match="says that it is a link"):
        opened("a.tgz", raw_tar(header(b"app", link=(157, b"/etc/passwd"))))


@pytest.mark.parametrize("key", ["path", "linkpath", "size", "GNU.sparse.major", "GNU.sparse.name", "SCHILY.realsize", "hdrcharset"])  # fmt: skip
def test_pax_fields_that_change_something(key: str) -> None:
    for globally in (False, True):

        def made(field: str, everywhere: bool = globally) -> bytes:
            record = b" %s=12345\n" % field.encode()
            size = len(record) + 2
            content = b"%d%s" % (size, record)
            head = header(b"PaxHeader", b"%011o\x00" % len(content), b"g" if everywhere else b"x")
            return raw_tar(head, content.ljust(512, b"\x00"), header(b"main.py"))

        with pytest.raises(BadArchive, match=f"pax field '{key}'"):
            opened("a.tgz", made(key))
        assert opened("a.tgz", made("mtime")) == {"main.py": b""}


def pax_header(content: bytes, kind: bytes = b"x") -> bytes:
    return header(b"p", b"%011o\x00" % len(content), kind) + content + bytes(-len(content) % 512)


@pytest.mark.parametrize(
    "parts",
    [
        (pax_header(b"9 uid=1\n"), header(b"main.py")),
        (pax_header(b"0 uid=1\n"), header(b"main.py")),
        (pax_header(b"8 uid=1\n8 uid"), header(b"main.py")),
        (pax_header(b""), header(b"main.py")),
        (pax_header(b"8 uid=1\n" * 300), header(b"main.py")),
        (pax_header(b"8 uid=1\n"), pax_header(b"8 uid=1\n"), header(b"main.py")),
        (header(b"main.py"), pax_header(b"8 uid=1\n")),
        (header(b"main.py"), *[pax_header(b"8 uid=1\n", b"g")] * 1000),
        (pax_header(b"99999 uid=" + b"1" * 99988 + b"\n"), header(b"main.py")),
        (header(b"main.py", size=b"-0000000001\x00"),),
        (header(b"main.py", size=b"\x80" + bytes(10) + b"\x01"),),
        (header(b"main.py", size=b"9" * 11 + b"\x00"),),
        (header(b"main.py", magic=(257, bytes(8))),),
        (header(b"main.py")[:-1] + b"x",),
        (header(b"main.py", tail=(500, b"x")),),
        (header(b"main.py", magic=(257, b"ustar  \x00"), sparse=(400, b"x")),),
        (header(b"main.py", mode=(100, b"rwxr--r-")),),
        (header(b"app/"),),
        (header(b"main.py", size=b"00000000001\x00"), b"xy".ljust(512, b"\x00")),
        (header(b"app", size=b"00000000001\x00", kind=b"5"), bytes(512), header(b"main.py")),
        (header(b"app", size=b"00000000001\x00", kind=b"5"), header(b"main.py")),
    ],
)
def test_tars_that_can_be_read_in_two_ways(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(BadArchive):
        opened("a.tgz", raw_tar(*parts))


def test_the_tars_beside_them_are_fine() -> None:
    fine = raw_tar(pax_header(b"8 uid=1\n"), header(b"main.py", size=b"00000000002\x00"), b"xy".ljust(512, b"\x00"))
    assert opened("a.tgz", fine) == {"main.py": b"xy"}
    prefixed = raw_tar(header(b"main.py", prefix=(345, b"app/deep")), header(b"app", kind=b"5"))
    assert opened("a.tgz", prefixed) == {"app/deep/main.py": b""}


TAR = header(b"main.py")


@pytest.mark.parametrize(
    "data",
    [
        gzipped(TAR),
        gzipped(TAR + bytes(512)),
        gzipped(TAR + bytes(1023)),
        gzipped(TAR + bytes(1025)),
        gzipped(TAR + bytes(1024) + TAR + bytes(1024)),
        gzipped(TAR + bytes(512) + TAR + bytes(1024)),
        gzipped(TAR + bytes(10**6)),
        gzipped(TAR + bytes(1024)) + b"x",
        gzipped(TAR + bytes(1024)) + bytes(100_000),
        gzipped(TAR + bytes(1024)) + gzipped(TAR + bytes(1024)),
        gzipped(TAR) + gzipped(bytes(1024)),
        gzipped(TAR + bytes(1024))[:-1],
        gzipped(TAR + bytes(1024))[:-8] + bytes(8),
        gzipped(b""),
        gzipped(bytes(1024)),
        gzipped(bytes(10240)),
        zlib.compress(TAR + bytes(1024)),
        TAR + bytes(1024),
    ],
)
def test_what_stands_around_a_tar(data: bytes) -> None:
    with pytest.raises(BadArchive):
        opened("a.tgz", data)
    assert opened("a.tgz", gzipped(TAR + bytes(1024))) == {"main.py": b""}


# Zips whose two descriptions disagree, or that hold more than they say


def spoilt_zip(change: Callable[[bytearray], None], data: bytes | None = None) -> bytes:
    spoilt = bytearray(data if data is not None else zipped({"main.py": GOOD, "b.py": b"b" * 100}))
    change(spoilt)
    return bytes(spoilt)


def put(at: int, what: bytes) -> Callable[[bytearray], None]:
    """Overwrites at this place, counted from the end if negative."""

    def change(data: bytearray) -> None:
        place = at % len(data)
        data[place : place + len(what)] = what

    return change


def add(what: bytes) -> Callable[[bytearray], None]:
    return lambda data: data.extend(what)


def together(*changes: Callable[[bytearray], None]) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        for one in changes:
            one(data)

    return change


def put_central(at: int, what: bytes) -> Callable[[bytearray], None]:
    """Overwrites in the first entry of the directory."""
    return lambda data: put(data.index(b"PK\x01\x02") + at, what)(data)


def with_extra(kind: int, central: bool) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("main.py")
        if not central:
            info.extra = struct.pack("<2H4s", kind, 4, b"abcd")
        archive.writestr(info, GOOD)
        info.extra = struct.pack("<2H4s", kind, 4, b"abcd")
    return out.getvalue()


def local(name: bytes, packed: bytes, size: int, crc: int, method: int = 0) -> bytes:
    return struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, method, 0, 0, crc, len(packed), size, len(name), 0) + name


def central(name: bytes, packed: bytes, size: int, crc: int, method: int = 0, offset: int = 0) -> bytes:
    sums = (crc, len(packed), size)
    numbers = (20, 20, 0, method, 0, 0, *sums, len(name), 0, 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *numbers) + name


def closed(body: bytes, directory: bytes, count: int) -> bytes:
    numbers = (0, 0, count, count, len(directory), len(body), 0)
    return body + directory + struct.pack("<4s4H2IH", b"PK\x05\x06", *numbers)


def overlapping(count: int, size: int = 20_000) -> bytes:
    """Many entries of the directory that share one content, as in a bomb without recursion."""
    data = zipped({"a0000": bytes(size)})
    start = data.index(b"PK\x01\x02")
    entry = data[start : start + 46]
    return closed(data[:start], b"".join(entry + b"a%04d" % number for number in range(count)), count)


def quoted(count: int) -> bytes:
    """Members inside the contents of others, every size and checksum right: each reaches to the directory."""
    body, entries = b"", []
    for number in range(count):
        sums = (b"a%04d" % number, body, len(body), zlib.crc32(body))
        body = local(*sums) + body
        entries.append((sums, len(body)))
    directory = b"".join(central(*sums, offset=len(body) - back) for sums, back in entries)
    return closed(body, directory, count)


def longer(junk: bytes) -> bytes:
    """A packed content that goes on after its end."""
    squeeze = zlib.compressobj(wbits=-15)
    sums = (b"main.py", squeeze.compress(GOOD) + squeeze.flush() + junk, len(GOOD), zlib.crc32(GOOD), 8)
    return closed(local(*sums) + sums[1], central(*sums), 1)


def prefixed(junk: bytes) -> bytes:
    """Something before the first member, with every offset right."""
    sums = (b"main.py", GOOD, len(GOOD), zlib.crc32(GOOD))
    return closed(junk + local(*sums) + GOOD, central(*sums, offset=len(junk)), 1)


def followed(junk: bytes, counted: int) -> bytes:
    """Something between the directory and the end; `counted` bytes of it belong to the directory, it says."""
    sums = (b"main.py", GOOD, len(GOOD), zlib.crc32(GOOD))
    whole = closed(local(*sums) + GOOD, central(*sums) + junk, 1)
    size = len(central(*sums)) + counted
    return whole[:-10] + struct.pack("<I", size) + whole[-6:]


BAD_ZIPS: dict[str, bytes] = {
    "a comment": spoilt_zip(together(put(-2, b"\x03\x00"), add(b"abc"))),
    "a comment that is nearly git's": spoilt_zip(together(put(-2, b"\x28\x00"), add(b"g" * 40))),
    "something after the end": zipped() + b"x",
    "something before the start": b"PK\x03\x04" + zipped(),
    "a program before the start": b"#!/bin/sh\n" + zipped(),
    "another zip before it": zipped() + zipped(),
    "something before the start, offsets right": prefixed(b"PK\x03\x04"),
    "something in the directory": followed(b"x" * 20, 20),
    "something behind the directory": followed(b"x" * 20, 0),
    "a directory of another size": followed(b"", 20),
    "a content that goes on": longer(b"x"),
    "several disks": spoilt_zip(put(-18, b"\x01\x00")),
    "a directory elsewhere": spoilt_zip(put(-6, b"\x00\x00")),
    "more members than it says": spoilt_zip(put(-14, b"\x01\x00\x01\x00")),
    "fewer members than it says": spoilt_zip(put(-14, b"\x03\x00\x03\x00")),
    "zip64 by its numbers": spoilt_zip(put(-6, b"\xff" * 4)),
    "zip64 by its count": spoilt_zip(put(-14, b"\xff" * 4)),
    "zip64 by an extra field": with_extra(1, central=True),
    "a second name in the directory": with_extra(0x7075, central=True),
    "a second name in both": with_extra(0x7075, central=False),
    "encrypted": spoilt_zip(together(put(6, b"\x01"), put_central(8, b"\x01"))),
    "encrypted in the directory": spoilt_zip(put_central(8, b"\x01")),
    "masked": spoilt_zip(put_central(9, b"\x20")),
    "a version that does not exist": spoilt_zip(put_central(6, b"\x40")),
    "a version that does not exist, in its header": spoilt_zip(put(4, b"\x40")),
    "bzip2": zipped(method=zipfile.ZIP_BZIP2),
    "lzma": zipped(method=zipfile.ZIP_LZMA),
    "another name in its header": spoilt_zip(put(30, b"nice")),
    "another method in its header": spoilt_zip(put(8, b"\x00")),
    "another size in its header": spoilt_zip(put(22, b"\x01")),
    "a bad checksum in both": spoilt_zip(together(put(14, b"abcd"), put_central(16, b"abcd"))),
    "a smaller size in both": spoilt_zip(together(put(22, b"\x05"), put_central(24, b"\x05"))),
    "a larger size in both": spoilt_zip(together(put(22, b"\xf0"), put_central(24, b"\xf0"))),
    "a content cut short": spoilt_zip(together(put(18, b"\x05"), put_central(20, b"\x05"))),
    "overlapping": overlapping(2),
    "one inside the other": quoted(2),
    "streamed, other sums behind": spoilt_zip(lambda data: put(data.index(b"PK\x07\x08") + 5, b"?")(data), streamed()),
    "no member": zipped({}),
    "only folders": zipped({"app/": b""}),
    "nothing but an end": b"PK\x05\x06" + bytes(18),
    "cut short": zipped()[:-1],
    "a tar": gzip.decompress(tarred()),
    "a tar.gz": tarred(),
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_zips_that_can_be_read_in_two_ways(case: str) -> None:
    with pytest.raises(BadArchive) as error:
        opened("a.zip", BAD_ZIPS[case])
    assert str(error.value).endswith(".")
    assert case[:5] != "zip64" or "in the zip64 format" in str(error.value)


def test_the_zips_beside_them_are_fine() -> None:
    whole = {"main.py": GOOD, "b.py": b"b" * 100}
    assert opened("a.zip", spoilt_zip(lambda data: None)) == whole
    git = spoilt_zip(together(put(-2, b"\x28\x00"), add(b"0123456789" * 4)))
    assert opened("a.zip", git) == whole
    assert opened("a.zip", with_extra(0x5455, central=True)) == {"main.py": GOOD}
    assert opened("a.zip", overlapping(1)) == {"a0000": bytes(20_000)}
    assert opened("a.zip", quoted(1)) == {"a0000": b""}
    for same in (prefixed(b""), followed(b"", 0), longer(b"")):
        assert opened("a.zip", same) == {"main.py": GOOD}


# Bounds


def bomb_tar(megabytes: int) -> bytes:
    size = megabytes * 2**20
    return raw_tar(header(b"main.py", b"%011o\x00" % size), bytes(size))


def bomb_pax() -> bytes:
    return gzipped(header(b"p", b"%011o\x00" % 2**29, b"x") + bytes(2**26))


def many_zip(count: int) -> bytes:
    return zipped({f"f{number}": b"" for number in range(count)})


def many_tar(count: int, kind: bytes = b"0") -> bytes:
    return raw_tar(*(header(b"f%d" % number, kind=kind) for number in range(count)))


BOMBS: dict[str, tuple[type[Exception], str, Callable[[], bytes]]] = {
    "ratio, zip": (TooLarge, "a.zip", lambda: zipped({"main.py": bytes(100 * 2**20)})),
    "ratio, tar": (TooLarge, "a.tgz", lambda: bomb_tar(100)),
    "a size that lies, zip": (
        BadArchive,
        "a.zip",
        lambda: spoilt_zip(
            together(put(22, b"\x10\x00\x00\x00"), put_central(24, b"\x10\x00\x00\x00")),
            zipped({"main.py": bytes(100 * 2**20)}),
        ),
    ),
    "a size that lies, tar": (BadArchive, "a.tgz", lambda: raw_tar(header(b"main.py", b"00000000010\x00"), bytes(100 * 2**20))),
    "a huge pax header": (BadArchive, "a.tgz", bomb_pax),
    "zeros without end": (BadArchive, "a.tgz", lambda: gzipped(TAR + bytes(200 * 2**20))),
    "overlapping": (BadArchive, "a.zip", lambda: overlapping(30, 60_000)),
    "together": (TooLarge, "a.zip", lambda: zipped({f"f{n}": os.urandom(9000) for n in range(8)})),
    "10^5 members, zip": (BadArchive, "a.zip", lambda: many_zip(100_000)),
    "60000 members, zip": (BadArchive, "a.zip", lambda: many_zip(60_000)),
    "10^5 members, tar": (BadArchive, "a.tgz", lambda: many_tar(100_000)),
    "10^5 folders, tar": (BadArchive, "a.tgz", lambda: many_tar(100_000, b"5")),
    "10^5 folders, zip": (BadArchive, "a.zip", lambda: zipped({f"f{number}/": b"" for number in range(60_000)})),
    "1000 levels": (BadArchive, "a.zip", lambda: zipped({"a/" * 1000 + "b": b""})),
    "4 KiB names, zip": (BadArchive, "a.zip", lambda: zipped({"x" * 4096: b""})),
    "4 KiB names, tar": (BadArchive, "a.tgz", lambda: tarred({"x" * 4096: b""}, tarfile.GNU_FORMAT)),
    "60 KiB names, zip": (BadArchive, "a.zip", lambda: zipped({"x" * 60_000 + str(n): b"" for n in range(40)})),
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_bombs_cost_nothing(case: str) -> None:
    kind, name, make = BOMBS[case]
    data = make()
    tracemalloc.start()
    start = time.thread_time()
    try:
        with pytest.raises(kind) as error:
            opened(name, data)
        took, most = time.thread_time() - start, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert took < 1
    assert most < len(data) + 4 * 2**20
    assert len(str(error.value)) < 400


def test_an_inner_archive_is_just_a_file() -> None:
    inner = zipped({"deep": bytes(10 * 2**20)})
    assert opened("a.zip", zipped({"main.py": GOOD, "inner.zip": inner}))["inner.zip"] == inner


def test_the_bounds_are_exact() -> None:
    files = {f"f{number}": bytes(100) for number in range(4)}
    for name, data in (("a.zip", zipped(files)), ("a.tgz", tarred(files))):
        assert opened(name, data, 400, 4) == files
        with pytest.raises(TooLarge, match="399 bytes"):
            opened(name, data, 399, 4)
        with pytest.raises(BadArchive, match="more than 3 files"):
            opened(name, data, 400, 3)


def test_only_names_of_archives_are_known() -> None:
    assert not any(map(is_archive, ["a.tar", "a.7z", "zip", "a.zip.py", "a.tar.bz2", "Dockerfile"]))
    with pytest.raises(BadArchive):
        opened("a.tar", zipped())


# Through the api


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, module_databases: Databases) -> Iterator[House]:
    """A house with the challenge `delta`, which takes up to eight files of 64 KiB together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHALLENGES, "delta", challenge("delta", submit="main.py", max_kb=64, max_files=8))
        with built(tmp_path_factory.mktemp("house"), database_url=module_databases.new()) as house:
            yield house


def send(house: House, name: str, data: bytes, slug: str = "delta") -> Any:
    return house.submit("ann", slug, files={"file": (name, data)})


def kept(house: House) -> list[Path]:
    """Every file of the installation's data but the database's."""
    root = house.context.settings.data
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("assay.db"))


def test_the_same_files_are_the_same_submission_however_they_come(house: House) -> None:
    text = {name: content.decode() for name, content in FILES.items()}
    answers = [
        send(house, "work.zip", zipped()),
        send(house, "work.zip", streamed(dict(reversed(FILES.items())))),
        send(house, "work.tar.gz", tarred()),
        send(house, "work.tgz", tarred({f"./{name}": content for name, content in FILES.items()}, mtime=7)),
        house.submit("ann", "delta", files=[("file", (name, content)) for name, content in FILES.items()]),
        house.post("/submissions", "ann", json={"challenge": "delta", "files": text}),
    ]
    assert [answer.status_code for answer in answers] == [202] * 6
    assert len({answer.json()["digest"] for answer in answers}) == 1
    for answer in answers:
        seen = house.get(f"/submissions/{answer.json()['id']}", "ann").json()
        assert (seen["files"], seen["size"]) == (sorted(FILES), sum(map(len, FILES.values())))
    other = send(house, "work.zip", zipped(FILES | {"main.py": b"other"}))
    assert other.json()["digest"] != answers[0].json()["digest"]


def test_several_files_are_downloaded_as_our_zip(house: House) -> None:
    sent = send(house, "work.tar.gz", tarred()).json()["id"]
    answer = house.get(f"/submissions/{sent}/source", "ann")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="delta.zip"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content == pack(FILES)
    refused(house.get(f"/submissions/{sent}/source", "ben"), 404, "not_found")


def test_a_single_file_is_downloaded_as_it_is(house: House) -> None:
    page = b"<html><script>alert(1)</script>"
    for answer in (send(house, "main.py", page), send(house, "a.zip", zipped({"main.py": page}))):
        got = house.get(f"/submissions/{answer.json()['id']}/source", "ann")
        assert got.content == page
        assert got.headers["content-type"] == "application/octet-stream"
        assert got.headers["content-disposition"] == 'attachment; filename="main.py"'
        assert got.headers["x-content-type-options"] == "nosniff"


def parts(files: Mapping[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (name, content)) for name, content in files.items()]


MANY = {"main.py": GOOD} | {f"f{number}.py": b"x" for number in range(8)}
HEAVY = {"main.py": GOOD, "a.bin": os.urandom(32 * KB), "b.bin": os.urandom(32 * KB)}

REFUSED: dict[str, tuple[int, str, Callable[[House], Any]]] = {
    "F1 a path upwards, zip": (422, "bad_archive", lambda h: send(h, "a.zip", zipped({"main.py": GOOD, "../x": b"x"}))),
    "F1 a path upwards, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", tarred({"main.py": GOOD, "../x": b"x"}))),
    "F1 a path upwards, parts": (422, "wrong_file_name", lambda h: h.submit("ann", "delta", files=parts({"main.py": GOOD, "../x": b"x"}))),
    "F1 an absolute path, parts": (422, "wrong_file_name", lambda h: h.submit("ann", "delta", files=parts({"main.py": GOOD, "/x": b"x"}))),
    "F1 an absolute path, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", tarred({"main.py": GOOD, "/tmp/x": b"x"}))),
    "F1 a backslash, zip": (422, "bad_archive", lambda h: send(h, "a.zip", zipped({"main.py": GOOD, "a\\x": b"x"}))),
    "F1 a backslash, parts": (422, "wrong_file_name", lambda h: h.submit("ann", "delta", files=parts({"main.py": GOOD, "a\\x": b"x"}))),
    "F1 a path upwards, json": (422, "wrong_file_name", lambda h: h.post("/submissions", "ann", json={"challenge": "delta", "files": {"main.py": "x", "../x": "x"}})),
    "F2 a link, zip": (422, "bad_archive", lambda h: send(h, "a.zip", link_zip("x", stat.S_IFLNK | 0o777))),
    "F2 a link, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", tar_of([(member("main.py"), GOOD), (member("x", type=tarfile.SYMTYPE, linkname="/tmp/y"), b"")]))),
    "F2 a hard link, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", tar_of([(member("main.py"), GOOD), (member("x", type=tarfile.LNKTYPE, linkname="main.py"), b"")]))),
    "F2 a device, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", tar_of([(member("main.py"), GOOD), (member("x", type=tarfile.CHRTYPE), b"")]))),
    "F2 a pipe, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", tar_of([(member("main.py"), GOOD), (member("x", type=tarfile.FIFOTYPE), b"")]))),
    "F3 a bomb, zip": (413, "too_large", lambda h: send(h, "a.zip", zipped({"main.py": bytes(50 * 2**20)}))),
    "F3 a bomb, tar": (413, "too_large", lambda h: send(h, "a.tgz", bomb_tar(50))),
    "F3 overlapping": (422, "bad_archive", lambda h: send(h, "a.zip", overlapping(5))),
    "F3 an archive too large itself": (413, "too_large", lambda h: send(h, "a.zip", zipped({"main.py": os.urandom(128 * KB)}))),
    "F3 together too large, parts": (413, "too_large", lambda h: h.submit("ann", "delta", files=parts(HEAVY))),
    "F3 one too large, parts": (413, "too_large", lambda h: h.submit("ann", "delta", files=parts({"main.py": GOOD, "a": bytes(64 * KB)}))),
    "F3 together too large, json": (413, "too_large", lambda h: h.post("/submissions", "ann", json={"challenge": "delta", "files": {"main.py": "x", "a": "y" * 64 * KB}})),
    "F4 many members, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", many_tar(10_000))),
    "F4 too many, zip": (422, "bad_archive", lambda h: send(h, "a.zip", zipped(MANY))),
    "F4 too many, parts": (422, "invalid_request", lambda h: h.submit("ann", "delta", files=parts(MANY))),
    "F4 too many, json": (422, "invalid_request", lambda h: h.post("/submissions", "ann", json={"challenge": "delta", "files": dict.fromkeys(MANY, "x")})),
    "F4 far too many, parts": (400, "bad_form", lambda h: h.submit("ann", "delta", files=parts({f"f{n}": b"x" for n in range(65)}))),
    "F4 a long name, zip": (422, "bad_archive", lambda h: send(h, "a.zip", zipped({"main.py": GOOD, "x" * 4096: b"x"}))),
    "F4 deep, parts": (422, "wrong_file_name", lambda h: h.submit("ann", "delta", files=parts({"main.py": GOOD, "a/b/c/d/e": b"x"}))),
    "F5 a new line, zip": (422, "bad_archive", lambda h: send(h, "a.zip", zipped({"main.py": GOOD, "a\nb": b"x"}))),
    "F5 right to left, zip": (422, "bad_archive", lambda h: send(h, "a.zip", zipped({"main.py": GOOD, "a\u202eb": b"x"}))),
    "F5 not utf-8, tar": (422, "bad_archive", lambda h: send(h, "a.tgz", raw_tar(header(b"main.py"), header(b"a\xff")))),
    "F5 case, parts": (422, "wrong_file_name", lambda h: h.submit("ann", "delta", files=parts({"main.py": GOOD, "Main.py": b"x"}))),
    "F5 a and a/b, json": (422, "wrong_file_name", lambda h: h.post("/submissions", "ann", json={"challenge": "delta", "files": {"main.py": "x", "main.py/b": "x"}})),
    "F6 a page that calls itself a zip": (422, "bad_archive", lambda h: send(h, "a.zip", b"<html><script>alert(1)</script>")),
    "F6 a tar.gz that calls itself a zip": (422, "bad_archive", lambda h: send(h, "a.zip", tarred())),
    "an archive and a file": (422, "wrong_file_name", lambda h: h.submit("ann", "delta", files=parts({"a.zip": zipped(), "b.py": b"x"}))),
    "the wanted file is missing, zip": (422, "wrong_file_name", lambda h: send(h, "a.zip", zipped({"other.py": GOOD}))),
    "the wanted file is missing, part": (422, "wrong_file_name", lambda h: send(h, "other.py", GOOD)),
    "the wanted file is empty": (422, "empty_file", lambda h: send(h, "a.zip", zipped({"main.py": b" \n"}))),
    "an archive where one file is asked for": (422, "wrong_file_name", lambda h: send(h, "a.zip", zipped({"solution.py": GOOD}), "alpha")),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_bad_uploads(house: House, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, code, act = REFUSED[case]
    before = kept(house)
    start = time.monotonic()
    answer = act(house)
    took = time.monotonic() - start
    document = refused(answer, status, code)
    assert kept(house) == before, "nothing is half stored"
    assert took < 20
    assert len(answer.content) < 2000
    assert document["detail"].isprintable()
    said = capsys.readouterr()
    assert all(line.isprintable() for line in (said.out + said.err).splitlines())


def test_good_uploads_beside_them(house: House) -> None:
    """The same helpers make submissions that are accepted, so the refusals above are for the fault named."""
    eight = dict(list(MANY.items())[:8])
    full = {"main.py": GOOD, "a.bin": os.urandom(64 * KB - len(GOOD))}
    for answer in (
        send(house, "a.zip", zipped({"main.py": GOOD, "x": b"x"})),
        send(house, "a.zip", link_zip("x", stat.S_IFREG | 0o644)),
        send(house, "a.tgz", tar_of([(member("main.py"), GOOD), (member("x", type=tarfile.DIRTYPE), b"")])),
        send(house, "a.tgz", raw_tar(header(b"main.py", b"00000000001\x00"), b"x".ljust(512, b"\x00"), header(b"a"))),
        send(house, "a.zip", zipped(full)),
        send(house, "a.tgz", tarred(full)),
        house.submit("ann", "delta", files=parts(full)),
        house.submit("ann", "delta", files=parts(eight)),
        house.submit("ann", "delta", files=parts({"main.py": GOOD, "a/b/c/d": b"", "a/inner.zip": zipped()})),
        house.submit("ann", "delta", files=parts({"main.py": GOOD})),
        house.post("/submissions", "ann", json={"challenge": "delta", "files": dict.fromkeys(eight, "x")}),
    ):
        assert answer.status_code == 202, answer.text


def test_the_folder_itself_was_packed(house: House) -> None:
    for name, data in (
        ("a.zip", zipped({"work/main.py": GOOD, "work/app/x.py": b"x"})),
        ("a.tgz", tarred({"work/main.py": GOOD})),
    ):
        document = refused(send(house, name, data), 422, "wrong_file_name")
        assert "pack the folder's contents, not the folder" in document["detail"]
    document = refused(send(house, "a.zip", zipped({"work/main.py": GOOD, "x": b"x"})), 422, "wrong_file_name")
    assert document["detail"] == "One of the files must be called main.py."


def test_nothing_of_a_strangers_archive_is_stored(house: House) -> None:
    canary = os.urandom(40)
    pipe = bytearray(zipped({"main.py": b"a file with a note beside it"}))
    info = zipfile.ZipInfo("main.py")
    info.extra = struct.pack("<2H", 0x5455, len(canary)) + canary
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, b"a file with a note beside it")
    assert canary in out.getvalue()
    assert send(house, "a.zip", out.getvalue()).json()["digest"] == send(house, "a.zip", bytes(pipe)).json()["digest"]
    assert [path for path in kept(house) if canary in path.read_bytes()] == []


def test_sent_again_with_its_key_it_counts_once(house: House) -> None:
    key = {"Idempotency-Key": "again-and-again"}
    first = house.submit("ann", "delta", files={"file": ("a.zip", zipped())}, headers=key)
    again = house.submit("ann", "delta", files={"file": ("b.tgz", tarred())}, headers=key)
    assert first.json()["id"] == again.json()["id"]
    other = house.submit("ann", "delta", files={"file": ("a.zip", zipped({"main.py": GOOD}))}, headers=key)
    refused(other, 422, "idempotency_conflict")


def test_a_judge_that_builds_nothing_says_so_and_one_that_does_takes_the_files(
    tmp_path: Path, databases: Databases
) -> None:
    changes = {"submit": "Dockerfile", "max_files": 8, "build": BuildLimits()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CHALLENGES, "delta", challenge("delta", **changes))
        files = [("file", ("Dockerfile", b"FROM python:3.11-slim\n")), ("file", ("app/main.py", GOOD))]
        for setting in ("off", "wheels"):
            with built(tmp_path / setting, database_url=databases.new(), builds=setting) as house:
                answer = house.submit("ann", "delta", files=files)
                if setting == "off":
                    refused(answer, 403, "builds_off")
                    assert house.get("/submissions", "ann").json()["submissions"] == []
                else:
                    assert answer.status_code == 202, answer.text
                    told = house.get("/challenges/delta", "ann").json()
                    assert (told["max_files"], told["build"]["size_mb"]) == (8, 300)
