"""The client module against a fake network: one kind of error, retries with one key, and answers that make no sense."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.client import api as client
from cli.client.api import Api, ApiError
from cli.client.config import Account
from cli.errors import WRONG_USE, CliError

ACCOUNT = Account("http://judge.test", "t0ken")
ID = "abcdefghijklmnopqrstuv"
Answer = httpx.Response | Exception


class FakeJudge:
    """Gives these answers one after another, the last one for ever, and keeps the requests and the pauses."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def api(self) -> Api:
        return Api(ACCOUNT, transport=httpx.MockTransport(self), sleep=self.pauses.append)


def problem(status: int, code: str, detail: str = "No.", **headers: str) -> httpx.Response:
    document = {"type": f"/errors#{code}", "title": "T", "status": status, "code": code, "detail": detail}
    return httpx.Response(status, json=document, headers={"Content-Type": "application/problem+json", **headers})


def refused(act: Callable[[], Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        act()
    return caught.value


def test_the_token_is_sent_and_the_answer_read() -> None:
    judge = FakeJudge(httpx.Response(200, json={"name": "ada"}))
    assert judge.api.me() == {"name": "ada"}
    assert judge.requests[0].headers["Authorization"] == "Bearer t0ken"
    assert str(judge.requests[0].url) == "http://judge.test/api/v1/people/me"


def test_a_refusal_is_one_error_with_code_and_detail() -> None:
    judge = FakeJudge(problem(404, "unknown_challenge", "There is no such challenge."))
    error = refused(lambda: judge.api.challenge("nope"))
    assert (error.code, error.detail) == ("unknown_challenge", "There is no such challenge.")
    assert len(judge.requests) == 1, "a refusal is not asked again"


def test_without_a_valid_token_it_says_what_to_do() -> None:
    error = refused(FakeJudge(problem(401, "unauthorized")).api.me)
    assert "assay login" in error.detail


def test_a_lost_connection_is_tried_again_with_the_same_key() -> None:
    lost = httpx.ConnectError("[Errno 111] Connection refused")
    judge = FakeJudge(
        lost, httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut"), httpx.Response(202, json={"id": ID})
    )
    assert judge.api.submit("alpha", "cup", "solution.py", b"x = 1\n") == {"id": ID}
    keys = {request.headers["Idempotency-Key"] for request in judge.requests}
    assert (len(judge.requests), len(keys)) == (4, 1)
    assert all(b"x = 1" in request.content and b'name="competition"' in request.content for request in judge.requests)
    assert judge.pauses == list(client.PATIENT_PAUSES[:3])


def test_two_submissions_have_two_keys() -> None:
    judge = FakeJudge(httpx.Response(202, json={"id": ID}))
    with judge.api as api:
        api.submit("alpha", None, "solution.py", b"x")
        api.submit("alpha", None, "solution.py", b"x")
    assert len({request.headers["Idempotency-Key"] for request in judge.requests}) == 2


def test_it_gives_up_in_one_sentence() -> None:
    judge = FakeJudge(httpx.ConnectError("[Errno 111] Connection refused"))
    error = refused(judge.api.challenges)
    assert error.code == "unreachable"
    assert str(error) == "No judge can be reached at http://judge.test: connection refused."
    assert len(judge.requests) == 1 + len(client.RETRY_PAUSES)


def test_a_judge_that_asks_for_patience_gets_it_within_reason() -> None:
    judge = FakeJudge(problem(503, "data_preparing", **{"Retry-After": "10"}), httpx.Response(200, content=b"zip"))
    target = io.BytesIO()
    judge.api.data("alpha", target)
    assert (target.getvalue(), judge.pauses) == (b"zip", [10])
    judge = FakeJudge(problem(429, "rate_limited", **{"Retry-After": "3000"}))
    assert refused(judge.api.challenges).code == "rate_limited"
    assert judge.pauses == []


def test_a_download_begins_anew_when_it_is_tried_again() -> None:
    class Cut(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield b"half of"
            raise httpx.ReadError("cut")

    judge = FakeJudge(httpx.Response(200, stream=Cut()), httpx.Response(200, content=b"whole"))
    target = io.BytesIO()
    judge.api.data("alpha", target)
    assert target.getvalue() == b"whole"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json=["not", "an", "object"]),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(502, content=b"Bad Gateway"),
        httpx.Response(500, json=["no problem document"]),
        httpx.Response(302, headers={"Location": "http://elsewhere.test/"}),
    ],
)
def test_an_answer_without_sense_is_an_error_of_its_own(answer: httpx.Response) -> None:
    judge = FakeJudge(answer)
    assert refused(judge.api.me).code == "unreadable"
    assert {request.url.host for request in judge.requests} == {"judge.test"}, "a token goes nowhere else"


def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_JSON_BYTES", 1000)
    assert refused(FakeJudge(httpx.Response(200, json=["x" * 2000])).api.challenges).code == "unreadable"
    assert FakeJudge(httpx.Response(200, json=[{"slug": "x" * 500}])).api.challenges()


def test_it_follows_a_submission_until_it_is_final() -> None:
    states = [httpx.Response(200, json={"state": state}) for state in ("queued", "running", "done")]
    judge = FakeJudge(*states)
    assert [seen["state"] for seen in judge.api.follow(ID)] == ["queued", "running", "done"]
    assert [request.url.params.get("wait") for request in judge.requests] == [None, "1.0", "1.0"]
    assert min(judge.pauses) > 0.3, "a judge that answers at once is not asked in a circle"


@given(st.text() | st.from_regex("[a-z0-9-]{1,20}", fullmatch=True))
def test_no_name_leaves_its_place_in_the_path(name: str) -> None:
    judge = FakeJudge(httpx.Response(200, json={}))
    if re.fullmatch("[A-Za-z0-9_-]{1,100}", name):
        judge.api.challenge(name)
        assert judge.requests[0].url.path == f"/api/v1/challenges/{name}"
        return
    with pytest.raises(CliError) as caught:
        judge.api.challenge(name)
    assert caught.value.exit_code == WRONG_USE
    assert judge.requests == []


def test_json_that_came_is_passed_on_as_it_came() -> None:
    board = {"rows": [{"name": "ada", "points": 1.5}]}
    judge = FakeJudge(httpx.Response(200, content=json.dumps(board)))
    assert judge.api.leaderboard("cup", "alpha", 10) == board
    assert dict(judge.requests[0].url.params) == {"limit": "10", "challenge": "alpha"}
