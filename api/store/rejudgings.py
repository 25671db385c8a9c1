"""Rejudging as a set: new judgings beside those that count, looked at as a whole, and then applied or dropped.

Nothing that people see changes before it is applied, and then all of it does at once. What counted before is kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select, update

from api.errors import Problem
from api.store import audit, competitions, events, judgings, standings, turns, verdicts
from api.store.database import Store
from api.store.tables import (
    WEEK,
    Audience,
    Competition,
    CompetitionChallenge,
    Entry,
    Judging,
    Lane,
    Outbox,
    Rejudging,
    RejudgingState,
    Standing,
    State,
    Submission,
    VerdictRow,
    View,
)
from challenges.report import Verdict

MOST = 20_000
"""Submissions of one rejudging."""
BATCH = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Selection:
    """Which submissions: of this competition, of this challenge, with one of these verdicts. None is any."""

    competition: str | None = None
    challenge: str | None = None
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class RejudgingView:
    """A rejudging and how far it is."""

    id: int
    created_at: datetime
    reason: str
    competition: str | None
    challenge: str | None
    verdicts: list[str]
    state: RejudgingState
    total: int
    judged: int
    failed: int
    """Of those that are judged, how many the judge could not finish: they will keep their verdict."""
    ended_at: datetime | None


@dataclass(frozen=True)
class Told:
    """What a verdict says: the word, and the score 0-100 of the public and of the private part."""

    verdict: str
    score: float | None
    private_score: float | None
    version: str | None


@dataclass(frozen=True)
class Change:
    """A submission that would be told something else."""

    submission: str
    competition: str
    challenge: str
    entry: str
    before: Told
    after: Told


@dataclass(frozen=True)
class Move:
    """An entry that would stand elsewhere, or with other points, on a board as it is shown now."""

    competition: str
    challenge: str | None
    entry: str
    rank_before: int | None
    rank_after: int | None
    points_before: float | None
    points_after: float | None


@dataclass(frozen=True)
class Preview:
    """All that would change, the first `MOST` of each."""

    changes: list[Change]
    moves: list[Move]


def create(store: Store, selection: Selection, *, versions: Mapping[str, str], reason: str, by: int) -> RejudgingView:
    """Queues what was chosen and has a verdict, behind everybody else. `versions` are those of the challenges by slug.

    Raises Problem unknown_competition, unknown_challenge, and invalid_request when nothing or too much was chosen.
    """
    if selection == Selection():
        raise Problem("invalid_request", "Name a competition, a challenge or verdicts.")
    if selection.challenge is not None and selection.challenge not in versions:
        raise Problem("unknown_challenge", f"There is no challenge {selection.challenge}.")
    with store.write() as session:
        now = store.now(session)
        chosen = _chosen(session, selection)
        chosen = [one for one in chosen if one[1] in versions]
        if not chosen:
            raise Problem("invalid_request", "No submission of that kind has a verdict and is not being rejudged.")
        if len(chosen) > MOST:
            raise Problem("invalid_request", f"These are more than {MOST} submissions; choose fewer at a time.")
        words = {
            "competition": selection.competition,
            "challenge": selection.challenge,
            "verdicts": [word.value for word in selection.verdicts],
        }
        row = Rejudging(created_at=now, created_by=by, reason=reason, selection=words, state=RejudgingState.open)
        session.add(row)
        session.flush()
        assert row.id is not None
        queued = [
            Judging(
                submission_id=submission_id,
                entry_id=entry_id,
                challenge=challenge,
                version=versions[challenge],
                received_at=received_at,
                lane=Lane.rejudge,
                state=State.queued,
                not_before=now,
                effective=False,
                rejudging_id=row.id,
            )
            for submission_id, challenge, entry_id, received_at in chosen
        ]
        with session.no_autoflush:
            turns.take_turns_behind(session, queued)
        session.add_all(queued)
        session.flush()
        first = queued[0].id
        assert first is not None
        session.add(Outbox(judging_id=first, created_at=now))  # one bell: who has judged one looks for the next
        _note(session, row, "create", by, now, reason=reason, total=len(queued), **words)
        return _view(session, row)


def _chosen(session: Session, selection: Selection) -> list[tuple[str, str, int, datetime]]:
    open_already = aliased(Judging)
    again = (
        select(open_already.id)
        .join(Rejudging, col(Rejudging.id) == open_already.rejudging_id)
        .where(open_already.submission_id == Submission.id, Rejudging.state == RejudgingState.open)
        .exists()
    )
    query = (
        select(Submission.id, Submission.challenge, Submission.entry_id, Submission.received_at)
        .join(Judging, col(Judging.submission_id) == Submission.id)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(Judging.effective, Judging.state == State.done, col(Submission.erased_at).is_(None), ~again)
        .order_by(col(Submission.received_at), col(Submission.id))
    )
    if selection.competition is not None:
        competition = competitions.by_slug(session, selection.competition)
        query = query.join(
            CompetitionChallenge, col(CompetitionChallenge.id) == Submission.competition_challenge_id
        ).where(CompetitionChallenge.competition_id == competition.id)
    if selection.challenge is not None:
        query = query.where(Submission.challenge == selection.challenge)
    if selection.verdicts:
        query = query.where(col(VerdictRow.verdict).in_([word.value for word in selection.verdicts]))
    return list(session.exec(query.limit(MOST + 1)))


def listed(store: Store, of: Collection[str] | None = None) -> list[RejudgingView]:
    """All of them, or those of these competitions alone, the newest first."""
    with store.read() as session:
        rows = session.exec(select(Rejudging).order_by(col(Rejudging.id).desc())).all()
        return [_view(session, row) for row in rows if of is None or row.selection.get("competition") in of]


def find(store: Store, rejudging_id: int) -> RejudgingView:
    """One of them. Raises Problem not_found."""
    with store.read() as session:
        return _view(session, _row(session, rejudging_id))


def preview(store: Store, rejudging_id: int) -> Preview:
    """What would change if it were applied now, as far as it is judged. Raises Problem not_found, rejudging_over."""
    with store.read() as session:
        row = _row(session, rejudging_id)
        if row.state is not RejudgingState.open:
            raise Problem("rejudging_over")
        now = store.now(session)
        instead = _instead(session, rejudging_id)
        versions = _versions(session, rejudging_id)
        counting = {id: verdict for id, (verdict, place, of) in instead.items() if of in (None, versions.get(place))}
        before, after = standings.computed(session), standings.computed(session, counting, versions=versions)
        return Preview(_changes(session, rejudging_id), _moves(session, before, after, now)[:MOST])


def apply(store: Store, rejudging_id: int, *, by: int) -> RejudgingView:
    """Lets the new verdicts count, all at once; where the judge could not finish, the old one stays.

    Raises Problem not_found, not_judged_yet, rejudging_over.
    """
    with store.write() as session:
        row = _open(session, rejudging_id)
        view = _view(session, row)
        if view.judged < view.total:
            raise Problem("not_judged_yet", f"{view.total - view.judged} of {view.total} have no verdict yet.")
        now = store.now(session)
        changes = _changes(session, rejudging_id)
        instead = _instead(session, rejudging_id)
        before = standings.computed(session)
        for at in range(0, len(instead), BATCH):
            some = list(instead)[at : at + BATCH]
            mine = (col(Judging.submission_id).in_(some), col(Judging.state) == State.done)
            session.exec(update(Judging).where(*mine, col(Judging.effective)).values(effective=False))
            session.exec(update(Judging).where(*mine, col(Judging.rejudging_id) == row.id).values(effective=True))
        for place_id, version in _versions(session, rejudging_id).items():
            session.get_one(CompetitionChallenge, place_id).version = version
        session.flush()
        after = standings.renew(session)
        _tell(session, changes, _moves(session, before, after, now), now)
        row.state, row.ended_at, row.ended_by = RejudgingState.applied, now, by
        session.add(row)
        _note(session, row, "apply", by, now, changed=len(changes))
        log.info("rejudging.applied", rejudging=row.id, total=view.total, changed=len(changes))
        return _view(session, row)


def drop(store: Store, rejudging_id: int, *, by: int) -> RejudgingView:
    """Ends it with nothing changed: what is not judged yet is taken out of the queue, whatever runs is given up.

    Raises Problem not_found, rejudging_over.
    """
    with store.write() as session:
        row = _open(session, rejudging_id)
        now = store.now(session)
        row.state, row.ended_at, row.ended_by = RejudgingState.dropped, now, by
        session.add(row)
        _note(session, row, "drop", by, now)
        query = select(Judging).where(
            Judging.rejudging_id == rejudging_id, col(Judging.state).in_([State.queued, State.running])
        )
        for judging in session.exec(query.with_for_update(key_share=True)).all():
            judgings.cancel(session, judging, now)
        return _view(session, row)


def _versions(session: Session, rejudging_id: int) -> dict[int, str]:
    """The version of each challenge, by its place, with which a rejudging has judged it; the last where it saw two."""
    query = (
        select(Submission.competition_challenge_id, Judging.version)
        .join(Submission, col(Submission.id) == Judging.submission_id)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(Judging.rejudging_id == rejudging_id, VerdictRow.verdict != Verdict.judge_error.value)
        .order_by(col(Judging.id))
    )
    return {place: version for place, version in session.exec(query) if version is not None}


def _note(session: Session, row: Rejudging, word: str, by: int, now: datetime, **detail: Any) -> None:
    """In the log of the competition, where it is of one."""
    slug = row.selection.get("competition")
    number = session.exec(select(Competition.id).where(Competition.slug == slug)).first() if slug else None
    audit.note(session, f"rejudging.{word}", str(row.id), by=by, at=now, competition_id=number, **detail)


def _row(session: Session, rejudging_id: int, *, lock: bool = False) -> Rejudging:
    row = session.get(Rejudging, rejudging_id, with_for_update=lock)
    if row is None:
        raise Problem("not_found")
    return row


def _open(session: Session, rejudging_id: int) -> Rejudging:
    row = _row(session, rejudging_id, lock=True)
    if row.state is not RejudgingState.open:
        raise Problem("rejudging_over", f"It was {row.state.value} at {row.ended_at}.")
    return row


def _view(session: Session, row: Rejudging) -> RejudgingView:
    assert row.id is not None
    by_state = select(Judging.state, func.count()).where(Judging.rejudging_id == row.id).group_by(col(Judging.state))
    counts = {State(state): count for state, count in session.exec(by_state)}
    failed = (
        select(func.count())
        .select_from(VerdictRow)
        .join(Judging, col(Judging.id) == VerdictRow.judging_id)
        .where(Judging.rejudging_id == row.id, VerdictRow.verdict == Verdict.judge_error.value)
    )
    over = counts.get(State.cancelled, 0) if row.state is RejudgingState.open else 0  # somebody was erased meanwhile
    return RejudgingView(
        id=row.id,
        created_at=row.created_at,
        reason=row.reason,
        competition=row.selection["competition"],
        challenge=row.selection["challenge"],
        verdicts=row.selection["verdicts"],
        state=row.state,
        total=sum(counts.values()) - over,
        judged=counts.get(State.done, 0),
        failed=session.exec(failed).one(),
        ended_at=row.ended_at,
    )


def _instead(session: Session, rejudging_id: int) -> dict[str, tuple[VerdictRow, int, str | None]]:
    """The new verdicts by submission, with the challenge's place and version, without those that the judge could not
    finish."""
    query = (
        select(Submission.id, VerdictRow, Submission.competition_challenge_id, Judging.version)
        .join(Judging, col(Judging.submission_id) == Submission.id)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(Judging.rejudging_id == rejudging_id, VerdictRow.verdict != Verdict.judge_error.value)
    )
    return {id: (verdict, place, version) for id, verdict, place, version in session.exec(query)}


def _changes(session: Session, rejudging_id: int) -> list[Change]:
    new: Any = (
        select(Submission, Judging.version, VerdictRow)
        .join(Judging, col(Judging.submission_id) == Submission.id)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(Judging.rejudging_id == rejudging_id, VerdictRow.verdict != Verdict.judge_error.value)
        .order_by(col(Submission.received_at), col(Submission.id))
    )
    mine = select(Judging.submission_id).where(Judging.rejudging_id == rejudging_id)
    counts = (
        select(Judging.submission_id, Judging.version, VerdictRow)
        .join(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
        .where(Judging.effective, col(Judging.submission_id).in_(mine))
    )
    old = {submission: _told(verdict, version) for submission, version, verdict in session.exec(counts)}
    found = []
    for submission, version, verdict in session.exec(new):
        before, after = old[submission.id], _told(verdict, version)
        if (before.verdict, before.score, before.private_score) != (after.verdict, after.score, after.private_score):
            entry = session.get_one(Entry, submission.entry_id)
            slug = session.get_one(Competition, entry.competition_id).slug
            found.append(Change(submission.id, slug, submission.challenge, entry.name, before, after))
    return found[:MOST]


def _told(row: VerdictRow, version: str | None) -> Told:
    def rounded(score: float | None) -> float | None:
        return None if score is None else round(score, standings.PRECISION)

    return Told(row.verdict, rounded(row.score), rounded(row.private_score), version)


Board = tuple[int, str]


def _moves(
    session: Session,
    before: Mapping[standings.Key, Standing],
    after: Mapping[standings.Key, Standing],
    now: datetime,
) -> list[Move]:
    """On the boards in force now."""
    slugs = {one.id: one for one in session.exec(select(Competition))}
    names = dict(session.exec(select(Entry.id, Entry.name)).all())
    view = {id: verdicts.board_view(one, now) for id, one in slugs.items()}
    found = []
    old, new = _boards(before, view), _boards(after, view)
    for board in sorted(old.keys() | new.keys()):
        if board[1].startswith(WEEK):  # it adds up what the others say
            continue
        was, will = old.get(board, {}), new.get(board, {})
        rank_was, rank_will = standings.ranks(was.values()), standings.ranks(will.values())
        for entry in sorted(was.keys() | will.keys()):
            points = tuple(rows[entry].points if entry in rows else None for rows in (was, will))
            place = (rank_was.get(entry), rank_will.get(entry))
            if points[0] != points[1] or place[0] != place[1]:
                competition = slugs[board[0]].slug
                found.append(Move(competition, board[1] or None, names[entry], *place, *points))
    return found


def _boards(
    rows: Mapping[standings.Key, Standing], view: Mapping[int | None, View]
) -> dict[Board, dict[int, Standing]]:
    found: dict[Board, dict[int, Standing]] = {}
    for (competition, board, of, entry), row in rows.items():
        if view[competition] is of:
            found.setdefault((competition, board), {})[entry] = row
    return found


def _tell(session: Session, changes: Collection[Change], moves: Collection[Move], now: datetime) -> None:
    """Owners hear of their new verdict, everybody that boards are others."""
    for change in changes:
        word = Verdict(change.after.verdict)
        payload = {"id": change.submission, "verdict": word.value, "letters": word.letters}
        events.add(
            session,
            "rejudged",
            at=now,
            audience=Audience.owner,
            payload=payload,
            submission_id=change.submission,
        )
    ids = dict(session.exec(select(Competition.slug, Competition.id)).all())
    for slug in {one.competition for one in changes} | {one.competition for one in moves}:
        events.board_changed(session, ids[slug] or 0, at=now)
