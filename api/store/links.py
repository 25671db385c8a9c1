"""Links with which somebody sets a password, once: for who is new, and who forgot it; knows no page, sends nothing."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from api.errors import Problem
from api.store import audit, competitions
from api.store.database import Store
from api.store.tables import BrowserSession, Member, PasswordLink, Person, Role, Staff

LASTS = timedelta(days=7)


@dataclass(frozen=True)
class Link:
    """What to hand to somebody; `secret` cannot be read again."""

    person: str
    secret: str
    expires_at: datetime


def issue(store: Store, person_id: int, *, by: int) -> Link:
    """A link for anybody, in place of the one there was; for administrators. Raises Problem not_found."""
    with store.write() as session:
        person = session.get(Person, person_id)
        if person is None or person.erased_at is not None:
            raise Problem("not_found")
        return _issue(session, person, store.now(session), by=by)


def issue_for_member(store: Store, slug: str, name: str, *, by: int) -> Link:
    """The same by an organiser, for somebody who takes part there: never a way into an account of more than that.

    Raises Problem unknown_competition, not_entered, and forbidden for who is staff, an administrator, or takes part in
    a competition that `by` does not organise.
    """
    with store.write() as session:
        competition = competitions.by_slug(session, slug)
        query = select(Person).join(Member, col(Member.person_id) == Person.id)
        person = session.exec(query.where(Member.competition_id == competition.id, Person.name == name)).first()
        if person is None:
            raise Problem("not_entered", f"Nobody of that name is in {slug}.")
        mine = select(Staff.competition_id).where(Staff.person_id == by, col(Staff.cohort_id).is_(None))
        elsewhere = select(Member.id).where(Member.person_id == person.id, col(Member.competition_id).not_in(mine))
        is_staff = select(Staff.id).where(Staff.person_id == person.id)
        more = (session.exec(one.limit(1)).first() for one in (elsewhere, is_staff))
        if person.role is Role.admin or any(one is not None for one in more):
            raise Problem("forbidden", f"{name} is more than a participant of yours; an administrator makes the link.")
        return _issue(session, person, store.now(session), by=by, competition_id=competition.id)


def _issue(session: Session, person: Person, now: datetime, *, by: int, competition_id: int | None = None) -> Link:
    assert person.id is not None
    session.exec(delete(PasswordLink).where(col(PasswordLink.person_id) == person.id))
    secret = secrets.token_urlsafe(24)
    link = Link(person.name, secret, now + LASTS)
    session.add(
        PasswordLink(
            person_id=person.id, digest=_digest(secret), created_at=now, created_by=by, expires_at=link.expires_at
        )
    )
    audit.note(session, "password_link.create", person.name, by=by, at=now, competition_id=competition_id)
    return link


def use(store: Store, secret: str, kept: str) -> int:
    """Sets the password hash of who the link is for, who is signed out everywhere; the link is used up. Their id.

    Raises Problem unknown_link for one that is unknown, used or too old, without telling which.
    """
    with store.write() as session:
        now = store.now(session)
        link = _find(session, secret, now)
        person = session.get_one(Person, link.person_id)
        person.password = kept
        session.add(person)
        session.delete(link)
        session.exec(delete(BrowserSession).where(col(BrowserSession.person_id) == person.id))
        audit.note(session, "password_link.use", person.name, by=person.id, at=now)
        return link.person_id


def check(store: Store, secret: str) -> None:
    """Whether a link is good. Raises Problem unknown_link."""
    with store.read() as session:
        _find(session, secret, store.now(session))


def _find(session: Session, secret: str, now: datetime) -> PasswordLink:
    query = select(PasswordLink).where(PasswordLink.digest == _digest(secret), col(PasswordLink.expires_at) > now)
    link = session.exec(query).first()
    if link is None:
        raise Problem("unknown_link")
    return link


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.strip().encode()).hexdigest()
