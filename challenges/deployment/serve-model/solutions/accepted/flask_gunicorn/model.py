"""The tree ensemble of model.json."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Callable

Value = float | str | None


@dataclass(frozen=True)
class Leaf:
    value: float


@dataclass(frozen=True)
class Split:
    feature: str
    goes_left: Callable[[Any], bool]
    left: Split | Leaf
    right: Split | Leaf

    def next(self, row: dict[str, Value]) -> Split | Leaf:
        return self.left if self.goes_left(row[self.feature]) else self.right


@dataclass(frozen=True)
class Model:
    id: str
    numeric: frozenset[str]
    categories: dict[str, frozenset[str]]
    base: float
    trees: list[Split | Leaf]

    @classmethod
    def read(cls, path: str) -> Model:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        features = told["features"]
        categories = {one["name"]: frozenset(one["categories"]) for one in features if one["kind"] == "categorical"}
        return cls(
            id=told["id"],
            numeric=frozenset(one["name"] for one in features if one["kind"] == "numeric"),
            categories=categories,
            base=told["base"],
            trees=[_grown(nodes, 0, categories) for nodes in told["trees"]],
        )

    def predict(self, row: dict[str, Value]) -> dict[str, float]:
        leaves = [self.base]
        for node in self.trees:
            while isinstance(node, Split):
                node = node.next(row)
            leaves.append(node.value)
        score = math.fsum(leaves)
        return {"score": score, "probability": _sigmoid(score)}


def _grown(nodes: list[dict[str, Any]], at: int, categories: dict[str, frozenset[str]]) -> Split | Leaf:
    node = nodes[at]
    if "leaf" in node:
        return Leaf(node["leaf"])
    missing_left = node["missing"] == "left"
    test = _among(frozenset(node["among"]), categories[node["feature"]], missing_left) if "among" in node else None
    return Split(
        feature=node["feature"],
        goes_left=test or _up_to(node["split"], missing_left),
        left=_grown(nodes, node["left"], categories),
        right=_grown(nodes, node["right"], categories),
    )


def _among(left: frozenset[str], known: frozenset[str], missing_left: bool) -> Callable[[Any], bool]:
    return lambda value: value in left if value in known else missing_left


def _up_to(split: float, missing_left: bool) -> Callable[[Any], bool]:
    return lambda value: missing_left if value is None else value <= split


def _sigmoid(score: float) -> float:
    if score >= 0:
        return 1 / (1 + math.exp(-score))
    power = math.exp(score)
    return power / (1 + power)
