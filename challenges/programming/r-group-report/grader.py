"""A report in R against numpy and scipy: one run for each table, one table or two for each group."""

import csv
import io
from collections.abc import Sequence

import numpy as np
from scipy import stats

from challenges.kit import Attempt, Data, InvalidOutput, Score, close

COLUMNS = ("n", "mean", "sd", "median", "mad", "slope", "slope_se", "p_welch")
LOOKS_AT = {
    "summary": COLUMNS[:5],
    "regression": COLUMNS[5:7],
    "welch": COLUMNS[7:],
    "missing": COLUMNS,
    "names-and-order": COLUMNS[:1],
    "size": COLUMNS,
}
SAME = close(rtol=1e-5, atol=1e-9)
NAMES = ("NA", "TRUE", "B", "a", "Z", "z", "\u00e9t\u00e9", "\u00c5s", "a,b", 'say "hi"', "x y", "-", "\u65e5\u672c")
NUMBERS = ("01", "1", "1e3", "10", "9", "1.0")
"""Names, too, and nothing else in their table: who lets a reader guess loses some."""

Row = tuple[str, str, str]
Report = list[tuple[str, list[float]]]


def generate(data: Data) -> None:
    """One public table without a trap, and its report. Hidden ones are drawn in `grade`."""
    rows = _sample(data)
    report = [[name, *("NA" if np.isnan(one) else f"{one:.7g}" for one in values)] for name, values in _expected(rows)]
    (data.public / "sample.csv").write_bytes(_csv([("group", "x", "y"), *rows], "\n"))
    (data.public / "sample.report.csv").write_bytes(_csv([("group", *COLUMNS), *report], "\n"))


def sample(attempt: Attempt, data: Data) -> Score:
    """The public table: every group stands or falls with it."""
    right = _right(attempt, _sample(data), COLUMNS)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """A group is right if the columns it is about are, in all its tables."""
    tables = _tables(data.rng("hidden tables"))
    found: dict[str, bool | float] = {
        name: all(_right(attempt, rows, LOOKS_AT[name], end) for rows, end in listed) for name, listed in tables.items()
    }
    return Score.of(data.groups, found)


def _sample(data: Data) -> list[Row]:
    return _drawn(data.rng("sample"), {"north": 6, "east": 4, "south": 7})


def _tables(rng: np.random.Generator) -> dict[str, list[tuple[list[Row], str]]]:
    sizes = {f"g{number}": int(size) for number, size in enumerate((1, 2, 3, 8, 40, 1, 25))}
    plain = _drawn(rng, sizes)
    flat = [*_drawn(rng, {"a": 9}), *[("b", "1.5", f"{y}") for y in (4, 4, 4, 4)], ("c", "2", "7")]
    same = [(name, "3", y) if name == "a" else (name, x, y) for name, x, y in _drawn(rng, {"a": 5, "b": 6})]
    alone = _drawn(rng, {"only": 12})
    constant = [(name, f"{n}", "2.5") for n, name in enumerate("aabb")]
    holes = [(name, _hole(rng, x), _hole(rng, y)) for name, x, y in _drawn(rng, dict.fromkeys("abcdef", 12))]
    holes += [("none", "1", ""), ("none", "2", "NA"), ("half", "", "3"), ("half", "1", ""), ("half", "2", "5")]
    return {
        "summary": [(plain, "\n"), (flat, "\n")],
        "regression": [(plain, "\n"), (same, "\n")],
        "welch": [(plain, "\n"), (alone, "\n"), (constant, "\n")],
        "missing": [(holes, "\r\n")],
        "names-and-order": [
            *((_drawn(rng, dict.fromkeys(names, 3)), "\r\n") for names in (NAMES, NUMBERS)),
            ([], "\n"),
        ],
        "size": [(_drawn(rng, {f"k{number}": 100 for number in range(400)}), "\n")],
    }


def _drawn(rng: np.random.Generator, sizes: dict[str, int]) -> list[Row]:
    """Rows of these groups, mixed, each group with a line and a spread of its own."""
    rows: list[Row] = []
    for name, size in sizes.items():
        x = rng.normal(10, 3, size)
        y = rng.normal(0, 2) * x + rng.normal(50, 5) + rng.normal(0, rng.uniform(0.5, 6), size)
        rows += [(name, f"{a:.4f}", f"{b:.4f}") for a, b in zip(x, y, strict=True)]
    return [rows[at] for at in rng.permutation(len(rows))]


def _hole(rng: np.random.Generator, text: str) -> str:
    return str(rng.choice([text, "", "NA"], p=(0.7, 0.15, 0.15)))


def _right(attempt: Attempt, rows: list[Row], columns: tuple[str, ...], end: str = "\n") -> bool:
    table = _csv([("group", "x", "y"), *rows], end)
    output = attempt.run(
        ["sh", "-c", "Rscript main.R < input.csv > output.csv"], inputs={"input.csv": table}, outputs=["output.csv"]
    )
    said = output.rows("output.csv", ["group", *COLUMNS])
    wanted = _expected(rows)
    places = [COLUMNS.index(name) for name in columns]
    return [row["group"] for row in said] == [name for name, _ in wanted] and all(
        SAME([_number(row[COLUMNS[at]]) for at in places], [values[at] for at in places])
        for row, (_, values) in zip(said, wanted, strict=True)
    )


def _number(text: str) -> float:
    try:
        return float("nan" if text == "NA" else text)
    except ValueError:
        raise InvalidOutput("output.csv: what is no group must be a number or NA") from None


def _expected(rows: list[Row]) -> Report:
    names = np.array([name for name, _, _ in rows])
    x, y = (np.array([float(row[at]) if row[at] not in ("", "NA") else np.nan for row in rows]) for at in (1, 2))
    there = ~np.isnan(y)
    return [
        (name, _line(x[names == name], y[names == name], y[(names != name) & there]))
        for name in sorted(set(names.tolist()), key=str.encode)
    ]


def _line(x: np.ndarray, y: np.ndarray, others: np.ndarray) -> list[float]:
    both = ~np.isnan(x) & ~np.isnan(y)
    own = y[~np.isnan(y)]
    middle = float(np.median(own)) if len(own) else np.nan
    spread = float(np.std(own, ddof=1)) if len(own) > 1 else np.nan
    mad = 1.4826 * float(np.median(np.abs(own - middle))) if len(own) else np.nan
    mean = float(np.mean(own)) if len(own) else np.nan
    slope = error = p = np.nan
    if both.sum() > 1 and np.ptp(x[both]) > 0:
        fit = stats.linregress(x[both], y[both])
        slope, error = float(fit.slope), float(fit.stderr) if both.sum() > 2 else np.nan
    if len(own) > 1 and len(others) > 1 and (np.ptp(own) > 0 or np.ptp(others) > 0):
        p = float(stats.ttest_ind(own, others, equal_var=False).pvalue)
    return [float(len(own)), mean, spread, middle, mad, slope, error, p]


def _csv(rows: Sequence[Sequence[object]], end: str) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator=end).writerows(rows)
    return file.getvalue().encode()
