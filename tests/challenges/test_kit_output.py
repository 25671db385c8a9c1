"""Readers of strangers' files: right files are read exactly, anything else is InvalidOutput and nothing but that."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from challenges.kit import InvalidOutput, Output

NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)
DTYPES = arrays.scalar_dtypes().filter(lambda dtype: dtype.kind in "biuf" and dtype.itemsize <= 8)


def complaint(reader: Callable[[], Any]) -> str | None:
    """What a reader has to say against its file, if anything; any other exception is a failed test."""
    try:
        reader()
    except InvalidOutput as error:
        return str(error)
    return None


def saved(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@given(JSON)
def test_json_is_read_exactly(value: Any) -> None:
    assert Output({"a": json.dumps(value).encode()}).json("a") == value


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_rows_are_read_exactly(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("x", "y"), *rows])
    found = Output({"a": file.getvalue().encode()}).rows("a", ["x", "y"])
    assert found == [{"x": x, "y": y} for x, y in rows]


@given(arrays.arrays(DTYPES.map(lambda d: d.newbyteorder("<")), arrays.array_shapes(min_dims=0, min_side=0)))
def test_arrays_are_read_exactly(array: Any) -> None:
    for shape in (array, np.array(array, order="F")):
        found = Output({"a": saved(shape)}).array("a")
        assert found.dtype == array.dtype and found.shape == array.shape
        np.testing.assert_array_equal(found, array)


@given(st.binary())
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"1" * 5000)
@example(b'"\\ud800"')
@example(b"-1e999")
@example(b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")
@example(b"x,y\n" + b"1" * 200_000 + b",2\n")
@example(b'x,y\n"1,2\n')
@example(b"x,y\n\x00,1\n")
def test_garbage_raises_nothing_but_invalid_output(content: bytes) -> None:
    output = Output({"a": content})
    readers: list[Callable[[], Any]] = [
        lambda: output.text("a"),
        lambda: output.json("a"),
        lambda: output.rows("a", ["x", "y"]),
        lambda: output.array("a"),
    ]
    for reader in readers:
        message = complaint(reader)
        assert message is None or (message.startswith("a") and len(message) < 200)


@given(
    st.binary(max_size=40), st.integers(0, 2**70), st.integers(0, 2**70), st.sampled_from(["<f8", "|O8", "<c16", "<U4"])
)
def test_lying_array_headers_are_refused_before_anything_is_allocated(
    body: bytes, rows: int, columns: int, dtype: str
) -> None:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n".encode()
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body
    honest = dtype == "<f8" and rows * columns * 8 == len(body)
    refused = complaint(lambda: Output({"a": content}).array("a"))
    # An empty array may have any axis that numpy can count.
    assert (refused is None) is honest or (honest and not rows * columns)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "is not UTF-8"),
        (b"", "is not valid JSON"),
        (b"{'a': 1}", "is not valid JSON"),
        (b"[1] 2", "is not valid JSON"),
        (b"NaN", "holds NaN or Infinity"),
        (b"[-Infinity]", "holds NaN or Infinity"),
        (b"1e400", "a number that is too large"),
        (b"9223372036854775808", "an integer that is too large"),
        (b'{"secret": 1, "secret": 2}', "holds a key twice"),
        (b'{"a": {"b": 1, "b": 1}}', "holds a key twice"),
        (b'["\\udc00"]', "not valid Unicode"),
        (b'{"\\udc00": 1}', "not valid Unicode"),
        (b"[" * 65 + b"]" * 65, "more than 64 levels"),
    ],
)
def test_json_that_readers_would_disagree_on_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InvalidOutput, match=message) as error:
        Output({"a.json": content}).json("a.json")
    assert "a.json" in str(error.value) and "secret" not in str(error.value)


def test_64_levels_are_fine() -> None:
    deep = Output({"a": b"[" * 63 + b"1" + b"]" * 63}).json("a")
    for _ in range(63):
        (deep,) = deep
    assert deep == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "must start with the header id,churn"),
        (b"churn,id\n", "must start with the header"),
        (b"id,churn,more\n", "must start with the header"),
        (b"\xef\xbb\xbfid,churn\n", "must start with the header"),
        (b"id, churn\n", "must start with the header"),
        (b"id,churn\nsecret\n", "line 2 must have 2 fields"),
        (b"id,churn\nsecret,1\n\n", "line 3 must have 2 fields"),
        (b"id,churn\nsecret,1,\n", "line 2 must have 2 fields"),
        (b'id,churn\n"secret"x,1\n', "line 2 is not valid CSV"),
        (b'id,churn\n"secret,1\n', "line 2 is not valid CSV"),
        (b"id,churn\n" + b"s" * 140_000 + b",1\n", "line 2 is not valid CSV"),
    ],
)
def test_tables_are_strict(content: bytes, message: str) -> None:
    with pytest.raises(InvalidOutput, match=message) as error:
        Output({"p.csv": content}).rows("p.csv", ["id", "churn"])
    assert "p.csv" in str(error.value) and "secret" not in str(error.value)


def test_a_missing_file_is_named_by_every_reader() -> None:
    output = Output({"other": b""})
    for read in (output.bytes, output.text, output.json, output.array, lambda name: output.rows(name, ["x"])):
        with pytest.raises(InvalidOutput, match=r"^mine is missing$"):
            read("mine")
    assert output.bytes("other") == b""


@pytest.mark.parametrize(
    "array",
    [np.array([object()]), np.array(["text"]), np.array([1j]), np.zeros(1, ">f8"), np.zeros(1, [("a", "<f8")])],
    ids=lambda array: str(array.dtype),
)
def test_arrays_of_anything_but_numbers_are_refused(array: Any) -> None:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    with pytest.raises(InvalidOutput, match="numeric array"):
        Output({"a": file.getvalue()}).array("a")
    with pytest.raises(InvalidOutput, match="another number of bytes"):
        Output({"a": saved(np.zeros(3))[:-1]}).array("a")
