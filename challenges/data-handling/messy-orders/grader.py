"""Clean an order export: one exact group per rule, with files that are messy in that rule's way only."""

import orders
import words

from challenges.kit import Attempt, Data, Score, Text

SIZES = (10, 40, 150, 700, 7000)
"""Lines per file of a group. What parts solutions in whole columns from those row by row, at a third of the limit."""
MESSES = {
    "dates": orders.Mess(dates=True),
    "amounts": orders.Mess(amounts=True),
    "duplicates": orders.Mess(duplicates=True),
    "missing": orders.Mess(missing=True),
    "outliers": orders.Mess(outliers=True),
    "text": orders.Mess(text=True),
    "schema-and-order": orders.Mess(layout=True),
}
SAMPLE = orders.Mess(dates=True, amounts=True, duplicates=True, missing=True, outliers=True, layout=True)
"""All but the rule on text, so that who trusts the sample alone has missed something."""
EMPTY = ("", ",".join(words.IN) + "\n")
"""Files without an order: nothing at all, and a header alone."""


def generate(data: Data) -> None:
    """One public sample, and the hidden files of every group with what they must become."""
    messy, clean = orders.make(SAMPLE, 60, data.rng("public sample"))
    (data.public / "sample.csv").write_bytes(messy.encode())
    (data.public / "sample.clean.csv").write_bytes(clean.encode())
    for group, mess in MESSES.items():
        rng = data.rng(f"hidden {group}")
        files = [orders.make(mess, size, rng) for size in SIZES]
        if group == "schema-and-order":
            files += [(text, ",".join(words.OUT) + "\n") for text in EMPTY]
        folder = data.hidden / group
        folder.mkdir()
        for number, (messy, clean) in enumerate(files):
            (folder / f"{number}.csv").write_bytes(messy.encode())
            (folder / f"{number}.clean.csv").write_bytes(clean.encode())


def sample(attempt: Attempt, data: Data) -> Score:
    """The public file alone: every group stands or falls with it."""
    messy, clean = ((data.public / name).read_bytes().decode() for name in ("sample.csv", "sample.clean.csv"))
    right = attempt.call("clean", [[messy]], returns=Text()).agree([clean])
    return Score.of(data.groups, dict.fromkeys(MESSES, right))


def grade(attempt: Attempt, data: Data) -> Score:
    """Asks for every file of every group; a group holds if each answer is the expected text."""
    found: dict[str, bool | float] = {}
    for group in MESSES:
        folder = data.hidden / group
        numbers = range(len(list(folder.iterdir())) // 2)
        cases = [[(folder / f"{number}.csv").read_bytes().decode()] for number in numbers]
        expected = [(folder / f"{number}.clean.csv").read_bytes().decode() for number in numbers]
        found[group] = attempt.call("clean", cases, returns=Text()).agree(expected)
    return Score.of(data.groups, found)
