"""Reads JSON of strangers: bounded in size, depth and number length, without duplicate keys; knows no model."""

import json
import math
import re
from typing import Any

from api.errors import Problem

MAX_DEPTH = 32
MAX_NUMBER = 100
# Strings (an unfinished one runs to the end) or brackets; possessive, so that no text can make it look twice.
_TOKENS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


def parse(body: bytes, *, max_bytes: int) -> Any:
    """The value. Raises Problem too_large, bad_json."""
    if len(body) > max_bytes:
        raise Problem("too_large", f"JSON may have {max_bytes} bytes here.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("bad_json", "The body is not UTF-8.") from None
    _check_depth(text)
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise Problem("bad_json", f"{error.msg} at line {error.lineno}, column {error.colno}.") from None
    except ValueError as error:
        raise Problem("bad_json", str(error)) from None


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(text):
        first = token.group()[0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Problem("bad_json", f"It is nested more than {MAX_DEPTH} deep.")
        elif first in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("An object has the same key twice.")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_NUMBER:
        raise ValueError(f"A number has more than {MAX_NUMBER} digits.")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits) if len(digits) <= MAX_NUMBER else math.inf
    if not math.isfinite(number):
        raise ValueError("A number is too large or too long.")
    return number


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON.")
