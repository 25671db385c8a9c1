"""Forms for briefs nobody has seen: every field follows from the facts of a brief by the rules of the statement."""

import json
from typing import Any

import numpy as np

from challenges.kit import Array, Attempt, Data, Fields, Number, Score, Text, close

ROWS, BRIEFS = 240, 16
THINGS = (
    ("order", "the order comes back"),
    ("policy", "a claim is made"),
    ("machine", "a part fails"),
    ("visit", "the patient returns"),
    ("loan", "a payment is missed"),
)
EVENTS = ("opened", "checked", "confirmed", "sent", "received", "closed")
WORDS = ("amber", "birch", "cedar", "delta")
WHOLE = (83, 89, 97, 101, 103)
"""What acting costs when it was not needed and what it saves when it was, together: primes, so that no share ends
in a five that could be rounded both ways."""
CELL = 1e-9

Brief = dict[str, Any]
Form = dict[str, Any]


def generate(data: Data) -> None:
    """One public brief without a trap, and its form. Hidden ones are drawn in `grade`."""
    brief = _sample(data)
    told = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in _form(brief).items()}
    (data.public / "brief.json").write_text(_lines(brief))
    (data.public / "form.json").write_text(_lines(told))


def sample(attempt: Attempt, data: Data) -> Score:
    """The public brief."""
    return _judged(attempt, data, [_sample(data)])


def grade(attempt: Attempt, data: Data) -> Score:
    """A group holds if it holds for every brief."""
    rng = data.rng("hidden briefs")
    return _judged(attempt, data, [_drawn(rng, number) for number in range(BRIEFS)])


def _judged(attempt: Attempt, data: Data, briefs: list[Brief]) -> Score:
    found = {group.name: True for group in data.groups}
    for brief in briefs:
        columns, rows = len(brief["columns"]), len(brief["started"])
        returns = Fields(
            {
                "target": Array("int64", (rows,)),
                "usable": Array("bool", (columns,)),
                "threshold": Number(),
                "baseline": Number(),
                "split": Text(1),
                "approach": Text(1),
                "sentence": Text(1),
            }
        )
        said, form = attempt.call("frame", [[brief]], returns=returns)[0], _form(brief)
        found["target"] &= bool((said["target"] == form["target"]).all())
        found["leakage"] &= bool((said["usable"] == form["usable"]).all())
        near = close(atol=CELL)
        found["costs"] &= all(near(said[name], form[name]) for name in ("threshold", "baseline"))
        for name in ("split", "approach", "sentence"):
            found[name] &= said[name] == form[name]
    return Score.of(data.groups, {**found})


def _sample(data: Data) -> Brief:
    """A brief in which every window is over, nothing is written twice, and acting in time costs nothing more."""
    brief = _drawn(data.rng("sample"), 0, rows=12)
    brief["extracted"] = max(brief["started"]) + brief["within"] + 1
    brief["costs"] = {"missed": 90, "false_alarm": 7, "found_in_time": 0}
    for column in brief["columns"]:
        column["overwritten"] = False
    return brief


def _drawn(rng: np.random.Generator, number: int, rows: int = ROWS) -> Brief:
    """Which trap a brief holds depends on its number: all of them are in sixteen."""
    thing, outcome = THINGS[rng.integers(len(THINGS))]
    hours = np.cumsum([0, *rng.integers(2, 30, len(EVENTS) - 1)]).tolist()
    at = int(rng.integers(2, 4))
    decided = hours[at] + int(rng.integers(0, 3))
    within, extracted = int(rng.integers(10, 40)), 400
    started = rng.integers(extracted - 150, extracted - 2, rows)
    days = np.where(rng.random(rows) < 0.2, within, rng.integers(1, 3 * within, rows))
    happened = (rng.random(rows) < 0.5) & (started + days <= extracted)
    started[:7] = extracted - np.array([within, within - 1, within + 1, 2 * within, 2 * within, 2 * within, 1])
    days[3:7] = within, within + 1, 1, 1
    happened[:7] = False, False, False, True, True, False, True
    found = [int(day) if yes else None for day, yes in zip(days, happened, strict=True)]
    people = rng.integers(0, rows // 3, rows) if number % 4 < 2 else rng.permutation(rows)
    brief: Brief = {
        "thing": thing,
        "outcome": outcome,
        "decision": {"after": EVENTS[at], "hours": decided - hours[at]},
        "events": dict(zip(EVENTS, hours, strict=True)),
        "within": within,
        "extracted": extracted,
        "costs": _costs(rng),
        "serves": ("new", "known")[number % 2],
        "used": ("later", "now")[number // 4 % 2],
        "owner": [f"P{one}" for one in people],
        "started": started.tolist(),
        "happened_after": found,
        "columns": [],
    }
    target = _target(brief)
    brief["columns"] = _columns(
        rng, target, decided, hours, rule=("number", "word", "late", "gap", "again")[number % 5]
    )
    return brief


def _costs(rng: np.random.Generator) -> dict[str, int]:
    whole = int(rng.choice(WHOLE))
    alarm, kept = int(rng.integers(3, 60)), int(rng.integers(1, 30))
    return {"missed": whole - alarm + kept, "false_alarm": alarm, "found_in_time": kept}


def _columns(
    rng: np.random.Generator, target: np.ndarray, decided: int, hours: list[int], *, rule: str
) -> list[dict[str, Any]]:
    """Columns without a rule, known and not known in time, then one that tells all: in time, too late, with a gap, or
    written again."""
    rows = len(target)

    def column(name: str, kind: str, values: list[Any], known: int, *, overwritten: bool = False) -> dict[str, Any]:
        after = int(np.searchsorted(hours, known, side="right")) - 1
        place = int(rng.integers(0, after + 1))
        delay = known - hours[place]
        return {
            "name": name,
            "kind": kind,
            "after": EVENTS[place],
            "hours": delay,
            "overwritten": overwritten,
            "values": values,
        }

    def plain(kind: str) -> list[Any]:
        if kind == "number":
            return [round(float(one), 2) for one in rng.normal(50, 20, rows)]
        if kind == "key":
            return [f"K{one}" for one in rng.permutation(rows)]
        return [WORDS[one] for one in rng.integers(0, len(WORDS), rows)]

    def telling(kind: str) -> list[Any]:
        case = target == 1
        if kind == "number":
            up = 1 if rng.random() < 0.5 else -1
            far = np.where(case, 1, -1) * rng.uniform(0.01, 40, rows)
            return [round(float(one), 2) for one in 50 + up * far]
        which = np.where(case, rng.integers(0, 2, rows), rng.integers(2, 4, rows))
        return [WORDS[one] for one in which]

    early = [int(one) for one in rng.integers(0, decided, 4)]
    late = [int(one) for one in rng.integers(decided + 1, hours[-1] + 20, 3)]
    known = [decided - 1, decided, *early, *late]
    kinds = ["number", "word", "number", "word", "key", "number", "word", "number", "word"]
    made = [column(f"c{at}", kind, plain(kind), hour) for at, (kind, hour) in enumerate(zip(kinds, known, strict=True))]
    made.append(column("c9", "number", plain("number"), early[0], overwritten=True))
    for at in rng.integers(0, rows, 4):
        made[2]["values"][at] = None
    kind = str(rng.choice(["number", "word"])) if rule not in ("number", "word") else rule
    values = telling(kind)
    if rule == "gap":
        values[int(np.flatnonzero(target >= 0)[-1])] = None
    if rule in ("number", "word"):
        values[int(np.flatnonzero(target < 0)[-1])] = values[int(np.flatnonzero(target == 1)[0])]
    hour = decided if rule == "late" else decided - 1
    made.append(column("c10", kind, values, hour, overwritten=rule == "again"))
    return [made[at] for at in rng.permutation(len(made))]


def _form(brief: Brief) -> Form:
    """By the rules of the statement."""
    target = _target(brief)
    known = target >= 0
    share = float(np.mean(target[known] == 1))
    costs = brief["costs"]
    missed, alarm, kept = costs["missed"], costs["false_alarm"], costs["found_in_time"]
    threshold = alarm / (alarm + missed - kept)
    decided = brief["events"][brief["decision"]["after"]] + brief["decision"]["hours"]
    usable = [
        not column["overwritten"]
        and column["kind"] != "key"
        and brief["events"][column["after"]] + column["hours"] < decided
        for column in brief["columns"]
    ]
    ruled = any(good and _tells(column, target) for good, column in zip(usable, brief["columns"], strict=True))
    repeated = len(set(brief["owner"])) < len(brief["owner"])
    split = "group" if brief["serves"] == "new" and repeated else "time" if brief["used"] == "later" else "random"
    after, hours = brief["decision"]["after"], brief["decision"]["hours"]
    return {
        "target": target,
        "usable": np.array(usable),
        "threshold": threshold,
        "baseline": min(share * missed, share * kept + (1 - share) * alarm),
        "split": split,
        "approach": "rule" if ruled else "model",
        "sentence": f"For each {brief['thing']}, {hours} hours after it is {after}, say whether {brief['outcome']} "
        f"within {brief['within']} days; acting pays from a probability of {100 * threshold:.1f} % on.",
    }


def _target(brief: Brief) -> np.ndarray:
    said = []
    for started, after in zip(brief["started"], brief["happened_after"], strict=True):
        if after is not None:
            said.append(int(after <= brief["within"]))
        else:
            said.append(0 if started + brief["within"] <= brief["extracted"] else -1)
    return np.array(said)


def _tells(column: dict[str, Any], target: np.ndarray) -> bool:
    """Whether a cut or a set of words parts the known cases from the others."""
    values = [(value, label) for value, label in zip(column["values"], target.tolist(), strict=True) if label >= 0]
    if any(value is None for value, _ in values):
        return False
    yes, no = ({value for value, label in values if label == wanted} for wanted in (1, 0))
    if column["kind"] == "word":
        return not yes & no
    return bool(min(yes) > max(no) or max(yes) < min(no))


def _lines(value: dict[str, Any]) -> str:
    """JSON with a line for every field, and for every column."""
    parts = []
    for key, item in value.items():
        text = json.dumps(item)
        if key == "columns":
            text = "[\n    " + ",\n    ".join(json.dumps(one) for one in item) + "\n  ]"
        parts.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
