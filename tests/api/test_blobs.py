"""Blobs: whole or absent, named by content; packs: the same files the same bytes, and nothing else comes out."""

import io
import os
import time
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.blobs import BadPack, Blobs, names, pack, unpack


def test_what_is_put_can_be_got(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put([b"ab", b"", b"c"])
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert blobs.put([b"abc"]) == digest
    assert (blobs.get(digest), blobs.has(digest), blobs.has("0" * 64)) == (b"abc", True, False)
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_broken_stream_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        Blobs(tmp_path).put(broken())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n"])
def test_only_digests_name_blobs(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="digest"):
        Blobs(tmp_path).path(digest)


def test_what_a_dead_process_left_is_cleaned(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    old, young = tmp_path / "tmp" / "old", tmp_path / "tmp" / "young"
    for part in (old, young):
        part.write_bytes(b"x")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    assert blobs.clean() == 1
    assert (old.exists(), young.exists()) == (False, True)


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.writable()
    (tmp_path / "tmp").rmdir()
    assert not blobs.writable()


part = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,8}", fullmatch=True)


@given(files=st.dictionaries(part, st.binary(max_size=200), max_size=6))
def test_a_pack_is_the_files_and_nothing_else(files: dict[str, bytes]) -> None:
    if len({name.lower() for name in files}) < len(files):
        with pytest.raises(BadPack):
            pack(files)
        return
    packed = pack(files)
    assert unpack(packed) == files
    assert pack(dict(reversed(files.items()))) == packed


BAD_NAMES = [
    "", ".", "..", "../a", "/a", "a/", "a//b", "a/../b", "C:\\a", "\\\\host\\a", "a\\b", "a\nb", "a\x00b", "a\u202eb",
    ".hidden", "-rf", "é", "a b", "x" * 101, "a/b/c/d/e", "~", "a:b",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_refused_both_ways(name: str) -> None:
    with pytest.raises(BadPack):
        pack({name: b""})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"")
    if name != "a\x00b":  # zipfile itself cuts such a name at the zero byte
        with pytest.raises(BadPack):
            unpack(out.getvalue())


@pytest.mark.parametrize("files", [{"a", "A"}, {"a", "a/b"}, {"A", "a/b/c"}, {"a/b", "A/B"}])
def test_names_that_collide(files: set[str]) -> None:
    with pytest.raises(BadPack):
        pack(dict.fromkeys(files, b""))
    assert pack(dict.fromkeys(["a/b", "a/c", "b"], b""))


def test_bombs_and_lies() -> None:
    bomb = pack({"zeros": bytes(10_000_000)})
    assert len(bomb) < 20_000
    with pytest.raises(BadPack, match="more than"):
        unpack(bomb, max_bytes=1_000_000)
    assert len(unpack(bomb, max_bytes=10_000_000)["zeros"]) == 10_000_000
    size = (10_000_000).to_bytes(4, "little")
    with pytest.raises(BadPack):
        unpack(bomb.replace(size, (10).to_bytes(4, "little")), max_bytes=1_000_000)
    with pytest.raises(BadPack):
        pack({f"f{number}": b"" for number in range(1001)})


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip" * 100, pack({"a": b"x" * 100})[:-30]])
def test_what_is_no_archive(data: bytes) -> None:
    with pytest.raises(BadPack):
        unpack(data)


def test_names_and_sizes_without_unpacking(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(pack({"b/c.csv": b"12", "a.csv": b"1"}))
    assert names(path) == [("a.csv", 1), ("b/c.csv", 2)]
    path.write_bytes(b"junk")
    with pytest.raises(BadPack):
        names(path)


def test_what_is_damaged_or_gone_is_not_intact(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put([b"print", b"(1)"])
    assert blobs.intact(digest)
    blobs.path(digest).write_bytes(b"print(2)")
    assert not blobs.intact(digest)
    blobs.path(digest).unlink()
    assert not blobs.intact(digest)


def aged(blobs: Blobs, digest: str) -> str:
    """Stored two hours ago."""
    os.utime(blobs.path(digest), (time.time() - 7200,) * 2)
    return digest


def test_what_nobody_refers_to_is_collected_after_an_hour(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    wanted, orphan = aged(blobs, blobs.put([b"wanted"])), aged(blobs, blobs.put([b"orphan"]))
    young, asked = blobs.put([b"young"]), set[str]()

    def referred(digests: Collection[str]) -> set[str]:
        asked.update(digests)
        return {wanted}

    assert blobs.collect(referred) == 1
    assert asked == {wanted, orphan}
    assert [blobs.has(one) for one in (wanted, orphan, young)] == [True, False, True]
    assert blobs.collect(referred) == 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_what_is_stored_anew_while_it_is_collected_stays(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digests = [aged(blobs, blobs.put([b"%d" % number])) for number in range(1200)]
    again = digests[700]
    batches = []

    def referred(asked: Collection[str]) -> set[str]:
        batches.append(len(asked))
        blobs.put([b"700"])
        return set()

    assert blobs.collect(referred) == 1199
    assert batches == [500, 500, 200]
    assert blobs.intact(again)
    assert [one for one in digests if blobs.has(one)] == [again]
