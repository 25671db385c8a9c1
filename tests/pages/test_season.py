"""A season in the browser: asked, answered and announced live; roster, links, extensions, thaw, rejudging by forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.store import competitions, extensions, people, roster, seasons, sessions
from api.store.tables import Role, Scope
from tests.pages.conftest import Open
from tests.pages.site import Site, report

DAY = timedelta(days=1)
MANAGE = "/competitions/toys/manage"


@pytest.fixture
def season(site: Site) -> Site:
    """The toys with an organiser, a cohort, and an end tomorrow."""
    for name in ("olga", "nora"):
        site.people[name] = people.create_person(site.store, name, Role.participant, by=1).id
    site.join("eve")
    change(site, cohorts={"north": ["nora"]}, organisers=["olga"])
    rows = roster.parse("name,cohort\nada,north\neve,\n")
    seasons.apply_roster(site.store, "toys", rows, by=1, by_admin=True)
    return site


def change(site: Site, **rules: object) -> None:
    found = competitions.find(site.store, "toys")
    closes = datetime.now(UTC) + DAY
    wanted = seasons.Wanted("toys", "Toys", found.challenges, found.opens_at - DAY, closes, **rules)  # type: ignore[arg-type]
    seasons.apply(site.store, wanted, by=1)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_question_is_asked_answered_and_seen_without_a_reload(season: Site, open_page: Open) -> None:
    ada, eve, nora = (open_page("/competitions/toys", who) for who in ("ada", "eve", "nora"))
    for page in (ada, eve, nora):
        expect(page.locator("#live-state")).to_have_text("Live")
    ada.get_by_label("Your question").fill("Are numbers <b>whole</b>?")
    press(ada, "Ask")
    expect(nora.locator("#notices")).to_contain_text("Are numbers <b>whole</b>?")
    expect(nora.locator("#notices")).to_contain_text("by ada")
    expect(eve.locator("#notices")).not_to_contain_text("whole")
    nora.get_by_label("Answer", exact=True).fill("Yes.")
    nora.get_by_label("for everybody to read").check()
    nora.get_by_role("button", name="Answer the question").click()
    expect(eve.locator("#notices")).to_contain_text("Yes.")
    expect(eve.locator("#notices")).not_to_contain_text("ada")


def test_an_announcement_is_seen_by_everybody_at_once(season: Site, open_page: Open) -> None:
    watching = open_page("/competitions/toys")
    expect(watching.locator("#live-state")).to_have_text("Live")
    olga = open_page(MANAGE, "olga")
    olga.get_by_label("Title").fill("Week 2")
    olga.get_by_label("Text").fill("It begins later.")
    press(olga, "Announce to everybody")
    expect(watching.locator("#notices")).to_contain_text("It begins later.")
    olga.get_by_role("button", name="Withdraw Week 2").click()
    expect(watching.locator("#notices")).not_to_contain_text("It begins later.")


def test_a_roster_is_shown_before_it_is_applied(season: Site, open_page: Open) -> None:
    olga = open_page(f"{MANAGE}/roster", "olga", complaints="422")
    box = olga.get_by_role("textbox", name="Roster")
    box.fill("name,email\nfay,fay at home\n")
    press(olga, "Show what it would change")
    expect(olga.get_by_role("alert")).to_contain_text("roster line 2: 'fay at home' is no e-mail address.")
    box.fill("name,email,cohort\nfay,fay@example.org,north\n")
    press(olga, "Show what it would change")
    expect(olga.get_by_role("status")).to_contain_text("fay is entered")
    assert "fay" not in {one.name for one in roster.listed(season.store, 1)}
    press(olga, "Apply it")
    expect(olga.get_by_role("row", name="fay")).to_contain_text("not yet")
    assert "fay" in {one.name for one in roster.listed(season.store, 1)}


def test_a_link_leads_somebody_new_in_and_works_once(season: Site, open_page: Open) -> None:
    rows = roster.parse("name\nfay\n")
    seasons.apply_roster(season.store, "toys", rows, by=1, by_admin=True)
    olga = open_page(f"{MANAGE}/roster", "olga")
    olga.get_by_role("button", name="Make a password link for fay").click()
    link = olga.locator("#link").text_content() or ""
    assert link.startswith(f"{season.url}/welcome#")
    fay = open_page(link.removeprefix(season.url))
    expect(fay.get_by_label("What follows #")).to_have_value(link.partition("#")[2])
    assert "#" not in fay.url, "it does not stay in the address"
    fay.get_by_label("New password").fill("a long password")
    press(fay, "Set it and sign in")
    expect(fay.get_by_role("link", name="fay")).to_be_visible()
    again = open_page(link.removeprefix(season.url), complaints="404")
    again.get_by_label("New password").fill("another password")
    press(again, "Set it and sign in")
    expect(again.get_by_role("alert")).to_contain_text("not valid any more")


def test_an_organiser_makes_no_link_for_somebody_elses_people(season: Site, open_page: Open) -> None:
    seasons.create(season.store, slug="other", title="Other", opens_at=None, closes_at=None, challenges=[], by=1)
    competitions.add_entry(season.store, "other", "eve", by=1)
    olga = open_page(f"{MANAGE}/roster", "olga", complaints="403")
    olga.get_by_role("button", name="Make a password link for eve").click()
    expect(olga.get_by_role("alert")).to_contain_text("an administrator makes the link")


def test_extensions_are_granted_and_withdrawn(season: Site, open_page: Open) -> None:
    nora = open_page(f"{MANAGE}/extensions", "nora", complaints="422")
    expect(nora.locator("select[name=who] option")).to_have_text(["ada", "everybody in cohort north"])
    nora.get_by_label("Until").fill("2026-01-01T09:00")
    nora.get_by_label("Why").fill("She was ill.")
    press(nora, "Grant it")
    expect(nora.get_by_role("alert")).to_contain_text("in the past")
    nora.get_by_label("Until").fill("2099-01-01T09:00")
    press(nora, "Grant it")
    expect(nora.get_by_role("row", name="ada")).to_contain_text("She was ill.")
    assert [one.entry for one in extensions.listed(season.store, "toys")] == ["ada"]
    nora.get_by_role("button", name="Withdraw the extension of ada").click()
    expect(nora.locator("main")).to_contain_text("No extension has been granted.")


def test_a_frozen_board_is_thawed_by_a_button(season: Site, open_page: Open) -> None:
    change(season, freeze_at=datetime.now(UTC) - timedelta(seconds=1))
    season.score("ada", 80)
    watching = open_page("/leaderboards/toys")
    expect(watching.locator("main")).to_contain_text("frozen")
    expect(watching.get_by_role("row", name="ada")).not_to_contain_text("80")
    olga = open_page(MANAGE, "olga")
    press(olga, "Thaw the boards")
    expect(watching.get_by_role("row", name="ada")).to_contain_text("80")


def test_a_rejudging_is_looked_at_and_applied(season: Site, open_page: Open) -> None:
    season.score("ada", 80)
    olga = open_page(f"{MANAGE}/rejudgings", "olga")
    olga.get_by_label("Why").fill("Ties were wrong.")
    press(olga, "Judge again")
    expect(olga.get_by_role("button", name="Apply it")).to_be_disabled()
    season.judge(report(40))
    olga.reload()
    expect(olga.get_by_role("row", name="ada Double a number accepted, 80 wrong answer, 40")).to_be_visible()
    press(olga, "Apply it")
    expect(olga.locator("main")).to_contain_text("applied")
    done = open_page(f"{MANAGE}/audit", "olga")
    expect(done.locator("main")).to_contain_text("rejudging.apply")


@pytest.mark.parametrize("path", ["", "/roster", "/extensions", "/rejudgings", "/similarity", "/audit"])
def test_who_manages_what(season: Site, path: str) -> None:
    """Cohort staff see what is about their cohort, organisers everything, everybody else nothing."""

    def status(who: str | None) -> int:
        cookies = season.cookie(who) if who else None
        return httpx.get(f"{season.url}{MANAGE}{path}", cookies=cookies).status_code

    of_all = path in ("/rejudgings", "/similarity", "/audit")
    assert [status(who) for who in (None, "ada", "nora", "olga")] == [401, 403, 403 if of_all else 200, 200]


def test_no_form_of_staff_is_taken_from_who_is_none(season: Site) -> None:
    """Each with the sender's own good token: participants none, cohort staff what is about their cohort."""

    def sent(who: str, path: str) -> int:
        cookies = season.cookie(who)
        form = re.search(
            r'name="csrf" value="([0-9a-f]{64})"', httpx.get(f"{season.url}/account", cookies=cookies).text
        )
        assert form
        data, headers = {"csrf": form[1], "person": "eve"}, {"Origin": season.url}
        return httpx.post(season.url + MANAGE + path, data=data, headers=headers, cookies=cookies).status_code

    for_cohorts = {"/questions/1/answer", "/extensions", "/extensions/1/withdraw"}
    for_organisers = {
        "/announcements", "/announcements/1/withdraw", "/thaw", "/roster", "/links", "/rejudgings",
        "/rejudgings/1/apply", "/similarity",
    }  # fmt: skip
    for path in for_cohorts | for_organisers:
        assert sent("ada", path) == 403, path
        assert (sent("nora", path) == 403) == (path in for_organisers), path
        assert sent("olga", path) != 403, path


def test_cohort_staff_see_their_own_people_only(season: Site) -> None:
    text = httpx.get(f"{season.url}{MANAGE}/roster", cookies=season.cookie("nora")).text
    assert ">ada<" in text
    assert ">eve<" not in text
    assert ">eve<" in httpx.get(f"{season.url}{MANAGE}/roster", cookies=season.cookie("olga")).text


def test_a_session_that_began_with_a_weak_token_manages_nothing(season: Site) -> None:
    token, _ = people.create_token(season.store, season.people["olga"], "x", [Scope.read, Scope.submit], by=1)
    secret = sessions.begin(season.store, season.people["olga"], seconds=60, token_id=token.id)
    ((name, _),) = season.cookie("ada").items()
    assert httpx.get(f"{season.url}{MANAGE}", cookies={name: secret}).status_code == 403
