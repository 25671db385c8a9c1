"""Reads and cancels submissions; knows who owns one, and shows nobody else that it exists."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, and_, col, or_, select
from sqlmodel.sql.expression import Select

from api.errors import Problem
from api.store import audit, events, judgings, standings, turns, verdicts, workers
from api.store.database import Store
from api.store.deadlines import Extensions
from api.store.tables import (
    Audience,
    ChallengeBuild,
    Competition,
    CompetitionChallenge,
    Entry,
    Judging,
    Kind,
    Member,
    Staff,
    Stage,
    State,
    Submission,
    VerdictRow,
    View,
)


@dataclass(frozen=True)
class Eyes:
    """Who looks: at their own, those of their teams and, as staff, those they look after."""

    person_id: int
    staff: bool = False


@dataclass(frozen=True)
class SubmissionView:
    """A submission with its effective judging. `report` is the judge's whole report: filter it before showing it."""

    id: str
    kind: Kind
    competition: str
    challenge: str
    entry: str
    received_at: datetime
    digest: str
    size: int
    files: list[str]
    state: State
    stage: Stage | None
    held_reason: str | None
    attempts: int
    queue_position: int | None
    eta_seconds: float | None
    view: View
    verdict: str | None
    score: float | None
    withheld: bool
    """Its public score is not told, because it is not a step better than the best one told."""
    points: float | None
    credit: float | None
    """What being late leaves of the points, 0 to 1; None before the verdict."""
    report: dict[str, Any] | None
    ended_at: datetime | None
    void_reason: str | None
    """Why it counts for nothing; None where it counts."""
    feedback: str | None = None
    """The most that its competition tells of a verdict, F0 to F3; None leaves it to the challenge."""
    other_version: bool = False
    """It was judged with another version of the challenge than the ranking is of, and counts when that has changed."""

    @property
    def final(self) -> bool:
        """Nothing more will happen to it by itself."""
        return self.state in (State.done, State.cancelled)


@dataclass(frozen=True)
class Page:
    """Some submissions, newest first, and where the next page begins (None at the end)."""

    submissions: list[SubmissionView]
    next_cursor: str | None


@dataclass(frozen=True)
class Source:
    """What was uploaded for a challenge: the blob's digest and the file names in it."""

    challenge: str
    digest: str
    files: list[str]
    erased: bool
    """It is not kept any more, though somebody else may have handed in the same."""


def find(store: Store, submission_id: str, *, owner: Eyes | int | None) -> SubmissionView:
    """One submission; `owner` None sees everybody's, a number that person's and their teams'.

    Somebody else's is as missing as a missing one.

    Raises Problem not_found.
    """
    with store.read() as session:
        row = session.exec(_joined(owner).where(Submission.id == submission_id)).first()
        if row is None:
            raise Problem("not_found")
        return _view(session, store.now(session), *row)


def listed(
    store: Store,
    *,
    owner: Eyes | int | None,
    challenge: str | None = None,
    state: State | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """Submissions of one person (or of all), newest first; `cursor` is the last id of the page before.

    Raises Problem invalid_request for a cursor that was never given out.
    """
    query = _joined(owner)
    if challenge is not None:
        query = query.where(Submission.challenge == challenge)
    if state is not None:
        query = query.where(Judging.state == state)
    with store.read() as session:
        if cursor is not None:
            last = session.get(Submission, cursor)
            if last is None or session.exec(_owned(owner).where(Submission.id == cursor)).first() is None:
                raise Problem("invalid_request", "This cursor is not one of ours.")
            at, same = col(Submission.received_at), col(Submission.received_at) == last.received_at
            query = query.where(or_(at < last.received_at, same & (col(Submission.id) < last.id)))
        query = query.order_by(col(Submission.received_at).desc(), col(Submission.id).desc())
        rows = session.exec(query.limit(limit + 1)).all()
        now = store.now(session)
        views = [_view(session, now, *row) for row in rows[:limit]]
    return Page(views, views[-1].id if len(rows) > limit else None)


def cancel(store: Store, submission_id: str, *, owner: Eyes | int | None, by: int) -> None:
    """Cancels a submission that has no verdict yet; twice is as good as once.

    Raises Problem not_found, already_done.
    """
    with store.write(shared=True) as session:
        mine = _owned(owner).where(Submission.id == submission_id).with_for_update(key_share=True, of=Judging)
        row = session.exec(mine).first()
        if row is None:
            raise Problem("not_found")
        submission, judging = row
        if judging.state is State.done:
            raise Problem("already_done")
        if judging.state is State.cancelled:
            return
        now = store.now(session)
        judgings.cancel(session, judging, now)
        if submission.person_id != by:
            competition = session.get_one(Entry, submission.entry_id).competition_id
            audit.note(session, "submission.cancel", submission_id, by=by, at=now, competition_id=competition)


def void(store: Store, submission_id: str, reason: str | None, *, by: int) -> None:
    """Lets a submission count for nothing, for a reason its owner is told; with None it counts again.

    Its verdict stays, and so does what it took of a quota. Twice is as good as once. Raises Problem not_found.
    """
    with store.write() as session:
        submission = session.get(Submission, submission_id)
        if submission is None:
            raise Problem("not_found")
        if reason == submission.void_reason and (reason is None) == (submission.voided_at is None):
            return
        now = store.now(session)
        submission.voided_at, submission.void_reason = (None if reason is None else now), reason
        session.add(submission)
        session.flush()
        standings.renew_entry(session, submission.entry_id)
        word = "restored" if reason is None else "voided"
        competition = session.get_one(Entry, submission.entry_id).competition_id
        audit.note(
            session, f"submission.{word}", submission_id, by=by, at=now, competition_id=competition, reason=reason
        )
        events.add(
            session,
            word,
            at=now,
            audience=Audience.owner,
            payload={"id": submission_id, "reason": reason},
            submission_id=submission_id,
        )
        events.board_changed(session, competition, at=now)


def source(store: Store, submission_id: str, *, owner: Eyes | int | None) -> Source:
    """Where the upload is. Raises Problem not_found."""
    with store.read() as session:
        row = session.exec(_owned(owner).where(Submission.id == submission_id)).first()
        if row is None:
            raise Problem("not_found")
        return Source(row[0].challenge, row[0].digest, row[0].files, row[0].erased_at is not None)


def _owned(owner: Eyes | int | None) -> Select[Submission, Judging]:
    query = select(Submission, Judging).join(Judging, col(Judging.submission_id) == Submission.id)
    query = query.where(Judging.effective)
    return query if owner is None else query.where(_mine(owner))


def _mine(owner: Eyes | int) -> ColumnElement[bool]:
    """What somebody handed in, or a team they are in, and with the eyes of staff what they look after."""
    who = owner.person_id if isinstance(owner, Eyes) else owner
    entries = select(Member.entry_id).where(Member.person_id == who)
    mine = or_(col(Submission.person_id) == who, col(Submission.entry_id).in_(entries))
    if not isinstance(owner, Eyes) or not owner.staff:
        return mine
    all_of = and_(col(Staff.competition_id) == Entry.competition_id, col(Staff.cohort_id).is_(None))
    looked_after = select(Entry.id).join(Staff, or_(all_of, col(Staff.cohort_id) == Entry.cohort_id))
    return or_(mine, col(Submission.entry_id).in_(looked_after.where(Staff.person_id == who)))


def _joined(owner: Eyes | int | None) -> Select[Submission, Judging, CompetitionChallenge, VerdictRow]:
    query = (
        select(Submission, Judging, CompetitionChallenge, VerdictRow)
        .join(Judging, col(Judging.submission_id) == Submission.id)
        .join(CompetitionChallenge, col(CompetitionChallenge.id) == Submission.competition_challenge_id)
        .outerjoin(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(Judging.effective)
    )
    return query if owner is None else query.where(_mine(owner))


def _view(
    session: Session,
    now: datetime,
    submission: Submission,
    judging: Judging,
    challenge: CompetitionChallenge,
    verdict: VerdictRow | None,
) -> SubmissionView:
    competition = session.get_one(Competition, challenge.competition_id)  # a page holds few of them: asked for once
    entry = session.get_one(Entry, submission.entry_id)
    view = verdicts.view_in_force(competition, now)
    result = None
    if verdict is not None:
        extensions = Extensions(session, submission.entry_id)
        result = standings.result_of(verdict, submission, challenge, competition, extensions)
    score = result.part(view) if result else None
    points = standings.points_for(challenge.points, score, result.credit) if result and score is not None else None
    other_version = verdict is not None and not standings.same_version(judging.version, challenge.version)
    position = turns.queue_position(session, judging)
    voided = submission.voided_at is not None
    lacks = workers.lacks(session, judging.challenge, now) if judging.state is State.queued else None
    return SubmissionView(
        id=submission.id,
        kind=submission.kind,
        competition=competition.slug,
        challenge=submission.challenge,
        entry=entry.name,
        received_at=submission.received_at,
        digest=submission.digest,
        size=submission.size,
        files=submission.files,
        state=judging.state,
        stage=judging.stage,
        held_reason=judging.held_reason or lacks,
        attempts=judging.attempts,
        queue_position=position,
        eta_seconds=turns.eta_seconds(session, judging, now) if not lacks else None,
        view=view,
        verdict=verdict.verdict if verdict else None,
        score=score,
        withheld=verdict is not None and view is View.public and not verdict.shown,
        points=None if voided or other_version or submission.kind not in standings.COUNTING else points,
        other_version=other_version,
        credit=result.credit if result else None,
        report=verdict.report if verdict else None,
        ended_at=judging.ended_at,
        void_reason=submission.void_reason if voided else None,
        feedback=competition.feedback,
    )


def referred_to(store: Store, digests: Collection[str]) -> set[str]:
    """Which of these files a submission that is kept or the public data of a challenge are made of."""
    with store.read() as session:
        return {
            *session.exec(
                select(Submission.digest).where(
                    col(Submission.digest).in_(digests), col(Submission.erased_at).is_(None)
                )
            ),
            *session.exec(select(ChallengeBuild.public_digest).where(col(ChallengeBuild.public_digest).in_(digests))),
        }
