"""How long judgings have taken and how large uploads were; knows nothing of why."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.store import competitions, turns, workers
from api.store.database import Store
from api.store.tables import CompetitionChallenge, Entry, Submission

LATEST = 200
"""So many of the last judgings of a challenge are taken."""


@dataclass(frozen=True)
class Measured:
    """What a competition can be expected to cost, from what was judged here."""

    entries: int
    seconds: dict[str, list[float]]
    """By challenge: slot seconds of its last judgings, from claim to verdict; empty for one never judged."""
    upload_bytes: float
    """The mean size of an upload."""
    slots: int
    """Of the workers that live."""


def measured(store: Store, competition_slug: str) -> Measured:
    """Of the challenges of a competition, wherever else they were judged, too. Raises Problem unknown_competition."""
    with store.read() as session:
        competition = competitions.by_slug(session, competition_slug)
        slugs = session.exec(
            select(CompetitionChallenge.challenge)
            .where(CompetitionChallenge.competition_id == competition.id)
            .order_by(col(CompetitionChallenge.position))
        ).all()
        return Measured(
            entries=session.exec(
                select(func.count()).select_from(Entry).where(Entry.competition_id == competition.id)
            ).one(),
            seconds={slug: turns.last_seconds(session, slug, LATEST) for slug in slugs},
            upload_bytes=_mean_size(session, slugs),
            slots=workers.live_slots(session, store.now(session)),
        )


def _mean_size(session: Session, slugs: Collection[str]) -> float:
    query = select(func.avg(col(Submission.size))).where(col(Submission.challenge).in_(slugs))
    return float(session.exec(query).one() or 0.0)
