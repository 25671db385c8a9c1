"""Where entries stand: kept with every verdict at a cost that does not grow with submissions; knows no page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select

from api.store.database import Store
from api.store.tables import (
    OVERALL,
    CompetitionChallenge,
    Entry,
    Judging,
    Standing,
    State,
    Submission,
    VerdictRow,
    View,
)
from challenges.report import Verdict

PRECISION = 2
"""Decimals of every score and number of points that is shown or compared; what reads the same ranks the same."""


@dataclass(frozen=True)
class Result:
    """What one effective verdict means to the boards; scores are 0-100 or None for a submission without a score."""

    competition_id: int
    challenge: str
    worth: int
    entry_id: int
    submission_id: str
    received_at: datetime
    accepted: bool
    score: float | None
    private_score: float | None
    shown: bool = True

    def part(self, view: View) -> float | None:
        """The score that counts in this view, at the declared precision; a public one that is not told is none."""
        if view is View.public and not self.shown:
            return None
        score = self.score if view is View.public else self.private_score
        return None if score is None else round(score, PRECISION)


def points_for(worth: int, score: float) -> float:
    """Points of a challenge worth so many, for a score 0-100."""
    return round(worth * score / 100, PRECISION)


def open_entry(session: Session, entry: Entry) -> None:
    """Gives a new entry its place (without a score) on the overall board."""
    assert entry.id is not None
    for view in View:
        session.add(Standing(competition_id=entry.competition_id, board=OVERALL, view=view, entry_id=entry.id))


def apply(session: Session, result: Result) -> dict[View, Standing]:
    """Takes one new verdict into account; returns the overall rows of the views in which something changed."""
    # The rows that count together are those of an entry: two verdicts of one are taken into account one after another.
    session.exec(select(Entry.id).where(Entry.id == result.entry_id).with_for_update(key_share=True)).one()
    changed = {}
    for view in View:
        mine = select(Standing).where(Standing.entry_id == result.entry_id, Standing.view == view)
        rows = {row.board: row for row in session.exec(mine)}
        row = rows.get(result.challenge) or _blank(result.competition_id, result.challenge, view, result.entry_id)
        if not merge(row, result) and result.challenge in rows:
            continue
        rows[result.challenge] = row
        overall = rows.pop(OVERALL, None) or _blank(result.competition_id, OVERALL, view, result.entry_id)
        total(overall, rows.values())
        session.add(row)
        session.add(overall)
        changed[view] = overall
    return changed


def merge(row: Standing, result: Result) -> bool:
    """Lets a result improve a challenge's row: the best score counts, and of equal ones the earliest received."""
    changed = result.accepted and not row.solved
    row.solved = int(row.solved or result.accepted)
    score = result.part(row.view)
    if score is None:
        return changed
    if row.score is not None and row.reached_at is not None and row.submission_id is not None:
        mine, held = (-score, result.received_at, result.submission_id), (-row.score, row.reached_at, row.submission_id)
        if mine >= held:
            return changed
    row.score, row.points = score, points_for(result.worth, score)
    row.reached_at, row.submission_id = result.received_at, result.submission_id
    return True


def total(overall: Standing, rows: Iterable[Standing]) -> None:
    """Sets an overall row from the rows of its challenges; the moment is that of the last one that brought points."""
    scored = [row for row in rows if row.points is not None]
    overall.points = round(sum(row.points or 0.0 for row in scored), PRECISION) if scored else None
    overall.solved = sum(row.solved for row in rows)
    moments = [row.reached_at for row in scored if row.reached_at is not None and row.points]
    overall.reached_at = max(moments or [row.reached_at for row in scored if row.reached_at is not None], default=None)


def _blank(competition_id: int, board: str, view: View, entry_id: int) -> Standing:
    return Standing(competition_id=competition_id, board=board, view=view, entry_id=entry_id, solved=0)


Key = tuple[int, str, View, int]
Values = tuple[float | None, float | None, int, str | None, datetime | None]


def _values(row: Standing) -> Values:
    return (row.score, row.points, row.solved, row.submission_id, row.reached_at)


def _key(row: Standing) -> Key:
    return (row.competition_id, row.board, row.view, row.entry_id)


def computed(
    session: Session, instead: Mapping[str, VerdictRow] | None = None, *, entry_id: int | None = None
) -> dict[Key, Standing]:
    """Every standing as the effective verdicts give it, from nothing; the rows are not in the session.

    `instead`: verdicts, by submission, in place of those that are effective. What is voided counts for nothing.
    """
    rows: dict[Key, Standing] = {}
    entries = select(Entry) if entry_id is None else select(Entry).where(Entry.id == entry_id)
    for entry in session.exec(entries):
        for view in View:
            assert entry.id is not None
            row = _blank(entry.competition_id, OVERALL, view, entry.id)
            rows[_key(row)] = row
    boards: dict[Key, list[Standing]] = {key: [] for key in rows}
    for result in _results(session, instead or {}, entry_id):
        for view in View:
            fresh = _blank(result.competition_id, result.challenge, view, result.entry_id)
            row = rows.setdefault(_key(fresh), fresh)
            if row is fresh:
                boards[(result.competition_id, OVERALL, view, result.entry_id)].append(row)
            merge(row, result)
    for key, challenge_rows in boards.items():
        total(rows[key], challenge_rows)
    return rows


def _results(session: Session, instead: Mapping[str, VerdictRow], entry_id: int | None) -> Iterable[Result]:
    query = (
        select(VerdictRow, Submission, CompetitionChallenge)
        .join(Judging, col(Judging.id) == VerdictRow.judging_id)
        .join(Submission, col(Submission.id) == Judging.submission_id)
        .join(CompetitionChallenge, col(CompetitionChallenge.id) == Submission.competition_challenge_id)
        .where(Judging.effective, Judging.state == State.done, col(Submission.voided_at).is_(None))
    )
    if entry_id is not None:
        query = query.where(Submission.entry_id == entry_id)
    for effective, submission, challenge in session.exec(query):
        verdict = instead.get(submission.id, effective)
        if verdict.verdict != Verdict.judge_error.value:
            yield result_of(verdict, submission, challenge)


def result_of(verdict: VerdictRow, submission: Submission, challenge: CompetitionChallenge) -> Result:
    """What a stored verdict means to the boards."""
    return Result(
        competition_id=challenge.competition_id,
        challenge=challenge.challenge,
        worth=challenge.points,
        entry_id=submission.entry_id,
        submission_id=submission.id,
        received_at=submission.received_at,
        accepted=verdict.verdict == Verdict.accepted.value,
        score=verdict.score,
        private_score=verdict.private_score,
        shown=verdict.shown,
    )


def climbs(session: Session, result: Result, step: float) -> bool:
    """Whether a public score is by a step better than the best one told of this entry and challenge, or the first.

    What does not climb is not told: many tries, each a little luckier on the public rows, would read those rows out
    (the Ladder: Blum and Hardt, "The Ladder: a reliable leaderboard for machine learning competitions", ICML 2015).
    """
    mine = select(Standing.score).where(
        Standing.entry_id == result.entry_id, Standing.board == result.challenge, Standing.view == View.public
    )
    best, score = session.exec(mine).first(), result.part(View.public)
    return best is None or score is None or score >= best + step


def differences(store: Store) -> list[str]:
    """Where the kept standings are not what the effective verdicts give; empty when all is well."""
    with store.read() as session:
        return differences_in(session)


def differences_in(session: Session) -> list[str]:
    """The same, as this session sees it."""
    wanted = {key: _values(row) for key, row in computed(session).items()}
    kept = {_key(row): _values(row) for row in session.exec(select(Standing))}
    return [
        f"{key}: kept {kept.get(key)}, verdicts give {wanted.get(key)}"
        for key in sorted(wanted.keys() | kept.keys())
        if kept.get(key) != wanted.get(key)
    ]


def rebuild(store: Store) -> int:
    """Makes all standings anew from the effective verdicts, in one transaction; returns the number of rows."""
    with store.write() as session:
        return len(renew(session))


def renew(session: Session) -> dict[Key, Standing]:
    """The same in the caller's transaction; the new rows."""
    rows = computed(session)
    session.exec(delete(Standing))
    session.add_all(rows.values())
    return rows


def renew_entry(session: Session, entry_id: int) -> None:
    """The same for one entry."""
    session.exec(select(Entry.id).where(Entry.id == entry_id).with_for_update(key_share=True)).one()
    session.exec(delete(Standing).where(col(Standing.entry_id) == entry_id))
    session.add_all(computed(session, entry_id=entry_id).values())


def ranks(rows: Iterable[Standing]) -> dict[int, int]:
    """Ranks by entry on one board: most points first, equal points share one, and without points there is none."""
    points = sorted((row.points for row in rows if row.points is not None), reverse=True)
    first = {one: place for place, one in reversed(list(enumerate(points, start=1)))}
    return {row.entry_id: first[row.points] for row in rows if row.points is not None}
