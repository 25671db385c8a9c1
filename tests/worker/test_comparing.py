"""Programs compared in a real box: a copy with other names is found, the starter is nobody's, and no answer is trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.store import comparisons
from api.store.comparisons import Source
from api.store.tables import ComparisonState
from sandbox.images.build import provide
from tests.installation import Installation, wait_for
from worker.comparing import RUNTIME, Unusable, read_pairs

ONE = """
def smooth(values, width):
    total = 0.0
    found = []
    for index, value in enumerate(values):
        total += value
        if index >= width:
            total -= values[index - width]
        found.append(total / min(index + 1, width))
    return found


def double(x):
    parts = smooth([x, x, x], 2)
    return 2 * x if parts else 0
"""
SAME = ONE
for old, new in (
    ("smooth", "mean"),
    ("values", "xs"),
    ("total", "s"),
    ("found", "out"),
    ("index", "i"),
    ("width", "k"),
):
    SAME = SAME.replace(old, new)
OTHER = """
import math


class Machine:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, number):
        try:
            return int(math.fsum([number] * self.factor))
        except OverflowError:
            return None


double = Machine(2)
"""


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Installation]:
    provide(RUNTIME, say=lambda _: None)
    found = Installation(tmp_path / "data", names=("ada", "bob", "eve", "mallory"))
    yield found
    found.store.close()


def test_a_renamed_copy_is_shown_with_its_lines_and_an_honest_program_is_not(at: Installation) -> None:
    ids = {who: at.submit(text, person=who) for who, text in (("ada", ONE), ("mallory", SAME), ("eve", OTHER))}
    at.submit("def double(x): return x * (", person="bob")  # no program at all: it is compared as it is
    made = comparisons.ask(at.store, at.slug, "toy-call", by=1)

    def done() -> bool:
        return comparisons.find(at.store, at.slug, made.id).state is not ComparisonState.open

    with at.worker():
        wait_for(done, "the comparison", seconds=90)
        assert at.wait(ids["ada"]) == "accepted"
    found = comparisons.find(at.store, at.slug, made.id)
    assert (found.state, found.compared) == (ComparisonState.done, 4)
    assert [{one.entry_a, one.entry_b} for one in found.pairs] == [{"ada", "mallory"}]
    pair = found.pairs[0]
    assert min(pair.similarity_a, pair.similarity_b) > 0.9
    assert pair.regions[0][:2] == pair.regions[0][2:], "the same lines"
    at.audit()


GOOD = [0, 1, 0.5, 0.25, [[1, 2, 3, 4]]]
SOURCES = [Source("a" * 22, 1, "d"), Source("b" * 22, 2, "d")]


@pytest.mark.parametrize(
    "said",
    [
        b"", b"{}", b"[1]", b"[[0,1,0.5]]", b"[" * 10000, b"\xff", b"NaN",
        *(
            json.dumps([one]).encode()
            for one in (
                [0, 0, *GOOD[2:]], [0, 2, *GOOD[2:]], [-1, 1, *GOOD[2:]], [0, True, *GOOD[2:]], ["0", 1, *GOOD[2:]],
                [0, 1, 1.5, 0.2, []], [0, 1, "x", 0.2, []], [0, 1, 0.5, 0.2, {}], [0, 1, 0.5, 0.2, [[1, 2, 3]]],
                [0, 1, 0.5, 0.2, [[1, 2, 3, "<script>"]]], [0, 1, 0.5, 0.2, [[0, 2, 3, 4]]],
                [0, 1, 0.5, 0.2, [[1, 2, 3, 4]] * 51],
            )
        ),
        json.dumps([GOOD] * 201).encode(),
    ],
)  # fmt: skip
def test_what_a_box_says_is_read_strictly(said: bytes) -> None:
    with pytest.raises(Unusable):
        read_pairs(said, SOURCES)


def test_what_is_well_said_is_believed_no_more_than_it_says() -> None:
    found: list[Any] = read_pairs(json.dumps([GOOD]).encode(), SOURCES)
    assert [(one.a, one.b, one.similarity_a, one.regions) for one in found] == [
        ("a" * 22, "b" * 22, 0.5, [[1, 2, 3, 4]])
    ]
