"""Where entries stand: kept with every verdict at a cost that does not grow with submissions; knows no page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from api.store.database import Store
from api.store.deadlines import Extensions, credit, window
from api.store.tables import (
    OVERALL,
    WEEK,
    Competition,
    CompetitionChallenge,
    Counts,
    Entry,
    Judging,
    Kind,
    Standing,
    State,
    Submission,
    VerdictRow,
    View,
)
from challenges.report import Verdict

PRECISION = 2
"""Decimals of every score and number of points that is shown or compared; what reads the same ranks the same."""


def same_version(judged: str | None, ranked: str) -> bool:
    """Whether a verdict of this version of a challenge stands in a ranking of that one."""
    return judged is None or judged == ranked


COUNTING = (Kind.scored, Kind.baseline)
"""Kinds of submissions that stand on boards."""


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
    credit: float = 1.0
    """What being late leaves of the points, 0 to 1."""
    standard_error: float | None = None
    """Of the natural metric of the public part."""
    counts: Counts = Counts.best
    freeze_at: datetime | None = None

    def part(self, view: View) -> float | None:
        """The score that counts in this view, at the declared precision; a public one that is not told is none."""
        if view is not View.private and not self.shown:
            return None
        score = self.private_score if view is View.private else self.score
        return None if score is None else round(score, PRECISION)

    @property
    def views(self) -> list[View]:
        """Those in which it counts: received after the freeze it is not on the frozen boards."""
        held = self.freeze_at is None or self.received_at >= self.freeze_at
        return [view for view in View if view is not View.frozen or not held]


def points_for(worth: int, score: float, credit: float = 1.0) -> float:
    """Points of a challenge worth so many, for a score 0-100 of which being late leaves this part."""
    return round(worth * score * credit / 100, PRECISION)


def open_entry(session: Session, entry: Entry) -> None:
    """Gives a new entry its place (without a score) on the overall board."""
    assert entry.id is not None
    for view in _views(session.get_one(Competition, entry.competition_id)):
        session.add(Standing(competition_id=entry.competition_id, board=OVERALL, view=view, entry_id=entry.id))


def _views(competition: Competition) -> list[View]:
    """The frozen boards are kept where there will be a freeze, from the beginning."""
    return [view for view in View if view is not View.frozen or competition.freeze_at is not None]


def weeks(places: Iterable[CompetitionChallenge]) -> dict[str, str]:
    """The board of the week of each challenge that has one; weeks are numbered in the order of the challenges."""
    numbers: dict[str, int] = {}
    ordered = sorted((place for place in places if place.week is not None), key=lambda place: place.position)
    return {place.challenge: f"{WEEK}{numbers.setdefault(place.week or '', len(numbers) + 1)}" for place in ordered}


def _weeks_of(session: Session, competition_id: int) -> dict[str, str]:
    here = select(CompetitionChallenge).where(CompetitionChallenge.competition_id == competition_id)
    return weeks(session.exec(here))


def apply(session: Session, result: Result) -> dict[View, Standing]:
    """Takes one new verdict into account; returns the overall rows of the views in which something changed."""
    # The rows that count together are those of an entry: two verdicts of one are taken into account one after another.
    session.exec(select(Entry.id).where(Entry.id == result.entry_id).with_for_update(key_share=True)).one()
    week = _weeks_of(session, result.competition_id)
    changed = {}
    for view in result.views:
        mine = select(Standing).where(Standing.entry_id == result.entry_id, Standing.view == view)
        rows = {row.board: row for row in session.exec(mine)}
        row = rows.get(result.challenge) or _blank(result.competition_id, result.challenge, view, result.entry_id)
        if not merge(row, result) and result.challenge in rows:
            continue
        rows[result.challenge] = row
        session.add(row)
        sums = _sums(week, rows, result.challenge)
        for board, parts in sums.items():
            whole = rows.get(board) or _blank(result.competition_id, board, view, result.entry_id)
            total(whole, parts)
            session.add(whole)
            if board == OVERALL:
                changed[view] = whole
    return changed


def _sums(
    week: Mapping[str, str], rows: Mapping[str, Standing], challenge: str | None = None
) -> dict[str, list[Standing]]:
    """The rows of challenges that add up to the boards above them: all boards, or those above one challenge."""
    sums: dict[str, list[Standing]] = {OVERALL: []}
    for board, row in rows.items():
        if board == OVERALL or board.startswith(WEEK):
            continue
        sums[OVERALL].append(row)
        above = week.get(board)
        if above is not None and (challenge is None or above == week.get(challenge)):
            sums.setdefault(above, []).append(row)
    return sums


def merge(row: Standing, result: Result) -> bool:
    """Lets a result improve a challenge's row. Where the best counts it is the one with most points, of equal ones that
    of the higher score, and then the earliest received; else the latest received."""
    changed = result.accepted and not row.solved
    row.solved = int(row.solved or result.accepted)
    score = result.part(row.view)
    if score is None:
        return changed
    points = points_for(result.worth, score, result.credit)
    if row.score is not None and row.reached_at is not None and row.submission_id is not None:
        if result.counts is Counts.last:
            better = (result.received_at, result.submission_id) > (row.reached_at, row.submission_id)
        else:
            mine = (-points, -score, result.received_at, result.submission_id)
            better = mine < (-(row.points or 0.0), -row.score, row.reached_at, row.submission_id)
        if not better:
            return changed
    row.score, row.points, row.standard_error = score, points, result.standard_error
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
    session: Session,
    instead: Mapping[str, VerdictRow] | None = None,
    *,
    entry_id: int | None = None,
    competition_id: int | None = None,
    versions: Mapping[int, str] | None = None,
) -> dict[Key, Standing]:
    """Every standing (of one entry, of one competition) as the effective verdicts give it, from nothing; the rows are
    not in the session.

    `instead`: verdicts, by submission, in place of those that are effective; `versions`: those of the challenges, by
    their place, in which these were judged and which rankings are of then. What is voided counts for nothing, nor what
    was judged with another version of the challenge than its ranking is of.
    """
    entries = select(Entry, Competition).join(Competition, col(Competition.id) == Entry.competition_id)
    if entry_id is not None:
        entries = entries.where(Entry.id == entry_id)
    if competition_id is not None:
        entries = entries.where(Entry.competition_id == competition_id)
    week: dict[int, dict[str, str]] = {}
    boards: dict[tuple[int, View, int], dict[str, Standing]] = {}
    for entry, competition in session.exec(entries):
        assert entry.id is not None and competition.id is not None
        if competition.id not in week:
            week[competition.id] = _weeks_of(session, competition.id)
        for view in _views(competition):
            boards[(competition.id, view, entry.id)] = {}
    for result in _results(session, instead or {}, entry_id, competition_id, versions or {}):
        for view in result.views:
            mine = boards[(result.competition_id, view, result.entry_id)]
            fresh = _blank(result.competition_id, result.challenge, view, result.entry_id)
            merge(mine.setdefault(result.challenge, fresh), result)
    for (where, view, whose), mine in boards.items():
        for board, parts in _sums(week[where], mine).items():
            mine[board] = _blank(where, board, view, whose)
            total(mine[board], parts)
    return {_key(row): row for mine in boards.values() for row in mine.values()}


def _results(
    session: Session,
    instead: Mapping[str, VerdictRow],
    entry_id: int | None,
    competition_id: int | None,
    versions: Mapping[int, str],
) -> Iterable[Result]:
    query = (
        select(VerdictRow, Submission, CompetitionChallenge, Judging.version)
        .join(Judging, col(Judging.id) == VerdictRow.judging_id)
        .join(Submission, col(Submission.id) == Judging.submission_id)
        .join(CompetitionChallenge, col(CompetitionChallenge.id) == Submission.competition_challenge_id)
        .where(Judging.effective, Judging.state == State.done, col(Submission.voided_at).is_(None))
        .where(col(Submission.kind).in_(COUNTING))
    )
    if entry_id is not None:
        query = query.where(Submission.entry_id == entry_id)
    if competition_id is not None:
        query = query.where(CompetitionChallenge.competition_id == competition_id)
    extensions = Extensions(session, entry_id, competition_id)
    competitions = {one.id: one for one in session.exec(select(Competition))}
    for effective, submission, challenge, judged in session.exec(query):
        verdict = instead.get(submission.id, effective)
        ranked = versions.get(challenge.id or 0, challenge.version)
        if not same_version(ranked if submission.id in instead else judged, ranked):
            continue
        competition = competitions[challenge.competition_id]
        if verdict.verdict != Verdict.judge_error.value:
            yield result_of(verdict, submission, challenge, competition, extensions)


def result_of(
    verdict: VerdictRow,
    submission: Submission,
    challenge: CompetitionChallenge,
    competition: Competition,
    extensions: Extensions,
    *,
    errors: bool = True,
) -> Result:
    """What a stored verdict means to the boards; without `errors` its report is not read."""
    until = extensions.until(submission.entry_id, challenge.id) if competition.late else None
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
        credit=credit(window(competition, challenge), until, submission.received_at),
        standard_error=(verdict.report.get("score") or {}).get("standard_error") if errors else None,
        counts=competition.counts,
        freeze_at=competition.freeze_at,
    )


def climbs(session: Session, result: Result, step: float) -> bool:
    """Whether a public score is by a step better than the best one told of this entry and challenge, or the first.

    What does not climb is not told: many tries, each a little luckier on the public rows, would read those rows out
    (the Ladder: Blum and Hardt, "The Ladder: a reliable leaderboard for machine learning competitions", ICML 2015).
    """
    told = (
        select(func.max(col(VerdictRow.score)))
        .join(Judging, col(Judging.id) == VerdictRow.judging_id)
        .join(Submission, col(Submission.id) == Judging.submission_id)
        .where(
            Judging.entry_id == result.entry_id,
            Judging.challenge == result.challenge,
            Judging.effective,
            VerdictRow.shown,
            Submission.kind != Kind.dry,
            col(Submission.voided_at).is_(None),
        )
    )
    best, score = session.exec(told).one(), result.part(View.public)
    return best is None or score is None or score >= round(best, PRECISION) + step


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


def renew(session: Session, competition_id: int | None = None) -> dict[Key, Standing]:
    """The same in the caller's transaction, for all competitions or one; the new rows."""
    rows = computed(session, competition_id=competition_id)
    old = delete(Standing)
    session.exec(old if competition_id is None else old.where(col(Standing.competition_id) == competition_id))
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
