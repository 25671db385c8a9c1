"""Predict prices: R2 on sales whose prices never leave the grader, next year's mix of zones among them."""

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Score, metrics

TRAIN, PUBLIC, PRIVATE = 1_500, 1_500, 2_500
ZONES = ("harbour", "hill", "oldtown", "suburb")
NUMBERS = ("area_m2", "rooms", "distance_km", "age_years", "floor", "energy_kwh")
FEATURES = ("zone", *NUMBERS, "agent_estimate")
EVEN = (0.25, 0.25, 0.25, 0.25)
SHIFTED = (0.1, 0.2, 0.3, 0.4)


def generate(data: Data) -> None:
    """data.public/train.csv with prices and agents' estimates; data.hidden/test.csv with prices, public part first."""
    market = _Market(data.rng("market"))
    zones = data.rng("zones").permutation(4)

    def sales(name: str, count: int, mix: Sequence[float]) -> list[list[str]]:
        rng = data.rng(name)
        rows = market.drawn(rng, count, np.array(mix)[zones])
        prices = market.prices(rows, rng)
        guesses = prices * rng.normal(1, 0.02, count)
        return [
            [*row, f"{guess:.0f}", f"{price:.1f}"]
            for row, guess, price in zip(_written(rows, rng), guesses, prices, strict=True)
        ]

    train = sales("train", TRAIN, EVEN)
    ids = _ids("t", data.rng("train ids"), TRAIN)
    header = ("id", *FEATURES, "price")
    (data.public / "train.csv").write_bytes(_csv(header, ([key, *row] for key, row in zip(ids, train, strict=True))))
    hidden = sales("public part", PUBLIC, EVEN) + sales("private part", PRIVATE, SHIFTED)
    live = [[*row[:-2], "", row[-1]] for row in hidden]
    (data.hidden / "test.csv").write_bytes(_csv((*FEATURES, "price"), live))


def sample(attempt: Attempt, data: Data) -> Score:
    """The same with the last third of the public rows, prices and estimates apart, in place of the hidden ones."""
    header, *rows = _read((data.public / "train.csv").read_bytes())
    cut = len(rows) * 2 // 3
    said = _predicted(attempt, _csv(header, rows[:cut]), [[*row[:-2], ""] for row in rows[cut:]])
    guess = [said[row[0]] for row in rows[cut:]]
    r2 = metrics.r2([float(row[-1]) for row in rows[cut:]], guess)
    return Score.of(data.groups, {"r2": r2, "not-constant": len(set(guess)) > 1})


def grade(attempt: Attempt, data: Data) -> Score:
    """One run on the hidden rows, in an order and under ids of its own; judged by id."""
    hidden = _read((data.hidden / "test.csv").read_bytes())[1:]
    rng = attempt.rng("order")
    ids = _ids("s", rng, len(hidden))
    shuffled = [[ids[row], *hidden[row][:-1]] for row in rng.permutation(len(hidden))]
    said = _predicted(attempt, (data.public / "train.csv").read_bytes(), shuffled)
    truth = np.array([float(row[-1]) for row in hidden])
    guess = np.array([said[key] for key in ids])
    public, private = metrics.r2(truth[:PUBLIC], guess[:PUBLIC]), metrics.r2(truth[PUBLIC:], guess[PUBLIC:])
    varied = len(set(said.values())) > 1
    return Score.of(
        data.groups,
        {"r2": public, "not-constant": varied},
        {"r2": private, "not-constant": varied},
        metric=public,
        standard_error=metrics.r2_standard_error(truth[:PUBLIC], guess[:PUBLIC]),
    )


class _Market:
    """What makes a price: in each zone another rate per area and another loss by the logarithm of the distance."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rate = rng.permutation([1.2, 2.2, 3.8, 5.4]) * rng.uniform(0.95, 1.05, 4)
        self._base = 100 + rng.uniform(20, 80, 4)
        self._far = rng.uniform(25, 55) * rng.permutation([0.3, 0.8, 1.2, 1.7])
        self._age, self._floor = rng.uniform(0.3, 0.6), rng.uniform(2, 4)

    def drawn(self, rng: np.random.Generator, count: int, mix: np.ndarray) -> dict[str, np.ndarray]:
        area = np.clip(rng.lognormal(4.3, 0.35, count), 25, 250)
        age = rng.integers(0, 90, count)
        return {
            "zone": rng.choice(4, count, p=mix),
            "area_m2": area,
            "rooms": np.clip(np.round(area / 24 + rng.normal(0, 0.7, count)), 1, 9),
            "distance_km": np.exp(rng.uniform(np.log(0.2), np.log(25), count)),
            "age_years": age,
            "floor": rng.integers(0, 7, count),
            "energy_kwh": np.clip(rng.normal(90, 20, count) + 0.8 * age, 30, 250),
        }

    def prices(self, rows: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        zone = rows["zone"]
        price: np.ndarray = self._base[zone] + self._rate[zone] * rows["area_m2"]
        price -= (
            self._far[zone] * np.log(rows["distance_km"]) + self._age * rows["age_years"] + 0.1 * rows["energy_kwh"]
        )
        price += self._floor * rows["floor"]
        price += rng.normal(0, 16, len(price)) * np.sqrt(rows["area_m2"] / 80)
        return price.clip(min=10)


def _written(rows: dict[str, np.ndarray], rng: np.random.Generator) -> list[list[str]]:
    """Rows as the office wrote them: some areas in square decimetres, some fields left empty."""
    count = len(rows["zone"])
    area = np.where(rng.random(count) < 0.04, 100.0, 1.0) * rows["area_m2"]
    columns = [[f"{value:.6g}" for value in ({**rows, "area_m2": area})[name]] for name in NUMBERS]
    gaps = rng.random((len(NUMBERS), count)) < 0.03
    filled = [["" if gap else text for text, gap in zip(*one, strict=True)] for one in zip(columns, gaps, strict=True)]
    return [list(row) for row in zip([ZONES[zone] for zone in rows["zone"]], *filled, strict=True)]


def _predicted(attempt: Attempt, train: bytes, test: list[list[str]]) -> dict[str, float]:
    inputs = {"data/train.csv": train, "data/test.csv": _csv(("id", *FEATURES), test)}
    output = attempt.run(["python3", "solution.py"], inputs=inputs, outputs=["predictions.csv"])
    rows = output.rows("predictions.csv", ["id", "price"])
    said = {row["id"]: _price(row["price"]) for row in rows}
    if len(said) != len(rows):
        raise InvalidOutput("predictions.csv holds an id twice")
    if said.keys() != {row[0] for row in test}:
        raise InvalidOutput("predictions.csv must hold every id of data/test.csv and no other")
    return said


def _price(text: str) -> float:
    try:
        price = float(text)
    except ValueError:
        raise InvalidOutput("predictions.csv must hold a number for each price") from None
    if not np.isfinite(price):
        raise InvalidOutput("predictions.csv must hold finite prices")
    return price


def _ids(prefix: str, rng: np.random.Generator, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in rng.choice(np.arange(100_000, 1_000_000), count, replace=False)]


def _read(content: bytes) -> list[list[str]]:
    return list(csv.reader(content.decode().splitlines()))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()
