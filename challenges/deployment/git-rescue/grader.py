"""A history in need of rescue, and what is left of it when it was rescued: every right tree is known beforehand."""

from typing import Any, NamedTuple

import numpy as np
from history import Files, History

from challenges.kit import Attempt, Data, InvalidOutput, Score

SECRET = "deploy/key.pem"
START = 1_700_000_000
LINES = 24
WEIGHTS, ROWS = 24, 60
PEOPLE = ("Ada", "Emmy", "Kurt", "Sofia", "Srinivasa")
CHECK = '''"""Exit code 0 if the model is good enough, 1 if it is not, 125 if that cannot be told."""

import sys

try:
    weights = [int(line.split()[1]) for line in open("model/weights.txt")]
    rows = [[int(one) for one in line.split(",")] for line in open("model/rows.csv")]
except OSError:
    sys.exit(125)
right = sum((sum(w * x for w, x in zip(weights, row)) > 0) == row[-1] for row in rows)
print(f"accuracy: {right / len(rows):.2f}")
sys.exit(0 if right >= 0.8 * len(rows) else 1)
'''

Content = dict[str, list[str]]
"""Lines of every file by its name."""


class Story(NamedTuple):
    """What happened, and what is right: ids of commits and trees."""

    bundle: bytes
    tip: str
    culprit: str
    subject: str
    reverted: str
    merged: str
    base: str
    rewritten: list[tuple[str, ...]]
    secrets: set[str]
    release: str


def generate(data: Data) -> None:
    """One public history, and what is right for it. Hidden ones are drawn in `grade`."""
    story = _sample(data)
    (data.public / "repo.bundle").write_bytes(story.bundle)
    (data.public / "task.json").write_bytes(_task(story))


def sample(attempt: Attempt, data: Data) -> Score:
    """The public history."""
    return Score.of(data.groups, {**_judged(attempt, _sample(data))})


def grade(attempt: Attempt, data: Data) -> Score:
    """Two runs, on two histories."""
    rng = data.rng("hidden histories")
    found = [_judged(attempt, _told(rng, commits=45, gap=5, keys=2)) for _ in range(2)]
    return Score.of(data.groups, {name: all(one[name] for one in found) for name in found[0]})


def _sample(data: Data) -> Story:
    """A short one, in which every commit can be tested and the secret has one version."""
    return _told(data.rng("sample"), commits=14, gap=0, keys=1)


def _task(story: Story) -> bytes:
    return ('{"release": "' + story.release + '"}\n').encode()


def _judged(attempt: Attempt, story: Story) -> dict[str, bool]:
    output = attempt.run(
        ["python3", "solution.py"],
        inputs={"repo.bundle": story.bundle, "task.json": _task(story)},
        outputs=["result.bundle", "answer.json"],
    )
    answer = output.json("answer.json")
    if not isinstance(answer, dict) or answer.keys() != {"culprit"} or not isinstance(answer["culprit"], str):
        raise InvalidOutput('answer.json must be {"culprit": "<id of a commit>"}')
    bundle = {"result.bundle": output.bytes("result.bundle")}
    told = attempt.inspect("read_history.py", inputs=bundle, outputs=["result.json"]).json("result.json")
    if not _is_told(told):
        raise InvalidOutput("the bundle cannot be read")
    return {"culprit": answer["culprit"] == story.culprit, **_rescued(story, **told)}


def _is_told(told: Any) -> bool:
    """Whether the tool says what it should, which a bundle that has got hold of it need not do."""
    if not isinstance(told, dict) or told.keys() != {"refs", "commits", "objects"}:
        return False
    return (
        isinstance(told["objects"], list)
        and all(isinstance(told[name], dict) for name in ("refs", "commits"))
        and all(_is_texts(one, 4) for one in told["refs"].values())
        and all(_is_texts(one, 5) for one in told["commits"].values())
        and _is_texts(told["objects"], len(told["objects"]))
    )


def _is_texts(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(isinstance(one, str) for one in value)


def _rescued(
    story: Story, refs: dict[str, list[str]], commits: dict[str, list[str]], objects: list[str]
) -> dict[str, bool]:
    none = [""] * 5
    branches = {name: refs.get(f"refs/heads/{name}", none) for name in ("main", "feature")}
    main, feature = (one[1] for one in branches.values())
    kind, _, tagged, message = refs.get("refs/tags/v1.2.1", none)[:4]
    line = _line(commits, main)
    grown = line[: line.index(story.tip)] if story.tip in line else []
    revert = commits[grown[-1]] if grown else none
    merge = commits.get(main, none)
    new = [commits[key] for key in _line(commits, feature, story.base)][::-1]
    return {
        "bundle-valid": bool(main and feature and kind),
        "history-kept": bool(grown),
        "revert": revert[:2] == [story.reverted, story.tip],
        "merge": merge[0] == story.merged and merge[1].split() == [*grown[1:2], feature],
        "secret-gone": bool(objects)
        and not story.secrets & set(objects)
        and _without_empty(new, commits.get(story.base, none)[0]) == story.rewritten,
        "tag-and-messages": (kind, tagged, message) == ("tag", main, story.release)
        and revert[4] == f'Revert "{story.subject}"'
        and merge[4] == "Merge branch 'feature'",
    }


def _line(commits: dict[str, list[str]], tip: str, end: str = "") -> list[str]:
    """First parents from the tip on, to the first commit or the one before `end`."""
    line: list[str] = []
    while tip in commits and tip != end and len(line) < len(commits):
        line.append(tip)
        tip = commits[tip][1].split(" ")[0]
    return line


def _without_empty(line: list[list[str]], tree: str) -> list[tuple[str, ...]]:
    """(tree, author, time, subject) of the commits that change something."""
    said = []
    for one in line:
        if one[0] != tree:
            said.append((one[0], *one[2:]))
        tree = one[0]
    return said


def _told(rng: np.random.Generator, *, commits: int, gap: int, keys: int) -> Story:
    """Main goes on after feature has parted from it. What comes after the culprit keeps away from its lines, so that it
    can be taken back without a conflict; the `gap` commits in the middle, where a search begins, cannot be tested."""
    history, clock = History(), START
    content, bad = _first(rng)
    culprit = int(rng.integers(commits * 2 // 3, commits - 4))
    unclear = range((commits - gap) // 2, (commits + gap) // 2)
    parted = int(rng.choice([at for at in range(2, commits - 5) if at != culprit and at not in unclear]))
    key, line, theirs, subject = "", [], content, ""
    for at in range(commits):
        clock += int(rng.integers(60, 9000))
        what, files = f"Tune weight {at}", content
        if at == culprit:
            what = subject = f"Simplify the features of step {at}"
            spot, was = bad, content["model/weights.txt"][bad]
            name, weight = was.split()
            content["model/weights.txt"][bad] = f"{name} {-int(weight)}"
        elif at == commits - 1 or (at > parted and at % 3 == 0):
            what = f"Settings of run {at}"
            _change(content, "main", at)
        elif at:
            one = int(rng.choice([one for one in range(WEIGHTS) if abs(one - bad) > 3]))
            name, weight = content["model/weights.txt"][one].split()
            content["model/weights.txt"][one] = f"{name} {int(weight) + int(rng.integers(1, 3))}"
        if at in unclear:
            what, files = (
                f"Move the model {at}",
                {name: text for name, text in content.items() if name != "model/rows.csv"},
            )
        key = history.commit(_files(files), [key] if key else [], str(rng.choice(PEOPLE)), clock, what)
        line.append(key)
        if at == parted:
            theirs = {name: list(text) for name, text in content.items()}
    base = {name: list(text) for name, text in theirs.items()}
    right = {name: list(text) for name, text in content.items()}
    right["model/weights.txt"][spot] = was
    old, secrets, rewritten = _feature(rng, history, theirs, line[parted], clock, keys)
    apart = History()
    merged = apart.tree(_files(_merged(base, right, theirs)))
    release = f"Release {rng.integers(100, 999)}: without step {culprit}"
    refs = {"refs/heads/main": key, "refs/heads/feature": old}
    return Story(
        history.bundle(refs),
        key,
        line[culprit],
        subject,
        apart.tree(_files(right)),
        merged,
        line[parted],
        rewritten,
        secrets,
        release,
    )


def _first(rng: np.random.Generator) -> tuple[Content, int]:
    """The first files, and the line of the weight that the model cannot do without."""
    bad = int(rng.integers(0, WEIGHTS))
    weights = rng.integers(1, 6, WEIGHTS) * rng.choice([-1, 1], WEIGHTS)
    weights[bad] *= 40
    rows = rng.integers(-9, 10, (ROWS, WEIGHTS))
    rows[:, bad] = rng.choice([-1, 1], ROWS) * rng.integers(5, 10, ROWS)
    labels = (rows @ weights > 0).astype(int)
    numbers = rng.integers(5, 40, (2, LINES))
    return {
        "check.py": CHECK.split("\n")[:-1],
        "model/weights.txt": [f"w{at} {one}" for at, one in enumerate(weights)],
        "model/rows.csv": [",".join(map(str, [*row, label])) for row, label in zip(rows, labels, strict=True)],
        "settings.txt": [f"setting{at} = {one}" for at, one in enumerate(numbers[0])],
        "limits.txt": [f"limit{at} = {one}" for at, one in enumerate(numbers[1])],
        "CHANGES.md": ["# Changes", "", "* First model"],
    }, bad


BOTH, MINE, YOURS = (4, 12), 20, 8
"""Lines of settings and limits that both sides change, main alone, and feature alone."""


def _change(content: Content, side: str, at: int) -> None:
    """A change of one side: its own line, the common ones and the list of changes."""
    for name in ("settings.txt", "limits.txt"):
        for place in (*BOTH, MINE if side == "main" else YOURS):
            setting = content[name][place].split(" = ")[0]
            number = 40 + at + (60 if (place == BOTH[0]) == (side == "main") else 0) if place in BOTH else at % 4
            content[name][place] = f"{setting} = {number}"
    content["CHANGES.md"].append(f"* {side}, step {at}")


def _feature(
    rng: np.random.Generator, history: History, content: Content, parent: str, clock: int, keys: int
) -> tuple[str, set[str], list[tuple[str, ...]]]:
    """The tip of feature, the ids of its secrets, and its commits without them; `content` becomes the tip's."""
    apart, secrets = History(), set()
    rewritten: list[tuple[str, ...]] = []
    secret: dict[str, list[str]] = {}
    for at in range(12):
        clock += int(rng.integers(60, 9000))
        who, what = str(rng.choice(PEOPLE)), f"Part {at} of the feature"
        if at in (3, 6)[:keys]:
            lines = ["-----BEGIN KEY-----", *(rng.bytes(30).hex() for _ in range(20)), "-----END KEY-----"]
            secret, what = {SECRET: lines}, f"Deploy part {at}"
            secrets.add(apart.blob(_text(lines)))
        if at == 9:
            secret, what = {}, "Remove the key"
        elif at in (5, 10):
            _change(content, "feature", at)
        elif at != 6:  # there, a key is changed and nothing else
            content[f"parts/part{at}.txt"] = [f"{one}" for one in rng.integers(0, 1000, 6)]
        before = rewritten[-1][0] if rewritten else ""
        tree = apart.tree(_files(content))
        if tree != before:
            rewritten.append((tree, who, str(clock), what))
        parent = history.commit(_files({**content, **secret}), [parent], who, clock, what)
    return parent, secrets, rewritten


def _merged(base: Content, main: Content, feature: Content) -> Content:
    """By the rules of the statement."""
    both = {name: list(lines) for name, lines in {**feature, **main}.items()}
    for name, larger in (("settings.txt", True), ("limits.txt", False)):
        for place in (*BOTH, YOURS):
            mine, yours = main[name][place], feature[name][place]
            if place == YOURS or (larger and int(yours.split()[2]) > int(mine.split()[2])):
                both[name][place] = yours
    more = feature["CHANGES.md"][len(base["CHANGES.md"]) :]
    return {**both, "CHANGES.md": [*main["CHANGES.md"], *more]}


def _files(content: Content) -> Files:
    return {name: _text(lines) for name, lines in content.items()}


def _text(lines: list[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
