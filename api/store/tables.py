"""Every table and every stored word; knows no query. Modules beside this one are the only readers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

OVERALL = ""  # the board of a whole competition; the boards beside it are named by their challenge or their week
WEEK = "week:"  # and the week's number, from 1 in the order of the competition's challenges


class Role(StrEnum):
    participant = "participant"
    admin = "admin"


class Scope(StrEnum):
    """What a token may be used for; it never gives more than its person may do."""

    read = "read"
    submit = "submit"
    organise = "organise"
    admin = "admin"


class Kind(StrEnum):
    """What a submission is for: to count, to be tried on what everybody may know, to practise after the end, or (by
    staff) to be compared with."""

    scored = "scored"
    dry = "dry"
    practice = "practice"
    baseline = "baseline"


class Counts(StrEnum):
    """Which of an entry's submissions of a challenge counts, of those that have a score."""

    best = "best"
    last = "last"


class Lane(StrEnum):
    """What a judging is for; `turns` says what that means for its turn."""

    contest = "contest"
    rejudge = "rejudge"


class ComparisonState(StrEnum):
    """Of a comparison of programs: it waits, is done, or could not be done."""

    open = "open"
    done = "done"
    failed = "failed"


class RejudgingState(StrEnum):
    """`open` until somebody decides; what is `applied` counts, what is `dropped` never will."""

    open = "open"
    applied = "applied"
    dropped = "dropped"


class State(StrEnum):
    queued = "queued"
    running = "running"
    done = "done"
    cancelled = "cancelled"


class Stage(StrEnum):
    preparing = "preparing"
    building = "building"
    running = "running"
    scoring = "scoring"


class Outcome(StrEnum):
    """How an attempt ended; null while it runs."""

    committed = "committed"
    given_back = "given_back"
    expired = "expired"
    cancelled = "cancelled"


class View(StrEnum):
    """What a board counts: the public part, the private part, or the public part of what came before the freeze."""

    public = "public"
    private = "private"
    frozen = "frozen"


class Audience(StrEnum):
    """Who may see an event: its owner (and administrators), everybody, or operators only."""

    owner = "owner"
    public = "public"
    operator = "operator"


def _word(enum: type[StrEnum]) -> Any:
    """A column type that stores an enum by its value, so that a new member needs no migration."""
    return sa.Enum(
        enum, native_enum=False, length=32, create_constraint=False, values_callable=lambda e: [m.value for m in e]
    )


def _ref(column: str, **options: Any) -> Any:
    return Field(foreign_key=column, **options)


class Person(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=64, unique=True)
    role: Role = Field(sa_type=_word(Role))
    created_at: datetime
    password: str | None = Field(default=None, max_length=255)
    """An argon2id hash in PHC form; None for somebody who signs in with tokens only."""
    erased_at: datetime | None = None
    """When everything personal was taken away; the name says nothing since."""


class Token(SQLModel, table=True):
    """A credential; only its SHA-256 is kept, and enough of its ends for the owner to recognise it."""

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = _ref("person.id", index=True)
    digest: str = Field(max_length=64, unique=True)
    prefix: str = Field(max_length=16)
    last4: str = Field(max_length=4)
    label: str = Field(max_length=64)
    scopes: list[str] = Field(sa_type=sa.JSON)
    created_at: datetime
    revoked_at: datetime | None = None


class PasswordLink(SQLModel, table=True):
    """A link with which somebody sets a password, once; only the SHA-256 of its secret is kept."""

    __tablename__ = "password_link"
    id: int | None = Field(default=None, primary_key=True)
    person_id: int = _ref("person.id", unique=True)
    digest: str = Field(max_length=64, unique=True)
    created_at: datetime
    created_by: int = _ref("person.id")
    expires_at: datetime


class BrowserSession(SQLModel, table=True):
    """Somebody signed in on a page; of the cookie only its SHA-256 is kept. What began with a token ends with it."""

    __tablename__ = "browser_session"
    id: int | None = Field(default=None, primary_key=True)
    digest: str = Field(max_length=64, unique=True)
    person_id: int = _ref("person.id", index=True)
    token_id: int | None = _ref("token.id", default=None)
    created_at: datetime
    expires_at: datetime = Field(index=True)


class Competition(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=64, unique=True)
    title: str = Field(max_length=200)
    opens_at: datetime
    closes_at: datetime | None = None
    created_at: datetime
    join_code: str | None = Field(default=None, max_length=16, unique=True)
    """Who knows it may enter by themselves; None where an administrator enters people."""
    time_zone: str = Field(default="UTC", max_length=64, sa_column_kwargs={"server_default": "UTC"})
    """Where a day begins and ends."""
    per_day: int | None = None
    """How many submissions of one entry and challenge a day scores; None is as many as they like."""
    late: list[float] = Field(default_factory=list, sa_type=sa.JSON, sa_column_kwargs={"server_default": "[]"})
    """What is left of the points on each day after a challenge's deadline; after the last of these days it is over."""
    counts: Counts = Field(
        default=Counts.best, sa_type=_word(Counts), sa_column_kwargs={"server_default": Counts.best.value}
    )
    freeze_at: datetime | None = None
    """What is received from then on does not show on the boards until they are thawed."""
    thawed_at: datetime | None = None
    private: bool = Field(default=True, sa_column_kwargs={"server_default": sa.true()})
    """Whether the private part of the scores counts from the close on."""
    team_size: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    named: int | None = None
    """Down to which rank boards name an entry; None names all."""
    step: float | None = None
    """The points by which a public score must be better to be told, in place of the challenge's own."""
    feedback: str | None = Field(default=None, max_length=2)
    """The most that is told of a verdict (F0 to F3), where the challenge itself would tell more."""


class CompetitionChallenge(SQLModel, table=True):
    __tablename__ = "competition_challenge"
    __table_args__ = (sa.UniqueConstraint("competition_id", "challenge"),)
    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id")
    challenge: str = Field(max_length=64)
    position: int
    points: int
    version: str = Field(max_length=64)
    week: str | None = Field(default=None, max_length=200)
    """The title of the week it belongs to."""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    """Its own window within the competition's."""


class Cohort(SQLModel, table=True):
    """Some of a competition's entries, with staff of their own."""

    __table_args__ = (sa.UniqueConstraint("competition_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id")
    name: str = Field(max_length=64)


class Staff(SQLModel, table=True):
    """Somebody who looks after one cohort of a competition or (null) organises all of it."""

    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id", index=True)
    person_id: int = _ref("person.id", index=True)
    cohort_id: int | None = _ref("cohort.id", default=None)


class Entry(SQLModel, table=True):
    """The place of one person or a team in a competition, under the name its boards show."""

    __table_args__ = (sa.UniqueConstraint("competition_id", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id")
    name: str = Field(max_length=64)
    created_at: datetime
    cohort_id: int | None = _ref("cohort.id", default=None, index=True)
    baseline: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Handed in by staff for comparison: it stands beside the ranking."""


class Member(SQLModel, table=True):
    """Who an entry belongs to; nobody has two in one competition."""

    __table_args__ = (
        sa.UniqueConstraint("competition_id", "person_id"),
        sa.UniqueConstraint("competition_id", "email"),
    )
    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id")
    entry_id: int = _ref("entry.id", index=True)
    person_id: int = _ref("person.id", index=True)
    email: str | None = Field(default=None, max_length=254)
    """By which the organiser knows them; shown to staff only."""


class Extension(SQLModel, table=True):
    """A later deadline of one entry, for one challenge or (null) for all of them."""

    id: int | None = Field(default=None, primary_key=True)
    entry_id: int = _ref("entry.id", index=True)
    competition_challenge_id: int | None = _ref("competition_challenge.id", default=None)
    closes_at: datetime
    reason: str = Field(max_length=500)
    created_at: datetime
    created_by: int = _ref("person.id")


class Submission(SQLModel, table=True):
    """What was received; never changed afterwards, but what people wrote may be erased, and it may be voided."""

    __table_args__ = (
        sa.UniqueConstraint("person_id", "idempotency_key"),
        sa.Index("ix_submission_person_received", "person_id", "received_at", "id"),
    )
    id: str = Field(max_length=32, primary_key=True)
    kind: Kind = Field(sa_type=_word(Kind))
    person_id: int = _ref("person.id")
    entry_id: int = _ref("entry.id", index=True)
    competition_challenge_id: int = _ref("competition_challenge.id")
    challenge: str = Field(max_length=64)
    received_at: datetime
    digest: str = Field(max_length=64, index=True)
    size: int
    files: list[str] = Field(sa_type=sa.JSON)
    idempotency_key: str | None = Field(default=None, max_length=128)
    receipt: dict[str, Any] = Field(sa_type=sa.JSON)
    erased_at: datetime | None = None
    """Since when its files are not kept any more."""
    voided_at: datetime | None = None
    """Since when it counts for nothing, whatever its verdict."""
    void_reason: str | None = Field(default=None, max_length=500)


class Judging(SQLModel, table=True):
    """One judging of a submission: the queue is the set of these that are queued."""

    __table_args__ = (
        sa.Index("ix_judging_queue", "state", "fair_key", "id"),
        sa.Index("ix_judging_entry", "entry_id", "fair_key"),
        sa.Index("ix_judging_ended", "challenge", "ended_at"),
        sa.Index(
            "ix_judging_served", "fair_key", sqlite_where=sa.text("epoch > 0"), postgresql_where=sa.text("epoch > 0")
        ),
        sa.Index("ix_judging_lease", "state", "lease_until"),
        # Two second locks: one effective judging a submission, one running an entry and challenge.
        sa.Index(
            "uq_judging_effective",
            "submission_id",
            unique=True,
            sqlite_where=sa.text("effective"),
            postgresql_where=sa.text("effective"),
        ),
        sa.Index(
            "uq_judging_running",
            "entry_id",
            "challenge",
            unique=True,
            sqlite_where=sa.text("state = 'running' AND lane = 'contest'"),
            postgresql_where=sa.text("state = 'running' AND lane = 'contest'"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    submission_id: str = _ref("submission.id", max_length=32)
    entry_id: int = _ref("entry.id")
    challenge: str = Field(max_length=64)
    version: str | None = Field(default=None, max_length=64)
    received_at: datetime
    lane: Lane = Field(sa_type=_word(Lane))
    state: State = Field(sa_type=_word(State))
    stage: Stage | None = Field(default=None, sa_type=_word(Stage))
    held_reason: str | None = Field(default=None, max_length=200)
    """Why it is not in the queue yet, though its state is queued."""
    fair_key: float = Field(default=0.0, sa_column_kwargs={"server_default": sa.text("0")})
    """Its place in the queue, in slot seconds of the queue's virtual time; stamped once, when it is accepted."""
    cost_seconds: float = Field(default=0.0, sa_column_kwargs={"server_default": sa.text("0")})
    """Slot seconds it was expected to take when it was accepted."""
    epoch: int = 0
    owner: str | None = Field(default=None, max_length=128)
    lease_until: datetime | None = None
    attempts: int = 0
    strikes: int = 0
    not_before: datetime | None = None
    effective: bool = True
    """Whether its verdict is that of the submission."""
    rejudging_id: int | None = _ref("rejudging.id", default=None, index=True)
    ended_at: datetime | None = None


class Rejudging(SQLModel, table=True):
    """A set of judgings beside those that count, until somebody applies or drops it; never deleted."""

    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime
    created_by: int = _ref("person.id")
    reason: str = Field(max_length=500)
    selection: dict[str, Any] = Field(sa_type=sa.JSON)
    """What was asked for: competition, challenge, verdicts."""
    state: RejudgingState = Field(sa_type=_word(RejudgingState))
    ended_at: datetime | None = None
    ended_by: int | None = _ref("person.id", default=None)


class Attempt(SQLModel, table=True):
    """One claim of a judging; never deleted: the audit trail."""

    __table_args__ = (
        sa.UniqueConstraint("judging_id", "epoch"),
        sa.Index("ix_attempt_outcome_ended", "outcome", "ended_at"),
    )
    id: int | None = Field(default=None, primary_key=True)
    judging_id: int = _ref("judging.id")
    epoch: int
    worker: str = Field(max_length=128)
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = Field(default=None, sa_type=_word(Outcome))
    reason: str = Field(default="", max_length=500)
    struck: bool = False
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)


class VerdictRow(SQLModel, table=True):
    """The one answer of a judging."""

    __tablename__ = "verdict"
    id: int | None = Field(default=None, primary_key=True)
    judging_id: int = _ref("judging.id", unique=True)
    attempt_id: int | None = _ref("attempt.id", default=None)
    epoch: int
    verdict: str = Field(max_length=32)
    score: float | None = None
    private_score: float | None = None
    shown: bool = Field(default=True, sa_column_kwargs={"server_default": sa.true()})
    """Whether the public score may be told: it was a step better than the best one told before."""
    report: dict[str, Any] = Field(sa_type=sa.JSON)
    created_at: datetime


class ChallengeBuild(SQLModel, table=True):
    __tablename__ = "challenge_build"
    __table_args__ = (sa.UniqueConstraint("challenge", "version", "seed_epoch"),)
    id: int | None = Field(default=None, primary_key=True)
    challenge: str = Field(max_length=64)
    version: str = Field(max_length=64)
    seed_epoch: int
    public_digest: str = Field(max_length=64)
    hidden_digest: str = Field(max_length=64)
    created_at: datetime


class Event(SQLModel, table=True):
    """What happened, in order; the id of a row is the id of its server-sent event."""

    __table_args__ = (
        sa.Index("ix_event_submission", "submission_id", "id"),
        sa.Index("ix_event_competition", "competition_id", "audience", "id"),
        {"sqlite_autoincrement": True},  # an id is never given twice, whatever is deleted
    )
    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    audience: Audience = Field(sa_type=_word(Audience))
    kind: str = Field(max_length=32)
    submission_id: str | None = _ref("submission.id", default=None, max_length=32)
    competition_id: int | None = _ref("competition.id", default=None)
    payload: dict[str, Any] = Field(sa_type=sa.JSON)


class Outbox(SQLModel, table=True):
    """A message owed to the workers, written with the change it tells of and deleted when it was delivered."""

    id: int | None = Field(default=None, primary_key=True)
    judging_id: int = _ref("judging.id", index=True)
    created_at: datetime = Field(index=True)


class Standing(SQLModel, table=True):
    """Where an entry stands on one board and view; points and score are null while it has no score there."""

    __table_args__ = (
        sa.UniqueConstraint("competition_id", "board", "view", "entry_id"),
        sa.Index("ix_standing_order", "competition_id", "board", "view", "points"),
    )
    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id")
    board: str = Field(max_length=64)
    view: View = Field(sa_type=_word(View))
    entry_id: int = _ref("entry.id", index=True)
    score: float | None = None
    points: float | None = None
    solved: int = 0
    submission_id: str | None = _ref("submission.id", default=None, max_length=32)
    reached_at: datetime | None = None
    standard_error: float | None = None
    """Of the natural metric of the submission that counts, where its challenge has one."""


class Comparison(SQLModel, table=True):
    """How alike the programs handed in for a challenge are; for staff, who decide what it means."""

    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id", index=True)
    challenge: str = Field(max_length=64)
    created_at: datetime
    created_by: int = _ref("person.id")
    state: ComparisonState = Field(sa_type=_word(ComparisonState), index=True)
    attempts: int = 0
    lease_until: datetime | None = None
    """Until when a worker is at it; past that another one may take it."""
    ended_at: datetime | None = None
    compared: int = 0
    pairs: list[dict[str, Any]] = Field(default_factory=list, sa_type=sa.JSON)
    """The most similar first: submissions, similarities, and the lines they share."""


class Announcement(SQLModel, table=True):
    """What staff says to everybody in a competition."""

    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id", index=True)
    at: datetime
    person_id: int = _ref("person.id")
    title: str = Field(max_length=200)
    text: str = Field(max_length=4000)


class Clarification(SQLModel, table=True):
    """A question of an entry to staff, with the answer once there is one."""

    id: int | None = Field(default=None, primary_key=True)
    competition_id: int = _ref("competition.id", index=True)
    entry_id: int = _ref("entry.id", index=True)
    person_id: int = _ref("person.id")
    challenge: str | None = Field(default=None, max_length=64)
    asked_at: datetime
    question: str = Field(max_length=4000)
    answered_at: datetime | None = None
    answered_by: int | None = _ref("person.id", default=None)
    answer: str | None = Field(default=None, max_length=4000)
    public: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether everybody may read question and answer; who asked is never told."""


class Audit(SQLModel, table=True):
    """What staff did; append only, but the name of somebody who was erased."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime
    person_id: int | None = _ref("person.id", default=None)
    competition_id: int | None = _ref("competition.id", default=None, index=True)
    """The competition it belongs to, whose organisers may read it."""
    action: str = Field(max_length=64)
    subject: str = Field(max_length=200)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)


class Worker(SQLModel, table=True):
    name: str = Field(max_length=128, primary_key=True)
    slots: int
    started_at: datetime
    heartbeat_at: datetime
    info: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
