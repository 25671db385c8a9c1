"""Rows that fit a model, the edges among them, and requests that are well or badly formed; knows no service."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ensemble import AWKWARD, FAR, Model, Row

MAX_ROWS = 200
SYLLABLES = (
    "ba be bi bo bu da de di do du ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu ra re ri ro ru".split()
)


@dataclass(frozen=True)
class Fault:
    """A body that has to be refused, with the status and the code of the refusal."""

    body: bytes
    status: int
    code: str


def words(rng: np.random.Generator, count: int) -> list[str]:
    """Invented words, all different."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(SYLLABLES[at] for at in rng.integers(len(SYLLABLES), size=3))] = None
    return list(found)


def ordinary(model: Model, count: int, rng: np.random.Generator) -> list[Row]:
    """Rows without anything special: nothing is missing or unknown, and no number is a split."""
    splits = {feature["name"]: _splits(model, feature["name"]) for feature in model["features"]}
    return [
        {feature["name"]: _ordinary(feature, splits[feature["name"]], rng) for feature in model["features"]}
        for _ in range(count)
    ]


def edges(model: Model, rng: np.random.Generator) -> list[Row]:
    """Rows that are ordinary but for what the statement's fine print is about, in a random order."""
    numbers = [feature["name"] for feature in model["features"] if feature["kind"] == "numeric"]
    special: list[Row] = [{feature["name"]: None} for feature in model["features"]]
    special.append({feature["name"]: None for feature in model["features"]})
    special += [{feature["name"]: None for feature in model["features"] if rng.random() < 0.4} for _ in range(40)]
    for feature in model["features"]:
        special += [{feature["name"]: word} for word in _unknown(feature.get("categories", ()))]
    for name in numbers:
        for split in sorted(_splits(model, name)):
            around = (split, math.nextafter(split, -math.inf), math.nextafter(split, math.inf))
            special += [{name: value} for value in around]
            special += [{name: int(split)}] * (split.is_integer() and abs(split) < FAR)
        for size in (5e-324, 2.5e-310, 1e16, 2 * FAR, 1.7976931348623157e308):
            special += [{name: size}, {name: -size}]
        special += [{name: 0}, {name: -0.0}]
    # Every ordinary part is drawn anew, because a row is only telling where its other features lead to the split.
    rows = [row | change for row, change in zip(ordinary(model, len(special), rng), special, strict=True)]
    return [rows[at] for at in rng.permutation(len(rows)).tolist()]


def request(rows: Sequence[Row], rng: np.random.Generator) -> bytes:
    """The body of a good request: the keys of every row in any order, and white space and escapes as they come."""
    shuffled = [dict([list(row.items())[at] for at in rng.permutation(len(row)).tolist()]) for row in rows]
    indent = 1 if rng.random() < 0.2 else None
    return json.dumps({"rows": shuffled}, ensure_ascii=bool(rng.random() < 0.5), indent=indent).encode()


def faults(model: Model, rng: np.random.Generator) -> list[Fault]:
    """Bodies with exactly one fault each, at least two of every class."""
    rows = ordinary(model, 5, rng)
    good = json.dumps({"rows": rows})
    number = next(feature["name"] for feature in model["features"] if feature["kind"] == "numeric")
    word = next(feature["name"] for feature in model["features"] if feature["kind"] == "categorical")

    def changed(at: int, change: dict[str, Any], without: str = "") -> str:
        spoilt = [dict(row) for row in rows]
        spoilt[at].pop(without, None)
        return json.dumps({"rows": [*spoilt[:at], spoilt[at] | change, *spoilt[at + 1 :]]})

    first, last = 0, len(rows) - 1
    malformed = ["", "rows", good[:-1], good + "}", good.replace("]}", ",]}"), good.replace('"', "'")]
    hole = changed(last, {number: "@"})
    malformed += [hole.replace('"@"', literal) for literal in ("NaN", "Infinity", "-Infinity", "01", "1.", "+1")]
    shape: list[Any] = [None, 7, "rows", rows, {}, {"row": rows}, {"rows": rows[0]}, {"rows": None}, {"rows": "all"}]
    shape += [{"rows": rows, "model": "x"}, {"rows": [*rows, 1]}, {"rows": [None, *rows]}, {"rows": [*rows, []]}]
    no_numbers: list[Any] = ["1.5", "", True, False, [], [1], {}]
    no_words: list[Any] = [0, 1.5, True, [], ["x"], {}]
    wrong = [*((number, value) for value in no_numbers), *((word, value) for value in no_words)]
    found = [Fault(text.encode(), 400, "malformed_json") for text in malformed]
    found.append(Fault(changed(last, {word: "@"}).encode().replace(b"@", b"\xff"), 400, "malformed_json"))
    found += [Fault(json.dumps(value).encode(), 422, "bad_shape") for value in shape]
    found += [Fault(b'{"rows": []}', 422, "empty_batch"), Fault(b' {"rows" : [ ]}\n', 422, "empty_batch")]
    for size in (MAX_ROWS + 1, MAX_ROWS + 100):
        found.append(Fault(json.dumps({"rows": ordinary(model, size, rng)}).encode(), 413, "batch_too_large"))
    for at, name in ((first, number), (last, word), (last, number)):
        found.append(Fault(changed(at, {}, without=name).encode(), 422, "missing_field"))
    found.append(Fault(json.dumps({"rows": [*rows, {}]}).encode(), 422, "missing_field"))
    for at, extra in ((first, f"{number}2"), (last, f"{word} "), (last, number.upper())):
        found.append(Fault(changed(at, {extra: None if at else 1.0}).encode(), 422, "extra_field"))
    for at, (name, value) in enumerate(wrong):
        found.append(Fault(changed(last if at % 3 else first, {name: value}).encode(), 422, "wrong_type"))
    return [found[at] for at in rng.permutation(len(found)).tolist()]


def _ordinary(feature: dict[str, Any], splits: set[float], rng: np.random.Generator) -> float | int | str:
    if feature["kind"] == "categorical":
        categories: list[str] = feature["categories"]
        return categories[int(rng.integers(len(categories)))]
    value: float | int = round(float(rng.normal(0, 8)), 3)
    if rng.random() < 0.3:
        value = int(value)
    while value in splits:
        value += 1
    return value


def _splits(model: Model, name: str) -> set[float]:
    nodes = [node for tree in model["trees"] for node in tree if node.get("feature") == name]
    return {node["split"] for node in nodes if "split" in node}


def _unknown(categories: Sequence[str]) -> list[str]:
    """Words that are not among the categories, some of them nearly; none for a numeric feature."""
    near = [change(word) for word in categories for change in (str.upper, str.title, lambda text: f"{text} ")]
    far = ["", "Zurich", "None", "\u2028", "a\nb", "🙂", "\x00", *AWKWARD]
    return [word for word in dict.fromkeys([*near, *far]) if word not in categories] if categories else []
