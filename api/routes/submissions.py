"""Submissions: hand in, read, wait, cancel; each is visible to its owner and to administrators only."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Body, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import Field

from api import blobs, upload
from api.auth import Principal, Reader, Submitter, needs_organiser
from api.context import Context, Shared
from api.errors import Problem
from api.feedback import feedback
from api.live import Topic
from api.problems import Nothing, problems
from api.routes.leaderboards import LastEventId
from api.routes.words import Answer, Asked, QuerySlug, Route, SubmissionId, Title
from api.store import accept, events, submissions
from api.store.events import Happening
from api.store.submissions import SubmissionView
from api.store.tables import Kind, Stage, State, View

router = APIRouter(tags=["submissions"], route_class=Route)

log = structlog.get_logger(__name__)

FINAL = (State.done.value, State.cancelled.value)
MAX_WAIT = 30

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,128}$")]


class Receipt(Answer):
    id: str
    kind: Kind = Kind.scored
    competition: str
    challenge: str
    digest: str
    received_at: datetime
    state: State
    held_reason: str | None = None
    queue_position: int | None
    eta_seconds: float | None
    attempts_left: int | None


class NewVoid(Asked):
    reason: Annotated[Title, Field(description="For the owner and the audit log.")]


class CheckAnswer(Answer):
    name: str
    passed: bool
    hint: str | None
    value: float | None


class ResourcesAnswer(Answer):
    cpu_seconds: float
    wall_seconds: float
    peak_memory_mb: float


class SubmissionLine(Answer):
    id: str
    kind: Kind
    competition: str
    challenge: str
    entry: str
    received_at: datetime
    digest: str
    size: int
    files: list[str]
    state: State
    stage: Stage | None
    held_reason: str | None
    attempts: int
    queue_position: int | None
    eta_seconds: float | None
    verdict: str | None
    score: Annotated[float | None, Field(description="0 to 100, of the part that counts at the moment.")]
    withheld: Annotated[
        bool,
        Field(
            description="The score is not told until the competition closes: it is not a step better than the best one "
            "you were told."
        ),
    ]
    score_part: View
    points: float | None
    credit: Annotated[float | None, Field(description="What being late leaves of the points, 0 to 1.")]
    other_version: Annotated[
        bool,
        Field(
            description="Judged with a newer version of the challenge than the ranking is of: it counts when all are."
        ),
    ]
    ended_at: datetime | None
    void_reason: Annotated[str | None, Field(description="Why staff lets it count for nothing; null where it counts.")]


class SubmissionAnswer(SubmissionLine):
    letters: str | None
    message: str | None
    checks: list[CheckAnswer]
    metric: float | None
    resources: ResourcesAnswer | None
    build_log: Annotated[str | None, Field(description="Of a build that failed: what it said.")]
    output: Annotated[str | None, Field(description="Of a dry run: what it printed.")]


class PageAnswer(Answer):
    submissions: list[SubmissionLine]
    next_cursor: str | None


_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["challenge", "file"],
    "additionalProperties": False,
    "properties": {
        "challenge": {"type": "string"},
        "competition": {"type": "string"},
        "kind": {
            "type": "string",
            "enum": [kind.value for kind in Kind],
            "default": "scored",
            "description": "`dry`: judged on the public samples, costs no attempt, shows what it prints. `practice`: "
            "after the end, judged like any other, on no board. `baseline`: by organisers, beside the ranking.",
        },
        "baseline": {"type": "string", "description": "The name of a baseline on the boards."},
        "file": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "minItems": 1,
            "maxItems": upload.MAX_PARTS,
            "description": "The field may come several times, each file under its relative path, where the challenge "
            "takes several files; or once, with all of them in one .zip, .tar.gz or .tgz.",
        },
    },
}
_JSON_SCHEMA = upload.NewSubmission.model_json_schema(ref_template="#/components/schemas/{model}")
del _JSON_SCHEMA["$defs"]  # the words it refers to are those of the answers, which are described there
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/json": {
                "schema": _JSON_SCHEMA,
                "example": {"challenge": "messy-orders", "files": {"solution.py": "def clean(csv_text): ...\n"}},
            },
        },
    }
}


@router.post(
    "/submissions",
    status_code=202,
    openapi_extra=_BODY,
    responses={
        202: {"headers": {"Location": {"schema": {"type": "string"}, "description": "Where to read it"}}},
        **problems(
            "bad_json", "bad_form", "forbidden", "builds_off", "not_entered", "competition_not_begun",
            "challenge_not_open", "unknown_challenge", "unknown_competition", "slow_body", "competition_over",
            "challenge_closed", "too_large",
            "unsupported_media_type", "invalid_request", "wrong_file_name", "bad_archive", "empty_file", "not_utf8",
            "competition_required", "idempotency_conflict", "quota_used", "storage_unavailable", "database_unavailable",
        ),
    },
)  # fmt: skip
async def create_submission(
    request: Request, response: Response, context: Shared, principal: Submitter, idempotency_key: IdempotencyKey = None
) -> Receipt:
    """Hands in a submission; when this answers it is safe, and will be judged.

    With an Idempotency-Key it may be sent again after a lost answer: the same content gives the same receipt.
    """
    context.limiter.hit("submission", str(principal.person_id))
    got = await upload.read(request, context)
    receipt = await hand_in(context, principal, got, idempotency_key)
    response.headers["Location"] = f"{request.url.path}/{receipt['id']}"
    return Receipt.model_validate(receipt)


async def hand_in(context: Context, principal: Principal, got: upload.Upload, key: str | None = None) -> dict[str, Any]:
    """Takes an upload in, tells the workers, and returns the receipt. Raises Problem."""
    receipt = await run_in_threadpool(_accept, context, principal, got, key)
    context.bell.ring()
    return receipt


def _accept(context: Context, principal: Principal, got: upload.Upload, key: str | None) -> dict[str, Any]:
    challenge = context.challenge(got.challenge)
    if (got.kind is Kind.baseline) != (got.baseline is not None) or (got.baseline and not got.competition):
        raise Problem("invalid_request", "A baseline has a name, the kind baseline, and a competition.")
    if got.baseline is not None:
        needs_organiser(context, principal, got.competition or "")
    if challenge.build is not None and context.settings.builds == "off":
        raise Problem("builds_off", f"{challenge.slug} needs an image, and the operator has not switched builds on.")
    upload.check(got.files, challenge)
    digest, data = upload.packed(got.files)
    offer = accept.Offer(
        person_id=principal.person_id,
        challenge=challenge.slug,
        version=challenge.version,
        competition=got.competition,
        digest=digest,
        size=sum(map(len, got.files.values())),
        files=sorted(got.files),
        idempotency_key=key,
        kind=got.kind,
        baseline=got.baseline,
    )
    known = accept.look(context.store, offer)
    if known is not None:
        return known
    upload.store(context.blobs, data, full_percent=context.settings.disk_accept_percent)
    return accept.accept(context.store, offer)


@router.get("/submissions", responses=problems("forbidden"))
def list_submissions(
    context: Shared,
    principal: Reader,
    challenge: QuerySlug = None,
    state: State | None = None,
    cursor: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{22}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PageAnswer:
    """My submissions (an administrator: everybody's), newest first."""
    page = submissions.listed(
        context.store, owner=principal.sees, challenge=challenge, state=state, cursor=cursor, limit=limit
    )
    return PageAnswer(submissions=[_line(view) for view in page.submissions], next_cursor=page.next_cursor)


@router.get("/submissions/{submission_id}", responses=problems("forbidden", "not_found"))
async def read_submission(
    context: Shared,
    principal: Reader,
    submission_id: SubmissionId,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for the verdict.")] = 0,
) -> SubmissionAnswer:
    """One submission; with `wait` the answer comes with the verdict, or when the time is over."""
    view = await _read(context, principal, submission_id)
    who = str(principal.person_id)
    if wait and not view.final and not context.live.full(who):
        await _until_final(context, principal, submission_id, wait, who)
        view = await _read(context, principal, submission_id)
    return describe(context, view)


async def _read(context: Context, principal: Principal, submission_id: str) -> SubmissionView:
    return await run_in_threadpool(submissions.find, context.store, submission_id, owner=principal.sees)


async def _until_final(context: Context, principal: Principal, submission_id: str, seconds: float, who: str) -> None:
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    async with context.live.follow(Topic(submission_id=submission_id), who) as follower:
        if (await _read(context, principal, submission_id)).final:
            return
        while (news := await follower.next(end - clock())) is not None:
            if _is_final(news):
                return


def _is_final(event: Happening) -> bool:
    return event.payload["state"] in FINAL


@router.post("/submissions/{submission_id}/cancel", responses=problems("forbidden", "not_found", "already_done"))
def cancel_submission(context: Shared, principal: Submitter, submission_id: SubmissionId) -> SubmissionAnswer:
    """Cancels a submission that has no verdict yet; a run that has begun is stopped and counts for nothing."""
    submissions.cancel(context.store, submission_id, owner=principal.sees, by=principal.person_id)
    log.info("submission.cancelled", submission=submission_id, person=principal.person_id)
    return describe(context, submissions.find(context.store, submission_id, owner=principal.sees))


@router.put("/submissions/{submission_id}/void", status_code=204, responses=problems("forbidden", "not_found"))
def void(
    context: Shared,
    principal: Submitter,
    submission_id: SubmissionId,
    wanted: Annotated[NewVoid, Body(examples=[{"reason": "It is the work of somebody else."}])],
) -> None:
    """Lets a submission count for nothing (administrators). Its owner is told why; boards follow at once."""
    _needs_organiser(context, principal, submission_id)
    submissions.void(context.store, submission_id, wanted.reason, by=principal.person_id)


@router.delete("/submissions/{submission_id}/void", status_code=204, responses=problems("forbidden", "not_found"))
def restore(context: Shared, principal: Submitter, submission_id: SubmissionId) -> None:
    """Lets a voided submission count again (administrators)."""
    _needs_organiser(context, principal, submission_id)
    submissions.void(context.store, submission_id, None, by=principal.person_id)


def _needs_organiser(context: Context, principal: Principal, submission_id: str) -> None:
    """Raises Problem forbidden, and not_found for what the caller may not even see."""
    competition = submissions.find(context.store, submission_id, owner=principal.sees).competition
    needs_organiser(context, principal, competition)


@router.get(
    "/submissions/{submission_id}/source",
    response_class=Response,
    responses={
        200: {
            "description": "What was submitted: the file, or several files as a zip",
            "content": {"application/octet-stream": {}, "application/zip": {}},
        },
        **problems("forbidden", "not_found"),
    },
)
def download_source(context: Shared, principal: Reader, submission_id: SubmissionId) -> Response:
    """The submitted file, or several as a zip of ours, always as a download."""
    source = submissions.source(context.store, submission_id, owner=principal.sees)
    if source.erased:
        raise Problem("not_found", "The upload is no longer kept.")
    packed = context.blobs.get(source.digest)
    if len(source.files) > 1:
        return _download(f"{source.challenge}.zip", packed, "application/zip")
    ((name, content),) = blobs.unpack(packed).items()
    return _download(name, content, "application/octet-stream")


def _download(name: str, content: bytes, media_type: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


async def _stream(
    context: Shared, principal: Reader, submission_id: SubmissionId, last_event_id: LastEventId = None
) -> tuple[str, str, int]:
    view = await _read(context, principal, submission_id)
    who, since = str(principal.person_id), last_event_id or 0
    if view.final and not await run_in_threadpool(events.after, context.store, since, submission_id=submission_id):
        raise Nothing
    context.live.check(who)
    return submission_id, who, since


@router.get(
    "/submissions/{submission_id}/events",
    response_class=EventSourceResponse,
    responses={
        204: {"description": "There is nothing more to come"},
        **problems("forbidden", "not_found", "too_many_streams"),
    },
)
async def follow_submission(
    context: Shared, stream: Annotated[tuple[str, str, int], Depends(_stream)]
) -> AsyncIterator[ServerSentEvent]:
    """An event `submission` for every change of state or stage, from the first one or from Last-Event-ID on."""
    submission_id, who, since = stream
    async for event in context.live.stream(Topic(submission_id=submission_id), who, since, last=_is_final):
        yield ServerSentEvent(id=str(event.id), event=event.kind, data=event.payload)


def _line(view: SubmissionView) -> SubmissionLine:
    return SubmissionLine(**_fields(view))


def _fields(view: SubmissionView) -> dict[str, Any]:
    shown = {name: getattr(view, name) for name in SubmissionLine.model_fields if name != "score_part"}
    return shown | {"score_part": view.view}


def describe(context: Context, view: SubmissionView) -> SubmissionAnswer:
    """A submission as its owner may see it, verdict and feedback included."""
    told = feedback(view, context.challenges.get(view.challenge))
    return SubmissionAnswer(
        **_fields(view),
        letters=told.letters if told else None,
        message=told.message if told else None,
        checks=[CheckAnswer.model_validate(check) for check in told.checks] if told else [],
        metric=told.metric if told else None,
        resources=ResourcesAnswer.model_validate(told.resources) if told and told.resources else None,
        build_log=told.build_log if told else None,
        output=told.output if told else None,
    )
