"""Point-in-time features against one look through the user's rows at a time; each group's tables hold one trap."""

from typing import NamedTuple

import numpy as np

from challenges.kit import Answers, Array, Attempt, Data, Score, close

SAME = close(rtol=1e-9, atol=1e-6)
COLUMNS = ("count", "count_7d", "amount_30d", "last_amount", "label_rate")
OF_EVENTS, OF_LABELS = slice(0, 4), slice(4, 5)
DAY = 24 * 60
SECONDS = 3.0
EVENTS, ROWS, USERS = 100_000, 30_000, 2_000
LOOKED_AT = 300
"""Rows of the long table that are compared."""


class Case(NamedTuple):
    """Events (user, happened_at, known_at, amount) and rows with labels (user, at, label), times in minutes."""

    events: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]


def generate(data: Data) -> None:
    """Public tables with their features. Hidden ones are drawn in `grade`."""
    events, labels = case = _sample(data)
    features = {name: column.round(6) for name, column in zip(COLUMNS, _expected(case).T, strict=True)}
    for name, table in (("events", events), ("labels", labels), ("features", features)):
        rows = [",".join(f"{value:.12g}" for value in row) for row in zip(*table.values(), strict=True)]
        (data.public / f"{name}.csv").write_text("\n".join([",".join(table), *rows]) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public tables: every group stands or falls with them."""
    case = _sample(data)
    right = SAME(_answers(attempt, case)[0], _expected(case))
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """A group compares the columns it is about; the long table comes last, under a cpu budget of its own."""
    rng = data.rng("hidden tables")
    found: dict[str, bool | float] = {}
    for name, (cases, columns) in _cases(rng).items():
        found[name] = all(SAME(_answers(attempt, case)[0][:, columns], _expected(case)[:, columns]) for case in cases)
    case = _shuffled(rng, _late(rng, _drawn(rng, EVENTS, ROWS, USERS)))
    quick = _answers(attempt, case, SECONDS)
    some = rng.integers(0, ROWS, LOOKED_AT)
    rows = Case(case.events, {**case.labels, "asked": some})
    found["speed"] = quick.complete and SAME(quick[0][some], _expected(rows))
    return Score.of(data.groups, found)


def _sample(data: Data) -> Case:
    return _past_only(_drawn(data.rng("sample"), 60, 12, 5))


def _cases(rng: np.random.Generator) -> dict[str, tuple[list[Case], slice]]:
    """Tables in the order of time, without equal times and without delay, but for the trap that a group is about."""
    plain = [_drawn(rng, *sizes) for sizes in ((300, 80, 12), (60, 40, 30))]
    empty = Case({name: column[:0] for name, column in plain[0].events.items()}, plain[0].labels)
    nothing = Case(plain[0].events, {name: column[:0] for name, column in plain[0].labels.items()})
    return {
        "values": ([*map(_past_only, plain), _past_only(empty), nothing], OF_EVENTS),
        "future": (plain, OF_EVENTS),
        "own-row": (plain, OF_LABELS),
        "ties": ([_tied(rng, case) for case in plain], slice(None)),
        "late": ([_late(rng, _drawn(rng, 400, 100, 6)) for _ in range(2)], OF_EVENTS),
        "order": ([_shuffled(rng, case) for case in plain], slice(None)),
    }


def _drawn(rng: np.random.Generator, events: int, rows: int, users: int) -> Case:
    """All times differ, also those of windows' ends: events are at odd minutes, questions at even ones."""
    names = rng.choice(10**6, users, replace=False) - 10**5
    span = max(90 * DAY, 2 * (events + rows))
    at = 2 * np.sort(rng.choice(span // 2, rows, replace=False))
    happened = 2 * np.sort(rng.choice(span // 2, events, replace=False)) + 1
    amount = np.round(rng.lognormal(3, 1, events) * rng.choice([1, 1, 1, -1], events), 2)
    return Case(
        {"user": rng.choice(names, events), "happened_at": happened, "known_at": happened.copy(), "amount": amount},
        {"user": rng.choice(names, rows), "at": at, "label": rng.integers(0, 2, rows)},
    )


def _past_only(case: Case) -> Case:
    """The same rows, asked within two days after all events."""
    later = 90 * DAY + 2 * np.arange(len(case.labels["at"]))
    return Case(case.events, {**case.labels, "at": later})


def _tied(rng: np.random.Generator, case: Case) -> Case:
    """Times in whole days, so that rows, events and the ends of windows fall on each other."""
    days = case.events["happened_at"] // DAY * DAY
    return Case(
        {**case.events, "happened_at": days, "known_at": days.copy()},
        {**case.labels, "at": case.labels["at"] // DAY * DAY},
    )


def _late(rng: np.random.Generator, case: Case) -> Case:
    """Most events are known at once, others up to three days later; still in the order in which they happened."""
    delay = (
        2
        * rng.integers(0, 3 * DAY // 2, len(case.events["known_at"]))
        * (rng.random(len(case.events["known_at"])) < 0.4)
    )
    return Case({**case.events, "known_at": case.events["happened_at"] + delay}, case.labels)


def _shuffled(rng: np.random.Generator, case: Case) -> Case:
    def mixed(table: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        order = rng.permutation(len(table["user"]))
        return {name: column[order] for name, column in table.items()}

    return Case(mixed(case.events), mixed(case.labels))


def _answers(attempt: Attempt, case: Case, cpu_seconds: float | None = None) -> Answers:
    returns = Array("float64", (len(case.labels["user"]), len(COLUMNS)), max_kb=2048)
    return attempt.call("features", [list(case)], returns=returns, cpu_seconds=cpu_seconds)


def _expected(case: Case) -> np.ndarray:
    """One row after the other, by the words of the statement; only rows `asked` for, if the table names some."""
    events, labels = case
    rows = labels.get("asked", np.arange(len(labels["user"])))
    out = np.empty((len(rows), len(COLUMNS)))
    for place, row in enumerate(rows):
        user, at = labels["user"][row], labels["at"][row]
        known = (events["user"] == user) & (events["known_at"] < at)
        happened = events["happened_at"]
        month = events["amount"][known & (happened >= at - 30 * DAY)]
        before = labels["label"][(labels["user"] == user) & (labels["at"] < at)]
        there = np.flatnonzero(known)
        latest = max(there, key=lambda one: (happened[one], events["known_at"][one], one), default=None)
        last = np.nan if latest is None else events["amount"][latest]
        rate = (before.sum() + 1) / (len(before) + 5)
        out[place] = known.sum(), (known & (happened >= at - 7 * DAY)).sum(), month.sum(), last, rate
    return out
