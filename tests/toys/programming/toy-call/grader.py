"""Doubles: small numbers first, then one group with a cpu budget of its own."""

from challenges.kit import Attempt, Data, Number, Score


def generate(data: Data) -> None:
    (data.public / "examples.txt").write_text("1 2\n2 4\n")
    numbers = data.rng("hidden").integers(3, 1000, 20)
    (data.hidden / "numbers.txt").write_text("\n".join(map(str, numbers)))


def grade(attempt: Attempt, data: Data) -> Score:
    numbers = [int(one) for one in (data.hidden / "numbers.txt").read_text().split()]
    expected = [2 * one for one in numbers]
    small = attempt.call("double", [[one] for one in numbers], returns=Number())
    quick = attempt.call("double", [[one] for one in numbers], returns=Number(), cpu_seconds=0.5)
    again = attempt.call("double", [[1]], returns=Number())
    return Score.of(data.groups, {"small": small.agree(expected), "quick": quick.agree(expected) and again.agree([2])})


def sample(attempt: Attempt, data: Data) -> Score:
    """What stands in examples.txt."""
    small = attempt.call("double", [[1], [2]], returns=Number())
    return Score.of(data.groups, {"small": small.agree([2, 4]), "quick": True})
