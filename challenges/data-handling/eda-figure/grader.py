"""Figures by what their axes say they hold, and by whether the picture shows it; knows no drawing library."""

import csv
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Score

SIZE = (12.0, 9.0)
PIXELS = (450, 600)
DPI = 50
PANELS = ("teams", "trend", "correlation", "scale")
COLUMNS = ("minutes", "size_kb", "errors", "retries", "nodes")
TEAMS = ("amber", "birch", "cedar", "delta", "elm", "fir")
NEAR = 0.01
SEEN = 0.9
"""Share of the marks that the picture must show: some lie at the very edge of the axes."""
FAINT = 12
"""Steps of grey, of 255, that part a mark from the paper."""
MOST_INK = 0.6
SMALLEST = 7.0
TINY = 1e-300
FAR = 10.0
"""Widths and heights of the figure, beyond which no axes are."""
EPOCH = np.datetime64("1970-01-01")

Described = dict[str, Any]
Table = dict[str, np.ndarray]


class Panel(NamedTuple):
    """Axes of a figure, in data coordinates: each line as its x and y, bars as x, y, width and height."""

    words: dict[str, str]
    scales: list[str]
    limits: list[float]
    place: list[float]
    face: float
    legend: list[str]
    ticks: list[list[tuple[float, str]]]
    lines: list[np.ndarray]
    bars: np.ndarray
    dots: np.ndarray
    heat: tuple[np.ndarray, list[float], np.ndarray] | None


class Figure(NamedTuple):
    """Panels by name, and each text with its size in points and its box in pixels."""

    panels: dict[str, Panel]
    texts: list[tuple[str, list[float]]]
    grey: np.ndarray


def generate(data: Data) -> None:
    """One public table without a trap. Hidden ones are drawn in `grade`."""
    (data.public / "table.csv").write_bytes(_csv(_sample(data)))


def sample(attempt: Attempt, data: Data) -> Score:
    """The public table."""
    return Score.of(data.groups, {**_judged(attempt, [_sample(data)])})


def grade(attempt: Attempt, data: Data) -> Score:
    """Four tables, in one run."""
    rng = data.rng("hidden tables")
    return Score.of(data.groups, {**_judged(attempt, [_drawn(rng, days, hard=True) for days in (40, 75, 120, 60)])})


def _sample(data: Data) -> Table:
    return _drawn(data.rng("sample"), 45, hard=False)


def _drawn(rng: np.random.Generator, days: int, *, hard: bool) -> Table:
    """Jobs of teams. Hard ones have days without a job, sizes of zero, and a column that never changes."""
    start = np.datetime64("2026-01-05") + rng.integers(0, 100)
    at = np.sort(np.concatenate([np.arange(days), rng.integers(0, days, 7 * days)]))
    if hard:
        gone = np.concatenate([rng.choice(days, days // 5, replace=False), np.arange(days // 2, days // 2 + 8)])
        at = at[~np.isin(at, gone)]
    count = len(at)
    teams = rng.permutation(TEAMS)[: 6 if hard else 4]
    size = np.round(np.exp(rng.normal(3, 1.5, count)) + 0.01, 2)
    size[rng.random(count) < (0.06 if hard else 0)] = 0
    which = rng.integers(0, len(teams), count)
    minutes = 20 + 6 * np.log10(size + 1) + 3 * which + 5 * np.sin(at / 6) + rng.gamma(2, 4, count)
    errors = rng.poisson(np.clip(minutes / 12, 0, 30))
    return {
        "day": start + at,
        "team": teams[which],
        "minutes": np.round(minutes, 2),
        "size_kb": size,
        "errors": errors,
        "retries": np.maximum(0, 9 - errors + rng.integers(-3, 4, count)),
        "nodes": np.full(count, 4) if hard else rng.integers(1, 9, count),
    }


def _csv(table: Table) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*(column.tolist() for column in table.values()), strict=True))
    return file.getvalue().encode()


def _judged(attempt: Attempt, tables: list[Table]) -> dict[str, bool]:
    stems = [f"table-{number}" for number in range(1, len(tables) + 1)]
    inputs = {f"{stem}.csv": _csv(table) for stem, table in zip(stems, tables, strict=True)}
    program = {"describe.py": (Path(__file__).parent / "boxed" / "describe.py").read_bytes()}
    outputs = [f"{stem}.{kind}" for stem in stems for kind in ("json", "png")]
    drawn = attempt.run(["python3", "describe.py", *inputs], inputs={**program, **inputs}, outputs=outputs)
    pictures = {f"{stem}.png": drawn.bytes(f"{stem}.png") for stem in stems}
    greys = attempt.inspect(
        "boxed/read_pictures.py", *pictures, inputs=pictures, outputs=[f"{one}.grey" for one in stems]
    )
    found = [
        dict(_held(_figure(drawn.json(f"{stem}.json"), greys.bytes(f"{stem}.grey")), table))
        for stem, table in zip(stems, tables, strict=True)
    ]
    return {name: all(one[name] for one in found) for name in found[0]}


def _figure(told: Any, grey: bytes) -> Figure:
    """The description, if it is one: it comes from where the submission ran."""
    if len(grey) != PIXELS[0] * PIXELS[1]:
        raise InvalidOutput("the figure must be 12 by 9 inches, saved as PNG")
    try:
        if [float(one) for one in told["size"]] != list(SIZE):
            raise InvalidOutput("the figure must be 12 by 9 inches")
        panels = {str(name): _panel(one) for name, one in told["axes"].items()}
        texts = [(str(text), [float(one) for one in rest]) for text, *rest in told["texts"]]
        if any(len(box) != len(["size", "left", "bottom", "right", "top"]) for _, box in texts):
            raise InvalidOutput("the figure's description is damaged")
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError):
        raise InvalidOutput("the figure's description is damaged") from None
    if not set(PANELS) <= panels.keys():
        raise InvalidOutput("the figure must have axes labelled teams, trend, correlation and scale")
    return Figure(panels, texts, np.frombuffer(grey, np.uint8).reshape(PIXELS).astype(float))


def _panel(told: Described) -> Panel:
    heat = told["heat"]
    place = [float(told["place"][at]) for at in range(4)]
    if not np.all(np.abs(place) <= FAR):
        raise ValueError("far outside the figure")
    return Panel(
        words={name: str(told[name]) for name in ("title", "x", "y")},
        scales=[str(told["scales"][axis]) for axis in (0, 1)],
        limits=[float(told["limits"][at]) for at in range(4)],
        place=place,
        face=255 * float(np.dot([float(told["face"][at]) for at in range(3)], [0.299, 0.587, 0.114])),
        legend=[str(one) for one in told["legend"]],
        ticks=[[(float(place), str(text)) for place, text in told["ticks"][axis]] for axis in (0, 1)],
        lines=[_array(one, height=2) for one in told["lines"]],
        bars=_array(told["bars"], width=4),
        dots=_array(told["dots"], width=2),
        heat=None
        if heat is None
        else (
            _array(heat["values"]),
            [float(heat["limits"][at]) for at in (0, 1)],
            _array(heat["colours"], width=3, height=3),
        ),
    )


def _array(rows: Any, *, width: int | None = None, height: int | None = None) -> np.ndarray:
    """A table of numbers, NaN for null; ValueError for another shape."""
    array = np.array([[np.nan if one is None else float(one) for one in row] for row in rows], dtype=float)
    array = array if len(array) else np.empty((0, width or 0))
    if (
        array.ndim != len(["rows", "columns"])
        or width not in (None, array.shape[1])
        or height not in (None, len(array))
    ):
        raise ValueError("not of the shape")
    return array


def _held(figure: Figure, table: Table) -> list[tuple[str, bool]]:
    teams, trend, correlation, scale = (figure.panels[name] for name in PANELS)
    return [
        (
            "data",
            _bars_right(teams, table)
            and _trend_right(trend, table)
            and _matrix_right(correlation, table)
            and _fit_right(scale, table),
        ),
        ("encoding", _is_encoded(teams, trend, correlation, scale, table)),
        ("labels", _is_labelled(teams, trend, correlation, scale, table)),
        (
            "legibility",
            _is_legible(figure.texts) and all(one.words["title"] for one in (teams, trend, correlation, scale)),
        ),
        ("render", _is_seen(figure.grey, teams, trend, scale)),
    ]


def _close(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Within one in a hundred, blanks where blanks belong."""
    return found.shape == wanted.shape and bool(np.allclose(found, wanted, rtol=NEAR, atol=1e-3, equal_nan=True))


def _medians(table: Table) -> dict[str, float]:
    """By team, the highest first."""
    found = {str(team): float(np.median(table["minutes"][table["team"] == team])) for team in set(table["team"])}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _bars_right(panel: Panel, table: Table) -> bool:
    """Each team's bar, wherever it stands, has the height of its median."""
    medians = _medians(table)
    if len(panel.bars) != len(medians):
        return False
    heights = {_name_at(panel, bar): bar[3] for bar in panel.bars}
    return heights.keys() == medians.keys() and all(
        _close(heights[name], np.array(one)) for name, one in medians.items()
    )


def _name_at(panel: Panel, bar: np.ndarray) -> str:
    """What is written under a bar."""
    named = [text for place, text in panel.ticks[0] if bar[0] <= place <= bar[0] + bar[2]]
    return named[0] if named else ""


def _daily(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days with a job as days since 1970, their means, and the mean of the means of the seven days up to each."""
    day = (table["day"] - EPOCH).astype(int)
    days = np.unique(day)
    means = np.array([table["minutes"][day == one].mean() for one in days])
    week = np.array([means[(days > one - 7) & (days <= one)].mean() for one in days])
    return days, means, week


def _trend_right(panel: Panel, table: Table) -> bool:
    """One line of the days, one of the weeks, and no more."""
    days, *series = _daily(table)
    lines = [line for line in panel.lines if line.shape[1] == len(days)]
    return len(panel.lines) == len(series) and all(
        any(_close(line, np.array([days, one])) for line in lines) for one in series
    )


def _matrix_right(panel: Panel, table: Table) -> bool:
    """Correlations below the diagonal, blanks on and above it and wherever a column never changes."""
    columns = np.array([table[name] for name in COLUMNS], dtype=float)
    changing = np.ptp(columns, axis=1) > 0
    wanted = np.full((len(COLUMNS), len(COLUMNS)), np.nan)
    wanted[np.ix_(changing, changing)] = np.corrcoef(columns[changing])
    wanted[np.triu_indices(len(COLUMNS))] = np.nan
    return panel.heat is not None and _close(panel.heat[0], wanted)


def _fit_right(panel: Panel, table: Table) -> bool:
    """A dot for each job with a size, and a line that is the fit at each of its points and from end to end."""
    sized = table["size_kb"] > 0
    size, minutes = table["size_kb"][sized], table["minutes"][sized]
    if panel.dots.shape != (len(size), 2) or not np.isfinite(panel.dots).all() or len(panel.lines) != 1:
        return False
    dots, wanted = (one[np.lexsort(one.T)] for one in (panel.dots, np.column_stack([size, minutes])))
    slope, level = np.polyfit(np.log10(size), minutes, 1)
    x, y = panel.lines[0]
    if not x.size or not (x > 0).all():
        return False
    ends = np.array([x.min(), x.max()])
    return (
        _close(dots, wanted)
        and _close(y, level + slope * np.log10(x))
        and _close(ends, np.array([size.min(), size.max()]))
    )


def _is_encoded(teams: Panel, trend: Panel, correlation: Panel, scale: Panel, table: Table) -> bool:
    order = [_name_at(teams, bar) for bar in teams.bars[np.argsort(teams.bars[:, 0])]]
    upright = not teams.bars[:, 1].any() and teams.limits[2] == 0 and teams.scales[1] == "linear"
    return (
        order == list(_medians(table))
        and upright
        and trend.scales == ["linear", "linear"]
        and scale.scales == ["log", "linear"]
        and correlation.limits[2] > correlation.limits[3]
        and _is_diverging(correlation)
    )


def _is_diverging(panel: Panel) -> bool:
    """Zero in the middle of a scale whose middle is the lightest or the darkest and whose ends differ in hue."""
    if panel.heat is None:
        return False
    _, (low, high), colours = panel.heat
    first, middle, last = colours @ [0.299, 0.587, 0.114]
    return (
        low < 0
        and low == -high
        and ((middle > max(first, last)) or (middle < min(first, last)))
        and bool(np.abs(colours[0] - colours[2]).max() > 0.3)
    )


def _is_labelled(teams: Panel, trend: Panel, correlation: Panel, scale: Panel, table: Table) -> bool:
    """Titles everywhere, axes with units, a legend, names in the order of the columns, and what was left out."""
    left_out = int((table["size_kb"] <= 0).sum())
    names = [[text for _, text in sorted(ticks)] for ticks in correlation.ticks]
    return (
        all(one.words["title"].strip() for one in (teams, trend, correlation, scale))
        and all("(min)" in one.words["y"] for one in (teams, trend, scale))
        and "(kB)" in scale.words["x"]
        and all(one.words["x"].strip() for one in (teams, trend))
        and len(set(trend.legend)) == len(trend.lines)
        and names == [list(COLUMNS)] * 2
        and f"{left_out} left out" in scale.words["title"]
    )


def _is_legible(texts: list[tuple[str, list[float]]]) -> bool:
    """Large enough, inside the figure, and none over another."""
    if not texts:
        return False
    boxes = np.array([box for _, box in texts])
    size, left, bottom, right, top = boxes.T
    if size.min() < SMALLEST or min(left.min(), bottom.min()) < 0:
        return False
    if right.max() > SIZE[0] * DPI or top.max() > SIZE[1] * DPI:
        return False
    wide = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    high = np.minimum(top[:, None], top) - np.maximum(bottom[:, None], bottom)
    over = (wide > 1) & (high > 1)
    return not over[~np.eye(len(boxes), dtype=bool)].any()


def _is_seen(grey: np.ndarray, teams: Panel, trend: Panel, scale: Panel) -> bool:
    """Marks are where the axes say they are, in a colour that is not the paper's, and not because all is ink."""
    middles = np.column_stack([teams.bars[:, 0] + teams.bars[:, 2] / 2, teams.bars[:, 1] + teams.bars[:, 3] / 2])
    marks = [(teams, middles), (scale, scale.dots), *((trend, line.T) for line in trend.lines)]
    return (
        len(marks) > len([teams, scale])
        and all(_shown(grey, *one) >= SEEN for one in marks)
        and all(0 < _ink(grey, one).mean() <= MOST_INK for one in (trend, scale))
    )


def _ink(grey: np.ndarray, panel: Panel) -> np.ndarray:
    """Which pixels of a panel are not paper, the lowest row first."""
    left, bottom, width, height = panel.place
    rows, columns = PIXELS
    part = grey[::-1][
        int(bottom * rows) : int((bottom + height) * rows), int(left * columns) : int((left + width) * columns)
    ]
    return np.abs(part - panel.face) > FAINT


def _shown(grey: np.ndarray, panel: Panel, points: np.ndarray) -> float:
    """Share of the points, in data coordinates, at or beside which there is ink."""
    ink = np.pad(_ink(grey, panel), 1)
    shares = []
    for axis in (0, 1):
        low, high = panel.limits[2 * axis : 2 * axis + 2]
        values = points[:, axis]
        if panel.scales[axis] == "log":
            low, high = np.log10(np.maximum([low, high], TINY))
            values = np.log10(np.maximum(values, TINY))
        shares.append((values - low) / ((high - low) or 1.0))
    across, up = (np.nan_to_num(one, nan=-1.0) for one in shares)
    inside = (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
    columns = 1 + np.clip(across * (ink.shape[1] - 2), 0, ink.shape[1] - 3).astype(int)
    rows = 1 + np.clip(up * (ink.shape[0] - 2), 0, ink.shape[0] - 3).astype(int)
    near = np.array(
        [ink[row - 1 : row + 2, column - 1 : column + 2].any() for row, column in zip(rows, columns, strict=True)]
    )
    return float(np.mean(near & inside)) if len(points) else 0.0
