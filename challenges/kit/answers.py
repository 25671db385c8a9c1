"""What a submission answered to one group of calls; does not know how the values travelled."""

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

import numpy as np

from challenges.kit.errors import GraderError


def close(*, rtol: float = 0.0, atol: float = 0.0) -> Callable[[Any, Any], bool]:
    """For `Answers.agree`: of one shape, NaN in the same places, and apart by no more than atol + rtol * |wanted|.

    For numbers, arrays, and lists of numbers; what is no number is not close to anything.
    """

    def same(answer: Any, wanted: Any) -> bool:
        try:
            found, right = np.asarray(answer, float), np.asarray(wanted, float)
        except (TypeError, ValueError, OverflowError):
            return False
        return found.shape == right.shape and bool(np.allclose(found, right, rtol, atol, equal_nan=True))

    return same


class Answers(Sequence[Any]):
    """The answered cases in order, each already of the declared type.

    `complete` is False when the group's own cpu budget ran out: then only the first cases are here.
    """

    def __init__(self, values: Sequence[Any], *, complete: bool) -> None:
        self._values = tuple(values)
        self.complete = complete

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._values[index]

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def agree(self, expected: Sequence[Any], same: Callable[[Any, Any], Any] = operator.eq) -> bool:
        """True if every case was answered and `same(answer, expected)` holds for each.

        Raises:
            GraderError: the author expects another number of answers than cases were asked.
        """
        if not self.complete:
            return False
        if len(expected) != len(self):
            raise GraderError(f"{len(expected)} expected values for {len(self)} answered cases")
        return all(bool(same(answer, wanted)) for answer, wanted in zip(self, expected, strict=True))
