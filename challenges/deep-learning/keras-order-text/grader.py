"""Sentences of a language nobody speaks: accuracy of the labels that a submission says, row by row."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from challenges.kit import Attempt, Data, InvalidOutput, Output, Score, metrics

TRAIN, PUBLIC, PRIVATE = 5_000, 1_000, 2_000
VOCABULARY = 60
SHORTEST, LONGEST = 10, 20
TURNS = 0.07
"""The chance of each place to be taken by a word that turns a sentence's meaning around."""
ONSETS, VOWELS = ("b", "d", "f", "g", "k", "l", "m", "n", "r", "s", "t", "v"), ("a", "e", "i", "o", "u")


def generate(data: Data) -> None:
    """data.public/train.csv with labels; data.hidden/test.csv, public part first."""
    words = _words(data.rng("words"))
    train = _sentences(data.rng("train"), words, TRAIN)
    (data.public / "train.csv").write_bytes(_csv(("text", "label"), train))
    test = _sentences(data.rng("test"), words, PUBLIC + PRIVATE)
    (data.hidden / "test.csv").write_bytes(_csv(("text", "label"), test))


def sample(attempt: Attempt, data: Data) -> Score:
    """The last quarter of the public sentences in place of the hidden ones."""
    header, *rows = _read(data.public / "train.csv")
    cut = TRAIN * 3 // 4
    said = _said(attempt, _csv(header, rows[:cut]), [text for text, _ in rows[cut:]])
    return Score.of(data.groups, _found(_labels(rows[cut:]), said))


def grade(attempt: Attempt, data: Data) -> Score:
    """One run; rows come in an order of the submission's own."""
    rows = _read(data.hidden / "test.csv")[1:]
    labels = _labels(rows)
    order = attempt.rng("order").permutation(len(rows))
    said = np.empty_like(labels)
    said[order] = _said(attempt, (data.public / "train.csv").read_bytes(), [rows[at][0] for at in order])
    public, private = slice(0, PUBLIC), slice(PUBLIC, None)
    return Score.of(
        data.groups,
        _found(labels[public], said[public]),
        _found(labels[private], said[private]),
        metric=metrics.accuracy(labels[public], said[public]),
        standard_error=metrics.accuracy_standard_error(labels[public], said[public]),
    )


def _words(rng: np.random.Generator) -> list[str]:
    """Words of two syllables, in an order that says which are special: the two that count, then two that turn."""
    syllables = [onset + vowel for onset in ONSETS for vowel in VOWELS]
    pairs = rng.choice(len(syllables) ** 2, VOCABULARY, replace=False)
    return [syllables[one // len(syllables)] + syllables[one % len(syllables)] for one in pairs]


def _sentences(rng: np.random.Generator, words: Sequence[str], count: int) -> list[tuple[str, str]]:
    """The label says which of the first two words comes first - and the other if something between them turns it round,
    an odd number of times. Nobody is told so."""
    made = []
    for _ in range(count):
        length = int(rng.integers(SHORTEST, LONGEST + 1))
        row = rng.integers(4, len(words), length)
        early, late = np.sort(rng.choice(length, 2, replace=False))
        turned = rng.random(length) < TURNS
        row[turned] = rng.integers(2, 4, int(turned.sum()))
        first = int(rng.integers(2))
        row[early], row[late] = first, 1 - first
        label = (first + int(turned[early + 1 : late].sum())) % 2
        made.append((" ".join(words[one] for one in row), str(label)))
    return made


def _labels(rows: Iterable[Sequence[str]]) -> np.ndarray:
    return np.array([int(label) for _, label in rows])


def _found(labels: np.ndarray, said: np.ndarray) -> dict[str, bool | float]:
    return {"accuracy": metrics.accuracy(labels, said), "not-constant": len(set(said.tolist())) == 2}


def _said(attempt: Attempt, train: bytes, texts: Sequence[str]) -> np.ndarray:
    inputs = {"data/train.csv": train, "data/test.csv": _csv(["text"], [[text] for text in texts])}
    output = attempt.run(["python3", "solution.py"], inputs=inputs, outputs=["predictions.csv"])
    return _predictions(output, len(texts))


def _predictions(output: Output, count: int) -> np.ndarray:
    rows = output.rows("predictions.csv", ["row", "label"])
    if [row["row"] for row in rows] != [str(number) for number in range(count)]:
        raise InvalidOutput("predictions.csv must have a line for each of data/test.csv, in order, rows from 0")
    if not {row["label"] for row in rows} <= {"0", "1"}:
        raise InvalidOutput("predictions.csv must say 0 or 1")
    return np.array([int(row["label"]) for row in rows])


def _read(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_bytes().decode().splitlines()))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()
