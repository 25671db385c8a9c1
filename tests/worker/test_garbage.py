"""Right answers, spoilt: whatever comes back, no grader ends with judge_error, and none takes it for right.

A challenge that ships is covered as it is: its shortest right solution is graded once in real boxes, and the replies of
that grading are spoilt in every way that has a name and given to the same grader again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from challenges import kit
from challenges.loader import Challenge, Solution, builtin_root, load_all, solutions
from challenges.version import graded_files
from sandbox.containers import DockerSandbox
from sandbox.inside import frames, values
from sandbox.inside.frames import Frame
from tests.challenges.fake_attempt import grader_of
from tests.challenges.spoiling import WAYS, Asked, Way
from tests.worker import sampler
from tests.worker.conftest import SEEDS, Judged, judge_files
from tests.worker.playback import cases_for, submission
from tests.worker.recorded import Exchange, Recording, record, regraded
from worker import judge as worker_judge
from worker.grading import Grading

SHIPPED = {slug: load_all([builtin_root()])[slug] for slug in ("messy-orders", "churn-f1", "serve-model")}
"""One that is called, one that is run, one that is served; the quality gate spoils the answers to all."""
NAMES = (sampler.NAME, *SHIPPED)
HARMLESS: dict[str, dict[str, str]] = {
    "churn-f1": {
        "file: one byte less": "the byte is the last line end, which a table need not have",
        "file: no line end at the end": "a table need not have it",
        "file: CRLF": "the usual line end of CSV",
        "file: CR": "the csv module takes any line end",
        "file: rows in another order": "the statement says: in any order",
        "file: every cell quoted": "the same cells to everybody who reads CSV",
    },
}
"""What spoils nothing in the answers to one challenge, by way, with the reason."""

Recorded = Callable[[str], Recording]


def shortest(challenge: Challenge) -> Solution:
    """The shortest solution that is right in every group."""
    right = [one for one in solutions(challenge) if one.kind in ("accepted", "alternatives") and not one.must_fail]
    return min(right, key=lambda one: sum(map(len, one.files.values())))


@pytest.fixture(scope="module")
def recorded(sandbox: DockerSandbox, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """The grading of right answers to a challenge, made once."""
    made: dict[str, Recording] = {}

    def get(name: str) -> Recording:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            challenge = SHIPPED[name] if name in SHIPPED else sampler.sampler(folder)
            made[name] = record(sandbox, challenge, shortest(challenge).files, SEEDS[0], folder / "data")
        return made[name]

    return get


class Spoiler:
    """Replies as they were, but for the places where a way applies."""

    def __init__(self, recording: Recording, way: Way, *, every: bool) -> None:
        exchanges = recording.exchanges
        self._way = way
        self._every = every
        self._caps = caps(exchanges)
        places = range(len(exchanges)) if every else chosen(exchanges)
        self._places = {at for at in places if exchanges[at].question.kind == way.kind}
        self.changes = any(self(at, exchanges[at]) != exchanges[at].reply for at in self._places)
        """Whether any reply becomes another one."""

    def __call__(self, at: int, exchange: Exchange) -> Frame:
        if at not in self._places:
            return exchange.reply
        return self._way.spoil(exchange.reply, Asked(self._caps[at], self._every))


def caps(exchanges: tuple[Exchange, ...]) -> list[int]:
    """The most an answer may weigh, at every place."""
    found, cap = [], 0
    for one in exchanges:
        if one.question.kind == frames.GROUP:
            cap = json.loads(one.question.json)["cap"]
        found.append(cap)
    return found


def chosen(exchanges: tuple[Exchange, ...]) -> set[int]:
    """One place in each group of calls, that of the largest answer; and every question that is not a call."""
    places: set[int] = set()
    groups: list[list[int]] = [[]]
    for at, one in enumerate(exchanges):
        if one.question.kind == frames.ASK_CALL:
            groups[-1].append(at)
        else:
            places.add(at)
            groups.append([])
    sizes = [len(one.reply.json) + len(one.reply.raw) for one in exchanges]
    return places | {max(group, key=sizes.__getitem__) for group in groups if group}


def alone(recording: Recording, kind: int) -> bool:
    """Whether there is only one answer of this kind."""
    replies = [one.reply for one in recording.exchanges if one.question.kind == kind]
    return kind == frames.ASK_RUN and len(replies) == 1 and len(json.loads(replies[0].json)["files"]) == 1


def plays(recording: Recording, way: Way) -> Iterator[tuple[bool, Spoiler]]:
    """Whether every answer is spoilt, and how; nothing where that changes nothing."""
    for every in (True,) if alone(recording, way.kind) else way.where.value:
        spoiler = Spoiler(recording, way, every=every)
        if spoiler.changes:
            yield every, spoiler


def known_words(challenge: Challenge) -> set[str]:
    """What is public: the words of the kit and the judge, of the challenge's code and of its statement."""
    own = [*Path(kit.__file__).parent.glob("*.py"), Path(values.__file__), Path(worker_judge.__file__)]
    texts = [path.read_text() for path in (*own, *graded_files(challenge.folder))]
    return set(re.findall(r"\w+", " ".join((challenge.statement, *texts))))


def lines(recording: Recording) -> int:
    """Lines of the longest answer, with one or two to spare: a message may say at which it stopped reading."""
    return 2 + max(one.reply.raw.count(b"\n") for one in recording.exchanges)


def tells(message: str, known: set[str], most: int) -> list[str]:
    """Words of a message that are neither public nor a number of a line of what was handed in."""
    words = re.findall(r"\w+", message)
    return [one for one in words if one not in known and not (one.isdecimal() and int(one) <= most)]


def complaint(found: Judged, right: Judged, every: bool, harmless: str) -> str:
    """What is wrong with how spoilt answers were judged, if anything."""
    report, score = found.report, right.report.score
    assert score is not None
    if report.verdict == "judge_error":
        return found.detail
    if harmless:
        return "" if report.score == score else f"should not matter, because {harmless}: {report}"
    if report.verdict == "invalid_output":
        return ""
    shows = report.score is not None and report.score != score and report.score.points <= score.points
    right_verdict = report.verdict == "wrong_answer" or (report.verdict == "accepted" and not every)
    return "" if shows and right_verdict else str(report)


def as_it_was(_: int, exchange: Exchange) -> Frame:
    """The right answers."""
    return exchange.reply


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", NAMES)
def test_spoilt_answers_are_the_participants_fault(recorded: Recorded, name: str) -> None:
    """All of them, and one of a group among right ones, where a grader of a metric may still accept the rest."""
    recording = recorded(name)
    known, most = known_words(recording.challenge), lines(recording)
    complaints: list[str] = []
    with grader_of(recording.challenge) as grader:
        right = regraded(recording, grader, as_it_was)
        assert right.report.verdict == "accepted", right
        assert right.report == replace(recording.judged.report, resources=right.report.resources)
        for way in WAYS:
            harmless = way.harmless or HARMLESS.get(name, {}).get(way.name, "")
            for every, spoiler in plays(recording, way):
                found = regraded(recording, grader, spoiler)
                told = tells(found.report.message, known, most)
                wrong = f"tells {told}" if told else complaint(found, right, every, harmless)
                if wrong:
                    complaints.append(f"{way.name}{', everywhere' if every else ''}: {wrong}")
    assert not complaints, "\n".join(complaints)


def test_every_way_spoils_an_answer_and_every_exception_is_one(recorded: Recorded) -> None:
    """The same change to a file and to the body of a reply is one: no service that ships says true or false."""
    dead = {way.name.partition(": ")[2] or way.name for way in WAYS}
    for name in NAMES:
        for way in WAYS:
            change = way.name.partition(": ")[2] or way.name
            excepted = way.name in HARMLESS.get(name, {})
            if (change in dead or excepted) and next(plays(recorded(name), way), None):
                dead.discard(change)
            elif excepted:
                pytest.fail(f"{way.name} changes nothing in {name}")
        assert set(HARMLESS.get(name, {})) <= {way.name for way in WAYS}
    assert not dead


def test_words_that_only_hidden_data_hold_are_seen_in_messages(recorded: Recorded) -> None:
    """The control of `tells`: an id that only the grader and the submission know, and nothing that the kit says."""
    recording = recorded("churn-f1")
    known, most = known_words(recording.challenge), lines(recording)
    id = recording.exchanges[-1].reply.raw.split(b"\n")[1].split(b",")[0].decode()
    assert tells(f"predictions.csv does not hold {id}", known, most) == [id]
    assert tells(f"there are {most + 1} rows", known, most) == [str(most + 1)]
    assert tells(f"predictions.csv: line {most} is not valid CSV", known, most) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SHIPPED)
def test_right_answers_on_a_dishonest_wire(
    recorded: Recorded, grading: Grading, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """In real boxes. The grader asks what it asked before, so that each answer is right, as the accepted case shows."""
    recording = recorded(name)
    monkeypatch.setattr("worker.grading.attempt_key", lambda seed, files: recording.key)
    cases = cases_for(recording)
    assert "accepted" in {verdict for _, verdict in cases.values()}
    found = {}
    for case, (how, verdict) in cases.items():
        challenge = playing(recording.challenge, hurried=verdict == "time_limit")
        judged = judge_files(grading, challenge, recording.prepared, submission(recording, how))
        found[case] = judged.report.verdict.value
        assert not tells(judged.report.message, known_words(challenge), lines(recording)), judged
    assert found == {case: verdict for case, (_, verdict) in cases.items()}


def playing(challenge: Challenge, *, hurried: bool) -> Challenge:
    """The same without the modules that a playback does not need; with little time where its end is waited for."""
    limits = replace(challenge.limits, wall_seconds=3.0) if hurried else challenge.limits
    return replace(challenge, limits=limits, modules=())
