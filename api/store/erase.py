"""Takes people's data away: somebody's at their wish, and what was handed in some time after a competition.

Keeps what boards, counts and the audit of an installation stand on: times, verdicts, scores, under a name that says
nothing. The files themselves go when nothing refers to them any more (`Blobs.collect`).
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select, update

from api.errors import Problem
from api.store import audit, judgings
from api.store.database import Store
from api.store.tables import (
    Attempt,
    Audit,
    BrowserSession,
    Clarification,
    Competition,
    CompetitionChallenge,
    Entry,
    Event,
    Extension,
    Judging,
    Member,
    PasswordLink,
    Person,
    Role,
    Staff,
    State,
    Submission,
    Token,
    VerdictRow,
)

BATCH = 200


def person(store: Store, person_id: int, *, by: int) -> None:
    """Somebody's name, credentials and everything they handed in, for good; what is not judged yet is cancelled.

    On boards and in the audit log they are called `deleted-` and a random word from now on. Doing it again changes
    nothing.

    Raises Problem not_found, and forbidden for an administrator.
    """
    with store.write() as session:
        found = session.get(Person, person_id, with_for_update=True)
        if found is None:
            raise Problem("not_found")
        if found.role is Role.admin:
            raise Problem("forbidden", "An administrator's data is part of the record of what was done.")
        if found.erased_at is not None:
            return
        now = store.now(session)
        _cancel_open(session, person_id, now)
        theirs = session.exec(select(Submission).where(Submission.person_id == person_id)).all()
        _contents(session, theirs, now)
        _words_about(session, theirs)
        session.exec(delete(BrowserSession).where(col(BrowserSession.person_id) == person_id))
        session.exec(delete(Token).where(col(Token.person_id) == person_id))
        session.exec(delete(PasswordLink).where(col(PasswordLink.person_id) == person_id))
        _changes(session, found)
        session.exec(delete(Staff).where(col(Staff.person_id) == person_id))
        _questions(session, person_id)
        _rename(session, found)
        found.password, found.erased_at = None, now
        session.add(found)
        audit.note(session, "person.erase", found.name, by=by, at=now)


def after_competitions(store: Store, days: float) -> int:
    """What was handed in to competitions that closed so many days ago; how many submissions this call stripped.

    At most `BATCH` a call, so that nothing waits long for it; what has no verdict yet is left for later.
    """
    with store.write(shared=True) as session:
        now = store.now(session)
        query = (
            select(Submission)
            .join(CompetitionChallenge, col(CompetitionChallenge.id) == Submission.competition_challenge_id)
            .join(Competition, col(Competition.id) == CompetitionChallenge.competition_id)
            .where(col(Competition.closes_at) < now - timedelta(days=days), col(Submission.erased_at).is_(None))
            .where(~select(Judging.id).where(Judging.submission_id == Submission.id, _open()).exists())
            .limit(BATCH)
            .with_for_update(skip_locked=True, of=Submission)
        )
        found = session.exec(query).all()
        _contents(session, found, now)
        if found:
            audit.note(session, "submissions.erase", f"{len(found)} submissions", by=None, at=now, days=days)
        return len(found)


def _open():  # type: ignore[no-untyped-def]
    return col(Judging.state).in_([State.queued, State.running])


def _cancel_open(session: Session, person_id: int, now: datetime) -> None:
    query = select(Judging).join(Submission, col(Submission.id) == Judging.submission_id)
    query = query.where(Submission.person_id == person_id, _open())
    for judging in session.exec(query.with_for_update(key_share=True, of=Judging)).all():
        judgings.cancel(session, judging, now)


def _contents(session: Session, found: Sequence[Submission], now: datetime) -> None:
    """What these people wrote, and what the judge repeats of it."""
    for submission in found:
        submission.files, submission.idempotency_key, submission.erased_at = [], None, now
        session.add(submission)
    mine = select(Judging.id).where(col(Judging.submission_id).in_([one.id for one in found])).scalar_subquery()
    for verdict in session.exec(select(VerdictRow).where(col(VerdictRow.judging_id).in_(mine))).all():
        verdict.report = {**verdict.report, "message": "", "build_log": "", "output": ""}
        session.add(verdict)
    session.exec(update(Attempt).where(col(Attempt.judging_id).in_(mine)).values(evidence={}))


def _words_about(session: Session, found: Sequence[Submission]) -> None:
    """What staff said about these submissions: it may be about a person."""
    for submission in found:
        submission.void_reason = submission.void_reason and "erased"
        session.add(submission)
    ids = [one.id for one in found]
    session.exec(update(Audit).where(col(Audit.subject).in_(ids)).values(detail={}))
    told = select(Event).where(col(Event.submission_id).in_(ids), Event.kind == "voided")
    for event in session.exec(told).all():
        event.payload = {**event.payload, "reason": "erased"}
        session.add(event)


def _questions(session: Session, person_id: int) -> None:
    """What they asked, and what was answered: that may repeat it."""
    asked = session.exec(select(Clarification).where(Clarification.person_id == person_id)).all()
    for one in asked:
        one.question, one.answer, one.public = "erased", one.answer and "erased", False
        session.add(one)
    answered = (col(Audit.action) == "clarification.answer", col(Audit.subject).in_([str(one.id) for one in asked]))
    session.exec(update(Audit).where(*answered).values(detail={}))


def _changes(session: Session, found: Person) -> None:
    """What the log says of them among the changes of seasons and rosters."""
    members = session.exec(select(Member).where(Member.person_id == found.id)).all()
    looks_after = session.exec(select(Staff.competition_id).where(Staff.person_id == found.id)).all()
    words = {found.name, *(member.email for member in members if member.email)}
    places = {*looks_after, *(member.competition_id for member in members)}
    query = select(Audit).where(col(Audit.competition_id).in_(places))
    for act in session.exec(query).all():
        changes = act.detail.get("changes")
        if isinstance(changes, list):
            kept = [one for one in changes if not any(word in str(one) for word in words)]
            act.detail = {**act.detail, "changes": kept}
            session.add(act)


def _rename(session: Session, found: Person) -> None:
    """Everywhere a name stands: person, entries, what boards told, what the audit log says it was about.

    A team keeps its name: it is the others', too.
    """
    members = session.exec(select(Member).where(Member.person_id == found.id)).all()
    for member in members:
        member.email = None
        session.add(member)
    mine = [member.entry_id for member in members]
    others = select(Member.entry_id).where(col(Member.entry_id).in_(mine), Member.person_id != found.id)
    shared = set(session.exec(others))
    entries = session.exec(select(Entry).where(col(Entry.id).in_(set(mine) - shared))).all()
    nobody = f"deleted-{secrets.token_hex(6)}"  # nobody can have taken it before
    names = {found.name: nobody}
    for entry in entries:
        events = select(Event).where(Event.competition_id == entry.competition_id, Event.kind == "board")
        for event in session.exec(events.execution_options(yield_per=BATCH)):
            if event.payload.get("name") == entry.name:
                event.payload = {**event.payload, "name": nobody}
                session.add(event)
        slug = session.get_one(Competition, entry.competition_id).slug
        names |= {f"{slug}/{found.name}": f"{slug}/{nobody}"}
        entry.name = nobody
        session.add(entry)
        session.exec(delete(Extension).where(col(Extension.entry_id) == entry.id))
    for old, new in names.items():
        session.exec(update(Audit).where(col(Audit.subject) == old).values(subject=new, detail={}))
    found.name = nobody
