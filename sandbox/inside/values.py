"""Plain data to a JSON part and a raw part and back: exact built-in types and numeric arrays only, and no pickle.

Text over 1 KB, bytes and arrays travel in the raw part (arrays little-endian, C order) and leave a marker in the JSON.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

INLINE_TEXT = 1024
DEPTH = 64
DTYPES = frozenset(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "b1"])
"""Kinds and item sizes of arrays that may travel, as numpy writes them."""


class BadValue(ValueError):
    """Not plain data, or not as its own description says."""


def encode(value: Any) -> tuple[bytes, bytes]:
    """(JSON part, raw part) of a value. Raises BadValue for anything that is not exactly plain data."""
    raw: list[bytes] = []
    size = 0

    def put(data: bytes) -> int:
        nonlocal size
        raw.append(data)
        size += len(data)
        return size - len(data)

    def pack(item: Any, depth: int) -> Any:
        if depth > DEPTH:
            raise BadValue("nested too deeply")
        kind = type(item)
        if item is None or kind in (bool, int):
            return item
        if kind is float:
            if not math.isfinite(item):
                raise BadValue("NaN and infinity may only stand in arrays")
            return item
        if kind is str:
            if len(item) <= INLINE_TEXT:
                return item
            data = item.encode("utf-8", "surrogatepass")
            return {"$": "text", "at": put(data), "size": len(data)}
        if kind in (list, tuple):
            return [pack(one, depth + 1) for one in item]
        if kind is dict:
            if any(type(key) is not str for key in item):
                raise BadValue("dictionary keys must be text")
            pairs = {key: pack(one, depth + 1) for key, one in item.items()}
            return {"$": "dict", "items": pairs} if "$" in pairs else pairs
        if kind is bytes:
            return {"$": "bytes", "at": put(item), "size": len(item)}
        return _pack_array(item, kind, put)

    try:
        body = json.dumps(pack(value, 0), allow_nan=False, separators=(",", ":")).encode("ascii")
    except BadValue:
        raise
    except ValueError as error:  # an integer too long to write
        raise BadValue("not plain data") from error
    return body, b"".join(raw)


def _pack_array(item: Any, kind: type, put: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is None:
        raise BadValue("not plain data")
    if kind is numpy.ndarray:
        code = item.dtype.str[1:]
        if code not in DTYPES:
            raise BadValue("an array of this dtype cannot travel")
        data = numpy.ascontiguousarray(item, dtype="<" + code).tobytes()
        return {"$": "array", "dtype": code, "shape": list(item.shape), "at": put(data), "size": len(data)}
    if kind.__module__ == "numpy" and isinstance(item, (numpy.number, numpy.bool_)) and numpy.isfinite(item):
        plain = item.item()
        if type(plain) in (bool, int, float):
            return plain
    raise BadValue("not plain data")


def decode(body: bytes, raw: bytes = b"") -> Any:
    """The value of two parts. Raises BadValue whatever the bytes are."""
    try:
        return _unpack(json.loads(body, parse_constant=_refuse, object_pairs_hook=_pairs), raw, 0)
    except BadValue:
        raise
    except (ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise BadValue("not JSON") from error


def _refuse(_: str) -> Any:
    raise BadValue("NaN and infinity may only stand in arrays")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadValue("a key stands twice")
    return found


def _unpack(item: Any, raw: bytes, depth: int) -> Any:
    if depth > DEPTH + 2:
        raise BadValue("nested too deeply")
    if isinstance(item, list):
        return [_unpack(one, raw, depth + 1) for one in item]
    if isinstance(item, float) and not math.isfinite(item):
        raise BadValue("NaN and infinity may only stand in arrays")
    if not isinstance(item, dict):
        return item
    mark = item.get("$", item)
    if mark is item:
        return {key: _unpack(one, raw, depth + 1) for key, one in item.items()}
    if mark == "dict" and isinstance(item.get("items"), dict):
        return {key: _unpack(one, raw, depth + 1) for key, one in item["items"].items()}
    at, size = item.get("at"), item.get("size")
    if type(at) is not int or type(size) is not int or at < 0 or size < 0 or at + size > len(raw):
        raise BadValue("a marker points outside the raw part")
    data = raw[at : at + size]
    if mark == "text":
        return data.decode("utf-8", "surrogatepass")
    if mark == "bytes":
        return data
    if mark == "array":
        return _unpack_array(item, data)
    raise BadValue("unknown marker")


def _unpack_array(item: dict[str, Any], data: bytes) -> Any:
    import numpy

    code, shape = item.get("dtype"), item.get("shape")
    if type(code) is not str or code not in DTYPES or not isinstance(shape, list) or len(shape) > 8:
        raise BadValue("an array of this dtype or shape cannot travel")
    if any(type(n) is not int or n < 0 for n in shape):
        raise BadValue("an array's shape is a list of sizes")
    if math.prod(shape) * numpy.dtype(code).itemsize != len(data):
        raise BadValue("an array's bytes do not fill its shape")
    return numpy.frombuffer(data, dtype="<" + code).reshape(shape).copy()
