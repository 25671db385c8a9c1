"""A small world for store tests: a clock that moves when told, people with entries, submissions, reports."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import select

from api.store import Store, accept, competitions, judgings, people, seasons, submissions
from api.store.judgings import Claim
from api.store.tables import Person, Role
from challenges.kit.score import Check, Score
from challenges.report import Report, Verdict

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHALLENGES = ("alpha", "beta", "gamma")
LEASE = 45.0


class Clock:
    """The database's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class World:
    """One competition `cup` that is open for a day, and whoever takes part."""

    url: str
    store: Store
    clock: Clock
    ids: dict[str, int] = field(default_factory=dict)

    @classmethod
    def at(cls, url: str) -> "World":
        clock = Clock()
        store = Store(url, clock=clock)
        world = cls(url, store, clock)
        world.ids["staff"] = _staff(store)
        world.competition("cup", closes_after=86400)
        return world

    def competition(self, slug: str, *, closes_after: float | None = None, opens_after: float = 0) -> None:
        seasons.create(
            self.store,
            slug=slug,
            title=slug.title(),
            opens_at=self.clock.now + timedelta(seconds=opens_after),
            closes_at=None if closes_after is None else self.clock.now + timedelta(seconds=closes_after),
            challenges=[
                competitions.ChallengePlace(name, 100 * place, "v1") for place, name in enumerate(CHALLENGES, 1)
            ],
            by=self.ids["staff"],
        )

    def person(self, name: str, *slugs: str) -> int:
        """A participant with an entry in `cup`, or in the competitions named."""
        self.ids[name] = people.create_person(self.store, name, Role.participant, by=self.ids["staff"]).id
        for slug in slugs or ("cup",):
            competitions.add_entry(self.store, slug, name, by=self.ids["staff"])
        return self.ids[name]

    def submit(self, name: str, challenge: str = "alpha", **more: str | None) -> str:
        """Submits one second after whatever was before; returns the submission's id."""
        if name not in self.ids:
            self.person(name)
        self.clock.tick(1)
        offer = accept.Offer(
            person_id=self.ids[name],
            challenge=challenge,
            version="v1",
            competition=more.get("competition"),
            digest=more.get("digest") or "d" * 64,
            size=10,
            files=["solution.py"],
            idempotency_key=more.get("key"),
        )
        return str(accept.accept(self.store, offer)["id"])

    def claim(self, worker: str = "w") -> Claim | None:
        return judgings.claim(self.store, worker=worker, lease_seconds=LEASE)

    def claimed(self, worker: str = "w") -> Claim:
        claim = self.claim(worker)
        assert claim is not None
        return claim

    def judge(self, result: Report, *, step: float | None = None) -> str:
        """Claims the next submission and gives it this report; returns its id."""
        claim = self.claimed()
        assert judgings.commit(self.store, claim, result, evidence={}, step=step)
        return claim.submission_id

    def state(self, submission_id: str) -> submissions.SubmissionView:
        return submissions.find(self.store, submission_id, owner=None)


def _staff(store: Store) -> int:
    people.ensure_admin(store, lambda _secret: None)
    with store.read() as session:
        return session.exec(select(Person.id)).one() or 0


def report(points: float | None, private: float | None = None, verdict: Verdict | None = None) -> Report:
    """A report with this score; accepted from 70 unless another verdict is named."""
    if points is None:
        return Report(verdict or Verdict.runtime_error, message="ValueError in line 3")
    checks = (Check("exact", points / 100, 1.0, False, "look again", points >= 70),)
    score = Score(points, points if private is None else private, checks)
    return Report(verdict or (Verdict.accepted if points >= 70 else Verdict.wrong_answer), score, checks)
