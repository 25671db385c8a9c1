"""Gives a judging its one verdict, with all that follows from it, in the caller's transaction; decides no verdict."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select, update

from api.store import events, standings
from api.store.competitions import frozen
from api.store.deadlines import Extensions
from api.store.tables import (
    Attempt,
    Audience,
    Competition,
    CompetitionChallenge,
    Entry,
    Judging,
    Kind,
    Outbox,
    Outcome,
    State,
    Submission,
    VerdictRow,
    View,
)
from challenges.report import Report, Verdict

GAVE_UP = "The judge could not finish this submission. It costs you nothing, and the operator has been told."


def view_in_force(competition: Competition, now: datetime) -> View:
    """What an entry is told of itself: until a competition closes the public part counts, from the close on the private
    part, unless its rules say otherwise."""
    closed = competition.closes_at is not None and now >= competition.closes_at
    return View.private if closed and competition.private else View.public


def board_view(competition: Competition, now: datetime) -> View:
    """What the boards show: from the freeze until they are thawed what was received before it, and else the same."""
    return View.frozen if frozen(competition, now) else view_in_force(competition, now)


def record(
    session: Session, judging_id: int, epoch: int, report: Report, *, now: datetime, step: float | None = None
) -> None:
    """Writes the verdict of a judging that the caller has just set done, with standings, events and outbox.

    `step`: the points by which a public score must be better than the best one told, to be told itself.
    """
    judging = session.get_one(Judging, judging_id)
    attempt = session.exec(select(Attempt).where(Attempt.judging_id == judging_id, Attempt.epoch == epoch)).first()
    submission = session.get_one(Submission, judging.submission_id)
    challenge = session.get_one(CompetitionChallenge, submission.competition_challenge_id)
    competition = session.get_one(Competition, challenge.competition_id)
    row = VerdictRow(
        judging_id=judging_id,
        attempt_id=attempt.id if attempt else None,
        epoch=epoch,
        verdict=report.verdict.value,
        score=report.score.points if report.score else None,
        private_score=report.score.private_points if report.score else None,
        report=report.as_json(),
        created_at=now,
    )
    if not judging.effective:
        row.shown = _was_shown(session, submission.id)
    elif step is not None and submission.kind is not Kind.dry:
        step = step if competition.step is None else competition.step
        row.shown = standings.climbs(session, _result(session, row, submission, challenge, competition), step)
    session.add(row)
    if submission.kind in standings.COUNTING:
        _begin_version(session, judging, challenge)
    result = _result(session, row, submission, challenge, competition)
    score = result.part(view_in_force(competition, now))
    if judging.effective:
        events.of_submission(
            session,
            submission.id,
            at=now,
            state=State.done.value,
            verdict=report.verdict.value,
            letters=report.verdict.letters,
            score=score,
        )
    if report.verdict is Verdict.judge_error:
        events.to_operator(session, "judge_error", at=now, submission_id=submission.id, challenge=challenge.challenge)
    elif _counts(judging, submission, challenge):
        _stand(session, result, competition, now)
    _wake_sibling(session, judging, now)


def _counts(judging: Judging, submission: Submission, challenge: CompetitionChallenge) -> bool:
    """Whether a verdict stands in its ranking."""
    stands = submission.voided_at is None and submission.kind in standings.COUNTING
    return judging.effective and stands and standings.same_version(judging.version, challenge.version)


def _begin_version(session: Session, judging: Judging, challenge: CompetitionChallenge) -> None:
    """A ranking is of one version of its challenge: that of the first verdict, until a rejudging is applied."""
    if not judging.effective or standings.same_version(judging.version, challenge.version):
        return
    ranked = (
        select(Judging.id)
        .join(Submission, col(Submission.id) == Judging.submission_id)
        .where(
            Judging.effective,
            Judging.state == State.done,
            Judging.id != judging.id,
            col(Submission.kind).in_(standings.COUNTING),
            Submission.competition_challenge_id == challenge.id,
            Judging.version == challenge.version,
        )
    )
    if session.exec(ranked.limit(1)).first() is None:
        challenge.version = judging.version or challenge.version
        session.add(challenge)


def _result(
    session: Session,
    row: VerdictRow,
    submission: Submission,
    challenge: CompetitionChallenge,
    competition: Competition,
) -> standings.Result:
    extensions = Extensions(session, submission.entry_id)
    return standings.result_of(row, submission, challenge, competition, extensions)


def _stand(session: Session, result: standings.Result, competition: Competition, now: datetime) -> None:
    """The boards of all views; everybody is told only of a change that the boards show."""
    overall = standings.apply(session, result).get(board_view(competition, now))
    if overall is None:
        return
    payload = {
        "competition": competition.slug,
        "challenge": result.challenge,
        "name": session.get_one(Entry, result.entry_id).name,
        "points": overall.points,
    }
    if competition.named is not None:  # whose it is may be what boards do not say
        payload |= {"name": None, "points": None}
    events.add(
        session, "board", at=now, audience=Audience.public, payload=payload, competition_id=result.competition_id
    )


def _was_shown(session: Session, submission_id: str) -> bool:
    """A score that was not told before is not told because of a rejudging, either."""
    query = select(VerdictRow.shown).join(Judging, col(Judging.id) == VerdictRow.judging_id)
    return session.exec(query.where(Judging.submission_id == submission_id, Judging.effective)).first() is not False


def _wake_sibling(session: Session, judging: Judging, now: datetime) -> None:
    """A submission that waited for this one (one runs at a time) can run now: the workers are owed a message."""
    waiting = session.exec(
        select(Judging.id)
        .where(
            Judging.state == State.queued,
            Judging.entry_id == judging.entry_id,
            Judging.challenge == judging.challenge,
        )
        .order_by(col(Judging.received_at), col(Judging.id))
        .limit(1)
    ).first()
    if waiting is not None:
        session.add(Outbox(judging_id=waiting, created_at=now))


def give_up(session: Session, judging: Judging, *, now: datetime, reason: str) -> None:
    """Ends a judging that failed too often with judge_error; nobody but the operator is to blame."""
    assert judging.id is not None
    epoch = judging.epoch
    judging.state, judging.stage, judging.owner, judging.lease_until = State.done, None, None, None
    judging.ended_at = now
    session.add(judging)
    session.flush()
    record(session, judging.id, epoch, Report(Verdict.judge_error, message=GAVE_UP), now=now)
    events.to_operator(
        session, "gave_up", at=now, submission_id=judging.submission_id, reason=reason, attempts=judging.attempts
    )


def end_attempt(
    session: Session,
    judging_id: int,
    epoch: int,
    outcome: Outcome,
    *,
    now: datetime,
    reason: str = "",
    struck: bool = False,
    evidence: dict[str, Any] | None = None,
) -> None:
    """Closes the record of one claim."""
    reason = reason.replace("\0", "\N{REPLACEMENT CHARACTER}")[:500]  # what a database takes as text
    session.exec(
        update(Attempt)
        .where(col(Attempt.judging_id) == judging_id, col(Attempt.epoch) == epoch)
        .values(outcome=outcome, ended_at=now, reason=reason, struck=struck, evidence=evidence or {})
    )
