"""People and their tokens; knows no route. Of a token only its digest is kept, so it is shown once."""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select, update

from api.errors import Problem
from api.store import audit
from api.store.database import Store
from api.store.tables import BrowserSession, Competition, Member, Person, Role, Scope, Token

PREFIX = "assay_"
_TOKEN = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class Caller:
    """Who a valid token speaks for."""

    person_id: int
    name: str
    role: Role
    scopes: frozenset[Scope]
    token_id: int | None = None
    """The token that was shown; None in a session that began with a password."""


@dataclass(frozen=True)
class TokenView:
    id: int
    label: str
    prefix: str
    last4: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True)
class PersonView:
    id: int
    name: str
    role: Role
    created_at: datetime


@dataclass(frozen=True)
class Profile:
    """A person as they see themselves: their tokens, and the competitions they have an entry in."""

    id: int
    name: str
    role: Role
    created_at: datetime
    tokens: list[TokenView]
    competitions: list[str]
    has_password: bool


def ensure_admin(store: Store, keep: Callable[[str], None]) -> bool:
    """At the first start: makes an administrator and hands the token to `keep`; True when it did.

    `keep` runs inside the transaction: when it fails nobody has been made.
    """
    with store.write() as session:
        if session.exec(select(Person.id).where(Person.role == Role.admin).limit(1)).first() is not None:
            return False
        now = store.now(session)
        person = add(session, "admin", Role.admin, now)
        assert person.id is not None
        _, secret = _add_token(session, person.id, "first start", list(Scope), now)
        audit.note(session, "person.create", "admin", by=None, at=now)
        keep(secret)
        return True


def create_person(store: Store, name: str, role: Role, *, by: int) -> PersonView:
    """A new person. Raises Problem name_taken."""
    with store.write() as session:
        now = store.now(session)
        person = add(session, name, role, now)
        audit.note(session, "person.create", name, by=by, at=now, role=role.value)
        return _view(person)


def find(store: Store, name: str) -> PersonView:
    """Who is called that. Raises Problem unknown_person."""
    with store.read() as session:
        person = session.exec(select(Person).where(Person.name == name)).first()
        if person is None:
            raise Problem("unknown_person")
        return _view(person)


def exists(store: Store, person_id: int) -> bool:
    """Whether there is such a person."""
    with store.read() as session:
        return session.get(Person, person_id) is not None


def clear_password(store: Store, person_id: int, *, by: int) -> None:
    """For somebody who forgot it: takes the password away and signs them out everywhere. Raises Problem not_found."""
    with store.write() as session:
        person = session.get(Person, person_id)
        if person is None:
            raise Problem("not_found")
        person.password = None
        session.add(person)
        session.exec(delete(BrowserSession).where(col(BrowserSession.person_id) == person_id))
        audit.note(session, "password.clear", person.name, by=by, at=store.now(session))


def create_token(
    store: Store, person_id: int, label: str, scopes: Collection[Scope], *, by: int
) -> tuple[TokenView, str]:
    """A new token of a person, and its secret, which cannot be read again. Raises Problem unknown_person, forbidden."""
    with store.write() as session:
        person = session.get(Person, person_id)
        if person is None:
            raise Problem("not_found")
        if Scope.admin in scopes and person.role is not Role.admin:
            raise Problem("forbidden", "Only an administrator's token may have the scope admin.")
        now = store.now(session)
        token, secret = _add_token(session, person_id, label, scopes, now)
        audit.note(session, "token.create", person.name, by=by, at=now, scopes=token.scopes, last4=token.last4)
        return _token_view(token), secret


def revoke_token(store: Store, token_id: int, *, by: int, anybodys: bool) -> None:
    """Revokes a token for good; somebody else's is as missing as a missing one unless `anybodys`.

    Raises Problem not_found. Revoking twice is fine.
    """
    with store.write() as session:
        token = session.get(Token, token_id)
        if token is None or not (anybodys or token.person_id == by):
            raise Problem("not_found")
        if token.revoked_at is None:
            now = store.now(session)
            token.revoked_at = now
            session.add(token)
            audit.note(session, "token.revoke", f"token {token_id}", by=by, at=now, last4=token.last4)


def reissue_token(store: Store, person_id: int, label: str, scopes: Collection[Scope]) -> tuple[TokenView, str]:
    """For somebody who lost a token: revokes every token of theirs and makes a new one, all or nothing."""
    with store.write() as session:
        person = session.get_one(Person, person_id)
        now = store.now(session)
        lost = update(Token).where(col(Token.person_id) == person_id, col(Token.revoked_at).is_(None))
        revoked = session.exec(lost.values(revoked_at=now)).rowcount
        token, secret = _add_token(session, person_id, label, scopes, now)
        audit.note(session, "token.reissue", person.name, by=person_id, at=now, revoked=revoked, last4=token.last4)
        return _token_view(token), secret


def password_of(store: Store, name: str) -> tuple[int | None, str | None]:
    """Id and password hash of who is called that; both may be None."""
    with store.read() as session:
        found = session.exec(select(Person.id, Person.password).where(Person.name == name)).first()
        return found or (None, None)


def set_password(store: Store, person_id: int, kept: str, *, expected: str | None) -> bool:
    """Sets somebody's password hash, unless it is not the `expected` one any more."""
    with store.write() as session:
        person = session.get_one(Person, person_id)
        if person.password != expected:
            return False
        person.password = kept
        session.add(person)
        audit.note(session, "password.set", person.name, by=person_id, at=store.now(session))
        return True


def authenticate(store: Store, secret: str) -> Caller | None:
    """Who this token speaks for; None for one that is malformed, unknown or revoked, without telling which."""
    if _TOKEN.fullmatch(secret) is None:
        return None
    query = select(Token, Person).join(Person, col(Person.id) == Token.person_id)
    with store.read() as session:
        # Looking for the digest, not the token: how long it takes says nothing about a token.
        found = session.exec(query.where(Token.digest == _digest(secret), col(Token.revoked_at).is_(None))).first()
    if found is None:
        return None
    token, person = found
    assert person.id is not None
    scopes = frozenset(Scope(scope) for scope in token.scopes)
    return Caller(person.id, person.name, person.role, scopes, token.id)


def profile(store: Store, person_id: int) -> Profile:
    """What a person may know of themselves."""
    with store.read() as session:
        person = session.get_one(Person, person_id)
        tokens = session.exec(select(Token).where(Token.person_id == person_id).order_by(col(Token.id))).all()
        entered = session.exec(
            select(Competition.slug)
            .join(Member, col(Member.competition_id) == Competition.id)
            .where(Member.person_id == person_id)
            .order_by(Competition.slug)
        ).all()
    assert person.id is not None
    views = [_token_view(token) for token in tokens]
    has_password = person.password is not None
    return Profile(person.id, person.name, person.role, person.created_at, views, list(entered), has_password)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def add(session: Session, name: str, role: Role, now: datetime, password: str | None = None) -> Person:
    """A new person in the caller's transaction, with a password hash or without. Raises Problem name_taken."""
    if session.exec(select(Person.id).where(Person.name == name)).first() is not None:
        raise Problem("name_taken", f"Somebody is called {name} already.")
    person = Person(name=name, role=role, created_at=now, password=password)
    session.add(person)
    session.flush()
    return person


def _add_token(
    session: Session, person_id: int, label: str, scopes: Collection[Scope], now: datetime
) -> tuple[Token, str]:
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        person_id=person_id,
        digest=_digest(secret),
        prefix=secret[: len(PREFIX) + 4],
        last4=secret[-4:],
        label=label,
        scopes=sorted(scope.value for scope in scopes),
        created_at=now,
    )
    session.add(token)
    session.flush()
    return token, secret


def _view(person: Person) -> PersonView:
    assert person.id is not None
    return PersonView(person.id, person.name, person.role, person.created_at)


def _token_view(token: Token) -> TokenView:
    assert token.id is not None
    return TokenView(token.id, token.label, token.prefix, token.last4, token.scopes, token.created_at, token.revoked_at)
