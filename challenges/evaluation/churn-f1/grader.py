"""Predict who leaves: F1 of the churners on rows whose labels never leave the grader."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import customers
import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Score, metrics

TRAIN, PUBLIC, PRIVATE = 4_000, 3_000, 7_000
FEATURES = (*customers.COLUMNS, "exit_survey")
SURVEY = ("price", "service", "moved away", "other")


def generate(data: Data) -> None:
    """data.public/train.csv with labels; data.hidden/test.csv with features and labels, public part first."""
    population = customers.Population.drawn(data.rng("population"))

    def rows(name: str, count: int) -> tuple[list[list[str]], list[bool]]:
        rng = data.rng(f"{name} rows")
        drawn = customers.draw(rng, count)
        return customers.written(drawn, rng), population.churn(drawn, data.rng(f"{name} labels")).tolist()

    train, left = rows("train", TRAIN)
    survey = data.rng("survey")
    answers = [str(survey.choice(SURVEY)) if gone and survey.random() < 0.95 else "" for gone in left]
    ids = _ids("t", data.rng("train ids"), TRAIN)
    table = [[key, *row, said, str(int(gone))] for key, row, said, gone in zip(ids, train, answers, left, strict=True)]
    (data.public / "train.csv").write_bytes(_csv(("id", *FEATURES, "churn"), table))
    test, leaving = rows("hidden", PUBLIC + PRIVATE)
    table = [[*row, "", str(int(gone))] for row, gone in zip(test, leaving, strict=True)]
    (data.hidden / "test.csv").write_bytes(_csv((*FEATURES, "churn"), table))


def sample(attempt: Attempt, data: Data) -> Score:
    """The same with the last quarter of the public rows, labels apart, in place of the hidden ones."""
    header, *rows = _read(data.public / "train.csv")
    cut = len(rows) * 3 // 4
    inputs = {
        "data/train.csv": _csv(header, rows[:cut]),
        "data/test.csv": _csv(header[:-1], (row[:-1] for row in rows[cut:])),
    }
    output = attempt.run(["python3", "solution.py"], inputs=inputs, outputs=["predictions.csv"])
    ids = [row[0] for row in rows[cut:]]
    said = _predictions(output.rows("predictions.csv", ["id", "churn"]), ids)
    counts = metrics.confusion([int(row[-1]) for row in rows[cut:]], [said[key] for key in ids])
    return Score.of(data.groups, {"f1": metrics.f1(counts), "not-constant": len(set(said.values())) == 2})


def grade(attempt: Attempt, data: Data) -> Score:
    """One run on the hidden rows, in an order and under ids of its own; judged by id."""
    hidden = _read(data.hidden / "test.csv")[1:]
    rng = attempt.rng("order")
    ids = _ids("c", rng, len(hidden))
    shuffled = [[ids[row], *hidden[row][:-1]] for row in rng.permutation(len(hidden))]
    inputs = {
        "data/train.csv": (data.public / "train.csv").read_bytes(),
        "data/test.csv": _csv(("id", *FEATURES), shuffled),
    }
    output = attempt.run(["python3", "solution.py"], inputs=inputs, outputs=["predictions.csv"])
    said = _predictions(output.rows("predictions.csv", ["id", "churn"]), ids)
    truth = np.array([int(row[-1]) for row in hidden])
    guess = np.array([said[key] for key in ids])
    public = metrics.confusion(truth[:PUBLIC], guess[:PUBLIC])
    private = metrics.confusion(truth[PUBLIC:], guess[PUBLIC:])
    varied = len(set(said.values())) == 2
    return Score.of(
        data.groups,
        {"f1": metrics.f1(public), "not-constant": varied},
        {"f1": metrics.f1(private), "not-constant": varied},
        metric=metrics.f1(public),
        standard_error=metrics.f1_standard_error(public),
    )


def _predictions(rows: list[dict[str, str]], ids: Sequence[str]) -> dict[str, int]:
    said = {row["id"]: row["churn"] for row in rows}
    if len(said) != len(rows):
        raise InvalidOutput("predictions.csv holds an id twice")
    if said.keys() != set(ids):
        raise InvalidOutput("predictions.csv must hold every id of data/test.csv and no other")
    if not set(said.values()) <= {"0", "1"}:
        raise InvalidOutput("predictions.csv must say 0 or 1 for churn, nothing else")
    return {key: int(value) for key, value in said.items()}


def _ids(prefix: str, rng: np.random.Generator, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in rng.choice(np.arange(100_000, 1_000_000), count, replace=False)]


def _read(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_bytes().decode().splitlines()))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()
