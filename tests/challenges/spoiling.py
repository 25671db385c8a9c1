"""Ways to spoil a right answer, each with a name, by kind of answer; knows no challenge and no grader.

An answer is spoilt as the worker passes it on: a value of a call, the files of a run, or a service's replies.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np

from challenges.kit import InvalidOutput
from challenges.kit.attempt import ENVELOPE
from challenges.kit.output import parse_json
from challenges.kit.parcel import files_of, reply_with
from sandbox.inside import frames, values
from sandbox.inside.frames import Frame

MB = 1 << 20
DEEP = 100_000
ODD_CELLS = (
    *(
        "",
        " ",
        "NaN",
        "nan",
        "inf",
        "-Infinity",
        "-0",
        "1e999",
        "0x1",
        "1_0",
        "+1",
        "1,",
        "true",
        "True",
        "null",
        "None",
    ),
    *("'0'", "[0]", '"', '""', "=1+1", "\x00", "\u0661", "\ufeff0", "x" * 140_000, "1" + "0" * 400, "9" * 5000),
)
ODD_NUMBERS = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "1e999": b"1e999",
    "-1e999": b"-1e999",
    "400 digits": b"1" + b"0" * 400,
    "5000 digits": b"9" * 5000,
    "2^63": b"9223372036854775808",
    "true": b"true",
    "null": b"null",
    "text": b'"1"',
    "a list": b"[1]",
    "an object": b'{"x":1}',
    "hexadecimal": b"0x1",
    "a leading zero": b"01",
    "a plus": b"+1",
    "-0 less a little": b"-5e-324",
    "far off": b"-1e300",
}


@dataclass(frozen=True)
class Asked:
    """What the grader had asked for: `cap` is the most an answer to a call may weigh; whether `every` part is meant."""

    cap: int
    every: bool


class Where(Enum):
    """Which answers are spoilt: one among right ones, all of them, or first one and then all."""

    ONE = (False,)
    EVERY = (True,)
    BOTH = (False, True)


@dataclass(frozen=True)
class Way:
    """One way to spoil replies to one kind of question; a reply it does not fit is left as it is.

    `harmless` says why the answer is still the right one; then it has to be judged as if nothing had happened.
    """

    name: str
    kind: int
    spoil: Callable[[Frame, Asked], Frame]
    harmless: str = ""
    where: Where = Where.BOTH


Parts = tuple[bytes, bytes]
"""JSON part and raw part of a value."""
Spell = Callable[[bytes], bytes]


# -- text and tables, whether returned or written to a file


def _middle(put: bytes) -> Spell:
    return lambda text: text[: len(text) // 2] + put + text[len(text) // 2 :]


def _turned(text: bytes) -> bytes:
    return b"".join(reversed(text.splitlines(keepends=True)))


TEXT: dict[str, Spell] = {
    "empty": lambda text: b"",
    "one byte less": lambda text: text[:-1],
    "one byte more": lambda text: text + b"x",
    "half of it": lambda text: text[: len(text) // 2],
    "twice": lambda text: 2 * text,
    "a line end more": lambda text: text + b"\n",
    "a blank before": lambda text: b" " + text,
    "no line end at the end": lambda text: text.rstrip(b"\n"),
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "CR": lambda text: text.replace(b"\n", b"\r"),
    "lines backwards": _turned,
    "other case": bytes.swapcase,
    "BOM": lambda text: b"\xef\xbb\xbf" + text,
    "UTF-16": lambda text: text.decode(errors="replace").encode("utf-16"),
    "NUL within": _middle(b"\x00"),
    "NUL behind": lambda text: text + b"\x00",
    "a byte that is not UTF-8": _middle(b"\xff"),
    "an overlong form": _middle(b"\xc0\xaf"),
    "half a surrogate pair": _middle(b"\xed\xa0\x80"),
    "as JSON": lambda text: json.dumps(text.decode(errors="replace")).encode(),
    "deep brackets": lambda text: b"[" * DEEP,
    "many digits": _middle(b"9" * 5000),
    "64 MB": lambda text: text.ljust(64 * MB, b"\n"),
}


def _rows(change: Callable[[list[list[bytes]]], list[list[bytes]]], separator: bytes = b",") -> Spell:
    """A change to the rows of a table, header first; of anything but a table with a row nothing is changed."""

    def spell(text: bytes) -> bytes:
        lines = text.split(b"\n")
        if b"," not in lines[0] or len(lines) < 3:
            return text
        rows = [line.split(b",") for line in lines[:-1]]
        return b"".join(separator.join(row) + b"\n" for row in change(rows))

    return spell


def _cell(put: bytes) -> Spell:
    return _rows(lambda rows: [*rows[:-1], [*rows[-1][:-1], put]])


TABLE: dict[str, Spell] = {
    "the last row is missing": _rows(lambda rows: rows[:-1]),
    "the first row is missing": _rows(lambda rows: [rows[0], *rows[2:]]),
    "a row more": _rows(lambda rows: [*rows, [b"zzz", *rows[-1][1:]]]),
    "a row twice": _rows(lambda rows: [*rows, rows[-1]]),
    "a row twice, the second time otherwise": _rows(
        lambda rows: [*rows, [*rows[-1][:-1], b"1"], [*rows[-1][:-1], b"0"]]
    ),
    "an empty row": _rows(lambda rows: [*rows, []]),
    "a row of empty cells": _rows(lambda rows: [*rows, [b""] * len(rows[0])]),
    "a cell is missing": _rows(lambda rows: [*rows[:-1], rows[-1][:-1]]),
    "a cell more": _rows(lambda rows: [*rows[:-1], [*rows[-1], b"0"]]),
    "a column is missing": _rows(lambda rows: [row[:-1] for row in rows]),
    "a column more": _rows(lambda rows: [[*row, b"more" if at == 0 else b"0"] for at, row in enumerate(rows)]),
    "a column twice": _rows(lambda rows: [[*row, row[-1]] for row in rows]),
    "header in another order": _rows(lambda rows: [rows[0][::-1], *rows[1:]]),
    "columns in another order": _rows(lambda rows: [row[::-1] for row in rows]),
    "no header": _rows(lambda rows: rows[1:]),
    "a cell with .0": _rows(lambda rows: [*rows[:-1], [*rows[-1][:-1], rows[-1][-1] + b".0"]]),
    "a cell with a zero before": _rows(lambda rows: [*rows[:-1], [*rows[-1][:-1], b"0" + rows[-1][-1]]]),
    "header twice": _rows(lambda rows: [rows[0], *rows]),
    "header alone": _rows(lambda rows: rows[:1]),
    "rows in another order": _rows(lambda rows: [rows[0], *rows[:0:-1]]),
    "every cell quoted": _rows(lambda rows: [[b'"%b"' % cell.replace(b'"', b'""') for cell in row] for row in rows]),
    "a quote that is not closed": _rows(lambda rows: [*rows[:-1], [b'"' + rows[-1][0], *rows[-1][1:]]]),
    "blanks behind commas": _rows(lambda rows: rows, b", "),
    "semicolons": _rows(lambda rows: rows, b";"),
    "tabs": _rows(lambda rows: rows, b"\t"),
}
CELLS: dict[str, Spell] = {f"a cell is {cell!r:.20}, {len(cell)} long": _cell(cell.encode()) for cell in ODD_CELLS}


# -- JSON, in a file or in the body of a reply


def _json(change: Callable[[Any], Any], **written: Any) -> Spell:
    """A change to the value; of anything but an object or a list nothing is changed."""

    def spell(body: bytes) -> bytes:
        try:
            value = json.loads(body)
        except ValueError:
            return body
        return json.dumps(change(value), **written).encode() if value and isinstance(value, (dict, list)) else body

    return spell


def _at_last(value: Any, fits: Callable[[Any], bool], change: Callable[[Any], Any]) -> Any:
    """The value with the last of the parts that fit changed, looked for from the end and inside first."""
    if isinstance(value, (dict, list)):
        places = list(value) if isinstance(value, dict) else list(range(len(value)))
        for at in reversed(places):
            changed = _at_last(value[at], fits, change)
            if changed is not value[at]:
                copied = value.copy()
                copied[at] = changed
                return copied
    return change(value) if fits(value) else value


def _everywhere(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with every part that holds no others changed."""
    if isinstance(value, dict):
        return {key: _everywhere(one, change) for key, one in value.items()}
    return [_everywhere(one, change) for one in value] if isinstance(value, list) else change(value)


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _last_number(literal: bytes) -> Spell:
    hole = _json(lambda value: _at_last(value, _is_number, lambda _: "@hole@"))
    return lambda body: hole(body).replace(b'"@hole@"', literal)


def _last(kind: type, change: Callable[[Any], Any]) -> Spell:
    return _json(lambda value: _at_last(value, lambda one: type(one) is kind and bool(one), change))


def _key_twice(body: bytes) -> bytes:
    """The first key once more in front, with another value: who keeps the last one sees nothing wrong."""
    found = re.match(rb'\{\s*("[^"]*")', body)
    return b"{%b: 0, " % found[1] + body[1:] if found else body


def _is_json(spell: Spell) -> Spell:
    """Leaves everything but an object or a list as it is."""
    return lambda body: spell(body) if body[:1] in (b"{", b"[") and len(body) > 2 else body


LOOKALIKES: dict[str, Spell] = {
    "0 and 1 are false and true": _json(
        lambda value: _everywhere(value, lambda one: bool(one) if _is_number(one) and one in (0, 1) else one)
    ),
    "false and true are 0 and 1": _json(
        lambda value: _everywhere(value, lambda one: int(one) if type(one) is bool else one)
    ),
    "numbers are their texts": _json(
        lambda value: _everywhere(value, lambda one: repr(one) if _is_number(one) else one)
    ),
}
"""Other types whose values compare as equal, or are read as equal."""
JSON: dict[str, Spell] = {
    **LOOKALIKES,
    **{f"a number is {name}": _last_number(literal) for name, literal in ODD_NUMBERS.items()},
    "a number is off by a little": _json(
        lambda value: _at_last(value, _is_number, lambda one: one + max(1e-6, abs(one) * 1e-6))
    ),
    "a text is a number": _last(str, lambda _: 1),
    "a text is longer": _json(lambda value: _at_last(value, lambda one: type(one) is str, lambda one: f"{one} ")),
    "a list is longer": _last(list, lambda one: [*one, one[-1]]),
    "a list is shorter": _last(list, lambda one: one[:-1]),
    "a list is empty": _last(list, lambda one: []),
    "a list is an object": _last(list, lambda one: {str(at): part for at, part in enumerate(one)}),
    "a list in a list": _last(list, lambda one: [one]),
    "a key more": _last(dict, lambda one: one | {"more": 1}),
    "a key less": _last(dict, lambda one: dict(list(one.items())[:-1])),
    "an object is a list": _last(dict, lambda one: list(one.values())),
    "an object is null": _last(dict, lambda one: None),
    "a list around it": _json(lambda value: [value]),
    "as text in JSON": _json(lambda value: json.dumps(value)),
    "a key twice": _is_json(_key_twice),
    "cut short": _is_json(lambda body: body.rstrip()[:-1]),
    "something behind": _is_json(lambda body: body + b"{}"),
    "a comma too many": _is_json(lambda body: body.rstrip()[:-1] + b"," + body.rstrip()[-1:]),
    "single quotes": _is_json(lambda body: body.replace(b'"', b"'")),
    "a comment": _is_json(lambda body: body + b" // done"),
    "BOM": _is_json(lambda body: b"\xef\xbb\xbf" + body),
    "UTF-16": _is_json(lambda body: body.decode().encode("utf-16")),
    "a byte that is not UTF-8": _is_json(lambda body: body[:-1] + b"\xff" + body[-1:]),
    "half a surrogate pair": _last(str, lambda one: one + "\ud800"),
    "NUL behind": _is_json(lambda body: body + b"\x00"),
    "nested 100000 deep": _is_json(lambda body: b"[" * DEEP + body + b"]" * DEEP),
    "nested 60 deep": _json(lambda value: _at_last(value, _is_number, lambda one: _wrapped(one, 60))),
}


def _wrapped(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reordered(value[key]) for key in reversed(value)}
    return [_reordered(one) for one in value] if isinstance(value, list) else value


def _escaped(body: bytes) -> bytes:
    """Every letter of the texts that hold no escape yet."""

    def escapes(found: re.Match[str]) -> str:
        text = found[1]
        return found[0] if "\\" in text else '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'

    return re.sub(r'"((?:[^"\\]|\\.)*)"', escapes, body.decode()).encode()


def _is_refused(body: bytes) -> bool:
    try:
        parse_json(body, "it")
    except InvalidOutput:
        return True
    return False


REFUSED = frozenset(name for name, spell in JSON.items() if _is_refused(spell(b'{"a": {"b": "c"}, "d": [1, 2.5]}')))
"""What is no JSON value at all to the kit, whatever the grader makes of values."""
SAME_JSON: dict[str, Spell] = {
    "blanks and line ends": _json(lambda value: value, indent=3),
    "keys in another order": _json(_reordered),
    "letters as escapes": _is_json(_escaped),
}
"""The same value: whoever reads JSON reads the same."""


# -- arrays, returned or saved to a file


def _changed(array: Any, at: Any, put: Any) -> Any:
    copied = array.copy()
    copied.flat[at] = put
    return copied


def _floating(put: float) -> Callable[[Any], Any]:
    return lambda array: _changed(array, -1, put) if array.dtype.kind == "f" else array


ARRAY: dict[str, Callable[[Any], Any]] = {
    "f4": lambda array: array.astype("f4"),
    "i8 or f8": lambda array: array.astype("f8" if array.dtype.kind in "iu" else "i8"),
    "i4": lambda array: array.astype("i4"),
    "u8": lambda array: array.astype("u8"),
    "bool": lambda array: array.astype("?"),
    "an axis more behind": lambda array: array[..., None],
    "an axis more before": lambda array: array[None],
    "an axis less": lambda array: array[0],
    "flat": np.ravel,
    "turned": lambda array: array.T,
    "one alone, to be broadcast": lambda array: array[:1],
    "a scalar, to be broadcast": lambda array: array.ravel()[0].reshape(()),
    "one too many": lambda array: np.concatenate([array, array[-1:]]),
    "one too few": lambda array: array[:-1],
    "none": lambda array: array[:0],
    "eight axes": lambda array: array.reshape(*[1] * (8 - array.ndim), *array.shape),
    "NaN in it": _floating(np.nan),
    "infinity in it": _floating(np.inf),
    "-infinity in it": _floating(-np.inf),
    "1e308 in it": _floating(1e308),
    "1e152 in it": _floating(1e152),
    "1e100 in it": _floating(1e100),
    "all NaN": lambda array: np.full(array.shape, np.nan) if array.dtype.kind == "f" else array,
    "all zero": np.zeros_like,
    "all negative zero": lambda array: np.full(array.shape, -0.0),
    "the last one changed": lambda array: _changed(array, -1, array.ravel()[-1] + 1),
    "backwards": lambda array: array[::-1].copy(),
}


def _saved(array: Any, **more: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), **more)
    return file.getvalue()


def _npy(change: Callable[[Any], Any]) -> Spell:
    def spell(content: bytes) -> bytes:
        array = np.load(io.BytesIO(content), allow_pickle=False)
        return _saved(change(array), allow_pickle=True)

    return spell


def _npz(content: bytes) -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.load(io.BytesIO(content), allow_pickle=False))
    return file.getvalue()


def _header(old: bytes, new: bytes) -> Spell:
    """Another header of the same length; the blanks before its line end make room."""

    def spell(content: bytes) -> bytes:
        changed = re.sub(old, new, content, count=1)
        return changed.replace(b" " * (len(changed) - len(content)) + b"\n", b"\n", 1)

    return spell


NPY: dict[str, Spell] = {
    **{name: _npy(change) for name, change in ARRAY.items()},
    "big-endian": _npy(lambda array: array.astype(array.dtype.newbyteorder(">"))),
    "f2": _npy(lambda array: array.astype("f2")),
    "complex": _npy(lambda array: array.astype("c16")),
    "objects": _npy(lambda array: array.astype("O")),
    "text": _npy(lambda array: array.astype("U32")),
    "fields": _npy(lambda array: np.zeros(len(array), [("a", "<f8")])),
    "version 2": lambda content: _saved(np.load(io.BytesIO(content), allow_pickle=False), version=(2, 0)),
    "an archive": _npz,
    "a longer shape": _header(rb"'shape': \(", rb"'shape': (9"),
    "a shape of 2^62 and 2^62": _header(
        rb"'shape': \([^)]*\)", rb"'shape': (4611686018427387904, 4611686018427387904)"
    ),
    "a negative shape": _header(rb"'shape': \([^)]*\)", rb"'shape': (-1,)"),
    "code in the header": _header(rb"'shape': \([^)]*\)", rb"'shape': (exit(),)"),
    "a header that says it is longer": lambda content: content[:8] + b"\xff\xff" + content[10:],
    "one byte less": lambda content: content[:-1],
    "one byte more": lambda content: content + b"\x00",
    "no magic": lambda content: content[1:],
    "as numbers in text": lambda content: np.array2string(np.load(io.BytesIO(content))).encode(),
}
SAME_NPY: dict[str, Spell] = {
    "columns first": _npy(np.asfortranarray),
}
"""The same array: numpy keeps either order of axes."""


# -- values of calls


def _value(fits: Callable[[Any], bool], change: Callable[[Any], Parts]) -> Callable[[Frame, Asked], Frame]:
    def spoil(reply: Frame, _: Asked) -> Frame:
        value = values.decode(reply.json, reply.raw)
        if not fits(value):
            return reply
        body, raw = change(value)
        return replace(reply, json=body, raw=raw)

    return spoil


def _marked(text: bytes) -> Parts:
    return json.dumps({"$": "text", "at": 0, "size": len(text)}).encode(), text


def _text(spell: Spell) -> Callable[[Frame, Asked], Frame]:
    def told(value: str) -> Parts:
        spelt = spell(value.encode())
        return values.encode(value) if spelt == value.encode() else _marked(spelt)

    return _value(_is_text, told)


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_array(value: Any) -> bool:
    return type(value) is np.ndarray and value.size > 0


def _over(reply: Frame, asked: Asked) -> Frame:
    value = values.decode(reply.json, reply.raw)
    if not _is_text(value):
        return reply
    body, raw = _marked(value.encode().ljust(asked.cap - ENVELOPE + 1, b"\n"))
    return replace(reply, json=body, raw=raw)


def _as_marker(value: Any) -> tuple[dict[str, Any], bytes]:
    body, raw = _marked(value.encode()) if _is_text(value) else values.encode(value)
    marker: dict[str, Any] = json.loads(body)
    return marker, raw


Change = Callable[[dict[str, Any]], Any]


def _with(**changes: Any) -> Change:
    return lambda part: part | changes


def _without(key: str) -> Change:
    return lambda part: {name: one for name, one in part.items() if name != key}


def _moved_by(key: str, step: int) -> Change:
    return lambda part: part | {key: part[key] + step}


LIES: dict[str, Change] = {
    "at -1": _with(at=-1),
    "at one further": _with(at=1),
    "at the end": lambda marker: marker | {"at": marker["size"]},
    "at 2^63": _with(at=2**63),
    "at 10^400": _with(at=10**400),
    "at 0.0": _with(at=0.0),
    "at false": _with(at=False),
    "at text": _with(at="0"),
    "no at": _without("at"),
    "size -1": _with(size=-1),
    "size 0": _with(size=0),
    "size one less": _moved_by("size", -1),
    "size one more": _moved_by("size", 1),
    "size 2^63": _with(size=2**63),
    "size half": lambda marker: marker | {"size": marker["size"] / 2},
    "size true": _with(size=True),
    "size null": _with(size=None),
    "kind text": lambda marker: marker | {"$": "text" if marker["$"] != "text" else "array"},
    "kind bytes": _with(**{"$": "bytes"}),
    "kind dict": _with(**{"$": "dict", "items": {}}),
    "kind object": _with(**{"$": "object"}),
    "kind 1": _with(**{"$": 1}),
    "kind of its own": _with(**{"$": {"$": "text"}}),
}
DTYPES = ("O8", "O", "U2", "<f8", ">f8", "f2", "f16", "c16", "V8", "M8", "", None, ["f8"], 8, "f8,f8")
SHAPES: tuple[Any, ...] = (
    [-1],
    [2**62, 2**62],
    [2**70],
    [],
    [1] * 9,
    [True],
    [1.0],
    ["1"],
    None,
    5,
    "5",
    {},
    [[5]],
    [10**400, 0],
)
ARRAY_LIES: dict[str, Change] = {
    **{f"dtype {dtype!r}": _with(dtype=dtype) for dtype in DTYPES},
    **{f"shape {shape!r:.40}": _with(shape=shape) for shape in SHAPES},
    "an impossible empty shape": _with(shape=[0, 2**70], size=0),
    "an empty shape too long for numpy": _with(shape=[0, 2**62, 2**62], size=0),
}


def _lie(fits: Callable[[Any], bool], change: Change) -> Callable[[Frame, Asked], Frame]:
    def told(value: Any) -> Parts:
        marker, raw = _as_marker(value)
        return json.dumps(change(marker)).encode(), raw

    return _value(fits, told)


def _has_marker(value: Any) -> bool:
    return (_is_text(value) and value != "") or _is_array(value)


def _overlap(value: Any) -> Parts:
    marker, raw = _as_marker(value)
    return json.dumps([marker, marker]).encode(), raw


def _moved(value: Any) -> Parts:
    marker, raw = _as_marker(value)
    return json.dumps(marker | {"at": 7}).encode(), b"garbage" + raw


def _unread(value: Any) -> Parts:
    marker, raw = _as_marker(value)
    return json.dumps(marker).encode(), raw + b"garbage"


def _literal(body: bytes, raw: bytes = b"") -> Callable[[Any], Parts]:
    return lambda _: (body, raw)


def _spelt(change: Spell) -> Callable[[Any], Parts]:
    """A change to the JSON part alone."""

    def told(value: Any) -> Parts:
        body, raw = values.encode(value)
        return change(body), raw

    return told


ANYTHING: dict[str, Callable[[Any], Parts]] = {
    **{f"is {name}": _literal(literal) for name, literal in ODD_NUMBERS.items()},
    "is an empty list": _literal(b"[]"),
    "is an empty object": _literal(b"{}"),
    "is bytes": _literal(b'{"$":"bytes","at":0,"size":3}', b"abc"),
    "is a list of it": lambda value: values.encode([value]),
    "is an object of it": lambda value: values.encode({"value": value}),
    "is 60 lists of it": lambda value: values.encode(_wrapped(value, 60)),
    "is 100000 lists": _literal(b"[" * DEEP + b"]" * DEEP),
    "is 100000 objects": _literal(b'{"":' * DEEP + b"0" + b"}" * DEEP),
    "is an array of text": _literal(b'{"$":"array","dtype":"U1","shape":[1],"at":0,"size":4}', b"1\0\0\0"),
    "is an array of it": lambda value: values.encode(np.atleast_1d(value) if _is_number(value) else np.zeros(1)),
    "is an array without axes": lambda value: values.encode(np.array(value if _is_number(value) else 0.0)),
    "is empty JSON": _literal(b""),
    "is not UTF-8": _literal(b"\xff"),
    "is half a surrogate pair": _literal(b'"\\ud800"'),
    "is two values": _spelt(lambda body: body + b" 0"),
    "is cut short": _spelt(lambda body: body[:-1] if body[:1] in b'{"' else b"-"),
    "has a key twice": _literal(b'{"a":1,"a":1}'),
    "is 64 MB": _literal(b'{"$":"array","dtype":"u1","shape":[%d],"at":0,"size":%d}' % (64 * MB, 64 * MB), bytes(64 * MB)),
}  # fmt: skip
SAME_VALUE: dict[str, Callable[[Any], Parts]] = {
    "in UTF-16": _spelt(lambda body: body.decode().encode("utf-16")),
    "behind a BOM": _spelt(lambda body: b"\xef\xbb\xbf" + body),
    "between blanks": _spelt(lambda body: b" \n" + body + b"\t "),
}
"""The same value: only our own program in the box writes these bytes, and how it spells them means nothing."""


def _number(change: Callable[[float], bytes]) -> Callable[[Frame, Asked], Frame]:
    return _value(_is_number, lambda value: (change(value), b""))


def _array(change: Callable[[Any], Any]) -> Callable[[Frame, Asked], Frame]:
    return _value(_is_array, lambda value: values.encode(change(value)))


def _anything(value: Any) -> bool:
    return True


def _calls() -> Iterator[Way]:
    kind = frames.ASK_CALL
    for name, odd in ANYTHING.items():
        yield Way(f"value {name}", kind, _value(_anything, odd))
    for name, same in SAME_VALUE.items():
        yield Way(f"value {name}", kind, _value(_anything, same), "the same value, spelt otherwise")
    for name, spell in {**TEXT, **TABLE, **CELLS}.items():
        yield Way(f"text: {name}", kind, _text(spell), where=Where.BOTH if name in TEXT else Where.ONE)
    yield Way("text: one byte over the cap", kind, _over)
    for name, change in ARRAY.items():
        yield Way(f"array: {name}", kind, _array(change))
    yield Way("array: a list of numbers", kind, _array(lambda array: array.tolist()))
    for name, lie in LIES.items():
        yield Way(f"marker: {name}", kind, _lie(_has_marker, lie))
    for name, lie in ARRAY_LIES.items():
        yield Way(f"marker: {name}", kind, _lie(_is_array, lie))
    yield Way("marker: two over the same bytes", kind, _value(_has_marker, _overlap))
    yield Way("marker: raw part missing", kind, _value(_has_marker, lambda value: (values.encode(value)[0], b"")))
    yield Way("marker: further behind", kind, _value(_has_marker, _moved), "the same bytes, at another place")
    yield Way("marker: bytes nobody points to", kind, _value(_has_marker, _unread), "what nobody points to is not read")
    yield Way("number: a hundredth more", kind, _number(lambda value: repr(value + abs(value) / 100 + 0.01).encode()))
    yield Way("number: the other sign", kind, _number(lambda value: repr(-value - 1).encode()))
    yield Way(
        "number: with an exponent",
        kind,
        _number(lambda value: b"%be0" % repr(float(value)).encode()),
        "the same number",
    )


# -- files of runs


def _file(suffixes: tuple[str, ...], spell: Spell) -> Callable[[Frame, Asked], Frame]:
    """Spoils every file of a kind, or the last one of it."""

    def spoil(reply: Frame, asked: Asked) -> Frame:
        files = files_of(reply)
        fitting = [name for name in files if name.endswith(suffixes)]
        for name in fitting if asked.every else fitting[-1:]:
            files[name] = spell(files[name])
        return replace(reply_with(files), id=reply.id)

    return spoil


def _unwritten(reply: Frame, asked: Asked) -> Frame:
    files = files_of(reply)
    kept = {} if asked.every else dict(list(files.items())[:-1])
    return replace(reply_with(kept), id=reply.id)


def _runs() -> Iterator[Way]:
    kind = frames.ASK_RUN
    yield Way("file: not written", kind, _unwritten)
    for name, spell in {**TEXT, **TABLE, **CELLS}.items():
        if name != "64 MB":  # the box ends long before
            yield Way(f"file: {name}", kind, _file((".csv", ".txt", ".md", ".bin", ".tsv"), spell))
    for name, spell in JSON.items():
        yield Way(f"JSON file: {name}", kind, _file((".json",), spell))
    for name, spell in SAME_JSON.items():
        yield Way(f"JSON file: {name}", kind, _file((".json",), spell), "the same JSON value")
    for name, spell in NPY.items():
        yield Way(f"array file: {name}", kind, _file((".npy",), spell))
    for name, spell in SAME_NPY.items():
        yield Way(f"array file: {name}", kind, _file((".npy",), spell), "the same array")


# -- replies of services

STATUSES: tuple[Any, ...] = (0, 500, 2**70, True, 200.0, "200", [200], {})
SIZES: tuple[Any, ...] = (-1, 0, 2**63, 10**400, 1e999, None, "x", [], True)
SECONDS: tuple[Any, ...] = (-1, float("nan"), float("inf"), 10**400, None, "x", [])
HEADS: dict[str, Change] = {
    "no answer": _with(status=None, error="malformed"),
    **{f"status {status!r:.20}": _with(status=status) for status in STATUSES},
    **{f"size {size!r:.20}": _with(size=size) for size in SIZES},
    **{f"seconds {seconds!r:.20}": _with(seconds=seconds) for seconds in SECONDS},
    "size one less": _moved_by("size", -1),
    "size one more": _moved_by("size", 1),
    "no size": _without("size"),
    "headers a list": _with(headers=["x"]),
    "headers null": _with(headers=None),
    "nothing": lambda head: {},
    "a list": lambda head: [head],
    "null": lambda head: None,
}
SOLE_HEADS = ("no answer", "status 500", "size one less")
"""Those that are tried on one reply among right ones too, the last: a grader has to look at all."""
ODD_HEADERS = _with(headers={"content-type": "\ud800", "": "", "x": None, "y": [1]})
LISTINGS: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "a list": b"[]",
    "no replies": b"{}",
    "replies null": b'{"replies": null}',
    "replies a text": b'{"replies": "200"}',
    "no reply": b'{"replies": []}',
    "deep": b"[" * DEEP,
    "digits": b"9" * 5000,
    "not UTF-8": b"\xff",
}


FIRST, LAST = 0, -1
"""Of the replies to one question. Bodies are spoilt in the first, which a grader that stops there has read soonest."""


def _replies(change: Callable[[Any, bytes], tuple[Any, bytes]], place: int) -> Callable[[Frame, Asked], Frame]:
    """Spoils every reply to the requests of a question, or the one at this place."""

    def spoil(reply: Frame, asked: Asked) -> Frame:
        heads: list[Any] = json.loads(reply.json)["replies"]
        bodies, at = [], 0
        for head in heads:
            bodies.append(reply.raw[at : at + head["size"]])
            at += head["size"]
        for one in range(len(heads)) if asked.every else (place,):
            heads[one], bodies[one] = change(heads[one], bodies[one])
        return replace(reply, json=json.dumps({"replies": heads}).encode(), raw=b"".join(bodies))

    return spoil


def _body(spell: Spell) -> Callable[[Frame, Asked], Frame]:
    def change(head: Any, body: bytes) -> tuple[Any, bytes]:
        spelt = spell(body)
        return head | {"size": len(spelt)}, spelt

    return _replies(change, FIRST)


def _headed(change: Change) -> Callable[[Frame, Asked], Frame]:
    return _replies(lambda head, body: (change(head), body), LAST)


def _listed(listing: bytes) -> Callable[[Frame, Asked], Frame]:
    return lambda reply, _: replace(reply, json=listing)


def _counted(change: Callable[[list[Any]], list[Any]]) -> Callable[[Frame, Asked], Frame]:
    def spoil(reply: Frame, _: Asked) -> Frame:
        heads = change(json.loads(reply.json)["replies"])
        return replace(reply, json=json.dumps({"replies": heads}).encode())

    return spoil


UNREADABLE = ("cut short", "BOM", "a key twice", "a number is NaN", "a number is 1e999")
"""Enough of what the kit's reader of JSON refuses in a reply as in a file, where all of it is tried."""


def _http() -> Iterator[Way]:
    kind = frames.ASK_HTTP
    for name, spell in JSON.items():
        if name in UNREADABLE or name not in REFUSED:
            where = Where.EVERY if name in LOOKALIKES else Where.ONE
            yield Way(f"body: {name}", kind, _body(spell), where=where)
    for name, spell in SAME_JSON.items():
        yield Way(f"body: {name}", kind, _body(spell), "the same JSON value", Where.EVERY)
    for name in ("empty", "half of it", "NUL within", "deep brackets", "64 MB"):
        yield Way(f"body: {name}", kind, _body(TEXT[name]), where=Where.EVERY)
    for name, change in HEADS.items():
        where = Where.BOTH if name in SOLE_HEADS else Where.EVERY
        yield Way(f"reply: {name}", kind, _headed(change), where=where)
    yield Way("reply: odd headers", kind, _headed(ODD_HEADERS), "nobody asked for these", Where.EVERY)
    for name, listing in LISTINGS.items():
        yield Way(f"replies: {name}", kind, _listed(listing), where=Where.EVERY)
    yield Way("replies: one too few", kind, _counted(lambda heads: heads[:-1]), where=Where.EVERY)
    yield Way("replies: one too many", kind, _counted(lambda heads: [*heads, heads[-1]]), where=Where.EVERY)


WAYS: tuple[Way, ...] = (*_calls(), *_runs(), *_http())
