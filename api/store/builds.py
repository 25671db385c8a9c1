"""Which prepared data exist for a challenge version, and which are wanted; knows digests, not data."""

from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from api.store.database import Store
from api.store.tables import ChallengeBuild, Competition, CompetitionChallenge


@dataclass(frozen=True)
class Build:
    """Prepared data of one challenge version and seed epoch: digests of the packed archives."""

    challenge: str
    version: str
    seed_epoch: int
    public_digest: str
    hidden_digest: str


def find(store: Store, slug: str, version: str, seed_epoch: int = 0) -> Build | None:
    """The build of this challenge version, None while nobody has made it."""
    with store.read() as session:
        return _find(session, slug, version, seed_epoch)


def wanted(store: Store) -> set[str]:
    """The challenges of every competition that is not over: their data should be there before somebody submits."""
    with store.read() as session:
        now = store.now(session)
        query = (
            select(CompetitionChallenge.challenge)
            .join(Competition, col(Competition.id) == CompetitionChallenge.competition_id)
            .where(or_(col(Competition.closes_at).is_(None), col(Competition.closes_at) > now))
        )
        return set(session.exec(query.distinct()))


def record(store: Store, slug: str, version: str, seed_epoch: int, public_digest: str, hidden_digest: str) -> Build:
    """Remembers a build and returns the one in force: the first to be recorded wins, so all workers use the same."""
    with store.write() as session:
        known = _find(session, slug, version, seed_epoch)
        if known is not None:
            return known
        session.add(
            ChallengeBuild(
                challenge=slug,
                version=version,
                seed_epoch=seed_epoch,
                public_digest=public_digest,
                hidden_digest=hidden_digest,
                created_at=store.now(session),
            )
        )
    return Build(slug, version, seed_epoch, public_digest, hidden_digest)


def _find(session: Session, slug: str, version: str, seed_epoch: int) -> Build | None:
    row = session.exec(
        select(ChallengeBuild).where(
            ChallengeBuild.challenge == slug,
            ChallengeBuild.version == version,
            ChallengeBuild.seed_epoch == seed_epoch,
        )
    ).first()
    if row is None:
        return None
    return Build(row.challenge, row.version, row.seed_epoch, row.public_digest, row.hidden_digest)
