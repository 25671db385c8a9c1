"""Speaks to a judge over HTTP and hides how: one token, one kind of error, and patience with lost connections."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, TypeVar

import httpx

from cli.client.config import Account
from cli.errors import WRONG_USE, CliError

T = TypeVar("T")

PREFIX = "/api/v1"
RETRY_PAUSES = (0.3, 0.7)
"""Seconds between tries of a request; every one here may be sent again."""
PATIENT_PAUSES = (0.3, 1.0, 2.0, 4.0, 8.0)
"""The same for what a person would hate to do again: handing in, waiting for the verdict."""
WAIT_SECONDS = 15.0
"""The most a `Retry-After` is obeyed; more is the person's to decide."""
MAX_JSON_BYTES = 32 * 1024 * 1024
MAX_DOWNLOAD_BYTES = 1024 * 1024 * 1024
FINAL = ("done", "cancelled")


class ApiError(CliError):
    """The judge refused, or could not be reached; `code` is its stable word for it, or `unreachable`, `unreadable`."""

    def __init__(self, code: str, detail: str, extra: Mapping[str, Any] | None = None, retry_after: float = 0) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.extra = extra or {}
        self.retry_after = retry_after


class Api:
    """One judge, as one account sees it. Use it as a context manager."""

    def __init__(
        self,
        account: Account,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`transport` and `sleep` stand in for the network and the clock in tests."""
        headers = {"Accept": "application/json", "User-Agent": "assay-cli"}
        if account.token:
            headers["Authorization"] = f"Bearer {account.token}"
        self._sleep = sleep
        self._url = account.url
        self._http = httpx.Client(
            base_url=account.url,
            headers=headers,
            timeout=httpx.Timeout(60.0, connect=5.0),
            transport=transport,
            trust_env=not account.local,  # no proxy stands between this machine and itself
            follow_redirects=False,  # a token goes nowhere else than it was meant for
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def me(self) -> dict[str, Any]:
        """Who the token belongs to. Raises ApiError, like everything here."""
        return _object(self._json("GET", "/people/me"))

    def challenges(self) -> list[dict[str, Any]]:
        """All challenges, in the order of the catalogue."""
        return _objects(self._json("GET", "/challenges"))

    def challenge(self, slug: str) -> dict[str, Any]:
        """One challenge with statement, starter files and the names of its public data."""
        return _object(self._json("GET", f"/challenges/{_part(slug)}"))

    def data(self, slug: str, to: IO[bytes]) -> None:
        """Write the zip of a challenge's public data to `to`."""
        self._again(lambda: self._download(f"{PREFIX}/challenges/{_part(slug)}/data", to), PATIENT_PAUSES)

    def competitions(self) -> list[dict[str, Any]]:
        """All competitions, the newest first."""
        return _objects(self._json("GET", "/competitions"))

    def leaderboard(self, competition: str, challenge: str | None, limit: int) -> dict[str, Any]:
        """A page of a board, the best first."""
        params = {"limit": limit, **({"challenge": challenge} if challenge else {})}
        return _object(self._json("GET", f"/leaderboards/{_part(competition)}", params=params))

    def submit(
        self, challenge: str, competition: str | None, name: str, content: bytes, kind: str = "scored"
    ) -> dict[str, Any]:
        """Hand a file or an archive in; the receipt. May be sent several times on the way and counts once."""
        form = {"challenge": challenge, "kind": kind, **({"competition": competition} if competition else {})}
        headers = {"Idempotency-Key": secrets.token_urlsafe(24)}
        files = {"file": (name, content)}
        return _object(self._json("POST", "/submissions", PATIENT_PAUSES, data=form, files=files, headers=headers))

    def submissions(self, limit: int, challenge: str | None = None) -> list[dict[str, Any]]:
        """The account's own submissions, newest first."""
        params = {"limit": limit, **({"challenge": challenge} if challenge else {})}
        return _objects(_object(self._json("GET", "/submissions", params=params)).get("submissions"))

    def submission(self, id: str, wait: float = 0, pauses: Iterable[float] = RETRY_PAUSES) -> dict[str, Any]:
        """One submission; with `wait` seconds the answer comes with the verdict or when they are over."""
        path, params = f"/submissions/{_id(id)}", {"wait": wait} if wait else {}
        return _object(self._json("GET", path, pauses, params=params))

    def follow(self, id: str, every: float = 1.0) -> Iterator[dict[str, Any]]:
        """The submission again and again, about every `every` seconds and as soon as it is final; then no more."""
        yield (seen := self.submission(id, pauses=PATIENT_PAUSES))
        while seen.get("state") not in FINAL:
            asked = time.monotonic()
            yield (seen := self.submission(id, every, PATIENT_PAUSES))
            self._sleep(max(0.0, asked + every / 2 - time.monotonic()))  # a busy judge answers without waiting

    def cancel(self, id: str) -> dict[str, Any]:
        """Cancel a submission that has no verdict yet."""
        return _object(self._json("POST", f"/submissions/{_id(id)}/cancel"))

    def status(self) -> dict[str, Any]:
        """The queue and the workers."""
        return _object(self._json("GET", "/status"))

    def create_competition(self, slug: str, title: str, challenges: list[str]) -> dict[str, Any]:
        """A competition of these challenges that is open from now on; for administrators, like all that follows."""
        places = [{"slug": challenge} for challenge in challenges]
        return _object(self._json("POST", "/competitions", json={"slug": slug, "title": title, "challenges": places}))

    def apply_competition(self, slug: str, rules: dict[str, Any], *, dry_run: bool) -> list[str]:
        """Makes a competition what these rules say; every change, in words."""
        path, params = f"/competitions/{_part(slug)}", {"dry_run": dry_run}
        changes = _object(self._json("PUT", path, params=params, json=rules)).get("changes")
        return [str(one) for one in changes] if isinstance(changes, list) else []

    def roster(self, competition: str) -> list[dict[str, Any]]:
        """Everybody who takes part."""
        return _objects(_object(self._json("GET", f"/competitions/{_part(competition)}/roster")).get("members"))

    def password_link(self, competition: str, person: str) -> str:
        """A new link with which somebody who takes part sets a password, once."""
        path = f"/competitions/{_part(competition)}/password-links"
        return str(_object(self._json("POST", path, json={"person": person})).get("link"))

    def new_join_code(self, competition: str) -> str:
        """Makes the code with which people join a competition by themselves."""
        return str(_object(self._json("POST", f"/competitions/{_part(competition)}/join-code"))["join_code"])

    def create_person(self, name: str) -> dict[str, Any]:
        """A new participant."""
        return _object(self._json("POST", "/people", json={"name": name}))

    def create_token(self, person: int, label: str) -> str:
        """The secret of a new token with which a person may read and submit."""
        return str(_object(self._json("POST", f"/people/{person}/tokens", json={"label": label}))["token"])

    def add_entry(self, competition: str, person: str) -> dict[str, Any]:
        """Enter a person, by name, in a competition."""
        return _object(self._json("POST", f"/competitions/{_part(competition)}/entries", json={"person": person}))

    def _json(self, method: str, path: str, pauses: Iterable[float] = RETRY_PAUSES, **request: Any) -> Any:
        return self._again(lambda: self._once(method, PREFIX + path, **request), pauses)

    def _again(self, act: Callable[[], T], pauses: Iterable[float]) -> T:
        """Every request here may be sent twice: it reads, it carries a key, or twice is as good as once."""
        left = iter(pauses)
        while True:
            try:
                return act()
            except ApiError as error:
                pause = next(left, None)
                again = error.code == "unreachable" or 0 < error.retry_after <= WAIT_SECONDS
                if pause is None or not again:
                    raise
                self._sleep(max(pause, error.retry_after))

    def _once(self, method: str, path: str, **request: Any) -> Any:
        with self._answer(method, path, **request) as response:
            return _parsed(b"".join(_bounded(response, MAX_JSON_BYTES)))

    def _download(self, path: str, to: IO[bytes]) -> None:
        to.seek(0)
        to.truncate()
        with self._answer("GET", path) as response:
            for chunk in _bounded(response, MAX_DOWNLOAD_BYTES):
                to.write(chunk)

    @contextmanager
    def _answer(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        try:
            with self._http.stream(method, path, **request) as response:
                if not response.is_success:
                    raise _refusal(response)
                yield response
        except httpx.TransportError as error:
            raise ApiError("unreachable", f"No judge can be reached at {self._url}: {_cause(error)}.") from error
        except httpx.HTTPError as error:
            raise ApiError("unreadable", f"{self._url} gave no readable answer: {_cause(error)}.") from error


def _cause(error: httpx.HTTPError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    said = re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".")
    return said[:1].lower() + said[1:] or type(error).__name__


def _refusal(response: httpx.Response) -> ApiError:
    """The problem document (RFC 9457) of an answer that is none, or whatever can be said without one."""
    try:
        problem = _parsed(b"".join(_bounded(response, MAX_JSON_BYTES)))
    except ApiError:
        problem = None
    wait = response.headers.get("Retry-After", "")
    retry_after = float(wait) if wait.isascii() and wait.isdigit() else 0.0
    if not isinstance(problem, dict) or "code" not in problem:
        return ApiError("unreadable", f"{response.url} answered {response.status_code} and said nothing readable.")
    code, detail = str(problem["code"]), str(problem.get("detail") or problem.get("title") or problem["code"])
    if code == "unauthorized":
        detail = f"{detail.rstrip('.')}: run `assay login`, or set ASSAY_TOKEN."
    return ApiError(code, detail, problem, retry_after)


def _bounded(response: httpx.Response, most: int) -> Iterator[bytes]:
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > most:
            raise ApiError("unreadable", f"{response.url} answers with more than {most // 2**20} MB.")
        yield chunk


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError("unreadable", "The answer is not JSON: is this the address of a judge?") from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise not_understood()
    return value


def _objects(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise not_understood()
    return [_object(one) for one in value]


def not_understood() -> ApiError:
    """The answer is JSON, but not what this version expects."""
    return ApiError("unreadable", "The judge's answer is not one that this version of assay understands.")


def _id(id: str) -> str:
    """A submission's id as one part of a path. Raises CliError."""
    if re.fullmatch(r"[A-Za-z0-9_-]{22}", id) is None:
        raise CliError(f"{id!r:.100} is not a submission's id; `assay status` lists yours.", WRONG_USE)
    return id


def _part(name: str) -> str:
    """A name as one part of a path. Raises CliError for what no judge could have given out."""
    if re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name) is None:
        raise CliError(f"{name!r:.100} cannot be the name of anything here.", WRONG_USE)
    return name
