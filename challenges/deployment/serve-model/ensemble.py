"""Tree ensembles as the statement defines them: draws one and says what it predicts; knows neither rows nor HTTP."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

NUMERIC, CATEGORICAL = 5, 3
ROOTS = 3
"""Trees that ask for a feature first, for each feature: the first sends what is missing left, the second right."""
DEPTH = 4
FAR = 1e300
"""Only extreme numbers lie beyond this; the tree that asks for it pushes the score to where exp() overflows."""
PUSH = 1000.0
AWKWARD = ("NA", "null", "nan", "0", "Zürich", " left", "Left")
"""Words that a careless reader takes for something else; some are categories of every model, as the empty word is."""

Model = dict[str, Any]
Row = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Feature:
    """A column of the rows; `categories` is empty for numbers."""

    name: str
    categories: tuple[str, ...] = ()


def drawn(rng: np.random.Generator, words: list[str]) -> Model:
    """A model whose names are taken from `words`; its trees ask for every feature first at least three times."""
    names = _some(rng, words, NUMERIC + CATEGORICAL)
    features = [Feature(name) for name in names[:NUMERIC]]
    for name in names[NUMERIC:]:
        categories = [*_some(rng, words, 4), *_some(rng, list(AWKWARD), 2)]
        # The first category never goes where a missing value goes: so the empty word cannot be taken for one unnoticed.
        empty = [""] if name == names[-1] else []
        features.append(Feature(name, (*empty, *_some(rng, categories, len(categories)))))
    trees = [_tree(rng, features, root, turn) for root in features for turn in range(ROOTS)]
    trees += [[{"leaf": _leaf(rng)}], _far(rng, features[0])]
    return {
        "id": f"model-{rng.integers(16**8):08x}",
        "features": [_described(features[at]) for at in rng.permutation(len(features)).tolist()],
        "base": _leaf(rng),
        "trees": [trees[at] for at in rng.permutation(len(trees)).tolist()],
    }


def predict(model: Model, row: Row) -> tuple[float, float]:
    """The score and the probability of one row."""
    known = {feature["name"]: frozenset(feature.get("categories", ())) for feature in model["features"]}
    score = math.fsum([model["base"], *(_leaf_of(nodes, row, known) for nodes in model["trees"])])
    power = math.exp(-abs(score))  # never more than 1, so that it cannot overflow
    return score, (1 if score >= 0 else power) / (1 + power)


def _leaf_of(nodes: list[dict[str, Any]], row: Row, known: dict[str, frozenset[str]]) -> float:
    node = nodes[0]
    while "leaf" not in node:
        value, name = row[node["feature"]], node["feature"]
        if value is None or (isinstance(value, str) and value not in known[name]):
            way = node["missing"]
        elif isinstance(value, str):
            way = "left" if value in node["among"] else "right"
        else:
            way = "left" if value <= node["split"] else "right"
        node = nodes[node[way]]
    leaf: float = node["leaf"]
    return leaf


def _some(rng: np.random.Generator, words: list[str], count: int) -> list[str]:
    return [words[at] for at in rng.permutation(len(words))[:count].tolist()]


def _leaf(rng: np.random.Generator) -> float:
    return round(float(rng.uniform(-1, 1)), 6)


def _described(feature: Feature) -> dict[str, Any]:
    if not feature.categories:
        return {"name": feature.name, "kind": "numeric"}
    return {"name": feature.name, "kind": "categorical", "categories": list(feature.categories)}


def _tree(rng: np.random.Generator, features: list[Feature], root: Feature, turn: int) -> list[dict[str, Any]]:
    """Nodes in any order but for the root, which is the first; at least two levels deep."""
    nodes: list[dict[str, Any]] = []

    def grow(depth: int) -> int:
        at = len(nodes)
        if depth > 1 and (depth == DEPTH or rng.random() < 0.25):
            nodes.append({"leaf": _leaf(rng)})
            return at
        nodes.append({})
        feature = features[int(rng.integers(len(features)))] if depth else root
        nodes[at] = _split(rng, feature, turn if depth == 0 else 2)
        nodes[at] |= {"left": grow(depth + 1), "right": grow(depth + 1)}
        return at

    grow(0)
    places = [0, *(1 + rng.permutation(len(nodes) - 1)).tolist()]
    moved: list[dict[str, Any]] = [{} for _ in nodes]
    for old, node in enumerate(nodes):
        moved[places[old]] = node if "leaf" in node else node | {way: places[node[way]] for way in ("left", "right")}
    return moved


def _split(rng: np.random.Generator, feature: Feature, turn: int) -> dict[str, Any]:
    """Turn 0 sends what is missing left, turn 1 right, turn 2 anywhere."""
    missing = ("left", "right")[turn if turn < 2 else int(rng.integers(2))]
    if not feature.categories:
        # Whole numbers too, so that rows hit them with and without a decimal point; all digits otherwise.
        split = float(rng.integers(-9, 10)) if rng.random() < 0.4 else float(rng.normal(0, 8))
        return {"feature": feature.name, "split": split, "missing": missing}
    among = _some(rng, list(feature.categories[1:]), int(rng.integers(1, len(feature.categories) - 1)))
    if missing == "right":
        # So that taking an unknown word for the first category is wrong whichever way it should have gone.
        among.append(feature.categories[0])
    return {"feature": feature.name, "among": among, "missing": missing}


def _far(rng: np.random.Generator, feature: Feature) -> list[dict[str, Any]]:
    return [
        {"feature": feature.name, "split": -FAR, "missing": "right", "left": 3, "right": 1},
        {"feature": feature.name, "split": FAR, "missing": "left", "left": 2, "right": 4},
        {"leaf": _leaf(rng)},
        {"leaf": -PUSH},
        {"leaf": PUSH},
    ]
