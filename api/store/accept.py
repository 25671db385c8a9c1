"""Takes a submission in: one transaction from window and entry to queue and receipt; knows nothing of uploads."""

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session, col, select

from api.errors import Problem
from api.store import competitions, deadlines, events, quota, standings, turns
from api.store.database import Store
from api.store.tables import (
    Competition,
    CompetitionChallenge,
    Entry,
    Judging,
    Kind,
    Lane,
    Member,
    Outbox,
    Person,
    State,
    Submission,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Offer:
    """A submission as somebody hands it in; the upload is stored already, under `digest`. `size` is in bytes."""

    person_id: int
    challenge: str
    version: str
    competition: str | None
    digest: str
    size: int
    files: Sequence[str]
    idempotency_key: str | None = None
    kind: Kind = Kind.scored
    baseline: str | None = None
    """Of a baseline: the name under which it stands on the boards. Whether its person may do that is not asked here."""


@dataclass(frozen=True)
class Place:
    """Where an offer belongs."""

    competition: Competition
    challenge: CompetitionChallenge
    entry: Entry


def look(store: Store, offer: Offer) -> dict[str, Any] | None:
    """Whether the offer would be accepted now, so that an upload nobody wants need not be stored; a receipt that was
    given for its key, if there is one. Raises what `accept` raises, which alone decides.
    """
    with store.read() as session:
        known = _known(session, offer)
        if known is None:
            now = store.now(session)
            place = _place(session, offer, now)
            _check_window(session, offer, place, now)
            _attempts(session, offer, place, now)
        return known


def new_id() -> str:
    """131 random bits in letters and digits: an id never looks like an option of a command."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(22))


def accept(store: Store, offer: Offer) -> dict[str, Any]:
    """Queues the submission and returns its receipt; the same key with the same content gives the same receipt again.

    Raises Problem unknown_competition, unknown_challenge, not_entered, competition_not_begun, competition_over,
    challenge_not_open, challenge_closed, quota_used, competition_required, idempotency_conflict.
    """
    with store.write(shared=True) as session:
        # What one person hands in at the same moment is taken one after another: a key counts once.
        session.exec(select(Person.id).where(Person.id == offer.person_id).with_for_update(key_share=True)).first()
        known = _known(session, offer)
        if known is not None:
            return known
        now = store.now(session)
        place = _place(session, offer, now)
        if offer.baseline is not None:
            place = Place(
                place.competition, place.challenge, _baseline(session, offer.baseline, place.competition, now)
            )
        _check_window(session, offer, place, now)
        turns.lock_entry(session, place.entry.id or 0)  # a team's last attempt is taken once
        left = _attempts(session, offer, place, now)
        submission_id = new_id()
        judging = _queue(session, offer, place, submission_id, now)
        receipt = {
            "id": submission_id,
            "competition": place.competition.slug,
            "challenge": offer.challenge,
            "digest": offer.digest,
            "received_at": now.isoformat(),
            "state": State.queued.value,
            "held_reason": judging.held_reason,
            "queue_position": turns.queue_position(session, judging),
            "eta_seconds": turns.eta_seconds(session, judging, now),
            "attempts_left": left,
            "kind": offer.kind.value,
        }
        session.get_one(Submission, submission_id).receipt = receipt
    log.info(
        "submission.accepted",
        submission=submission_id,
        judging=judging.id,
        competition=place.competition.slug,
        challenge=offer.challenge,
        person=offer.person_id,
        digest=offer.digest,
        size=offer.size,
    )
    return receipt


def _known(session: Session, offer: Offer) -> dict[str, Any] | None:
    """The receipt that was given for this idempotency key."""
    if offer.idempotency_key is None:
        return None
    row = session.exec(
        select(Submission).where(
            Submission.person_id == offer.person_id, Submission.idempotency_key == offer.idempotency_key
        )
    ).first()
    if row is None:
        return None
    same = (row.digest, row.challenge, row.kind) == (offer.digest, offer.challenge, offer.kind)
    if not same or offer.competition not in (None, row.receipt["competition"]):
        raise Problem("idempotency_conflict")
    return row.receipt


def _attempts(session: Session, offer: Offer, place: Place, now: datetime) -> int | None:
    """How many are left after this one; None where there is no limit, or it takes none. Raises Problem quota_used."""
    if offer.kind in (Kind.dry, Kind.baseline):
        return None
    attempts = quota.today(session, place.competition, place.challenge, place.entry, now, kind=offer.kind)
    quota.check(attempts, now)
    return None if attempts.left is None else attempts.left - 1


def _baseline(session: Session, name: str, competition: Competition, now: datetime) -> Entry:
    """The entry of this baseline, made at its first submission. Raises Problem name_taken."""
    here = select(Entry).where(Entry.competition_id == competition.id, Entry.name == name)
    entry = session.exec(here).first()
    if entry is None:
        entry = Entry(competition_id=competition.id or 0, name=name, created_at=now, baseline=True)
        session.add(entry)
        session.flush()
        standings.open_entry(session, entry)
    elif not entry.baseline:
        raise Problem("name_taken", f"{name} takes part in {competition.slug}.")
    return entry


def _place(session: Session, offer: Offer, now: datetime) -> Place:
    if offer.baseline is not None:
        return _place_of_baseline(session, offer)
    query = (
        select(Competition, CompetitionChallenge, Entry)
        .join(CompetitionChallenge, col(CompetitionChallenge.competition_id) == Competition.id)
        .join(Member, col(Member.competition_id) == Competition.id)
        .join(Entry, col(Entry.id) == Member.entry_id)
        .where(CompetitionChallenge.challenge == offer.challenge, Member.person_id == offer.person_id)
        .order_by(Competition.slug)
    )
    if offer.competition is None:
        mine = [Place(*row) for row in session.exec(query)]
        open_now = [p for p in mine if competitions.phase(p.competition, now) is competitions.Phase.open]
        # The only place there is will do even if it is not open: its own refusal says more than "name one".
        choice = open_now or mine
        if len(choice) != 1:
            raise Problem(
                "competition_required",
                f"Name one of your competitions with {offer.challenge}."
                if choice
                else f"You have no entry in a competition with {offer.challenge}.",
                competitions=[place.competition.slug for place in choice],
            )
        return choice[0]
    row = session.exec(query.where(Competition.slug == offer.competition)).first()
    if row is not None:
        return Place(*row)
    competition = competitions.by_slug(session, offer.competition)
    competitions.place(session, competition, offer.challenge)
    raise Problem("not_entered")


def _place_of_baseline(session: Session, offer: Offer) -> Place:
    """With an entry that need not be there yet. Raises Problem unknown_competition, unknown_challenge."""
    competition = competitions.by_slug(session, offer.competition or "")
    challenge = competitions.place(session, competition, offer.challenge)
    return Place(
        competition, challenge, Entry(competition_id=competition.id or 0, name="", created_at=competition.opens_at)
    )


def _check_window(session: Session, offer: Offer, place: Place, now: datetime) -> None:
    """What counts is taken within the window, practice after it, a dry run from the beginning on, a baseline always."""
    if offer.kind is Kind.baseline:
        return
    found = deadlines.of_entry(session, place.competition, place.challenge, place.entry.id or 0)
    deadlines.check(place.competition, place.challenge, found, now, over=offer.kind is not Kind.scored)
    if offer.kind is Kind.practice and (found.last is None or now < found.last):
        raise Problem("invalid_request", f"{place.challenge.challenge} is not over: what is handed in counts.")


def _queue(session: Session, offer: Offer, place: Place, submission_id: str, now: datetime) -> Judging:
    assert place.entry.id is not None and place.challenge.id is not None
    session.add(
        Submission(
            id=submission_id,
            kind=offer.kind,
            person_id=offer.person_id,
            entry_id=place.entry.id,
            competition_challenge_id=place.challenge.id,
            challenge=offer.challenge,
            received_at=now,
            digest=offer.digest,
            size=offer.size,
            files=list(offer.files),
            idempotency_key=offer.idempotency_key,
            receipt={},
        )
    )
    session.flush()
    judging = Judging(
        submission_id=submission_id,
        entry_id=place.entry.id,
        challenge=offer.challenge,
        version=offer.version,
        received_at=now,
        lane=Lane.contest,
        state=State.queued,
    )
    with session.no_autoflush:  # it is no part of the queue yet
        turns.take_turn(session, judging)
    session.add(judging)
    session.flush()
    assert judging.id is not None
    session.add(Outbox(judging_id=judging.id, created_at=now))
    events.of_submission(session, submission_id, at=now, state=State.queued.value)
    return judging
