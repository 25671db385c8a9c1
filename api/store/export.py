"""All that the boards of a competition follow from, as plain data; computes nothing."""

from datetime import datetime
from typing import Any

from sqlmodel import col, select

from api.store import competitions
from api.store.database import Store
from api.store.tables import (
    Cohort,
    CompetitionChallenge,
    Entry,
    Extension,
    Judging,
    Member,
    Person,
    Submission,
    VerdictRow,
)


def export(store: Store, slug: str) -> dict[str, Any]:
    """All that the boards of a competition follow from, as plain data: rules, challenges, entries, extensions, and
    every submission with the verdict that counts. Scores are as the judge gave them, unrounded.

    Raises Problem unknown_competition.
    """
    with store.read() as session:
        competition = competitions.by_slug(session, slug)
        here = competition.id
        named = session.exec(select(Entry.id, Entry.name).where(Entry.competition_id == here)).all()
        names: dict[int | None, str] = dict(named)
        cohorts = dict(session.exec(select(Cohort.id, Cohort.name).where(Cohort.competition_id == here)).all())
        members: dict[int, list[str]] = {}
        people = select(Member.entry_id, Person.name).join(Person, col(Person.id) == Member.person_id)
        for entry_id, name in session.exec(people.where(Member.competition_id == here).order_by(Person.name)):
            members.setdefault(entry_id, []).append(name)
        places = session.exec(
            select(CompetitionChallenge)
            .where(CompetitionChallenge.competition_id == here)
            .order_by(col(CompetitionChallenge.position))
        ).all()
        slugs = {place.id: place.challenge for place in places}
        entries = session.exec(select(Entry).where(Entry.competition_id == here).order_by(Entry.name)).all()
        extensions = session.exec(
            select(Extension).where(col(Extension.entry_id).in_(names)).order_by(col(Extension.id))
        ).all()
        judged = (
            select(Submission, Judging, VerdictRow)
            .join(Judging, col(Judging.submission_id) == Submission.id)
            .outerjoin(VerdictRow, col(VerdictRow.judging_id) == Judging.id)
            .where(Judging.effective, col(Submission.entry_id).in_(names))
            .order_by(col(Submission.received_at), col(Submission.id))
        )
        return {
            "competition": {
                "slug": competition.slug,
                "title": competition.title,
                "opens_at": _moment(competition.opens_at),
                "closes_at": _moment(competition.closes_at),
                "freeze_at": _moment(competition.freeze_at),
                "thawed_at": _moment(competition.thawed_at),
                "time_zone": competition.time_zone,
                "per_day": competition.per_day,
                "late": competition.late,
                "counts": competition.counts.value,
                "private": competition.private,
                "team_size": competition.team_size,
            },
            "challenges": [
                {
                    "slug": place.challenge,
                    "points": place.points,
                    "version": place.version,
                    "week": place.week,
                    "opens_at": _moment(place.opens_at),
                    "closes_at": _moment(place.closes_at),
                }
                for place in places
            ],
            "entries": [
                {
                    "name": entry.name,
                    "members": members.get(entry.id or 0, []),
                    "cohort": cohorts.get(entry.cohort_id),
                    "baseline": entry.baseline,
                }
                for entry in entries
            ],
            "extensions": [
                {
                    "entry": names[one.entry_id],
                    "challenge": slugs.get(one.competition_challenge_id),
                    "closes_at": _moment(one.closes_at),
                }
                for one in extensions
            ],
            "submissions": [
                {
                    "id": submission.id,
                    "kind": submission.kind.value,
                    "entry": names[submission.entry_id],
                    "challenge": submission.challenge,
                    "received_at": _moment(submission.received_at),
                    "voided": submission.voided_at is not None,
                    "state": judging.state.value,
                    "version": judging.version,
                    "verdict": verdict.verdict if verdict else None,
                    "score": verdict.score if verdict else None,
                    "private_score": verdict.private_score if verdict else None,
                    "shown": verdict.shown if verdict else None,
                }
                for submission, judging, verdict in session.exec(judged)
            ],
        }


def _moment(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat()
