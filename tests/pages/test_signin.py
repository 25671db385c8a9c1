"""Signing in and out, joining and one's account: what opens a session, what ends it, and what it may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from api import passwords
from api.pages.visitor import PLAIN_COOKIE, SECURE_COOKIE
from api.store import competitions, people, seasons, sessions
from api.store.tables import Role, Scope
from tests.pages.conftest import Open
from tests.pages.site import SOLUTION, Site, report, served

PASSWORD = "correct horse battery"


class Visitor:
    """A browser without a screen: keeps cookies, names its origin, and copies what a form holds."""

    def __init__(self, site: Site, origin: str | None = None, **headers: str) -> None:
        self.site = site
        self.client = httpx.Client(base_url=site.url, headers={"Origin": origin or site.url, **headers})

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def send(self, path: str, **fields: str) -> httpx.Response:
        return self.client.post(path, data=fields)

    def form(self, path: str, page: str = "/account", **fields: str) -> httpx.Response:
        """Sends a form of the page, with the token that stands in it."""
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.get(page).text)
        assert found, f"no form on {page}"
        return self.send(path, csrf=found[1], **fields)

    def who(self) -> int:
        """200 for somebody signed in, 401 for nobody."""
        return self.get("/account").status_code


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all: each test has people of its own. The windows of the limits stay wide open."""
    with served(tmp_path_factory.mktemp("site") / "data", bad_tokens_per_minute=1000) as site:
        seasons.create(site.store, slug="open", title="Open", opens_at=None, closes_at=None, challenges=[], by=1)
        yield site


def joined(site: Site, name: str) -> Visitor:
    """Somebody who has joined with a code and is signed in."""
    visitor = Visitor(site)
    code = competitions.join_code(site.store, "toys") or competitions.new_join_code(site.store, "toys", by=1)
    answer = visitor.send("/join", code=code, name=name, password=PASSWORD)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/leaderboards/toys"), answer.text
    site.people[name] = people.password_of(site.store, name)[0] or 0
    return visitor


def secret_of(answer: httpx.Response) -> str:
    found = re.search(r'id="secret">(assay_[A-Za-z0-9_-]{43})<', answer.text)
    assert found, answer.text
    return found[1]


def api(site: Site, token: str) -> int:
    return httpx.get(f"{site.url}/api/v1/people/me", headers={"Authorization": f"Bearer {token}"}).status_code


def test_who_joins_with_a_code_stands_on_the_board_and_can_come_back(site: Site) -> None:
    mia = joined(site, "mia")
    assert mia.who() == 200
    assert "mia" in mia.get("/leaderboards/toys").text
    again = Visitor(site)
    assert again.send("/sign-in", name="mia", password="wrong password").status_code == 401
    assert again.who() == 401
    answer = again.send("/sign-in", name="mia", password=PASSWORD, next="/challenges/toy-call")
    assert (answer.status_code, answer.headers["location"]) == (303, "/challenges/toy-call")
    assert again.who() == 200


def test_a_code_works_however_it_is_typed_and_only_while_it_is_the_one(site: Site) -> None:
    code = competitions.new_join_code(site.store, "open", by=1)
    typed = f" {code[:5].lower()}-{code[5:]} "
    assert Visitor(site).send("/join", code=typed, name="typed", password=PASSWORD).status_code == 303
    fresh = competitions.new_join_code(site.store, "open", by=1)
    old = Visitor(site).send("/join", code=code, name="late", password=PASSWORD)
    assert (old.status_code, "no competition with this join code" in old.text) == (404, True)
    assert people.password_of(site.store, "late") == (None, None)
    competitions.end_join_code(site.store, "open", by=1)
    for none in (fresh, "", " "):
        assert Visitor(site).send("/join", code=none, name="late", password=PASSWORD).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"password": "short"}, 422, "A password has 10"),
        ({"password": "x" * 201}, 422, "A password has 10"),
        ({"name": " ada"}, 422, "A name has 1 to 64"),
        ({"name": ""}, 422, "A name has 1 to 64"),
        ({"name": "a\u202eb"}, 422, "A name has 1 to 64"),
        ({"name": "ada"}, 409, "Somebody is called ada already"),
        ({"code": "WRONG"}, 404, "no competition with this join code"),
    ],
)
def test_a_refused_join_says_why_and_leaves_nothing(
    site: Site, fields: dict[str, str], status: int, words: str
) -> None:
    code = competitions.join_code(site.store, "toys") or competitions.new_join_code(site.store, "toys", by=1)
    given = {"code": code, "name": "nobody-yet", "password": PASSWORD} | fields
    visitor = Visitor(site)
    answer = visitor.send("/join", **given)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert PASSWORD not in answer.text
    assert visitor.who() == 401
    assert people.password_of(site.store, "nobody-yet") == (None, None)


def test_who_does_not_know_a_code_learns_no_name(site: Site) -> None:
    known, unknown = (
        Visitor(site).send("/join", code="WRONG", name=name, password=PASSWORD) for name in ("ada", "who-knows")
    )
    assert known.text.replace("ada", "who-knows") == unknown.text


def test_nobody_joins_what_is_over(site: Site) -> None:
    now = datetime.now(UTC)
    opened, ended = now - timedelta(days=2), now + timedelta(days=1)
    seasons.create(site.store, slug="over", title="Over", challenges=[], by=1, opens_at=opened, closes_at=ended)
    with site.store.write() as session:
        competitions.by_slug(session, "over").closes_at = now - timedelta(days=1)
    code = competitions.new_join_code(site.store, "over", by=1)
    answer = Visitor(site).send("/join", code=code, name="late", password=PASSWORD)
    assert (answer.status_code, "over is over" in answer.text) == (409, True)


def test_who_is_signed_in_joins_as_they_are_and_once(site: Site) -> None:
    code = competitions.new_join_code(site.store, "open", by=1)
    two = joined(site, "two-places")
    assert two.form("/join", "/join", code=code).headers.get("location") == "/leaderboards/open"
    again = two.form("/join", "/join", code=code)
    assert (again.status_code, "is in open already" in again.text) == (409, True)


def test_a_token_opens_a_session_that_may_what_it_may_and_ends_with_it(site: Site) -> None:
    site.join("tim")
    view, secret = people.create_token(site.store, site.people["tim"], "only reading", [Scope.read], by=1)
    tim = Visitor(site)
    assert tim.send("/sign-in", token="assay_" + "A" * 43).status_code == 401
    assert tim.send("/sign-in", token=f" {secret} ").status_code == 303
    assert tim.who() == 200
    refused = tim.form("/account/tokens", label="stronger")
    assert (refused.status_code, "has not the scope submit" in refused.text) == (403, True)
    people.revoke_token(site.store, view.id, by=site.people["tim"], anybodys=False)
    assert tim.who() == 401


def test_an_administrators_session_is_as_strong_as_what_it_began_with(site: Site) -> None:
    """H2: a token without the scope admin gives no session with it."""
    boss = people.create_person(site.store, "boss", Role.admin, by=1)
    made = site.score("ada", 80)
    for scopes, status in ((list(Scope), 200), ([Scope.read, Scope.submit], 404)):
        _, secret = people.create_token(site.store, boss.id, "t", scopes, by=1)
        visitor = Visitor(site)
        assert visitor.send("/sign-in", token=secret).status_code == 303
        assert visitor.get(f"/submissions/{made}").status_code == status


def test_signing_out_ends_the_session_itself(site: Site) -> None:
    zoe = joined(site, "zoe")
    cookie = zoe.client.cookies[PLAIN_COOKIE]
    assert zoe.form("/sign-out").status_code == 303
    assert PLAIN_COOKIE not in zoe.client.cookies
    stolen = httpx.get(f"{site.url}/account", cookies={PLAIN_COOKIE: cookie})
    assert stolen.status_code == 401


def test_signing_out_everywhere(site: Site) -> None:
    here = joined(site, "everywhere")
    there, other = Visitor(site), joined(site, "somebody-else")
    assert there.send("/sign-in", name="everywhere", password=PASSWORD).status_code == 303
    assert "In 2 browsers" in here.get("/account").text
    assert here.form("/account/sign-out-everywhere").status_code == 303
    assert (here.who(), there.who(), other.who()) == (401, 401, 200)


def test_signing_in_again_is_a_new_session_and_ends_the_old_one(site: Site) -> None:
    fay = joined(site, "fay")
    old = fay.client.cookies[PLAIN_COOKIE]
    assert fay.send("/sign-in", name="fay", password=PASSWORD).status_code == 303
    assert fay.client.cookies[PLAIN_COOKIE] != old
    assert sessions.find(site.store, old) is None
    planted = Visitor(site)  # a cookie that somebody else has put there is not adopted
    planted.client.cookies.set(PLAIN_COOKIE, "planted-by-somebody")
    assert planted.send("/sign-in", name="fay", password=PASSWORD).status_code == 303
    assert sessions.find(site.store, "planted-by-somebody") is None


def test_a_session_is_over_when_its_time_is(site: Site) -> None:
    person = site.people["ada"]
    assert sessions.find(site.store, sessions.begin(site.store, person, seconds=60)) is not None
    assert sessions.find(site.store, sessions.begin(site.store, person, seconds=0)) is None
    before = sessions.count(site.store, person)
    sessions.begin(site.store, person, seconds=60)
    assert sessions.count(site.store, person) == before + 1


def test_only_the_digest_of_a_session_is_kept(site: Site) -> None:
    secret = site.cookie("ada")[PLAIN_COOKIE]
    files = list(Path(site.settings.data).glob("assay.db*"))
    assert files
    assert not any(secret.encode() in path.read_bytes() for path in files)


def test_a_password_is_changed_with_the_one_before_and_ends_other_sessions(site: Site) -> None:
    kim = joined(site, "kim")
    other = Visitor(site)
    assert other.send("/sign-in", name="kim", password=PASSWORD).status_code == 303
    wrong = kim.form("/account/password", current="not it at all", password="another one, longer")
    assert (wrong.status_code, other.who()) == (401, 200)
    assert kim.form("/account/password", current=PASSWORD, password="short").status_code == 422
    assert kim.form("/account/password", current=PASSWORD, password="another one, longer").status_code == 200
    assert (kim.who(), other.who()) == (200, 401)
    assert other.send("/sign-in", name="kim", password=PASSWORD).status_code == 401
    assert other.send("/sign-in", name="kim", password="another one, longer").status_code == 303


def test_a_forgotten_password_is_taken_away_by_an_administrator_and_set_anew(site: Site) -> None:
    gus = joined(site, "gus")
    boss = {"Authorization": f"Bearer {people.create_token(site.store, 1, 'boss', list(Scope), by=1)[1]}"}
    found = httpx.get(f"{site.url}/api/v1/people", params={"name": "gus"}, headers=boss).json()
    assert found["id"] == site.people["gus"]
    missing = httpx.get(f"{site.url}/api/v1/people", params={"name": "nobody"}, headers=boss)
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_person")
    path = f"{site.url}/api/v1/people/{found['id']}"
    assert httpx.delete(f"{path}/password", headers=boss).status_code == 204
    assert gus.who() == 401
    assert Visitor(site).send("/sign-in", name="gus", password=PASSWORD).status_code == 401
    token = httpx.post(f"{path}/tokens", json={"label": "new start"}, headers=boss).json()["token"]
    assert gus.send("/sign-in", token=token).status_code == 303
    assert gus.form("/account/password", password="not the one before").status_code == 200
    assert Visitor(site).send("/sign-in", name="gus", password="not the one before").status_code == 303


def test_who_has_only_a_token_can_set_a_password(site: Site) -> None:
    site.join("tok")
    tok = Visitor(site)
    assert tok.send("/sign-in", token=site.tokens["tok"]).status_code == 303
    assert 'name="current"' not in tok.get("/account").text
    assert tok.form("/account/password", password=PASSWORD).status_code == 200
    assert Visitor(site).send("/sign-in", name="tok", password=PASSWORD).status_code == 303


def test_tokens_are_made_shown_once_and_revoked(site: Site) -> None:
    lea = joined(site, "lea")
    made = lea.form("/account/tokens", label="laptop")
    secret = secret_of(made)
    assert made.headers["cache-control"] == "no-store"
    assert api(site, secret) == 200
    shown = lea.get("/account").text
    assert secret not in shown
    assert f"…{secret[-4:]}" in shown
    number = re.search(r"/account/tokens/(\d+)/revoke", shown)
    assert number
    somebody = joined(site, "not-lea")
    assert somebody.form(f"/account/tokens/{number[1]}/revoke").status_code == 404
    assert api(site, secret) == 200
    assert lea.form(f"/account/tokens/{number[1]}/revoke").status_code == 303
    assert api(site, secret) == 401


def test_a_lost_token_is_reissued_and_every_old_one_is_dead(site: Site) -> None:
    site.join("lost")
    lost = Visitor(site)
    assert lost.send("/sign-in", token=site.tokens["lost"]).status_code == 303
    secret = secret_of(lost.form("/account/tokens/reissue"))
    assert (api(site, secret), api(site, site.tokens["lost"])) == (200, 401)
    assert lost.who() == 200  # the session that began with the lost token goes on with the new one
    assert lost.form("/account/tokens", label=" bad ").status_code == 422


@pytest.mark.parametrize(
    "to", ["//evil.test/", "https://evil.test/", "/\\evil.test", "evil", "", "javascript:alert(1)", "/a\tb"]
)
def test_signing_in_leads_to_no_foreign_place(site: Site, to: str) -> None:
    site.join(f"to-{abs(hash(to))}")
    answer = Visitor(site).send("/sign-in", token=site.tokens[f"to-{abs(hash(to))}"], next=to)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert 'name="next" value="/"' in Visitor(site).client.get("/sign-in", params={"next": to}).text


def test_guessing_is_counted_per_name_and_per_address_and_tokens_still_open(tmp_path: Path) -> None:
    with served(tmp_path / "data", bad_passwords_per_minute=3, bad_tokens_per_minute=5) as site:
        visitor = Visitor(site)
        spoofed = Visitor(site, **{"X-Forwarded-For": "198.51.100.7"})
        tries = [visitor.send("/sign-in", name="ada", password=f"guess number {n}") for n in range(4)]
        assert [answer.status_code for answer in tries] == [401, 401, 401, 429]
        assert int(tries[-1].headers["retry-after"]) > 0
        assert spoofed.send("/sign-in", name="ada", password="guess").status_code == 429
        assert [spoofed.send("/sign-in", name="ben", password="guess").status_code for _ in range(3)] == [401, 401, 429]
        codes = Visitor(site).send("/join", code="WRONG", name="x", password=PASSWORD)
        assert codes.status_code == 429  # one count for everything that is guessed from here
        assert httpx.get(f"{site.url}/").status_code == 200


def test_a_right_password_costs_nothing_of_the_count(tmp_path: Path) -> None:
    with served(tmp_path / "data", bad_passwords_per_minute=1, bad_tokens_per_minute=1) as site:
        joined(site, "often")
        answers = [Visitor(site).send("/sign-in", name="often", password=PASSWORD) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [303, 303, 303]


def test_a_missing_person_takes_as_long_as_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    keeper = passwords.Passwords()
    real = keeper._hashes.verify_and_update

    def seen(password: str, kept: str) -> tuple[bool, str | None]:
        checked.append(kept)
        return real(password, kept)

    monkeypatch.setattr(keeper._hashes, "verify_and_update", seen)
    kept = keeper.hash(PASSWORD)
    assert keeper.check(PASSWORD, kept) == (True, None)
    assert keeper.check("wrong", kept)[0] is False
    assert keeper.check("nobody has this password", None)[0] is False
    assert len(checked) == 3
    assert kept.startswith("$argon2id$")


def test_the_cookie_is_out_of_reach_of_scripts_and_of_plain_http(site: Site, tmp_path: Path) -> None:
    answer = Visitor(site).send("/sign-in", token=site.tokens["ada"])
    plain = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(plain.split("; "))
    assert "Secure" not in plain
    with served(tmp_path / "data", public_url="https://judge.test") as secure:
        answer = Visitor(secure, origin="https://judge.test").send("/sign-in", token=secure.tokens["ada"])
        assert answer.headers["set-cookie"].startswith(f"{SECURE_COOKIE}=")
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(answer.headers["set-cookie"].split("; "))
        assert "Domain" not in answer.headers["set-cookie"]


def test_a_submission_is_cancelled_by_its_owner_and_nobody_else(site: Site) -> None:
    pat, other = joined(site, "pat"), joined(site, "other-pat")
    _, site.tokens["pat"] = people.create_token(site.store, site.people["pat"], "t", [Scope.read, Scope.submit], by=1)
    made = site.post("pat")
    page = f"/submissions/{made}"
    assert "Cancel it" in pat.get(page).text
    assert other.form(f"{page}/cancel").status_code == 404
    assert pat.form(f"{page}/cancel", page).headers["location"] == page
    shown = pat.get(page).text
    assert ("It was not judged" in shown, "Cancel it" in shown) == (True, False)
    assert pat.form(f"{page}/cancel").headers["location"] == page  # twice is as good as once


def test_from_the_code_to_the_verdict_in_a_browser(site: Site, open_page: Open, tmp_path: Path) -> None:
    code = competitions.join_code(site.store, "toys") or competitions.new_join_code(site.store, "toys", by=1)
    page = open_page("/challenges/toy-call", complaints="422")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_role("link", name="Join with the code").click()
    page.get_by_label("Join code").fill(code)
    page.get_by_label("Name").fill("Bo <b>Browser</b>")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("rowheader", name="Bo <b>Browser</b>")).to_be_visible()

    page.goto(f"{site.url}/challenges/toy-call")
    page.get_by_label("solution.py").set_input_files({"name": "wrong.py", "mimeType": "text/plain", "buffer": b"x"})
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert")).to_contain_text("Submit exactly one file, called solution.py.")
    upload = {"name": "solution.py", "mimeType": "text/x-python", "buffer": SOLUTION}
    page.get_by_label("solution.py").set_input_files(upload)  # type: ignore[arg-type]
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url("**/submissions/*")
    assert site.judge(report(88)) == page.url.rpartition("/")[2]
    expect(page.locator(".verdict")).to_contain_text("accepted")

    page.get_by_role("link", name="Bo <b>Browser</b>").click()
    page.get_by_label("What it is for").fill("laptop")
    page.get_by_role("button", name="Make a token").click()
    assert api(site, page.locator("#secret").inner_text()) == 200
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    assert page.context.cookies() == []
