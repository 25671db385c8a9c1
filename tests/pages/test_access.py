"""Who sees which page: a submission its owner alone, everything else everybody; refusals are pages too."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.blobs import pack
from api.store import builds, competitions
from tests.pages.site import SOLUTION, Site, report


def get(site: Site, path: str, person: str | None = None, **more: Any) -> httpx.Response:
    """What a browser gets in which this person has signed in."""
    return httpx.get(site.url + path, cookies=site.cookie(person) if person else None, **more)


def is_page(answer: httpx.Response, status: int, words: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert words in answer.text
    assert '<a class="brand" href="/">' in answer.text


@pytest.mark.parametrize("part", ["", "/live", "/source"])
def test_a_submission_is_its_owners(site: Site, part: str) -> None:
    site.join("eve")
    made = site.post("ada")
    site.judge(report(80))
    path = f"/submissions/{made}{part}"

    own = get(site, path, "ada")
    assert own.status_code == 200
    assert (own.content == SOLUTION) if part == "/source" else ("accepted" in own.text)

    bearer = {"Authorization": f"Bearer {site.tokens['ada']}"}
    for said in ({}, {"Cookie": "assay=wrong"}, {"Cookie": f"assay={'x' * 300}"}, {"Cookie": "assay="}, bearer):
        refused = get(site, path, headers=said)
        is_page(refused, 401, "Sign in to see this")
        assert not refused.headers["www-authenticate"].startswith("Basic ")  # no window of the browser's own
    ((name, secret),) = site.cookie("eve").items()
    eve = {"Cookie": f"{name}={secret}"}
    others, missing = get(site, path, headers=eve), get(site, f"/submissions/{'A' * 22}", headers=eve)
    is_page(others, 404, "There is no such thing")
    assert others.text == missing.text
    assert get(site, "/submissions/short", "ada").status_code == 404


def test_what_a_submission_page_says_is_not_kept_anywhere(site: Site) -> None:
    made = site.post("ada")
    assert get(site, f"/submissions/{made}", "ada").headers["cache-control"] == "no-store"
    assert get(site, f"/submissions/{made}/source", "ada").headers["cache-control"] == "no-store"
    assert get(site, "/leaderboards/toys", "ada").headers["cache-control"] == "no-store"  # their name stands on it
    assert get(site, "/leaderboards/toys").headers["cache-control"] == "no-cache"


def test_a_browsers_session_is_no_key_to_the_api(site: Site) -> None:
    made = site.post("ada")
    path = f"{site.url}/api/v1/submissions/{made}"
    assert httpx.get(path, headers={"Authorization": f"Bearer {site.tokens['ada']}"}).status_code == 200
    assert get(site, f"/submissions/{made}", "ada").status_code == 200
    refused = httpx.get(path, cookies=site.cookie("ada"))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/leaderboards/nope", 404, "There is no such competition"),
        ("/leaderboards/toys?challenge=nope", 404, "There is no such challenge"),
        ("/leaderboards/Not%20a%20slug", 404, "There is no such thing"),
        ("/leaderboards/toys?page=0", 422, "A part of the request is not valid"),
        ("/challenges/nope", 404, "There is no such challenge"),
        ("/challenges/toy-call/starter/grader.py", 404, "There is no such thing"),
        ("/nowhere/at/all", 404, "There is no such thing"),
        ("/static/nothing.js", 404, "There is no such thing"),
    ],
)
def test_a_refusal_is_a_page(site: Site, path: str, status: int, words: str) -> None:
    is_page(get(site, path), status, words)


def test_programs_get_their_refusals_as_before(site: Site) -> None:
    answer = get(site, "/api/v1/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_mistake_of_ours_is_a_page_without_its_reasons(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get(site, "/").status_code == 200

    def fails(_: object) -> None:
        raise RuntimeError("a secret cause")

    monkeypatch.setattr(competitions, "listed", fails)
    answer = get(site, "/")
    is_page(answer, 500, "The judge has made a mistake")
    assert "a secret cause" not in answer.text


def test_a_challenges_files_can_be_had(site: Site) -> None:
    toy = site.challenges["toy-call"]
    starter = get(site, "/challenges/toy-call/starter/solution.py")
    assert starter.content == toy.starter["solution.py"]
    assert starter.headers["content-disposition"] == 'attachment; filename="solution.py"'
    assert "Being prepared" in get(site, "/challenges/toy-call").text

    digest = site.blobs.put([pack({"sample.csv": b"a,b\n1,2\n"})])
    builds.record(site.store, "toy-call", toy.version, 0, digest, "f" * 64)
    page = get(site, "/challenges/toy-call").text
    assert "sample.csv <small>8 bytes</small>" in page
    assert 'href="/api/v1/challenges/toy-call/data"' in page
    assert get(site, "/api/v1/challenges/toy-call/data").content == site.blobs.get(digest)


def test_a_long_board_has_pages_and_ranks_go_on(site: Site) -> None:
    for number in range(101):
        site.join(f"p{number}")
    site.score("p100", 90)
    first, second = get(site, "/leaderboards/toys").text, get(site, "/leaderboards/toys?page=2").text
    assert (first.count("<tr data-key"), second.count("<tr data-key")) == (100, 2)
    assert 'data-key="p100"' in first
    assert ("Further places" in first, "Further places" in second, "Better places" in second) == (True, False, True)
    assert "Nobody stands on this page" in get(site, "/leaderboards/toys?page=3").text
