"""Who looks after a competition: its organisers, and the staff of its cohorts; knows no token and no route."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, delete, select

from api.store.database import Store
from api.store.tables import Cohort, Competition, Entry, Member, Person, Role, Staff


@dataclass(frozen=True)
class Duty:
    """What somebody looks after in one competition: all of it, or some cohorts."""

    organiser: bool
    cohorts: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return self.organiser or bool(self.cohorts)


@dataclass(frozen=True)
class StaffView:
    """The people who look after a competition, by name; `cohorts` by the cohort's name."""

    organisers: list[str]
    cohorts: dict[str, list[str]]


def duty(store: Store, competition_slug: str, person_id: int) -> Duty:
    """What somebody looks after there; nothing in a competition that does not exist."""
    with store.read() as session:
        query = (
            select(Staff.cohort_id)
            .join(Competition, col(Competition.id) == Staff.competition_id)
            .where(Competition.slug == competition_slug, Staff.person_id == person_id)
        )
        found = session.exec(query).all()
        return Duty(None in found, tuple(one for one in found if one is not None))


def organised(store: Store, person_id: int) -> list[str]:
    """The competitions that somebody organises."""
    with store.read() as session:
        query = select(Competition.slug).join(Staff, col(Staff.competition_id) == Competition.id)
        mine = query.where(Staff.person_id == person_id, col(Staff.cohort_id).is_(None))
        return sorted(session.exec(mine))


def listed(store: Store, competition_id: int) -> StaffView:
    """Everybody who looks after a competition."""
    with store.read() as session:
        return _listed(session, competition_id)


def _listed(session: Session, competition_id: int) -> StaffView:
    cohorts = session.exec(
        select(Cohort.name).where(Cohort.competition_id == competition_id).order_by(Cohort.name)
    ).all()
    found = StaffView([], {name: [] for name in cohorts})
    query = (
        select(Person.name, Cohort.name)
        .join(Staff, col(Staff.person_id) == Person.id)
        .outerjoin(Cohort, col(Cohort.id) == Staff.cohort_id)
        .where(Staff.competition_id == competition_id)
        .order_by(Person.name)
    )
    for person, cohort in session.exec(query):
        (found.organisers if cohort is None else found.cohorts[cohort]).append(person)
    return found


def apply(
    session: Session,
    competition_id: int,
    organisers: Sequence[str] | None,
    cohorts: Mapping[str, Sequence[str]] | None,
) -> list[str]:
    """Makes organisers, cohorts and their staff what is wanted (None: leaves them); every change in words.

    Raises ValueError with what is wrong.
    """
    was = _listed(session, competition_id)
    changes: list[str] = []
    if organisers is not None:
        _set(session, competition_id, None, "organisers", was.organisers, organisers, changes)
    if cohorts is not None:
        here = select(Cohort).where(Cohort.competition_id == competition_id)
        rows = {cohort.name: cohort for cohort in session.exec(here)}
        for name in sorted(rows.keys() - cohorts.keys()):
            if session.exec(select(Entry.id).where(Entry.cohort_id == rows[name].id).limit(1)).first() is not None:
                raise ValueError(f"cohort {name} cannot be taken out: there are entries in it.")
            session.exec(delete(Staff).where(col(Staff.cohort_id) == rows[name].id))
            session.delete(rows[name])
            changes.append(f"cohort {name} is taken out")
        for name, staff in cohorts.items():
            if name not in rows:
                rows[name] = Cohort(competition_id=competition_id, name=name)
                session.add(rows[name])
                session.flush()
                changes.append(f"cohort {name} is made")
            before = was.cohorts.get(name, [])
            _set(session, competition_id, rows[name].id, f"cohort {name}: staff", before, staff, changes)
    return changes


def _set(
    session: Session,
    competition_id: int,
    cohort_id: int | None,
    what: str,
    before: Sequence[str],
    after: Sequence[str],
    changes: list[str],
) -> None:
    if sorted(before) == sorted(set(after)):
        return
    people = []
    for name in dict.fromkeys(after):
        person = session.exec(select(Person).where(Person.name == name)).first()
        if person is None:
            raise ValueError(f"{what}: nobody is called {name}.")
        taking_part = select(Member.id).where(Member.competition_id == competition_id, Member.person_id == person.id)
        if person.role is not Role.admin and session.exec(taking_part).first() is not None:
            raise ValueError(f"{what}: {name} takes part, and cannot be staff.")
        people.append(person)
    same = Staff.cohort_id == cohort_id
    session.exec(delete(Staff).where(col(Staff.competition_id) == competition_id, same))  # type: ignore[arg-type]
    for person in people:
        session.add(Staff(competition_id=competition_id, person_id=person.id or 0, cohort_id=cohort_id))
    session.flush()
    changes.append(f"{what} {', '.join(sorted(before)) or 'none'} -> {', '.join(sorted(set(after))) or 'none'}")
