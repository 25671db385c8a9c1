"""Challenges as a participant may know them; hidden data, graders and solutions have no way out here."""

import base64
from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import FileResponse

from api import markdown
from api.auth import Viewer
from api.context import Context, Shared
from api.errors import Problem
from api.problems import problems
from api.routes.words import Answer, PathSlug, Route
from api.store import workers
from challenges.loader import Challenge
from challenges.statement import rendered_statement

router = APIRouter(tags=["challenges"], route_class=Route)


class ChallengeLine(Answer):
    slug: str
    title: str
    skill: str
    level: int
    points: int
    runtime: str
    tags: list[str]


class LimitsAnswer(Answer):
    cpu_seconds: float
    wall_seconds: float
    memory_mb: int
    processes: int
    output_kb: int
    files_mb: int


class BuildAnswer(Answer):
    """Limits of building an image, where the submission is a Dockerfile with its context."""

    seconds: float
    size_mb: int
    memory_mb: int


class GroupAnswer(Answer):
    name: str
    weight: float
    gate: bool


class StarterFile(Answer):
    name: str
    encoding: Literal["utf-8", "base64"]
    content: str


class DataFile(Answer):
    name: str
    size: int


class ChallengeAnswer(ChallengeLine):
    version: str
    statement: str
    statement_html: str
    submit: str
    max_kb: int
    max_files: int
    build: BuildAnswer | None
    modules: list[str]
    feedback: str
    pass_mark: float
    limits: LimitsAnswer
    groups: list[GroupAnswer]
    starter: list[StarterFile]
    data: list[DataFile] | None
    """Null until the data have been prepared, which begins when a competition needs them."""
    notice: str | None
    """Why nobody who works can judge it yet; submissions wait until somebody can."""


def statement_html(challenge: Challenge) -> str:
    """The statement as HTML with its formulas as MathML; what the author wrote as HTML is shown as text."""
    return markdown.html(rendered_statement(challenge))


def describe(context: Context, challenge: Challenge) -> ChallengeAnswer:
    """Everything a participant may know of a challenge."""
    files = context.public_files(challenge)
    with context.store.read() as session:
        notice = workers.lacks(session, challenge.slug, context.store.now(session))
    return ChallengeAnswer(
        **_line(challenge),
        version=challenge.version,
        statement=rendered_statement(challenge),
        statement_html=statement_html(challenge),
        submit=challenge.submit,
        max_kb=challenge.max_kb,
        max_files=challenge.max_files,
        build=BuildAnswer.model_validate(challenge.build) if challenge.build else None,
        modules=list(challenge.modules),
        feedback=challenge.feedback,
        pass_mark=challenge.pass_mark,
        limits=LimitsAnswer.model_validate(challenge.limits),
        groups=[GroupAnswer.model_validate(group) for group in challenge.groups],
        starter=[_starter(name, content) for name, content in sorted(challenge.starter.items())],
        data=None if files is None else [DataFile(name=name, size=size) for name, size in files],
        notice=notice,
    )


@router.get("/challenges")
def list_challenges(context: Shared, _viewer: Viewer) -> list[ChallengeLine]:
    """All challenges, by skill, level and name."""
    ordered = sorted(
        context.challenges.values(), key=lambda challenge: (challenge.skill, challenge.level, challenge.slug)
    )
    return [ChallengeLine(**_line(challenge)) for challenge in ordered]


@router.get("/challenges/{slug}", responses=problems("unknown_challenge"))
def read_challenge(context: Shared, _viewer: Viewer, slug: PathSlug) -> ChallengeAnswer:
    """One challenge: statement, starter files, limits, how it is graded, what public data there are."""
    return describe(context, context.challenge(slug))


@router.get(
    "/challenges/{slug}/data",
    response_class=FileResponse,
    responses={
        200: {"description": "The public data", "content": {"application/zip": {}}},
        **problems("unknown_challenge", "data_preparing"),
    },
)
def download_data(context: Shared, _viewer: Viewer, slug: PathSlug) -> FileResponse:
    """The public data of a challenge as one zip."""
    challenge = context.challenge(slug)
    build = context.build(challenge)
    if build is None or not context.blobs.has(build.public_digest):
        raise Problem("data_preparing", retry_after=10)
    path = context.blobs.path(build.public_digest)
    headers = {"ETag": f'"{build.public_digest}"'}
    return FileResponse(path, media_type="application/zip", filename=f"{slug}-data.zip", headers=headers)


def _line(challenge: Challenge) -> dict[str, Any]:
    return {
        "slug": challenge.slug,
        "title": challenge.title,
        "skill": challenge.skill,
        "level": challenge.level,
        "points": challenge.points,
        "runtime": challenge.runtime,
        "tags": list(challenge.tags),
    }


def _starter(name: str, content: bytes) -> StarterFile:
    try:
        return StarterFile(name=name, encoding="utf-8", content=content.decode("utf-8"))
    except UnicodeDecodeError:
        return StarterFile(name=name, encoding="base64", content=base64.b64encode(content).decode("ascii"))
