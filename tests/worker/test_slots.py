"""The slots against faults that are the operator's, with scripted gradings; real boxes are in test_process.py."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from api.store import judgings, submissions, sweep
from api.store.tables import Outcome as AttemptOutcome
from api.store.tables import State, Submission
from challenges.report import Report, Verdict
from sandbox.types import Abandoned, SandboxError, Unfit
from tests.databases import Databases
from tests.installation import Installation, wait_for
from tests.scripted import Ready, Scripted
from worker.graders import GraderFault
from worker.judge import Facts, GraderFailed, Outcome
from worker.metrics import GIVEN_BACK, WorkerMetrics
from worker.results import Result, Results
from worker.runtimes import Runtimes
from worker.slots import ENGINE, Slots

Act = Callable[[Callable[[], bool]], None]


class ScriptedGrading(Scripted):
    """Does what the script says, one act a grading."""

    def __init__(self, *script: Act) -> None:
        self.script = list(script)
        self.graded = 0

    def act(self, source: bytes, abandoned: Callable[[], bool]) -> None:
        self.graded += 1
        if self.script:
            self.script.pop(0)(abandoned)


def raises(error: BaseException) -> Act:
    def act(_: Callable[[], bool]) -> None:
        raise error

    return act


def until_abandoned(abandoned: Callable[[], bool]) -> None:
    """A run that goes on until nobody wants it."""
    end = time.monotonic() + 20
    while not abandoned():
        assert time.monotonic() < end, "nobody gave it up"
        time.sleep(0.01)
    raise Abandoned


@pytest.fixture
def at(tmp_path: Path, databases: Databases) -> Iterator[Installation]:
    found = Installation(tmp_path / "data", database_url=databases.new(), retry_base_seconds=0.01, max_attempts=4)
    yield found
    found.audit()
    found.store.close()


def make(at: Installation, grading: ScriptedGrading, preparer: Any = None, **more: Any) -> Slots:
    return Slots(
        name="w",
        settings=at.settings,
        store=at.store,
        uploads=at.blobs,
        challenges=more.get("challenges", at.challenges),
        grading=grading,  # type: ignore[arg-type]
        preparer=preparer or Ready(),  # type: ignore[arg-type]
        runtimes=more.get("runtimes", Runtimes({}, lambda _: "", None)),
        ring=more.get("ring", lambda: None),
        metrics=more.get("metrics"),
        on_unfit=more.get("on_unfit", lambda _: None),
        probe=more.get("probe", lambda _: None),
    )


def work_until_done(at: Installation, slots: Slots, submission: str) -> None:
    def done() -> bool:
        slots.work()
        return bool(at.verdicts(submission))

    wait_for(done, "a verdict")


@pytest.mark.fault("F02")
@pytest.mark.parametrize("where", ["claim", "renew", "sweep", "waiting"])
def test_a_thread_that_dies_of_what_nobody_foresaw_is_replaced(
    at: Installation, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    module = sweep if where == "sweep" else judgings
    real, died = getattr(module, where), threading.Event()

    def dies_once(*args: Any, **more: Any) -> Any:
        if not died.is_set():
            died.set()
            raise RuntimeError("nobody foresaw it")
        return real(*args, **more)

    lacking = Runtimes({"toy-call": at.challenges["toy-call"]}, images_that_come(died), None)
    slots = make(at, ScriptedGrading(), runtimes=lacking if where == "waiting" else Runtimes({}, lambda _: "", None))
    monkeypatch.setattr(module, where, dies_once)
    monkeypatch.setattr("worker.slots.AGAIN_SECONDS", 0.05)
    slots.start(lambda: False)
    try:
        wait_for(died.is_set, "the thread to die")
        time.sleep(3 * at.settings.renew_seconds)
        first, second = at.submit(), at.submit(challenge="toy-run")
        assert {at.wait(first), at.wait(second)} == {"accepted"}
        assert {len(at.attempts(one)) for one in (first, second)} <= {1, 2}
        names = {"_renew_forever", "_sweep_forever", "_equip"} | {
            f"poll-{n}" for n in range(at.settings.slots_in_force)
        }
        assert names <= {one.name for one in threading.enumerate()}, "all are there again"
    finally:
        slots.stop()


def images_that_come(when: threading.Event) -> Callable[[str], str]:
    """An image that is missing until then."""

    def image_of(_runtime: str) -> str:
        if not when.is_set():
            raise SandboxError("it has not been made")
        return "sha256:made"

    return image_of


@pytest.mark.parametrize(
    "error", [SandboxError("engine"), OSError("disk"), LookupError("x"), RuntimeError("nobody foresaw it")]
)
def test_an_operators_fault_is_tried_again_and_costs_no_strike(at: Installation, error: Exception) -> None:
    submission = at.submit()
    work_until_done(at, make(at, ScriptedGrading(raises(error), raises(error))), submission)
    assert [one.verdict for one in at.verdicts(submission)] == ["accepted"]
    assert (at.judging(submission).attempts, at.judging(submission).strikes) == (3, 0)


def test_after_too_many_attempts_it_is_a_judge_error(at: Installation) -> None:
    submission = at.submit()
    work_until_done(at, make(at, ScriptedGrading(*[raises(SandboxError("engine"))] * 9)), submission)
    assert [one.verdict for one in at.verdicts(submission)] == ["judge_error"]
    assert len(at.attempts(submission)) == 4


def test_a_challenge_or_an_upload_that_is_missing_here_is_the_operators(at: Installation) -> None:
    submission = at.submit()
    make(at, ScriptedGrading(), challenges={}).work()
    assert at.judging(submission).state is State.queued
    with at.store.read() as session:
        digest = session.exec(select(Submission.digest).where(Submission.id == submission)).one()
    whole = at.blobs.path(digest).read_bytes()
    for damage in (whole[:-10], b"", b"not an archive"):
        at.blobs.path(digest).write_bytes(damage)
        time.sleep(0.1)
        make(at, ScriptedGrading()).work()
        assert not [one for one in at.verdicts(submission) if one.verdict != "judge_error"]
        with pytest.raises(AssertionError, match=f"its files {digest} are missing or damaged"):
            at.audit()
    at.blobs.path(digest).write_bytes(whole)


def test_a_failing_generate_is_a_judge_error_at_once_and_tells_the_participant_nothing(at: Installation) -> None:
    submission = at.submit()
    make(at, ScriptedGrading(), Ready(GraderFault("secret of the author"))).work()
    (verdict,) = at.verdicts(submission)
    assert verdict.verdict == "judge_error"
    assert "secret" not in str(verdict.model_dump())
    assert "secret of the author" in str(at.attempts(submission)[0].model_dump())


def test_a_grader_that_fails_is_told_to_the_operator_only(at: Installation) -> None:
    class Failing(ScriptedGrading):
        def grade(self, *_: Any, **__: Any) -> tuple[Outcome, Facts]:
            return GraderFailed("secret traceback"), Facts()

    submission = at.submit()
    make(at, Failing()).work()
    (verdict,) = at.verdicts(submission)
    assert (verdict.verdict, "secret" in str(verdict.model_dump())) == ("judge_error", False)


@pytest.mark.fault("F12")
def test_work_that_lost_its_lease_is_given_up_and_writes_nothing(at: Installation) -> None:
    submission = at.submit()
    slots = make(at, ScriptedGrading(until_abandoned))
    slots.start(lambda: False)
    wait_for(lambda: at.judging(submission).state is State.running, "the claim")
    submissions.cancel(at.store, submission, owner=at.people["ada"], by=at.people["ada"])
    wait_for(lambda: not slots._held, "the slot to be free")
    slots.stop()
    assert at.verdicts(submission) == []
    assert at.judging(submission).state is State.cancelled


@pytest.mark.fault("F12")
def test_a_worker_that_cannot_renew_fences_itself_before_the_lease_ends(
    at: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> set[int]:
        raise OperationalError("renew", {}, Exception("the database does not answer"))

    submission = at.submit()
    slots = make(at, ScriptedGrading(until_abandoned))
    begin = time.monotonic()
    monkeypatch.setattr(judgings, "renew", unreachable)
    slots.work()
    assert 2 < time.monotonic() - begin < at.settings.lease_seconds
    outcomes = [one.outcome for one in at.attempts(submission)]
    assert outcomes == [AttemptOutcome.given_back, AttemptOutcome.committed]


@pytest.mark.fault("F12")
def test_a_stale_worker_that_comes_back_commits_nothing(at: Installation) -> None:
    """It was paused for longer than its lease; meanwhile another one judged."""
    submission = at.submit()
    other = make(at, ScriptedGrading())

    def paused(_: Callable[[], bool]) -> None:
        time.sleep(at.settings.lease_seconds + 0.2)
        sweep.sweep(at.store, retry_base_seconds=0.0, ring=lambda: None)
        work_until_done(at, other, submission)

    make(at, ScriptedGrading(paused)).work()
    assert len(at.verdicts(submission)) == 1
    outcomes = [one.outcome for one in at.attempts(submission)]
    assert outcomes == [AttemptOutcome.expired, AttemptOutcome.committed]


@pytest.mark.fault("F11")
def test_a_verdict_survives_a_database_that_is_away_for_a_moment(
    at: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = judgings.commit, [1, 2]

    def flaky(*args: Any, **kwargs: Any) -> bool:
        if failures:
            failures.pop()
            raise OperationalError("commit", {}, Exception("away"))
        return real(*args, **kwargs)

    monkeypatch.setattr(judgings, "commit", flaky)
    submission = at.submit()
    slots = make(at, ScriptedGrading())
    slots.work()
    assert [one.verdict for one in at.verdicts(submission)] == ["accepted"]
    assert len(at.attempts(submission)) == 1


def test_no_more_at_once_than_there_are_slots(at: Installation) -> None:
    for name in ("b", "c", "d", "e"):
        at.join(name)
    waiting = [at.submit(person=name) for name in at.people]
    inside, most, lock = 0, 0, threading.Lock()

    def busy(_: Callable[[], bool]) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.2)
        with lock:
            inside -= 1

    slots = make(at, ScriptedGrading(*[busy] * 5))
    threads = [threading.Thread(target=slots.work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
    assert all(len(at.verdicts(submission)) == 1 for submission in waiting)


def test_it_rings_when_more_is_runnable(at: Installation) -> None:
    at.join("bob")
    rings: list[int] = []
    at.submit()
    at.submit(person="bob")
    make(at, ScriptedGrading(), ring=lambda: rings.append(1)).work()
    assert rings == [1]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SandboxError("engine"), "engine"),
        (OSError("disk"), "storage"),
        (LookupError("x"), "challenge"),
        (OperationalError("select", {"secret": 1}, Exception("away")), "database"),
        (RuntimeError("a stranger's\nline"), "internal"),
    ],
)
def test_what_is_given_back_is_counted_by_its_reason_and_told_with_the_submission(
    at: Installation, error: Exception, reason: str
) -> None:
    submission, metrics = at.submit(), WorkerMetrics()
    slots = make(at, ScriptedGrading(*[raises(error)] * 9), metrics=metrics)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as told:
        work_until_done(at, slots, submission)
    count = metrics.registry.get_sample_value
    assert count("assay_given_back_total", {"reason": reason}) == 4
    assert count("assay_claims_total") == 4
    assert count("assay_verdicts_total", {"verdict": "judge_error"}) == 1
    assert count("assay_worker_slots_busy") == 0
    given_back = [line for line in told if line["event"] == "judging.given_back"]
    assert [line["ends"] for line in given_back] == ["queued"] * 3 + ["judge_error"]
    assert {(line["reason"], line["submission"]) for line in given_back} == {(reason, submission)}
    assert [line["attempt"] for line in given_back] == [1, 2, 3, 4]
    assert "secret" not in str(told)
    assert structlog.contextvars.get_contextvars() == {}, "the next judging of this thread carries its own"


def test_a_stale_commit_is_counted_and_told(at: Installation) -> None:
    submission, metrics = at.submit(), WorkerMetrics()

    def swept(_: Callable[[], bool]) -> None:
        time.sleep(at.settings.lease_seconds + 0.2)
        assert sweep.sweep(at.store, retry_base_seconds=0.0, ring=lambda: None).expired == 1
        slots.refuse()

    slots = make(at, ScriptedGrading(swept), metrics=metrics)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as told:
        slots.work()
    count = metrics.registry.get_sample_value
    assert count("assay_stale_commits_total") == 1
    assert sum(count("assay_given_back_total", {"reason": one}) or 0 for one in GIVEN_BACK) == 0
    events = [line["event"] for line in told if line.get("submission") == submission]
    assert events == ["judging.claimed", "judging.stage", "judging.expired", "judging.stale"]


def test_a_machine_that_is_unfit_claims_nothing_more_and_says_why(at: Installation) -> None:
    heard: list[str] = []
    slots = make(at, ScriptedGrading(raises(Unfit("a limit is not kept"))), on_unfit=lambda why: heard.append(str(why)))
    first, second = at.submit(), at.submit(challenge="toy-run")
    assert slots.work() == 1
    assert slots.stopping
    assert heard == ["a limit is not kept"]
    assert slots.work() == 0
    assert {at.judging(one).state for one in (first, second)} == {State.queued}
    assert sum(len(at.attempts(one)) for one in (first, second)) == 1
    work_until_done(at, make(at, ScriptedGrading()), first)
    assert at.judging(first).strikes == 0


@pytest.mark.fault("F03")
def test_while_the_engine_is_away_no_claim_is_spent_and_those_who_wait_are_told(at: Installation) -> None:
    away = threading.Event()
    probed = 0

    def probe(_: Callable[[], bool]) -> None:
        nonlocal probed
        probed += 1
        if away.is_set():
            raise SandboxError("no engine answers")

    def fails_while_away(_: Callable[[], bool]) -> None:
        if away.is_set():
            raise SandboxError("the engine went away")

    slots = make(at, ScriptedGrading(*[fails_while_away] * 9), probe=probe)
    away.set()
    submission = at.submit()
    slots.start(lambda: False)
    try:
        wait_for(lambda: probed >= 4, "several looks at the engine")
        spent = len(at.attempts(submission))
        assert 1 <= spent <= at.settings.slots_in_force, "those that found it out"
        told = partial(submissions.find, at.store, submission, owner=None)
        wait_for(lambda: ENGINE in str(told().held_reason), "those who wait to be told, with the next heartbeat")
        away.clear()
        assert at.wait(submission) == "accepted"
        assert (len(at.attempts(submission)), at.judging(submission).strikes) == (spent + 1, 0)
        seen = probed
        assert at.wait(at.submit()) == "accepted"
        assert probed == seen, "an engine that works is not asked again"
    finally:
        slots.stop()


def away(*_: Any, **__: Any) -> bool:
    raise OperationalError("commit", {}, Exception("away"))


def kept(at: Installation) -> list[Path]:
    return list((at.settings.data / "results").glob("*.json"))


@pytest.mark.fault("F11")
@pytest.mark.parametrize("late", [False, True], ids=["in time", "too late"])
def test_a_result_outlives_its_worker_while_the_database_is_away(
    at: Installation, monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    submission = at.submit()
    slots = make(at, ScriptedGrading())
    with monkeypatch.context() as patched:
        patched.setattr(judgings, "commit", away)
        thread = threading.Thread(target=slots.work)
        thread.start()
        wait_for(lambda: kept(at), "the result to be kept")
        assert [path.stat().st_mode & 0o777 for path in kept(at)] == [0o600], "it holds a score that is private"
        slots.refuse()
        thread.join()
    assert at.verdicts(submission) == []
    if late:
        time.sleep(at.settings.lease_seconds + 0.2)
        assert sweep.sweep(at.store, retry_base_seconds=0.0, ring=lambda: None).expired == 1
    again = ScriptedGrading()
    next_one = make(at, again)
    next_one.start(lambda: False)
    try:
        assert at.wait(submission) == "accepted"
        wait_for(lambda: not kept(at), "the result to be dropped")
    finally:
        next_one.stop()
    assert again.graded == int(late), "it is judged again only if that has begun already"
    assert len(at.attempts(submission)) == 1 + int(late)


@pytest.mark.fault("F11")
def test_a_result_waits_for_the_database_for_longer_than_its_lease(
    at: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = at.submit()
    slots = make(at, ScriptedGrading())
    with monkeypatch.context() as patched:
        patched.setattr(judgings, "commit", away)
        thread = threading.Thread(target=slots.work)
        thread.start()
        time.sleep(at.settings.lease_seconds + 1)
        assert thread.is_alive()
    thread.join(20)
    assert [one.verdict for one in at.verdicts(submission)] == ["accepted"]
    assert (len(at.attempts(submission)), kept(at)) == (1, [])


def test_a_kept_result_that_cannot_be_read_stops_nobody(at: Installation) -> None:
    folder = at.settings.data / "results"
    folder.mkdir()
    (folder / "1-1.json").write_text("{")
    submission = at.submit()
    slots = make(at, ScriptedGrading())
    slots.start(lambda: False)
    try:
        assert at.wait(submission) == "accepted"
        wait_for(lambda: not kept(at), "it to be removed")
    finally:
        slots.stop()


def test_a_kept_result_comes_back_as_it_was(at: Installation) -> None:
    at.submit()
    claim = judgings.claim(at.store, worker="w", lease_seconds=9)
    assert claim is not None
    words = Report(Verdict.runtime_error, message="Falscher Wert: \N{LATIN SMALL LETTER E WITH ACUTE}, \N{SNOWMAN}")
    result = Result(claim, words.as_json(), {"detail": "\N{SNOWMAN}"}, None)
    results = Results(at.settings.data / "results")
    results.keep(result)
    assert list(results.kept()) == [result]
