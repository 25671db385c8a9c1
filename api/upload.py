"""From a request's body to a stored upload: form, archive or JSON, names and sizes; knows no queue."""

import hashlib
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BeforeValidator, Field, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from api import archives, disk, jsonbody
from api.blobs import BadPack, Blobs, pack
from api.context import Context
from api.errors import Problem
from api.problems import invalid
from api.routes.words import Asked, Name, Slug
from api.store.tables import Kind
from challenges.loader import Challenge

MAX_PARTS = 64
MAX_FIELD_BYTES = 1024
TEXT_FIELDS = ("challenge", "competition", "kind", "baseline")
FILE_FIELD = "file"

log = structlog.get_logger(__name__)

FileName = Annotated[str, Field(min_length=1, max_length=200)]


def _kind(word: object) -> object:
    """A word of JSON as the kind it names; anything else is left to be refused."""
    return Kind(word) if isinstance(word, str) and word in list(Kind) else word


class NewSubmission(Asked):
    """A submission as JSON: file names and their text."""

    challenge: Slug
    competition: Slug | None = None
    kind: Annotated[Kind, BeforeValidator(_kind)] = Kind.scored
    baseline: Name | None = None
    files: Annotated[dict[FileName, str], Field(min_length=1, max_length=MAX_PARTS)]


class _Names(Asked):
    challenge: Slug
    competition: Slug | None = None
    kind: Kind = Kind.scored
    baseline: Name | None = None


@dataclass(frozen=True)
class Upload:
    """What somebody hands in, before anything is known about it."""

    challenge: str
    competition: str | None
    files: dict[str, bytes]
    kind: Kind = Kind.scored
    baseline: str | None = None


async def read(request: Request, context: Context) -> Upload:
    """The upload of a request, each file cut off one byte beyond what any challenge allows.

    Raises Problem bad_form, bad_json, unsupported_media_type, too_large, invalid_request, not_utf8, unknown_challenge,
    wrong_file_name, bad_archive.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        limit = context.settings.max_json_kb * 1024
        body = await request.body()
        return await run_in_threadpool(_from_json, body, limit)
    if kind == "multipart/form-data":
        return await _from_form(request, context)
    raise Problem("unsupported_media_type", "Send multipart/form-data or application/json.")


def _from_json(body: bytes, limit: int) -> Upload:
    value = jsonbody.parse(body, max_bytes=limit)
    try:
        wanted = NewSubmission.model_validate(value, strict=True)
    except ValidationError as error:
        raise invalid([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from None
    try:
        files = {name: text.encode("utf-8") for name, text in wanted.files.items()}
    except UnicodeEncodeError:
        raise Problem("not_utf8") from None
    return Upload(wanted.challenge, wanted.competition, files, wanted.kind, wanted.baseline)


async def _from_form(request: Request, context: Context) -> Upload:
    async with read_form(request) as form:
        return await from_form(form, context, form_texts(form, TEXT_FIELDS))


@asynccontextmanager
async def read_form(request: Request) -> AsyncIterator[FormData]:
    """A request's form within bounds, its files closed afterwards. Raises Problem bad_form."""
    try:
        form = await request.form(max_files=MAX_PARTS, max_fields=MAX_PARTS, max_part_size=MAX_FIELD_BYTES)
    except (HTTPException, MultiPartException) as error:
        raise Problem("bad_form", str(getattr(error, "detail", error))[:200]) from None
    try:
        yield form
    finally:
        await form.close()


async def from_form(form: FormData, context: Context, texts: Mapping[str, str]) -> Upload:
    """The upload in a form with these texts. Raises what `read` raises."""
    names = _form_names(texts)
    files = await _form_files(form, context.challenge(names.challenge))
    return Upload(names.challenge, names.competition, files, names.kind, names.baseline)


def form_texts(form: FormData, allowed: Collection[str]) -> dict[str, str]:
    """The text fields of a form. Raises Problem invalid_request for another field than these and the file's."""
    texts: dict[str, str] = {}
    for field, value in form.multi_items():
        if isinstance(value, UploadFile):
            if field != FILE_FIELD:
                raise Problem("invalid_request", f"A file is sent in the field `{FILE_FIELD}`.")
        elif field not in allowed or field in texts:
            raise Problem("invalid_request", f"The text fields are {', '.join(allowed)}, each once.")
        else:
            texts[field] = value
    return texts


def _form_names(texts: Mapping[str, str]) -> _Names:
    try:
        return _Names.model_validate(texts)
    except ValidationError as error:
        raise invalid([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from None


async def _form_files(form: FormData, challenge: Challenge) -> dict[str, bytes]:
    parts = _form_parts(form)
    max_bytes = challenge.max_kb * 1024
    (name, *more) = parts
    if challenge.max_files > 1 and not more and archives.is_archive(name) and name != challenge.submit:
        data = await parts[name].read(max_bytes + archives.OVERHEAD_BYTES + 1)
        return await run_in_threadpool(_from_archive, name, data, challenge)
    return {name: await part.read(max_bytes + 1) for name, part in parts.items()}


def _form_parts(form: FormData) -> dict[str, UploadFile]:
    parts: dict[str, UploadFile] = {}
    for _, value in form.multi_items():
        if isinstance(value, UploadFile):
            name = value.filename or ""
            if "\\" in value.headers.get("content-disposition", ""):
                # The form parser cuts such a path down to its last part; we refuse names, we do not repair them.
                raise Problem("wrong_file_name", "The file's name has a backslash.")
            if name in parts:
                raise Problem("wrong_file_name", "Two files have the same name.")
            parts[name] = value
    if not parts:
        raise Problem("invalid_request", f"There is no file in the field `{FILE_FIELD}`.")
    return parts


def _from_archive(name: str, data: bytes, challenge: Challenge) -> dict[str, bytes]:
    max_bytes = challenge.max_kb * 1024
    if len(data) > max_bytes + archives.OVERHEAD_BYTES:
        raise Problem("too_large", f"The archive is too large: its files together may have {challenge.max_kb} KiB.")
    try:
        return archives.extract(name, data, max_bytes=max_bytes, max_files=challenge.max_files)
    except archives.BadArchive as error:
        raise Problem("bad_archive", str(error)) from None
    except archives.TooLarge as error:
        raise Problem("too_large", str(error)) from None


def check(files: dict[str, bytes], challenge: Challenge) -> None:
    """Whether these files are what the challenge asks for.

    Raises Problem wrong_file_name, empty_file, too_large, invalid_request.
    """
    if challenge.max_files == 1 and set(files) != {challenge.submit}:
        raise Problem("wrong_file_name", f"Submit exactly one file, called {challenge.submit}.")
    if challenge.submit not in files:
        raise Problem("wrong_file_name", _missing(files, challenge.submit))
    if len(files) > challenge.max_files:
        raise Problem(
            "invalid_request", f"At most {challenge.max_files} files may be submitted; these are {len(files)}."
        )
    if not files[challenge.submit].strip():
        raise Problem("empty_file")
    if sum(map(len, files.values())) > challenge.max_kb * 1024:
        what = challenge.submit if challenge.max_files == 1 else "The files together"
        raise Problem("too_large", f"{what} may have {challenge.max_kb} KiB.")


def _missing(files: dict[str, bytes], wanted: str) -> str:
    tops = {name.partition("/")[0] for name in files}
    if len(tops) == 1 and f"{min(tops)}/{wanted}" in files:
        return f"The files lie in a folder: pack the folder's contents, not the folder, so that {wanted} is at the top."
    return f"One of the files must be called {wanted}."


def packed(files: dict[str, bytes]) -> tuple[str, bytes]:
    """The blob these files are stored as, and its digest. Raises Problem wrong_file_name."""
    try:
        data = pack(files)
    except BadPack as error:
        raise Problem("wrong_file_name", str(error)) from None
    return hashlib.sha256(data).hexdigest(), data


def store(blobs: Blobs, data: bytes, *, full_percent: float) -> None:
    """Stores a packed upload; when this returns it is on the disk. Raises Problem storage_unavailable.

    Nothing is stored where the disk is used to `full_percent`: what else needs it, the database above all, comes first.
    """
    try:
        used = disk.used_percent(blobs.root)
        if used >= full_percent:
            log.error("disk.full", used_percent=round(used, 1))
            raise Problem("storage_unavailable", disk.FULL, retry_after=60)
        blobs.put([data])
    except OSError as error:
        log.error("upload.not_stored", error=error.strerror)
        raise Problem("storage_unavailable", retry_after=30) from None
