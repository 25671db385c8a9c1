"""Numbers: a half by a function that returns one number, a doubled array by one that returns an array."""

import numpy as np

from challenges.kit import Array, Attempt, Data, Number, Score


def generate(data: Data) -> None:
    numbers = data.rng("numbers").integers(1, 1000, 5)
    (data.hidden / "numbers.txt").write_text("\n".join(map(str, numbers)))
    (data.public / "examples.txt").write_text("1 0.5 2")


def grade(attempt: Attempt, data: Data) -> Score:
    numbers = [float(one) for one in (data.hidden / "numbers.txt").read_text().split()]
    given = np.array(numbers)
    halves = attempt.call("half", [[one] for one in numbers], returns=Number())
    doubled = attempt.call("double", [[given]], returns=Array("float64", (len(numbers),)))
    error = max(abs(got - one / 2) for got, one in zip(halves, numbers, strict=True))
    return Score.of(data.groups, {"half": error, "double": doubled.agree([2 * given], np.array_equal)}, metric=error)
