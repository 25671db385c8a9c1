"""What strangers write stays text: names, titles, messages and statements cannot run, hide or turn anything."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from api.pages.render import POLICY, visible
from api.store import competitions
from challenges.report import Report, Verdict
from tests.api.house import challenge
from tests.installation import wait_for
from tests.pages.conftest import Open
from tests.pages.site import Site, report, served

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
TURNED = "\u202egnp.exe"
NAMES = (SCRIPT, IMAGE, TURNED, "{{ 7 * 7 }}", "</table></main>", "&lt;b&gt;")


@pytest.fixture
def site(tmp_path: Path) -> object:
    statement = f"# Bad\n\n{SCRIPT} {IMAGE} [link](javascript:alert(3)) ![i](javascript:alert(4))\n\n    {SCRIPT}\n"
    bad = challenge("bad", title=f"Bad {SCRIPT}", statement=statement, starter={"solution.py": SCRIPT.encode()})
    with served(tmp_path / "data", challenges={"bad": bad}) as site:
        yield site


def test_names_on_a_board_are_text_from_the_start_and_when_they_arrive(site: Site, open_page: Open) -> None:
    page = open_page("/leaderboards/toys")
    expect(page.locator("#live-state")).to_have_text("Live")
    for name in NAMES:
        site.join(name)
    for name in NAMES:
        site.score(name, 90)
    for shown in (page, open_page("/leaderboards/toys")):
        expect(shown.locator("tr[data-key] .medal")).to_have_count(len(NAMES))
        expect(shown.locator("tbody th.name")).to_have_text([*map(visible, NAMES), "ada"])
        assert shown.locator("main script, main img, main b").count() == 0
        assert shown.locator("main table").count() == 1


def test_messages_hints_and_titles_are_text(site: Site, open_page: Open) -> None:
    competitions.create(site.store, slug="odd", title=IMAGE, opens_at=None, closes_at=None, challenges=[], by=1)
    made = site.post("ada")
    site.judge(report(10, message=f"{SCRIPT}\n{IMAGE}\n{TURNED}\x00\ud800", hint=SCRIPT))
    page = open_page(f"/submissions/{made}", "ada")
    expect(page.locator("pre.message")).to_have_text(f"{SCRIPT}\n{IMAGE}\n[U+202E]gnp.exe[U+0000][U+D800]")
    expect(page.locator("table.checks")).to_contain_text(SCRIPT)
    assert page.locator("main script, main img").count() == 0
    for path in ("/", "/leaderboards/odd"):
        page.goto(site.url + path)
        expect(page.get_by_text(IMAGE)).to_be_visible()
        assert page.locator("main img").count() == 0


def test_the_log_of_a_failed_build_is_shown_to_its_owner_as_text(site: Site, open_page: Open) -> None:
    made = site.post("ada")
    log = f"Dockerfile, line 2: {SCRIPT}\n{IMAGE}"
    site.judge(Report(Verdict.build_error, message="A step could not be done.", build_log=log))
    page = open_page(f"/submissions/{made}", "ada")
    expect(page.locator("section[aria-labelledby=build-log] pre")).to_have_text(log)
    assert page.locator("main script, main img").count() == 0
    other = site.post("ada")
    site.judge(report(10))
    expect(open_page(f"/submissions/{other}", "ada").locator("#build-log")).to_have_count(0)


def test_a_statement_is_markdown_and_nothing_more(site: Site, open_page: Open) -> None:
    page = open_page("/challenges/bad")
    expect(page.locator("h1")).to_have_text(f"Bad {SCRIPT}")
    expect(page.locator("article pre")).to_have_text(SCRIPT)
    assert page.locator("main script, main img, main a[href^=javascript]").count() == 0
    assert page.locator("article table").count() == 2


@pytest.mark.parametrize("path", ["/", "/leaderboards/toys", "/challenges/bad", "/leaderboards/none", "/nothing"])
def test_every_page_carries_the_policy_and_keeps_it_itself(site: Site, path: str) -> None:
    answer = httpx.get(site.url + path)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    for inline in ("<style", " style=", "<script>", " onclick=", " onload="):
        assert inline not in answer.text


def test_the_policy_stops_a_script_that_got_in(site: Site, open_page: Open) -> None:
    page = open_page("/", complaints="Content Security Policy")
    inject = "() => {{ const s = document.createElement('script'); {0}; document.head.append(s); }}"
    page.evaluate(inject.format("s.textContent = 'window.ran = 1'"))
    assert page.evaluate("window.ran") is None
    page.evaluate(
        inject.format("s.src = '/static/assay.js'; s.type = 'module'; s.onload = () => { window.loaded = 1 }")
    )
    wait_for(lambda: page.evaluate("window.loaded"), "our own script", 10)
