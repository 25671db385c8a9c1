"""Who takes part, by one table: reads it, and makes entries, teams and people what it says; writes no letters.

A row is a person: `name`, and if wanted `email`, `team` and `cohort`. Who has no team is an entry of their own. A
roster adds and changes; who is not in it stays.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from api.names import MAX_NAME, email, plain
from api.store import people, standings
from api.store.database import Store
from api.store.tables import (
    Cohort,
    Competition,
    Entry,
    Extension,
    Member,
    Person,
    Role,
    Staff,
    Standing,
    Submission,
    Token,
)

COLUMNS = ("name", "email", "team", "cohort")
MOST_ROWS = 5000
MOST_ERRORS = 20
"""That one refusal names."""


@dataclass(frozen=True)
class Row:
    """One person, on a line of the table."""

    line: int
    name: str
    email: str | None = None
    team: str | None = None
    cohort: str | None = None

    @property
    def entry(self) -> str:
        """The name under which boards will show them."""
        return self.team or self.name


@dataclass(frozen=True)
class MemberView:
    """One person on the roster as it is."""

    person_id: int
    name: str
    email: str | None
    entry: str
    team: bool
    cohort: str | None
    can_sign_in: bool
    """Has a password or a token."""


class Wrong(Exception):
    """All that is wrong with a roster, each with its line."""

    def __init__(self, errors: Sequence[tuple[int, str]]) -> None:
        told = [f"roster line {line}: {what}" for line, what in sorted(errors)[:MOST_ERRORS]]
        more = len(errors) - MOST_ERRORS
        super().__init__(" ".join(told) + (f" And {more} more." if more > 0 else ""))


def parse(text: str) -> list[Row]:
    """The rows of a table of comma (or semicolon) separated values with a heading. Raises Wrong."""
    text = text.removeprefix("\N{BOM}")
    heading = text.splitlines()[0] if text.strip() else ""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in heading else ",", strict=True)
    errors: list[tuple[int, str]] = []
    rows: list[Row] = []
    try:
        names = [cell.strip().lower() for cell in next(reader, [])]
        unknown = [name for name in names if name not in COLUMNS]
        if unknown or "name" not in names or len(set(names)) != len(names):
            told = ", ".join(unknown or names)
            raise Wrong([(1, f"the columns are name and, if wanted, email, team, cohort; not {told!r}.")])
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(rows) >= MOST_ROWS:
                raise Wrong([(reader.line_num, f"a roster has at most {MOST_ROWS} rows.")])
            if len(cells) != len(names):
                errors.append((reader.line_num, f"it has {len(cells)} cells, the heading {len(names)}."))
                continue
            try:
                rows.append(_row(reader.line_num, dict(zip(names, cells, strict=True))))
            except ValueError as error:
                errors.append((reader.line_num, f"{error}."))
    except csv.Error as error:
        raise Wrong([(reader.line_num, f"{error}.")]) from None
    errors += _twice(rows)
    if errors:
        raise Wrong(errors)
    return rows


def _row(line: int, cells: dict[str, str]) -> Row:
    given = {key: value.strip() for key, value in cells.items()}
    name = given["name"]
    if not name:
        raise ValueError("the name is missing")
    for key in ("name", "team", "cohort"):
        value = given.get(key, "")
        try:
            given[key] = plain(value)
        except ValueError as error:
            raise ValueError(f"{key} {value[:80]!a}: {error}") from None
        if len(value) > MAX_NAME:
            raise ValueError(f"{key} is longer than {MAX_NAME} characters")
    address = email(given["email"]) if given.get("email") else None
    return Row(line, given["name"], address, given["team"] or None, given["cohort"] or None)


def _twice(rows: Sequence[Row]) -> list[tuple[int, str]]:
    """Names and addresses that stand there more than once, and teams that are also somebody's own entry."""
    errors = []
    for what in ("name", "email"):
        first: dict[str, int] = {}
        for row in rows:
            value = getattr(row, what)
            if value is not None and first.setdefault(value, row.line) != row.line:
                errors.append((row.line, f"{what} {value} stands on line {first[value]} already."))
    cohorts: dict[str, tuple[str | None, int]] = {}
    alone = {row.name: row.line for row in rows if row.team is None}
    for row in rows:
        if row.team is None:
            continue
        if row.team in alone:
            errors.append((row.line, f"team {row.team} is called like the person on line {alone[row.team]}."))
        cohort, line = cohorts.setdefault(row.team, (row.cohort, row.line))
        if cohort != row.cohort:
            errors.append((row.line, f"team {row.team} is in cohort {cohort or 'none'} on line {line}."))
    return errors


def apply(
    session: Session, competition: Competition, rows: Sequence[Row], *, by_admin: bool, now: datetime
) -> list[str]:
    """Makes a competition's people what the rows say; every change in words.

    An organiser who is no administrator cannot enter somebody by name who has an account already: they join by a code.

    Raises Wrong; then the caller takes everything back.
    """
    return _Applying(session, competition, by_admin, now).all(rows)


class _Applying:
    def __init__(self, session: Session, competition: Competition, by_admin: bool, now: datetime) -> None:
        assert competition.id is not None
        self._session, self._competition, self._by_admin, self._now = session, competition, by_admin, now
        self._id = competition.id
        here = select(Cohort).where(Cohort.competition_id == self._id)
        self._cohorts = {cohort.name: cohort.id for cohort in session.exec(here)}
        staff = select(Staff.person_id).where(Staff.competition_id == self._id)
        self._staff = set(session.exec(staff))
        entries = select(Entry).where(Entry.competition_id == self._id)
        self._entries = {entry.name: entry for entry in session.exec(entries)}
        members = (
            select(Member, Person)
            .join(Person, col(Person.id) == Member.person_id)
            .where(Member.competition_id == self._id)
        )
        self._members = {person.name: (member, person) for member, person in session.exec(members)}
        self._addresses = {one.email: name for name, (one, _) in self._members.items() if one.email}
        self.changes: list[str] = []

    def all(self, rows: Sequence[Row]) -> list[str]:
        errors: list[tuple[int, str]] = []
        for row in rows:
            try:
                self._one(row)
            except ValueError as error:
                errors.append((row.line, str(error)))
        errors += self._too_large(rows)
        if errors:
            raise Wrong(errors)
        self._drop_empty()
        return self.changes

    def _one(self, row: Row) -> None:
        if row.cohort is not None and row.cohort not in self._cohorts:
            raise ValueError(f"there is no cohort {row.cohort}.")
        member, person = self._members.get(row.name, (None, None))
        owner = self._addresses.get(row.email) if row.email else None
        if owner not in (None, row.name):
            raise ValueError(f"{row.email} is the address of {owner} already.")
        if member is None or person is None:
            self._new(row)
        else:
            self._change(row, member)
        entry = self._entries[row.entry]
        cohort_id = self._cohorts.get(row.cohort or "")
        if entry.cohort_id != cohort_id:
            entry.cohort_id = cohort_id
            self._session.add(entry)
            self.changes.append(f"{entry.name} is in cohort {row.cohort or 'none'}")

    def _new(self, row: Row) -> None:
        person = self._session.exec(select(Person).where(Person.name == row.name)).first()
        if person is None:
            person = people.add(self._session, row.name, Role.participant, self._now)
            self.changes.append(f"{row.name} is made")
        elif not self._by_admin:
            raise ValueError(f"somebody is called {row.name} already; let them join by the code, or use another name.")
        if person.id in self._staff:
            raise ValueError(f"{row.name} is staff here, and cannot take part.")
        entry = self._entry(row)
        member = Member(competition_id=self._id, entry_id=entry.id or 0, person_id=person.id or 0, email=row.email)
        self._session.add(member)
        self._session.flush()
        self._members[row.name] = (member, person)
        if row.email:
            self._addresses[row.email] = row.name
        self.changes.append(f"{row.name} is entered" + (f" in team {row.team}" if row.team else ""))

    def _change(self, row: Row, member: Member) -> None:
        if row.email is not None and member.email != row.email:
            self.changes.append(f"{row.name}: email {member.email or 'none'} -> {row.email}")
            if member.email:
                del self._addresses[member.email]
            self._addresses[row.email] = row.name
            member.email = row.email
        old = self._session.get_one(Entry, member.entry_id)
        if old.name != row.entry:
            if self._session.exec(select(Submission.id).where(Submission.entry_id == old.id).limit(1)).first():
                raise ValueError(f"{row.name} stays in {old.name}, which has handed something in already.")
            member.entry_id = self._entry(row).id or 0
            self.changes.append(f"{row.name} moves from {old.name} to {row.entry}")
        self._session.add(member)
        self._session.flush()

    def _entry(self, row: Row) -> Entry:
        entry = self._entries.get(row.entry)
        if entry is None:
            entry = Entry(competition_id=self._id, name=row.entry, created_at=self._now)
            self._session.add(entry)
            self._session.flush()
            standings.open_entry(self._session, entry)
            self._entries[row.entry] = entry
        elif entry.baseline or row.team is None:
            raise ValueError(f"there is an entry {row.entry} already.")
        return entry

    def _too_large(self, rows: Sequence[Row]) -> list[tuple[int, str]]:
        sizes = _sizes(self._session, self._id)
        last = {row.entry: row.line for row in rows}
        most = self._competition.team_size
        found = [(self._entries[name], line) for name, line in last.items() if name in self._entries]
        return [
            (line, f"team {entry.name} would have {sizes.get(entry.id, 0)} members, and {most} is the most.")
            for entry, line in found
            if sizes.get(entry.id, 0) > most
        ]

    def _drop_empty(self) -> None:
        """Entries that everybody has left; nothing was handed in by them."""
        sizes = _sizes(self._session, self._id)
        for name, entry in list(self._entries.items()):
            if not entry.baseline and not sizes.get(entry.id):
                self._session.exec(delete(Standing).where(col(Standing.entry_id) == entry.id))
                self._session.exec(delete(Extension).where(col(Extension.entry_id) == entry.id))
                self._session.delete(entry)
                self.changes.append(f"{name} is taken out: nobody is left in it")


def _sizes(session: Session, competition_id: int) -> dict[int | None, int]:
    query = select(Member.entry_id, func.count()).where(Member.competition_id == competition_id)
    return dict(session.exec(query.group_by(col(Member.entry_id))).all())


def largest(session: Session, competition_id: int) -> tuple[str, int]:
    """The entry with most members, and how many; nobody's is ("", 0)."""
    sizes = _sizes(session, competition_id)
    if not sizes:
        return "", 0
    entry_id = max(sizes, key=lambda one: sizes[one])
    return session.get_one(Entry, entry_id).name, sizes[entry_id]


def listed(store: Store, competition_id: int, cohorts: Sequence[int] | None = None) -> list[MemberView]:
    """Everybody in a competition, or in some cohorts of it, by name."""
    with store.read() as session:
        query = (
            select(Member, Person, Entry, Cohort.name)
            .join(Person, col(Person.id) == Member.person_id)
            .join(Entry, col(Entry.id) == Member.entry_id)
            .outerjoin(Cohort, col(Cohort.id) == Entry.cohort_id)
            .where(Member.competition_id == competition_id, ~col(Entry.baseline))
            .order_by(Person.name)
        )
        if cohorts is not None:
            query = query.where(col(Entry.cohort_id).in_(cohorts))
        found = session.exec(query).all()
        ids = [person.id for _, person, _, _ in found]
        known = select(Token.person_id).where(col(Token.person_id).in_(ids), col(Token.revoked_at).is_(None))
        tokens = set(session.exec(known))
        return [
            MemberView(
                person_id=person.id or 0,
                name=person.name,
                email=member.email,
                entry=entry.name,
                team=entry.name != person.name,
                cohort=cohort,
                can_sign_in=person.password is not None or person.id in tokens,
            )
            for member, person, entry, cohort in found
        ]
