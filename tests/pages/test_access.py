"""Who sees which page: a submission its owner alone, everything else everybody; refusals are pages too."""

from __future__ import annotations

import httpx
import pytest

from api.blobs import pack
from api.store import builds, competitions
from tests.pages.site import SOLUTION, Site, report


def get(site: Site, path: str, token: str | None = None) -> httpx.Response:
    """What a browser gets that was given this token as a password."""
    return httpx.get(site.url + path, auth=None if token is None else ("anyone", token))


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

    own = get(site, path, site.tokens["ada"])
    assert own.status_code == 200
    assert (own.content == SOLUTION) if part == "/source" else ("accepted" in own.text)

    for token in (None, "assay_wrong", "x" * 300):
        refused = get(site, path, token)
        is_page(refused, 401, "API token as the password")
        assert refused.headers["www-authenticate"].startswith("Basic ")
    others, missing = get(site, path, site.tokens["eve"]), get(site, f"/submissions/{'A' * 22}", site.tokens["eve"])
    is_page(others, 404, "There is no such thing")
    assert others.text == missing.text
    assert get(site, "/submissions/short", site.tokens["ada"]).status_code == 404


def test_what_a_submission_page_says_is_not_kept_anywhere(site: Site) -> None:
    made = site.post("ada")
    assert get(site, f"/submissions/{made}", site.tokens["ada"]).headers["cache-control"] == "no-store"
    assert get(site, f"/submissions/{made}/source", site.tokens["ada"]).headers["cache-control"] == "no-store"
    assert get(site, "/leaderboards/toys").headers["cache-control"] == "no-cache"


def test_a_browsers_password_is_no_key_to_the_api(site: Site) -> None:
    made = site.post("ada")
    path = f"{site.url}/api/v1/submissions/{made}"
    assert httpx.get(path, headers={"Authorization": f"Bearer {site.tokens['ada']}"}).status_code == 200
    refused = httpx.get(path, auth=("ada", site.tokens["ada"]))
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
        raise RuntimeError("the reason")

    monkeypatch.setattr(competitions, "listed", fails)
    answer = get(site, "/")
    is_page(answer, 500, "The judge has made a mistake")
    assert "the reason" not in answer.text


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
