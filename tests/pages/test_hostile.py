"""What strangers write stays text: names, titles, messages and statements cannot run, hide or turn anything."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, expect

from api import formulas
from api.pages.render import POLICY, visible
from api.store import competitions, extensions, people, roster, seasons, words
from challenges.report import Report, Verdict
from tests.api.house import challenge
from tests.installation import wait_for
from tests.pages.conftest import Open
from tests.pages.site import Site, report, served

DAY = timedelta(days=1)
SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
TURNED = "\u202egnp.exe"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(9)"><script>alert(9)</script></svg>'
PARTIAL = '<hx-partial hx-target="body">gone</hx-partial>'
FORMULAS = r"""
$\text{<script>alert(5)</script>}\href{javascript:alert(6)}{x}\style{position:fixed}{y}$ and
$\class{a" onmouseover="alert(7)}{z}\text{</math><img src=x onerror=alert(8)>}\unicode{x3c}$ and $\left( <img src=x>$

$$
\text{<script>alert(5)</script>}\href{javascript:alert(6)}{x}
$$
"""
ANSI = "\x1b[31mred\x1b[0m \x1b]0;title\x07"
NAMES = (PARTIAL, SCRIPT, IMAGE, TURNED, "{{ 7 * 7 }}", "</table></main>", "&lt;b&gt;")


@pytest.fixture
def site(tmp_path: Path) -> object:
    statement = f"# Bad\n\n{FORMULAS}\n\n{SCRIPT} {IMAGE} [link](javascript:alert(3)) ![i](javascript:alert(4))\n\n    {SCRIPT}\n"
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
    seasons.create(site.store, slug="odd", title=IMAGE, opens_at=None, closes_at=None, challenges=[], by=1)
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


def test_what_people_say_in_a_season_is_text(site: Site, open_page: Open) -> None:
    """Teams, cohorts, weeks, announcements, questions, answers and reasons, on the page of everybody and of staff."""
    site.organiser("olga")
    at = datetime.now(UTC)
    places = [competitions.ChallengePlace("toy-call", 100, "v", IMAGE, at, at + DAY)]
    rows = [roster.Row(2, PARTIAL, "a@x.org", SCRIPT, IMAGE), roster.Row(3, "di", None, SCRIPT, IMAGE)]
    odd = seasons.Wanted(
        "odd", SCRIPT, places, at, at + 2 * DAY, team_size=2, organisers=["olga"], cohorts={IMAGE: []}, roster=rows
    )
    seasons.apply(site.store, odd, by=1)
    site.people["di"] = people.find(site.store, "di").id
    words.announce(site.store, "odd", IMAGE, f"{SCRIPT}\n{PARTIAL}", by=1)
    asked = words.ask(site.store, "odd", None, f"{IMAGE}\n{SCRIPT}", by=site.people["di"])
    words.answer(site.store, "odd", asked.id, f"{SCRIPT} {IMAGE}", public=True, by=1, within=None)
    extensions.grant(site.store, "odd", SCRIPT, None, at + 3 * DAY, IMAGE, by=1)
    for path, who in (
        ("/competitions/odd", "di"),
        ("/competitions/odd", "olga"),
        ("/competitions/odd/manage", "olga"),
        ("/competitions/odd/manage/roster", "olga"),
        ("/competitions/odd/manage/extensions", "olga"),
        ("/competitions/odd/manage/audit", "olga"),
        ("/leaderboards/odd?week=1", None),
        ("/leaderboards/odd?cohort=" + quote(IMAGE), None),
    ):
        page = open_page(path, who)
        expect(page.locator("h1")).to_be_visible()
        assert page.locator("main script, main img, main hx-partial").count() == 0, path
        said = page.locator("main").text_content() or ""
        assert any(one in said for one in (SCRIPT, IMAGE)), f"{path}: what was said is there, as text"


def test_the_log_of_a_failed_build_is_shown_to_its_owner_as_text(site: Site, open_page: Open) -> None:
    made = site.post("ada")
    log = f"Dockerfile, line 2: {SCRIPT}\n{IMAGE}\n{ANSI}"
    site.judge(Report(Verdict.build_error, message="A step could not be done.", build_log=log))
    page = open_page(f"/submissions/{made}", "ada")
    expect(page.locator("section[aria-labelledby=build-log] pre")).to_have_text(visible(log))
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
    assert page.locator("article math").count() == 3
    used = "[...document.querySelectorAll('article math, article math *')].flatMap((one) => one.getAttributeNames())"
    assert set(page.evaluate(used)) <= formulas.ATTRIBUTES
    expect(page.locator("article mtext").first).to_have_text("<script>alert(5)</script>")
    expect(page.locator("article code.formula")).to_have_text(r"\left( <img src=x>")


def test_a_source_and_its_file_names_are_text(site: Site, open_page: Open) -> None:
    content = f"{SCRIPT}\r\n{IMAGE}\n</code></pre></details>{PARTIAL}\n{TURNED}\n{ANSI}\n".encode()
    made = site.submit(files={"solution.py": content, "picture.svg": SVG, "page.html": content, "raw.bin": b"\x00\xff"})
    page = open_page(f"/submissions/{made}", "ada")
    expect(page.locator("details.file summary")).to_have_count(3)
    expect(page.locator("p.file")).to_contain_text("raw.bin")
    expect(page.locator("pre.text").first).to_have_text(
        f"{SCRIPT}\n{IMAGE}\n</code></pre></details>{PARTIAL}\n[U+202E]gnp.exe\n{visible(ANSI)}"
    )
    assert page.locator("main script, main img, main svg, main template").count() == 0
    answer = httpx.get(f"{site.url}/submissions/{made}/source", cookies=site.cookie("ada"))
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_probes_would_run_where_nothing_is_escaped(browser: Browser, tmp_path: Path) -> None:
    seen: list[str] = []
    page = browser.new_page()

    def note(dialog: Dialog) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    bare = tmp_path / "bare.html"
    bare.write_text(f"<p>{SCRIPT} {IMAGE}</p>{SVG.decode()}<math><mtext><script>alert(5)</script></mtext></math>")
    page.goto(bare.as_uri())
    wait_for(lambda: set(seen) >= {"1", "2", "9"}, f"the probes, not only {seen}", 10)
    page.close()


@pytest.mark.parametrize(
    "path", ["/", "/leaderboards/toys", "/challenges", "/challenges/bad", "/status", "/leaderboards/none", "/nothing"]
)
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
