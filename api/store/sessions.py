"""Who is signed in on a page; knows no cookie and no password. Of a session only its secret's digest is kept."""

import hashlib
import secrets
from datetime import timedelta

from sqlmodel import col, delete, or_, select

from api.store import audit
from api.store.database import Store
from api.store.people import Caller
from api.store.tables import BrowserSession, Person, Role, Scope, Token


def begin(store: Store, person_id: int, *, seconds: float, token_id: int | None = None) -> str:
    """Signs a person in for so long; the secret, which cannot be read again. It ends with the token `token_id`."""
    secret = secrets.token_urlsafe(32)
    with store.write() as session:
        now = store.now(session)
        session.exec(delete(BrowserSession).where(col(BrowserSession.expires_at) <= now))
        session.add(
            BrowserSession(
                digest=_digest(secret),
                person_id=person_id,
                token_id=token_id,
                created_at=now,
                expires_at=now + timedelta(seconds=seconds),
            )
        )
    return secret


def find(store: Store, secret: str) -> Caller | None:
    """Who this session speaks for; None for one that is unknown, over, or began with a token that is revoked.

    One that began with a token may do what the token may, any other one what its person may.
    """
    query = (
        select(Person, Token, BrowserSession.token_id)
        .join(BrowserSession, col(BrowserSession.person_id) == Person.id)
        .outerjoin(Token, col(Token.id) == BrowserSession.token_id)
        .where(BrowserSession.digest == _digest(secret))
        .where(or_(col(BrowserSession.token_id).is_(None), col(Token.revoked_at).is_(None)))
    )
    with store.read() as session:
        found = session.exec(query.where(BrowserSession.expires_at > store.now(session))).first()
    if found is None:
        return None
    person, token, token_id = found
    assert person.id is not None
    granted = _scopes(person.role) if token_id is None else frozenset(Scope(scope) for scope in token.scopes)
    return Caller(person.id, person.name, person.role, granted, token_id)


def end(store: Store, secret: str) -> None:
    """Signs out; ending a session that is over is fine."""
    with store.write() as session:
        session.exec(delete(BrowserSession).where(col(BrowserSession.digest) == _digest(secret)))


def end_all(store: Store, person_id: int, *, keep: str | None = None) -> int:
    """Signs a person out everywhere (but in the session with the secret `keep`); how many sessions that were."""
    query = delete(BrowserSession).where(col(BrowserSession.person_id) == person_id)
    if keep is not None:
        query = query.where(col(BrowserSession.digest) != _digest(keep))
    with store.write() as session:
        ended = session.exec(query).rowcount
        audit.note(session, "session.end", f"person {person_id}", by=person_id, at=store.now(session), ended=ended)
    return ended


def count(store: Store, person_id: int) -> int:
    """In how many browsers this person is signed in."""
    query = select(BrowserSession.id).where(BrowserSession.person_id == person_id)
    with store.read() as session:
        return len(session.exec(query.where(BrowserSession.expires_at > store.now(session))).all())


def _scopes(role: Role) -> frozenset[Scope]:
    return frozenset(scope for scope in Scope if role is Role.admin or scope is not Scope.admin)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
