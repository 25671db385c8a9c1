"""Files of a participant, written by their program or handed in, read strictly: the only complaint is InvalidOutput.

Messages name the file and never repeat what is in it.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from challenges.kit.errors import InvalidOutput

Content = bytes
"""Named so because `Output.bytes` hides the builtin from annotations."""

MAX_JSON_DEPTH = 64
MAX_JSON_INTEGER = 2**63 - 1

_NPY = re.compile(
    rb"\x93NUMPY\x01\x00(?P<size>..)"
    rb"\{'descr': '(?P<dtype>\|b1|\|[iu]1|<[iu][248]|<f[248])', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>|[0-9]{1,18},|[0-9]{1,18}(?:, [0-9]{1,18}){1,7})\), \} *\n",
    re.DOTALL,
)
"""A version 1 header as `numpy.save` writes it. Read without `eval`, and before anything is allocated."""


class Output:
    """Files by name: those a program was told to write, or those that were submitted."""

    def __init__(self, files: Mapping[str, Content]) -> None:
        self._files = dict(files)

    @property
    def names(self) -> "list[str]":
        """The names of the files that are there, in order."""
        return sorted(self._files)

    def bytes(self, name: str) -> Content:
        """The file as it is. Raises InvalidOutput if it was not written; so do all readers below."""
        if name not in self._files:
            raise InvalidOutput(f"{name} is missing")
        return self._files[name]

    def text(self, name: str) -> str:
        """The file as UTF-8 text with its line ends as written."""
        try:
            return self.bytes(name).decode()
        except UnicodeDecodeError:
            raise InvalidOutput(f"{name} is not UTF-8 text") from None

    def json(self, name: str) -> Any:
        """The file as one JSON value of finite numbers, 64-bit integers, valid text and at most 64 levels.

        A key that stands twice in one object is refused, because readers differ in which one they keep.
        """
        return parse_json(self.bytes(name), name)

    def rows(self, name: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """The rows of a CSV file whose header is exactly `columns`, in this order; every row has as many fields."""
        reader = csv.reader(io.StringIO(self.text(name), newline=""), strict=True)
        rows: list[dict[str, str]] = []
        try:
            if next(reader, None) != list(columns):
                raise InvalidOutput(f"{name} must start with the header {','.join(columns)}")
            for fields in reader:
                if len(fields) != len(columns):
                    raise InvalidOutput(
                        f"{name}: the row ending in line {reader.line_num} must have {len(columns)} fields"
                    )
                rows.append(dict(zip(columns, fields, strict=True)))
        except csv.Error:
            raise InvalidOutput(f"{name}: line {reader.line_num} is not valid CSV") from None
        return rows

    def array(self, name: str) -> "np.ndarray[Any, Any]":
        """The file as `numpy.save` writes an array of bool, integer or float numbers; never an object array."""
        content = self.bytes(name)
        header = _NPY.match(content)
        if header is None or header.end() != 10 + int.from_bytes(header["size"], "little"):
            raise InvalidOutput(f"{name} is not a little-endian numeric array as numpy.save writes it")
        dtype = np.dtype(header["dtype"].decode())
        shape = tuple(int(length) for length in re.findall(rb"[0-9]+", header["shape"]))
        if math.prod(shape) * dtype.itemsize != len(content) - header.end():
            raise InvalidOutput(f"{name} holds another number of bytes than its header says")
        flat = np.frombuffer(content, dtype, offset=header.end())
        try:
            return flat.reshape(shape, order="F" if header["fortran"] == b"True" else "C").copy()
        except ValueError:  # no bytes at all, but axes longer than numpy can count
            raise InvalidOutput(f"{name} has an impossible shape") from None


def parse_json(content: Content, name: str) -> Any:
    """Bytes as `Output.json` reads them; `name` is what messages call them. Raises InvalidOutput."""

    def refuse(why: str) -> NoReturn:
        raise InvalidOutput(f"{name} {why}")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        return found if len(found) == len(pairs) else refuse("holds a key twice")

    try:
        text = content.decode()
    except UnicodeDecodeError:
        refuse("is not UTF-8 text")
    try:
        value = json.loads(text, parse_constant=lambda _: refuse("holds NaN or Infinity"), object_pairs_hook=unique)
    except (ValueError, RecursionError):
        raise InvalidOutput(f"{name} is not valid JSON") from None
    _check_json(value, refuse)
    return value


def _check_json(value: Any, refuse: Callable[[str], NoReturn]) -> None:
    """Walks without recursion, so that depth is a rule and not an accident of the interpreter."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        for item in level:
            if isinstance(item, str) and not _encodable(item):
                refuse("holds text that is not valid Unicode")
            if isinstance(item, float) and not math.isfinite(item):
                refuse("holds a number that is too large")
            if isinstance(item, int) and abs(item) > MAX_JSON_INTEGER:
                refuse("holds an integer that is too large")
        inner = [item for item in level if isinstance(item, (dict, list))]
        level = [part for item in inner for part in (_parts(item) if isinstance(item, dict) else item)]
        if not level:
            return
    refuse(f"is nested more than {MAX_JSON_DEPTH} levels deep")


def _parts(item: dict[str, Any]) -> list[Any]:
    return [*item.keys(), *item.values()]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
