"""Who sees which page: a submission its owner alone, everything else everybody; refusals are pages too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.blobs import pack
from api.pages import lists, sources
from api.store import builds, competitions, submissions, workers
from tests.installation import wait_for
from tests.pages.site import SOLUTION, Site, report, served


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
    assert "Prepared when a competition needs them" in get(site, "/challenges/toy-call").text

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


def test_my_submissions_are_mine_alone_the_newest_first_and_by_pages(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.join("eve")
    mine = [site.score("ada", points) for points in (10, 20, 90)]
    others = site.score("eve", 80)
    is_page(get(site, "/submissions"), 401, "Sign in to see this")
    monkeypatch.setattr(lists, "PAGE", 2)
    first = get(site, "/submissions", "ada").text
    assert re.findall(r'href="/submissions/(\w+)"', first) == [mine[2], mine[1]]
    assert "accepted" in first and "wrong answer" in first
    older = re.findall(r'href="(/submissions\?cursor=\w+)"', first)
    assert re.findall(r'href="/submissions/(\w+)"', get(site, older[0], "ada").text) == [mine[0]]
    is_page(get(site, f"/submissions?cursor={others}", "ada"), 422, "This cursor is not one of ours")
    assert re.findall(r'href="/submissions/(\w+)"', get(site, "/submissions", "eve").text) == [others]
    site.join("new")
    assert "Nothing handed in yet" in get(site, "/submissions", "new").text


def test_challenges_say_how_far_their_viewer_is(site: Site) -> None:
    site.join("eve")
    site.score("ada", 90)
    site.score("ada", 45.5, "toy-run")
    pages = {person: get(site, "/challenges", person).text for person in ("ada", "eve", None)}
    states = {person: re.findall(r'class="state"><span class="\w+">([^<]*)<', text) for person, text in pages.items()}
    assert states == {"ada": ["not tried", "solved", "best 45.5"], "eve": ["not tried"] * 3, None: []}
    own = get(site, "/challenges/toy-call", "ada").text
    assert "My attempts" in own and "accepted" in own
    assert "You have not handed in anything" in get(site, "/challenges/toy-call", "eve").text
    assert "My attempts" not in get(site, "/challenges/toy-call").text


def test_the_viewers_own_line_is_marked_on_a_board_that_all_share(site: Site) -> None:
    site.join("<b>eve</b>")
    site.score("ada", 90)
    pages = {person: get(site, "/leaderboards/toys", person).text for person in ("ada", "<b>eve</b>", None)}
    marked = {person: re.findall(r'<tr class="mine" data-key="([^"]*)"', text) for person, text in pages.items()}
    assert marked == {"ada": ["ada"], "<b>eve</b>": ["&lt;b&gt;eve&lt;/b&gt;"], None: []}
    assert site.boards.rendered == 1


def test_what_was_handed_in_is_shown_to_its_owner_within_bounds(site: Site) -> None:
    files = {
        "solution.py": b"one\r\ntwo\r\n",
        "large.txt": b"x" * (sources.MAX_FILE + 1),
        "half.txt": b"y" * sources.MAX_FILE,
        "model.bin": b"\xff\xfe",
        "zero.txt": b"a\x00b",
    }
    made = site.submit(files=files)
    text = get(site, f"/submissions/{made}", "ada").text
    assert text.index("solution.py") < text.index("half.txt")
    assert '<pre class="numbers" aria-hidden="true">1\n2</pre><pre class="text"><code>one\ntwo</code></pre>' in text
    assert re.findall(r"<p class=\"file\"><bdi>([^<]*)</bdi> <small>[^,]*, ([^<]*)<", text) == [
        ("large.txt", "too large to show"),
        ("model.bin", "not text"),
        ("zero.txt", "not text"),
    ]
    assert "Download all files as a zip" in text
    digest = submissions.source(site.store, made, owner=None).digest
    assert digest in text
    site.blobs.path(digest).unlink()
    assert "no longer kept" in get(site, f"/submissions/{made}", "ada").text


def test_no_page_shows_more_than_it_can(site: Site) -> None:
    many = {f"f{number}.txt": b"z" * sources.MAX_FILE for number in range(6)}
    shown = sources.shown(many, first="f5.txt")
    assert [one.name for one in shown] == ["f5.txt", "f0.txt", "f1.txt", "f2.txt", "f3.txt", "f4.txt"]
    assert [one.text is not None for one in shown] == [True] * 4 + [False] * 2


def test_the_status_page_names_no_worker(site: Site) -> None:
    assert "No worker" in get(site, "/status").text
    workers.heartbeat(site.store, "host-17.example", 3)
    site.score("ada", 80)
    site.post("ada")
    wait_for(lambda: "Judging" in get(site, "/status").text, "the worker", 10)
    page = get(site, "/status").text
    assert "host-17" not in page
    assert "A submission handed in now has its verdict in about" in page
    assert re.findall(r"<dt>(Waiting|Running)</dt><dd>(\d+)", page) == [("Waiting", "1"), ("Running", "0")]


def test_what_nobody_can_judge_yet_says_so(site: Site) -> None:
    said = "Its runtime java is being made on the judge."
    waiting = site.post("ada")
    paths = ["/challenges/toy-call", f"/submissions/{waiting}"]
    paths += ["/api/v1" + path for path in paths]
    headers = {"Authorization": f"Bearer {site.tokens['ada']}"}
    workers.heartbeat(site.store, "w1", 1, info={"lacks": {"toy-call": said}})
    for path in paths:
        assert said in get(site, path, "ada", headers=headers).text
    workers.heartbeat(site.store, "w2", 1, info={"lacks": {}})
    for path in paths:
        assert said not in get(site, path, "ada", headers=headers).text, "somebody can"


def test_who_asks_too_often_is_told_so_on_a_page(tmp_path: Path) -> None:
    with served(tmp_path / "data", anonymous_per_minute=3) as site:
        answers = [get(site, "/challenges") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        is_page(answers[-1], 429, "Too many requests")
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert "Please try again in" in answers[-1].text
