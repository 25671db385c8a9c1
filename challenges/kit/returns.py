"""The types a called function may be declared to return; knows neither functions nor wires.

Messages say what was declared, never what came instead: a number of the submission's choice would carry hidden data.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from challenges.kit.errors import GraderError, InvalidOutput

ARRAY_DTYPES = frozenset(
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]
)

ENTRY = 64
"""Bytes that a value in a dict weighs beyond itself and its name."""


class Returns(Protocol):
    """A declared type: `kind` is its word on the wire, `max_bytes` the most one value may weigh there."""

    @property
    def kind(self) -> str: ...
    @property
    def max_bytes(self) -> int: ...
    def check(self, value: Any) -> Any:
        """The value itself, if it is of this type; raises InvalidOutput otherwise."""


@dataclass(frozen=True)
class Text:
    """A `str` of at most `max_kb` KiB in UTF-8."""

    max_kb: int = 1024
    kind: ClassVar[str] = "text"

    @property
    def max_bytes(self) -> int:
        return self.max_kb * 1024

    def check(self, value: Any) -> str:
        """Raises InvalidOutput for anything but an encodable string within the size."""
        if type(value) is not str:
            raise InvalidOutput("the function must return a str")
        try:
            size = len(value.encode())
        except UnicodeEncodeError:
            raise InvalidOutput("the function returned text that is not valid Unicode") from None
        if size > self.max_bytes:
            raise InvalidOutput(f"the function returned more than {self.max_kb} KiB of text")
        return value


@dataclass(frozen=True)
class Number:
    """One finite number, given to the grader as a `float`; a bool is not a number."""

    kind: ClassVar[str] = "number"
    max_bytes: ClassVar[int] = 64

    def check(self, value: Any) -> float:
        """Raises InvalidOutput for anything but a finite int or float."""
        if type(value) not in (int, float):
            raise InvalidOutput("the function must return one number")
        try:
            number = float(value)
        except OverflowError:
            raise InvalidOutput("the function returned a number that is too large") from None
        if not math.isfinite(number):
            raise InvalidOutput("the function must return a finite number")
        return number


@dataclass(frozen=True)
class Array:
    """A numpy array of exactly this dtype and shape; None in the shape stands for any length. NaN may be inside."""

    dtype: str
    shape: tuple[int | None, ...]
    max_kb: int = 1024
    kind: ClassVar[str] = "array"

    def __post_init__(self) -> None:
        if self.dtype not in ARRAY_DTYPES:
            raise GraderError(f"Array dtype must be one of {', '.join(sorted(ARRAY_DTYPES))}")

    @property
    def max_bytes(self) -> int:
        return self.max_kb * 1024

    def check(self, value: Any) -> "np.ndarray[Any, Any]":
        """Raises InvalidOutput for another type, dtype, number of axes or length of an axis."""
        if type(value) is not np.ndarray:
            raise InvalidOutput("the function must return a numpy array")
        if value.dtype != np.dtype(self.dtype):
            raise InvalidOutput(f"the returned array must have dtype {self.dtype}")
        if value.ndim != len(self.shape):
            raise InvalidOutput(f"the returned array must have {len(self.shape)} axes")
        for axis, (wanted, got) in enumerate(zip(self.shape, value.shape, strict=True)):
            if wanted is not None and wanted != got:
                raise InvalidOutput(f"axis {axis} of the returned array must have length {wanted}")
        if value.nbytes > self.max_bytes:
            raise InvalidOutput(f"the function returned more than {self.max_kb} KiB of numbers")
        return value


@dataclass(frozen=True)
class Fields:
    """A dict with exactly these keys, the value of each of a type of its own."""

    of: Mapping[str, Returns]
    kind: ClassVar[str] = "dict"

    @property
    def max_bytes(self) -> int:
        return sum(len(name) + one.max_bytes + ENTRY for name, one in self.of.items())

    def check(self, value: Any) -> dict[str, Any]:
        """Raises InvalidOutput for anything but a dict with these keys, and as their own types do."""
        if type(value) is not dict or value.keys() != self.of.keys():
            raise InvalidOutput(f"the function must return a dict with the keys {', '.join(self.of)}")
        return {name: one.check(value[name]) for name, one in self.of.items()}
