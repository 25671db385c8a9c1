"""The ensemble on columns: all rows of a request go through a node at once."""

import numpy as np

UNKNOWN = -1


class Forest:
    def __init__(self, told):
        self.id = told["id"]
        self.base = told["base"]
        self.trees = told["trees"]
        self.kinds = {feature["name"]: feature["kind"] for feature in told["features"]}
        self.codes = {
            feature["name"]: {word: code for code, word in enumerate(feature["categories"])}
            for feature in told["features"]
            if feature["kind"] == "categorical"
        }

    def predict(self, rows):
        columns = {name: self.column(name, [row[name] for row in rows]) for name in self.kinds}
        scores = np.full(len(rows), float(self.base))
        for nodes in self.trees:
            self.add(nodes, 0, np.arange(len(rows)), columns, scores)
        power = np.exp(-np.abs(scores))
        chances = np.where(scores >= 0, 1.0, power) / (1 + power)
        return scores.tolist(), chances.tolist()

    def column(self, name, cells):
        if self.kinds[name] == "numeric":
            return np.array([np.nan if cell is None else float(cell) for cell in cells])
        codes = self.codes[name]
        return np.array([codes.get(cell, UNKNOWN) for cell in cells])

    def add(self, nodes, at, rows, columns, scores):
        """Add the leaves below a node to the scores of the rows that reach it."""
        if len(rows) == 0:
            return
        node = nodes[at]
        if "leaf" in node:
            scores[rows] += node["leaf"]
            return
        cells = columns[node["feature"]][rows]
        if "split" in node:
            missing, left = np.isnan(cells), cells <= node["split"]
        else:
            codes = self.codes[node["feature"]]
            missing, left = cells == UNKNOWN, np.isin(cells, [codes[word] for word in node["among"]])
        left = np.where(missing, node["missing"] == "left", left)
        self.add(nodes, node["left"], rows[left], columns, scores)
        self.add(nodes, node["right"], rows[~left], columns, scores)
