"""A trimmed mean: replace it by what your challenge asks and how it is judged."""

from fractions import Fraction

from challenges.kit import Answers, Attempt, Data, Number, Score

Values = list[float | None]


def generate(data: Data) -> None:
    """One public sample. Hidden cases that need files are written to data.hidden here; these are drawn in `grade`."""
    (data.public / "sample.txt").write_text("[1.0, None, 2.0, 4.5] -> 2.5\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """What everybody may know: every group stands or falls with it."""
    right = _answers(attempt, [[1.0, None, 2.0, 4.5]]).agree([2.5])
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """A group is right if all its answers are. Expected values are computed here, never by the reference solution."""
    rng = data.rng("hidden cases")
    plain = [rng.normal(5, 1, size).tolist() for size in (1, 2)]
    long = [rng.normal(5, 100, size).tolist() for size in (4, 5, 6, 14, 15, 16, 100)]
    groups: dict[str, list[Values]] = {
        "ordinary": [*plain, *long],
        "precision": [[1e16, *one, -1e16] for one in plain],
        "missing": [[None, *one, None, None] for one in (*plain, *long)],
        "nothing": [[], [None]],
    }
    found: dict[str, bool | float] = {}
    for name, cases in groups.items():
        found[name] = _answers(attempt, cases).agree([_expected(one) for one in cases], _same)
    return Score.of(data.groups, found)


def _answers(attempt: Attempt, cases: list[Values]) -> Answers:
    return attempt.call("solve", [[one] for one in cases], returns=Number())


def _expected(values: Values) -> float:
    there = sorted(Fraction(one) for one in values if one is not None)
    cut = (len(there) + 5) // 10
    rest = there[cut : len(there) - cut]
    return float(round(sum(rest, Fraction(0)) / len(rest), 6)) if rest else -1.0


def _same(answer: float, wanted: float) -> bool:
    return abs(answer - wanted) <= 1e-9
