"""Streams of events against a plain count in Python; the program is compiled once and run for one after the other."""

import csv
import io
from collections import defaultdict

import numpy as np

from challenges.kit import Attempt, Data, Output, Score

COLUMNS = ["hour", "rank", "item", "users", "p95"]
TOP = 10
LINES = 300_000
HEAP_MB, VOLUME_SECONDS = 64, 15
MOST = 10**12
FILES = ("counts", "percentile", "ties-and-order", "malformed", "late-events", "nothing", "volume")
SCRIPT = "javac -encoding UTF-8 -d . Main.java\n" + "\n".join(
    f"java -Xmx{HEAP_MB}m -XX:+UseSerialGC Main < {name}.csv > {name}.out.csv" for name in FILES[:-1]
)
VOLUME = f"""
(ulimit -t {VOLUME_SECONDS}; java -Xmx{HEAP_MB}m -XX:+UseSerialGC Main < volume.csv > volume.out.csv) ||
echo > volume.out.csv
"""
"""Only here an end by too much memory or time is no end of everything: it fails its group."""

Event = tuple[str, str, str, str]


def generate(data: Data) -> None:
    """One public stream without a trap, and its report. Hidden ones are drawn in `grade`."""
    text = _sample(data)
    (data.public / "sample.csv").write_bytes(text)
    (data.public / "sample.out.csv").write_bytes(_csv([COLUMNS, *_report(text)]))


def sample(attempt: Attempt, data: Data) -> Score:
    """The public stream: every group stands or falls with it."""
    text = _sample(data)
    script = "set -e\njavac -encoding UTF-8 -d . Main.java\njava Main < sample.csv > sample.out.csv"
    output = attempt.run(["sh", "-c", script], inputs={"sample.csv": text}, outputs=["sample.out.csv"])
    right = _said(output, "sample") == _report(text)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """One run for all streams. A stream without a line belongs to the malformed ones."""
    streams = _streams(data.rng("hidden streams"))
    output = attempt.run(
        ["sh", "-c", f"set -e\n{SCRIPT}{VOLUME}"],
        inputs={f"{name}.csv": text for name, text in streams.items()},
        outputs=[f"{name}.out.csv" for name in FILES],
    )
    right = {name: _said(output, name) == _report(text) for name, text in streams.items() if name != "volume"}
    full = output.bytes("volume.out.csv") != b"\n" and _said(output, "volume") == _report(streams["volume"])
    right["malformed"] &= right.pop("nothing")
    return Score.of(data.groups, {**right, "volume": full})


def _sample(data: Data) -> bytes:
    return _text(_drawn(data.rng("sample"), 40, 2, items=6))


def _streams(rng: np.random.Generator) -> dict[str, bytes]:
    """In every stream but one's own a user meets an item once in an hour, times rise, and all is ASCII."""
    often = _drawn(rng, 400, 3, items=30)
    often += [often[at] for at in rng.integers(0, len(often), 600)]
    slow = [(ts, user, item, str(int(ms) * 10**8 + 7)) for ts, user, item, ms in _drawn(rng, 300, 2, items=9)]
    late = _drawn(rng, 300, 5, items=14)
    return {
        "counts": _text(sorted(often, key=lambda event: int(event[0]))),
        "percentile": _text([*slow, *[("7300", f"u{n}", "even", str(n)) for n in range(20)]]),
        "ties-and-order": _text(_tied(rng)),
        "malformed": _spoilt(rng, _drawn(rng, 200, 2, items=12)),
        "late-events": _text([late[at] for at in rng.permutation(len(late))]),
        "nothing": b"",
        "volume": _text(_drawn(rng, LINES, 24, items=2000)),
    }


def _drawn(rng: np.random.Generator, count: int, hours: int, *, items: int) -> list[Event]:
    """Few items have most of the events. Times rise; a user is seen once, unless there are very many lines."""
    ts = np.sort(rng.integers(3600, 3600 * (1 + hours), count))
    users = rng.permutation(count) if count < LINES else rng.integers(0, 20_000, count)
    which = np.minimum(rng.zipf(1.3, count), items)
    ms = rng.integers(1, 5000, count)
    return [(str(t), f"u{user}", f"item-{at}", str(m)) for t, user, at, m in zip(ts, users, which, ms, strict=True)]


def _tied(rng: np.random.Generator) -> list[Event]:
    """More than ten items of as many users, whose names tell the order of bytes from others."""
    names = ["a", "B", "9", "10", "A b", *"\u00e9\u00c5\u65e5\uff5a\U0001d11e\U0001f600\U0001f601"]
    return [("5000", f"u{n}", str(name), "5") for n in range(3) for name in rng.permutation(names)]


def _spoilt(rng: np.random.Generator, events: list[Event]) -> bytes:
    bad = (
        b"", b"5000,u1,item-1", b"5000,u1,item-1,5,6", b",u1,item-1,5", b"5000,,item-1,5", b"5000,u1,,5",
        b"5000,u1,item-1,", b"-5000,u1,item-1,5", b"5000,u1,item-1,-5", b"5000,u1,item-1,+5", b"5000,u1,item-1,5.0",
        b"5e3,u1,item-1,5", b" 5000,u1,item-1,5", b"5000,u1,item-1,5 ", b"5000,u1,item-1,1000000000001",
        b"99999999999999999999,u1,item-1,5", b"ts,user,item,ms", b"\xef\xbc\x95000,u1,item-1,5",
    )  # fmt: skip
    lines = [",".join(event).encode() for event in events]
    for line in bad:
        lines.insert(int(rng.integers(len(lines))), line)
    return b"\n".join(lines) + b"\n"


def _text(events: list[Event]) -> bytes:
    return "".join(",".join(event) + "\n" for event in events).encode()


def _report(text: bytes) -> list[list[str]]:
    """By the words of the statement, in text: what the program must print under its header."""
    users: dict[tuple[int, bytes], set[bytes]] = defaultdict(set)
    took: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    malformed = 0
    for line in text.split(b"\n")[:-1]:
        fields = line.split(b",")
        if len(fields) != 4 or not all(fields) or not _is_number(fields[0]) or not _is_number(fields[3]):
            malformed += 1
            continue
        key = int(fields[0]) // 3600, fields[2]
        users[key].add(fields[1])
        took[key].append(int(fields[3]))
    rows = []
    for hour in sorted({hour for hour, _ in users}):
        items = sorted((item for at, item in users if at == hour), key=lambda item: (-len(users[hour, item]), item))
        for rank, item in enumerate(items[:TOP], start=1):
            ordered = sorted(took[hour, item])
            p95 = ordered[-(-95 * len(ordered) // 100) - 1]
            rows.append([str(hour), str(rank), item.decode(), str(len(users[hour, item])), str(p95)])
    return [*rows, ["malformed", "", "", str(malformed), ""]]


def _is_number(field: bytes) -> bool:
    return field.isdigit() and int(field) <= MOST


def _said(output: Output, name: str) -> list[list[str]]:
    return [[row[column] for column in COLUMNS] for row in output.rows(f"{name}.out.csv", COLUMNS)]


def _csv(rows: list[list[str]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()
