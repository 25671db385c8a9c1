"""Turns the trees of a model into Python functions once, so that a prediction is a walk through conditions."""

import math


class Ensemble:
    def __init__(self, told, trees):
        self.id = told["id"]
        self.features = {
            one["name"]: frozenset(one["categories"]) if "categories" in one else None for one in told["features"]
        }
        self.base = told["base"]
        self.trees = trees

    def __call__(self, rows):
        return [self.one(row) for row in rows]

    def one(self, row):
        score = self.base + sum(tree(row) for tree in self.trees)
        return {"score": score, "probability": 0.5 * (1 + math.tanh(score / 2))}


def compiled(told):
    known = {one["name"]: frozenset(one.get("categories", ())) for one in told["features"]}
    return Ensemble(told, [_node(nodes, nodes[0], known) for nodes in told["trees"]])


def _node(nodes, node, known):
    if "leaf" in node:
        value = node["leaf"]
        return lambda row: value
    name, left, right = (
        node["feature"],
        _node(nodes, nodes[node["left"]], known),
        _node(nodes, nodes[node["right"]], known),
    )
    other = left if node["missing"] == "left" else right
    if "split" in node:
        split = node["split"]

        def numeric(row):
            value = row[name]
            if value is None:
                return other(row)
            return left(row) if value <= split else right(row)

        return numeric
    ways = dict.fromkeys(known[name], right) | dict.fromkeys(node["among"], left)
    return lambda row: ways.get(row[name], other)(row)
