"""Every refusal this room can give: one table of stable codes, and the exception that carries one; knows no route."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Code:
    """A kind of refusal: `code` is stable for programs, `title` is for people."""

    code: str
    status: int
    title: str


_TABLE = (
    Code("bad_request", 400, "The request could not be understood"),
    Code("bad_json", 400, "The body is not acceptable JSON"),
    Code("bad_form", 400, "The body is not an acceptable form"),
    Code("unauthorized", 401, "A valid token is needed"),
    Code("forbidden", 403, "You may not do this"),
    Code("foreign_form", 403, "This form did not come from our own page"),
    Code("not_entered", 403, "You have no entry in this competition"),
    Code("builds_off", 403, "This judge builds no images"),
    Code("competition_not_begun", 403, "The competition has not begun"),
    Code("challenge_not_open", 403, "The challenge has not begun"),
    Code("not_found", 404, "There is no such thing"),
    Code("unknown_challenge", 404, "There is no such challenge"),
    Code("unknown_competition", 404, "There is no such competition"),
    Code("unknown_person", 404, "There is no such person"),
    Code("unknown_join_code", 404, "There is no competition with this join code"),
    Code("unknown_link", 404, "This link is not valid any more: it was used, it is too old, or there is a newer one"),
    Code("method_not_allowed", 405, "This address does not take that method"),
    Code("slow_body", 408, "The body came too slowly"),
    Code("already_done", 409, "The submission has its verdict already"),
    Code("not_judged_yet", 409, "Some of it is not judged yet"),
    Code("rejudging_over", 409, "The rejudging was applied or dropped"),
    Code("challenge_closed", 409, "The challenge is over"),
    Code("competition_over", 409, "The competition is over"),
    Code("name_taken", 409, "The name is taken"),
    Code("already_entered", 409, "This person has an entry already"),
    Code("too_large", 413, "What was sent is too large"),
    Code("unsupported_media_type", 415, "The body's media type is not supported"),
    Code("invalid_request", 422, "A part of the request is not valid"),
    Code("wrong_file_name", 422, "The file does not have the name the challenge asks for"),
    Code("bad_archive", 422, "The archive is not one that is accepted"),
    Code("empty_file", 422, "The file is empty"),
    Code("not_utf8", 422, "The text cannot be written as UTF-8"),
    Code("competition_required", 422, "Name the competition"),
    Code("idempotency_conflict", 422, "This idempotency key belongs to another submission"),
    Code("quota_used", 429, "All submissions of today are used"),
    Code("rate_limited", 429, "Too many requests"),
    Code("internal_error", 500, "The judge has made a mistake"),
    Code("data_preparing", 503, "The challenge's data are prepared when a competition needs them"),
    Code("database_unavailable", 503, "The database does not answer at the moment"),
    Code("storage_unavailable", 503, "The upload could not be stored"),
    Code("busy", 503, "The judge is busy at the moment"),
    Code("too_many_streams", 503, "Too many live streams are open"),
)

CODES: dict[str, Code] = {code.code: code for code in _TABLE}


class Problem(Exception):
    """A refusal with a stable code; `extra` members go into the problem document, `retry_after` is in seconds."""

    def __init__(self, code: str, detail: str = "", *, retry_after: int | None = None, **extra: Any) -> None:
        self.code = CODES[code]
        self.detail = detail or self.code.title + "."
        self.retry_after = retry_after
        self.extra = extra
        super().__init__(f"{code}: {self.detail}")

    def document(self) -> dict[str, Any]:
        """The body of RFC 9457; `type` is stable, and leads to the table of codes of this very service."""
        return {
            "type": f"/api/v1/errors#{self.code.code}",
            "title": self.code.title,
            "status": self.code.status,
            "code": self.code.code,
            "detail": self.detail,
            **self.extra,
        }
