"""What must be true of an installation at any moment, checked from nothing; changes no row and knows no engine.

The numbers are those of docs/operations.md. Every check is a query of its own over one snapshot, and says what it found
in words an operator can act on. I4 (nothing left behind) and I7 (the api answers) are not about rows: `cli.audit` adds
them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, or_, select

from api.store import judgings, standings, turns, workers
from api.store.database import Store
from api.store.tables import (
    Attempt,
    Audience,
    ChallengeBuild,
    Event,
    Judging,
    Outcome,
    State,
    Submission,
    VerdictRow,
)
from challenges.report import Verdict

STILL_SECONDS = 60.0
"""Work that could go on has to go on within so long."""
MOST = 20
"""Breaches of one invariant that are told; the rest is counted."""

MOVES = {
    None: {State.queued},
    State.queued: {State.running, State.cancelled, State.queued},
    State.running: {State.running, State.queued, State.done, State.cancelled},
    State.done: set[State](),
    State.cancelled: set[State](),
}
"""From which state of a submission which others may follow; None is before it was received."""


@dataclass(frozen=True)
class Breach:
    """One thing that must not be: the invariant, what it is about, and what is wrong with it."""

    invariant: str
    subject: str
    what: str


TITLES = {
    "I1": "every receipt has its submission and whole files",
    "I2": "one verdict for what is done, none for what is not",
    "I3": "verdicts come from a judging's last attempt",
    "I5": "a failure of the judge costs nobody anything",
    "I6": "boards are what the verdicts give",
    "I8": "states move along the diagram",
    "I9": "the time of receipt is kept",
    "I10": "what can go on goes on",
}


Intact = Callable[[str], bool]
"""Whether the files of a digest are there and whole."""


def audit(store: Store, intact: Intact, hidden_intact: Intact | None) -> dict[str, list[Breach]]:
    """All breaches by invariant, over one snapshot.

    `intact` is asked about submissions and public data, `hidden_intact` about hidden data: None if it is not at hand.

    Takes time and memory in proportion to the submissions; runs beside a working judge.
    """
    with store.read() as session:
        now = store.now(session)
        found = {
            "I1": list(_received(session, intact, hidden_intact)),
            "I2": list(_judged_once(session)),
            "I3": list(_fenced(session)),
            "I5": list(_free_of_charge(session)),
            "I6": [Breach("I6", "board", line) for line in standings.differences_in(session)],
            "I8": list(_moved_rightly(session)),
            "I9": list(_times_kept(session)),
            "I10": list(_going_on(session, now)),
        }
    assert found.keys() == TITLES.keys()
    return found


def _received(session: Session, intact: Intact, hidden_intact: Intact | None) -> Iterator[Breach]:
    whole: dict[str, bool] = {}
    for submission in session.exec(select(Submission).order_by(col(Submission.received_at))):
        receipt = submission.receipt
        if receipt.get("id") != submission.id or receipt.get("digest") != submission.digest:
            yield Breach("I1", submission.id, "its receipt is about something else")
        if submission.erased_at is not None:
            continue
        if submission.digest not in whole:
            whole[submission.digest] = intact(submission.digest)
        if not whole[submission.digest]:
            yield Breach("I1", submission.id, f"its files {submission.digest} are missing or damaged")
    for build in session.exec(select(ChallengeBuild)):
        if not intact(build.public_digest):
            yield Breach("I1", build.challenge, f"its public data {build.public_digest} are missing or damaged")
        if hidden_intact is not None and not hidden_intact(build.hidden_digest):
            yield Breach("I1", build.challenge, f"its hidden data {build.hidden_digest} are missing or damaged")


def _judged_once(session: Session) -> Iterator[Breach]:
    effective = (
        select(Submission.id, func.count(col(Judging.id)))
        .outerjoin(Judging, (col(Judging.submission_id) == Submission.id) & col(Judging.effective))
        .group_by(col(Submission.id))
        .having(func.count(col(Judging.id)) != 1)
    )
    for submission_id, count in session.exec(effective):
        yield Breach("I2", submission_id, f"has {count} judgings that count, not one")
    verdicts = (
        select(VerdictRow.judging_id, func.count().label("count")).group_by(col(VerdictRow.judging_id)).subquery()
    )
    many = func.coalesce(verdicts.c.count, 0)
    wrong = (
        select(Judging, many)
        .outerjoin(verdicts, verdicts.c.judging_id == Judging.id)
        .where(or_((col(Judging.state) == State.done) & (many != 1), (col(Judging.state) != State.done) & (many != 0)))
    )
    for judging, count in session.exec(wrong):
        yield Breach("I2", judging.submission_id, f"is {judging.state.value} and has {count} verdicts")
    told = (
        select(Event.submission_id)
        .where(Event.audience == Audience.operator, Event.kind == "judge_error")
        .scalar_subquery()
    )
    untold = (
        select(Judging.submission_id)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(VerdictRow.verdict == Verdict.judge_error.value, col(Judging.submission_id).not_in(told))
    )
    for submission_id in session.exec(untold):
        yield Breach("I2", submission_id, "ended with judge_error, and no operator was told")


def _fenced(session: Session) -> Iterator[Breach]:
    stale = (
        select(Judging, VerdictRow.epoch)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(col(VerdictRow.epoch) != col(Judging.epoch))
    )
    for judging, epoch in session.exec(stale):
        yield Breach("I3", judging.submission_id, f"its verdict is of epoch {epoch}, the judging is at {judging.epoch}")
    attempts = select(Judging, Attempt).join(Attempt, col(Attempt.judging_id) == Judging.id)
    for judging, attempt in session.exec(attempts.where(col(Attempt.epoch) > col(Judging.epoch))):
        yield Breach("I3", judging.submission_id, f"attempt {attempt.epoch} is later than the judging itself")
    mine = (col(Judging.state) == State.running) & (col(Attempt.epoch) == col(Judging.epoch))
    for judging, attempt in session.exec(attempts.where(col(Attempt.outcome).is_(None), ~mine)):
        yield Breach("I3", judging.submission_id, f"attempt {attempt.epoch} has no end, though nothing runs")
    running = aliased(Attempt)
    alone = (
        select(Judging)
        .outerjoin(running, (running.judging_id == Judging.id) & (running.epoch == Judging.epoch))  # type: ignore[arg-type]
        .where(Judging.state == State.running, or_(col(running.id).is_(None), col(running.outcome).is_not(None)))
    )
    for judging in session.exec(alone):
        yield Breach("I3", judging.submission_id, "runs without an attempt")
    committed = (
        select(Judging.submission_id, func.count())
        .join(Attempt, col(Attempt.judging_id) == Judging.id)
        .where(Attempt.outcome == Outcome.committed)
        .group_by(col(Judging.id), col(Judging.submission_id))
        .having(func.count() > 1)
    )
    for submission_id, count in session.exec(committed):
        yield Breach("I3", submission_id, f"{count} attempts of one judging were committed")


def _free_of_charge(session: Session) -> Iterator[Breach]:
    query = (
        select(Judging.submission_id)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(
            VerdictRow.verdict == Verdict.judge_error.value,
            or_(col(VerdictRow.score).is_not(None), col(VerdictRow.private_score).is_not(None)),
        )
    )
    for submission_id in session.exec(query):
        yield Breach("I5", submission_id, "ended with judge_error and has a score")


def _moved_rightly(session: Session) -> Iterator[Breach]:
    """A submission's own events tell every move; the last one tells the state its judging is in."""
    path: dict[str, list[State]] = defaultdict(list)
    query = select(Event.submission_id, Event.payload).where(Event.kind == "submission").order_by(col(Event.id))
    for submission_id, payload in session.exec(query):
        if submission_id is not None:
            path[submission_id].append(State(payload["state"]))
    state = select(Judging.submission_id, Judging.state).where(Judging.effective)
    for id, word in session.exec(state):
        now, moves = State(word), path.get(id, [])
        wrong = next((two for two in pairwise([None, *moves]) if two[1] not in MOVES[two[0]]), None)
        if wrong is not None:
            before = wrong[0].value if wrong[0] else "nothing"
            yield Breach("I8", id, f"went from {before} to {wrong[1].value if wrong[1] else 'nothing'}")
        elif not moves or moves[-1] is not now:
            yield Breach("I8", id, f"is {now.value}, and nobody was told")


def _times_kept(session: Session) -> Iterator[Breach]:
    query = select(Judging.submission_id, Judging.received_at, Submission.received_at).join(
        Submission, col(Submission.id) == Judging.submission_id
    )
    for submission_id, queued_as, received_at in session.exec(
        query.where(Judging.received_at != Submission.received_at)
    ):
        yield Breach("I9", submission_id, f"was received at {received_at} and is queued as of {queued_as}")
    for submission in session.exec(select(Submission)):
        said = submission.receipt.get("received_at")
        if said is not None and datetime.fromisoformat(said) != submission.received_at:
            yield Breach("I9", submission.id, f"its receipt says {said}, its row {submission.received_at}")


def _going_on(session: Session, now: datetime) -> Iterator[Breach]:
    late = now - timedelta(seconds=STILL_SECONDS)
    for judging in session.exec(select(Judging).where(Judging.state == State.running, col(Judging.lease_until) < late)):
        yield Breach(
            "I10", judging.submission_id, f"runs on a lease of {judging.owner} that ended at {judging.lease_until}"
        )
    for entry_id, challenge in turns.stranded(session):
        yield Breach("I10", f"entry {entry_id}", f"is held for {challenge}, and nothing of it is in the queue")
    live = [one for one in workers.known(session, now) if one.live]
    free = (
        sum(one.slots for one in live)
        - session.exec(select(func.count()).select_from(Judging).where(Judging.state == State.running)).one()
    )
    lacked = set.intersection(*(set(one.lacks) for one in live)) if live else set()
    waits = judgings.oldest_runnable(session, now, without=lacked)
    claimed = session.exec(select(func.max(col(Attempt.started_at)))).one()
    if free > 0 and waits is not None and max(waits, claimed or waits) < late:
        yield Breach(
            "I10", "queue", f"{free} slots are free, work waits since {waits}, the last claim was at {claimed}"
        )
