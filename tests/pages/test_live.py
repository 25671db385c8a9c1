"""An open page changes by itself, without ever being loaded again."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect

from api.pages.boards import Key
from api.store import competitions, seasons, workers
from api.store.leaderboards import Which
from tests.installation import wait_for
from tests.pages.conftest import Open
from tests.pages.site import Site, report, served

DROPPED = ("net::ERR_", "htmx:sse:error")
"""What the console may say when the server is stopped under an open page."""
MARK = "window.stillTheSamePage"


def marked(page: Page) -> Page:
    """A page that is live and would lose its mark if it were loaded again."""
    expect(page.locator("#live-state")).to_have_text("Live")
    page.evaluate(f"{MARK} = true")
    return page


def never_left(page: Page) -> bool:
    return bool(page.evaluate(f"{MARK} === true && performance.getEntriesByType('navigation').length === 1"))


def standing(page: Page) -> list[str]:
    """Rank, name and points of the board's lines."""
    cells = "[...row.cells].slice(0, 3).map((cell) => cell.innerText.trim()).join(' ')"
    return list(page.evaluate(f"[...document.querySelectorAll('tr[data-key]')].map((row) => {cells})"))


def becomes(page: Page, lines: list[str]) -> None:
    wait_for(lambda: standing(page) == lines or None, f"{lines}, not {standing(page)}", 10)


def test_a_verdict_moves_the_rows_of_an_open_board(site: Site, open_page: Open) -> None:
    site.join("ben")
    page = marked(open_page("/leaderboards/toys"))
    assert standing(page) == ["– ada –", "– ben –"]

    site.score("ben", 50)
    becomes(page, ["1 ben 50", "– ada –"])
    expect(page.locator("#live-latest")).to_have_text("ben: rank 1, 50 points")

    site.score("ada", 80)
    becomes(page, ["1 ada 80", "2 ben 50"])
    expect(page.locator("tr.changed th")).to_have_text(["ada", "ben"])

    site.score("ben", 80)
    becomes(page, ["1 ada 80", "1 ben 80"])
    assert never_left(page)


def test_the_board_of_one_challenge_is_live_too(site: Site, open_page: Open) -> None:
    page = marked(open_page("/leaderboards/toys?challenge=toy-run"))
    expect(page.get_by_text("No submission for this challenge yet.")).to_be_visible()
    site.score("ada", 90, "toy-run")
    becomes(page, ["1 ada 90"])
    assert never_left(page)


def test_what_stayed_as_it_was_is_not_marked_as_changed(site: Site, open_page: Open) -> None:
    site.join("ben")
    site.score("ben", 90)
    page = marked(open_page("/leaderboards/toys", "ben"))
    expect(page.locator("tr.mine th")).to_have_text(["ben"])
    site.score("ada", 10)
    becomes(page, ["1 ben 90", "2 ada 10"])
    expect(page.locator("tr.changed th")).to_have_text(["ada"])
    expect(page.locator("tr.mine th")).to_have_text(["ben"])


def test_those_who_want_no_motion_see_the_change_without(site: Site, open_page: Open) -> None:
    still = marked(open_page("/leaderboards/toys", reduced_motion="reduce"))
    moving = marked(open_page("/leaderboards/toys"))
    plain = still.locator("tr[data-key] th").evaluate("(cell) => getComputedStyle(cell).backgroundColor")
    site.score("ada", 90)
    for page in (still, moving):
        expect(page.locator("tr.changed")).to_have_count(1)
    assert still.evaluate("document.getAnimations().length") == 0
    assert moving.evaluate("document.getAnimations().length") > 0
    assert still.locator("tr.changed th").evaluate("(cell) => getComputedStyle(cell).backgroundColor") != plain


def test_a_page_says_that_the_stream_dropped_and_catches_up(site: Site, open_page: Open) -> None:
    page = marked(open_page("/leaderboards/toys", complaints=DROPPED))
    site.stop()
    expect(page.locator("#live-state")).to_have_text("Reconnecting")
    site.start()
    site.score("ada", 70)
    expect(page.locator("#live-state")).to_have_text("Live", timeout=20_000)
    becomes(page, ["1 ada 70"])
    assert never_left(page)


def test_a_submission_is_followed_to_its_verdict(site: Site, open_page: Open) -> None:
    made = site.post("ada")
    page = marked(open_page(f"/submissions/{made}", "ada"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    expect(page.locator("[aria-current=step]")).to_have_text("received")
    site.judge(report(45.5, message="ValueError in line 3"))
    expect(page.locator(".verdict")).to_contain_text("wrong answer")
    expect(page.get_by_text("ValueError in line 3")).to_be_visible()
    expect(page.get_by_text("look at small numbers")).to_be_visible()
    expect(page.locator("#live-state")).to_have_text("Done")
    page.wait_for_timeout(2500)  # longer than a stream that ended would need to come back
    assert asked == []
    assert never_left(page)


def test_a_board_is_rendered_once_a_change_however_many_look(site: Site, open_page: Open) -> None:
    pages = [marked(open_page("/leaderboards/toys")) for _ in range(4)]
    assert site.boards.rendered == 1
    site.score("ada", 90)
    for page in pages:
        becomes(page, ["1 ada 90"])
    assert site.boards.rendered == 2


def test_what_a_reader_does_on_a_page_outlasts_a_change(site: Site, open_page: Open) -> None:
    site.join("ben")
    site.score("ben", 50)
    page = marked(open_page("/leaderboards/toys", viewport={"width": 360, "height": 800}))
    page.evaluate("document.querySelector('.scroll').scrollTo(120, 0)")
    page.locator("#col-toy-run").focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('caption'))")
    before = page.evaluate("document.querySelector('.scroll').scrollLeft")
    assert before > 0
    site.score("ada", 80)
    becomes(page, ["1 ada 80", "2 ben 50"])
    assert page.evaluate("document.activeElement.id") == "col-toy-run"
    assert page.evaluate("document.querySelector('.scroll').scrollLeft") == before
    assert page.evaluate("getSelection().toString()") == "Overall standings"


def test_a_page_takes_no_piece_twice_and_none_that_it_was_loaded_with(site: Site, open_page: Open) -> None:
    page = marked(open_page("/leaderboards/toys", complaints=DROPPED))
    page.evaluate("addEventListener('htmx:after:swap', () => { window.swaps = (window.swaps ?? 0) + 1 })")
    site.score("ada", 50)
    becomes(page, ["1 ada 50"])
    site.stop()
    expect(page.locator("#live-state")).to_have_text("Reconnecting")
    site.start()
    expect(page.locator("#live-state")).to_have_text("Live", timeout=20_000)
    site.score("ada", 60)
    becomes(page, ["1 ada 60"])
    assert page.evaluate("window.swaps") == 2


def test_a_page_that_could_not_become_live_at_once_tries_again(tmp_path: Path, browser: Browser) -> None:
    with served(tmp_path / "data", max_streams=1) as site:
        page = browser.new_page()
        with httpx.stream("GET", f"{site.url}/leaderboards/toys/live", timeout=20) as held:
            assert held.status_code == 200
            page.goto(f"{site.url}/leaderboards/toys")
            expect(page.locator("#live-state")).to_have_text("Reconnecting")
            expect(page.locator("h1")).to_have_text("Toys")  # the refusal, a page, is not put in place of the board
            expect(page.locator("main h1")).to_have_count(1)
        expect(page.locator("#live-state")).to_have_text("Live", timeout=30_000)
        site.score("ada", 70)
        becomes(page, ["1 ada 70"])
        page.close()


def test_the_status_of_the_judge_is_live(site: Site, open_page: Open) -> None:
    page = marked(open_page("/status"))
    expect(page.locator(".verdict")).to_have_text("No worker")
    workers.heartbeat(site.store, "host-17", 3)
    expect(page.locator(".verdict")).to_have_text("Judging")
    made = site.post("ada")
    expect(page.locator("dl.figures dd").first).to_have_text("1")
    site.judge(report(80))
    expect(page.locator("dl.figures dd").first).to_have_text("0")
    expect(page.locator(".outcome")).to_contain_text("has its verdict in about")
    text = page.content()
    assert "host-17" not in text and made not in text
    assert never_left(page)


def first_event(site: Site, seen: str | None, seconds: float) -> str | None:
    """The id of the first piece that the stream sends to somebody who has `seen` this one; None in the time given."""
    headers = {} if seen is None else {"Last-Event-ID": seen}
    end = time.monotonic() + seconds
    try:
        with httpx.stream("GET", f"{site.url}/leaderboards/toys/live", headers=headers, timeout=seconds) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if line.startswith("id:"):
                    return line.removeprefix("id:").strip()
                if time.monotonic() > end:
                    return None
    except httpx.ReadTimeout:
        return None
    return None


def test_who_comes_back_gets_the_newest_board_and_nothing_twice(site: Site) -> None:
    begun = first_event(site, None, 5)
    assert begun is not None
    assert first_event(site, begun, 1.5) is None
    site.score("ada", 60)
    site.score("ada", 70)
    newest = first_event(site, begun, 5)
    assert newest not in (None, begun)
    assert first_event(site, newest, 1.5) is None


def test_a_new_entry_and_the_end_of_a_competition_make_a_new_board(site: Site) -> None:
    with site.store.read() as session:
        soon = site.store.now(session) + timedelta(seconds=1.5)
    seasons.create(site.store, slug="short", title="Short", opens_at=None, closes_at=soon, challenges=[], by=1)
    key = Key("short", Which(), 1)
    opened = site.boards.current(key)
    assert site.boards.current(key) is opened
    competitions.add_entry(site.store, "short", "ada", by=1)
    entered = site.boards.current(key)
    assert ("ada" in opened.html, "ada" in entered.html) == (False, True)
    wait_for(lambda: "closed" in site.boards.current(key).html, "the end of the competition", 10)
