"""The program that compares sources, streamed into a box of its own: it may read strangers' files, and nothing else.

Input: input.json, {"suffix", "starter": [text], "sources": [{"group", "text"}]}. Output: pairs.json, a list of
[a, b, similarity of a, similarity of b, [[first line of a, last line of a, first line of b, last line of b], ...]], the
most similar first. Two of one group are not compared, and what the starter has is nobody's copy.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from copydetect import CodeFingerprint, compare_files  # type: ignore[import-not-found]

K, WINDOW = 25, 8
"""Tokens of a fingerprint, and how many of them one is kept of: what is shorter than K + WINDOW - 1 may be missed."""
LEAST = 0.3
MOST_PAIRS, MOST_REGIONS = 200, 50


def lines(text: str, first: int, last: int) -> tuple[int, int]:
    """The lines, from 1, of the characters from `first` to `last`."""
    return text.count("\n", 0, first) + 1, text.count("\n", 0, max(first, last - 1)) + 1


def regions(a: Any, b: Any, slices: Sequence[Any]) -> list[list[int]]:
    """The lines that two prints share, as far as they can be told side by side."""
    pairs = zip(zip(*slices[0], strict=True), zip(*slices[1], strict=True), strict=False)
    return [[*lines(a.raw_code, *one), *lines(b.raw_code, *two)] for one, two in pairs][:MOST_REGIONS]


def main() -> None:
    given = json.loads(Path("input.json").read_text("utf-8"))
    name = "x" + given["suffix"]
    plain = [CodeFingerprint(name, K, 1, fp=io.StringIO(text)) for text in given["starter"]]
    known = sorted({one for each in plain for one in each.hashes})
    prints = [
        CodeFingerprint(name, K, WINDOW, boilerplate=known, fp=io.StringIO(one["text"])) for one in given["sources"]
    ]
    found: list[Any] = []
    for n, a in enumerate(prints):
        for m in range(n + 1, len(prints)):
            b = prints[m]
            if given["sources"][n]["group"] == given["sources"][m]["group"] or a.hashes.isdisjoint(b.hashes):
                continue
            _, similarity, slices = compare_files(a, b)
            if max(similarity) >= LEAST:
                found.append([n, m, float(similarity[0]), float(similarity[1]), regions(a, b, slices)])
    found.sort(key=lambda pair: (-max(pair[2:4]), pair[:2]))
    Path("pairs.json").write_text(json.dumps(found[:MOST_PAIRS]), "utf-8")


if __name__ == "__main__":
    main()
