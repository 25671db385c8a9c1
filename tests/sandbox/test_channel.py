"""Frames, values, records and the cgroup files: what a stranger's bytes can and cannot do to the side that reads them."""

from __future__ import annotations

import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cgroups import BuildGroup, Cgroup, Usage
from sandbox.containers import DockerSandbox
from sandbox.inside import frames, values
from sandbox.inside.frames import BadFrame, Frame
from sandbox.records import BadRecord, Records, record
from sandbox.types import BoxEnded, Ended, Job, Limits

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_plain_data_travel_unchanged(value: Any) -> None:
    assert values.decode(*values.encode(value)) == value


@given(st.text(min_size=values.INLINE_TEXT, max_size=3 * values.INLINE_TEXT))
def test_long_text_travels_in_the_raw_part(text: str) -> None:
    body, raw = values.encode([text])
    assert values.decode(body, raw) == [text]


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float32", ">f8"])
def test_arrays_travel_with_dtype_and_shape(dtype: str) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)[:, ::2]
    found = values.decode(*values.encode({"a": array}))["a"]
    assert np.array_equal(found, array)
    assert found.dtype == np.dtype(dtype).newbyteorder("=")


def test_nan_travels_in_arrays_only() -> None:
    found = values.decode(*values.encode(np.array([np.nan, np.inf])))
    assert np.isnan(found[0])
    for scalar in (float("nan"), float("inf"), np.float64("nan")):
        with pytest.raises(values.BadValue):
            values.encode(scalar)


class Lazy(np.ndarray):
    """Looks like an array and is not one."""


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        {1: 2},
        np.zeros(2).view(Lazy),
        np.array([object()]),
        np.zeros(2, "f2"),
        10**5000,
        lambda: 1,
        np.datetime64("now"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_data_does_not_travel(value: Any) -> None:
    with pytest.raises(values.BadValue):
        values.encode(value)


def test_what_is_nested_too_deeply_does_not_travel() -> None:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(values.BadValue):
        values.encode(deep)


def marker(**more: Any) -> bytes:
    return json.dumps({"$": "array", "dtype": "f8", "shape": [1], "at": 0, "size": 8} | more).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"NaN", b"[Infinity]", b"1e999", b"[" * 100_000, b'{"a":1,"a":2}', b"9" * 10_000, b"\xff",
        marker(dtype="O"), marker(dtype="f8", shape=[2]), marker(shape=[-1]), marker(shape=[2**62, 2**62]), marker(shape="x"),
        marker(at=-1), marker(size=9), marker(at=2**70), marker(at=0.5), marker(dtype=["f8"]), b'{"$":"x","at":0,"size":0}', b'{"$":1}',
        b'{"$":"text","at":0,"size":true}', b'{"$":"dict","items":3}',
    ],
)  # fmt: skip
def test_malformed_values_are_refused_and_nothing_else_happens(body: bytes) -> None:
    with pytest.raises(values.BadValue):
        values.decode(body, bytes(8))


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_any_bytes_are_a_value_or_refused(body: bytes, raw: bytes) -> None:
    with suppress(values.BadValue):
        values.decode(body, raw)


def test_a_frame_is_read_as_it_was_packed() -> None:
    frame = Frame(frames.VALUE, b"i" * 16, b"{}", b"raw")
    left = bytearray(frame.pack())

    def receive(size: int) -> bytes:
        part = bytes(left[:size])
        del left[:size]
        return part

    assert frames.read(receive, 100) == frame
    assert not left


def test_a_frame_over_the_cap_is_refused_by_its_header_alone() -> None:
    for json_size, raw_size in ((101, 0), (0, 2**63), (2**32 - 1, 2**64 - 1)):
        head = frames.HEADER.pack(frames.MAGIC, frames.VERSION, 1, bytes(16), json_size, raw_size)
        with pytest.raises(BadFrame):
            frames.header(head, 100)
    with pytest.raises(BadFrame):
        frames.header(b"XX" + head[2:], 2**70)


def docker_frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


@given(
    st.lists(st.tuples(st.sampled_from([b"C", b"O", b"X"]), st.binary(max_size=50))),
    st.integers(1, 7),
    st.integers(1, 30),
)
def test_records_come_out_whole_however_they_are_cut(sent: list[tuple[bytes, bytes]], inner: int, outer: int) -> None:
    stream = b"".join(record(kind, data) for kind, data in sent)
    wire = b"".join(docker_frame(1, stream[at : at + inner]) for at in range(0, len(stream), inner))
    records = Records()
    found = [one for at in range(0, len(wire), outer) for one in records.feed(wire[at : at + outer])]
    assert found == sent


def test_a_record_that_claims_too_much_is_refused_before_it_is_held() -> None:
    with pytest.raises(BadRecord):
        list(Records().feed(docker_frame(1, b"C\xff\xff\xff\xff")))


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


ID = "5f" * 32


@pytest.mark.parametrize(
    "place", [f"docker/{ID}", f"system.slice/docker-{ID}.scope", f"own.slice/docker-{ID}.scope", f"a/b/{ID}"]
)
def test_both_cgroup_layouts_and_drivers_are_read(tmp_path: Path, place: str) -> None:
    v2 = write(
        tmp_path / "v2",
        {
            "cgroup.controllers": "cpu memory pids",
            f"{place}/cpu.stat": "usage_usec 2500000\nuser_usec 1\nsystem_usec 2\n",
            f"{place}/memory.peak": str(7 * 2**20),
            f"{place}/memory.events": "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n",
        },
    )
    v1 = write(
        tmp_path / "v1",
        {
            f"cpuacct/{place}/cpuacct.usage": "2500000000\n",
            f"memory/{place}/memory.max_usage_in_bytes": str(7 * 2**20),
            f"memory/{place}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        },
    )
    for root in (v1, v2):
        assert Cgroup(ID, root).usage() == Usage(2.5, 7.0, 2)


def test_a_container_without_a_cgroup_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no cgroup"):
        Cgroup(ID, write(tmp_path, {"cgroup.controllers": ""}))


@pytest.mark.parametrize("version", [1, 2])
def test_a_build_has_a_group_of_its_own(tmp_path: Path, version: int) -> None:
    root = write(tmp_path, {"cgroup.controllers": "pids\n"} if version == 2 else {"pids/tasks": "", "memory/tasks": ""})
    pids = root if version == 2 else root / "pids"
    one, two = BuildGroup("abc", "one", root), BuildGroup("abc", "two", root)
    assert one.make() and two.make()
    assert one.parent == "/assay-abc/one"
    assert (pids / "assay-abc/one/pids.max").read_text() == str(BuildGroup.PROCESSES)
    assert BuildGroup.all("abc", root) == {"one", "two"}
    for path in pids.rglob("pids.max"):
        path.unlink()  # the kernel's files do not stand in the way of rmdir
    for path in pids.rglob("cgroup.subtree_control"):
        path.unlink()
    one.remove()
    assert BuildGroup.all("abc", root) == {"two"}
    two.remove()
    assert not (pids / "assay-abc").exists()


def test_a_group_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    root = write(tmp_path, {"memory/tasks": "", "pids": "no folder"})
    assert not BuildGroup("abc", "one", root).make()


# -- a hostile partner at the other end of a real channel

ANSWER = "import struct\ndef head(id, j=0, r=0, kind=16, magic=b'AY'): return struct.pack('!2sBB16sIQ', magic, 1, kind, id, j, r)\n"


class Partner:
    """An entry whose code is given: it finds the question's id in `id` and the channel in `sock`."""

    def __init__(self, sandbox: DockerSandbox) -> None:
        self._sandbox = sandbox
        self.ended: Ended | None = None

    def ask(self, code: str) -> Frame:
        entry = f"{ANSWER}def main(sock):\n    id = sock.recv(4096)[4:20]\n    {code}\n    import time; time.sleep(5)\n"
        limits = Limits.of(cpu_seconds=1, memory_mb=64, wall_seconds=3)
        box = self._sandbox.open(Job("python-ml", limits, entry="hostile", library={"hostile.py": entry.encode()}))
        try:
            return box.ask(frames.CALL, b"{}", cap=1000)
        finally:
            self.ended = box.finish().ended


@pytest.fixture
def partner(sandbox: DockerSandbox) -> Partner:
    """Somebody at the other end of a real channel."""
    return Partner(sandbox)


def test_an_honest_answer_is_taken(partner: Partner) -> None:
    assert partner.ask("sock.sendall(head(id, 2) + b'{}')").json == b"{}"


@pytest.mark.parametrize(
    "code",
    [
        "sock.sendall(head(bytes(16), 2) + b'{}')",
        "sock.sendall(head(id, 2) + b'{}' + head(id, 2) + b'{}')",
        "sock.sendall(head(id, 2) + b'{}x')",
        "sock.sendall(head(id, 0, 2**63))",
        "sock.sendall(head(id, 2**32 - 1))",
        "sock.sendall(head(id, 2, magic=b'PK') + b'{}')",
        "sock.sendall(b'x' * 100)",
        "sock.sendall(b'x' * 10**6)",
    ],
)
def test_a_dishonest_answer_is_a_broken_protocol(partner: Partner, code: str) -> None:
    with pytest.raises(BoxEnded):
        partner.ask(code)
    assert partner.ended is Ended.PROTOCOL


@pytest.mark.parametrize(
    "code", ["sock.sendall(head(id, 2))", "[sock.send(head(id, 900)[i:i+1]) for i in range(32)]", "pass"]
)
def test_an_answer_that_never_comes_whole_runs_into_the_wall_limit(partner: Partner, code: str) -> None:
    with pytest.raises(BoxEnded):
        partner.ask(code)
    assert partner.ended is Ended.TIME
