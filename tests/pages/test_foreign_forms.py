"""Attack H4: no page of somebody else's makes a browser do anything here in the name of who is signed in."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Browser, expect

from api.pages.site import FOR_PROGRAMS
from api.pages.visitor import PLAIN_COOKIE
from api.store import people, sessions
from tests.pages.site import SOLUTION, Site, served

PLACES = {
    "token_id": "1", "submission_id": "A" * 22, "announcement_id": "1", "clarification_id": "1",
    "extension_id": "1", "rejudging_id": "1", "comparison_id": "1", "act": "drop",
}  # fmt: skip
OPEN_TO_NOBODY = {"/sign-in", "/join", "/sign-out", "/welcome"}
"""Who is not signed in may send these (from our own pages)."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with served(tmp_path_factory.mktemp("site") / "data") as site:
        site.organiser("olga")
        yield site


def sender(path: str) -> str:
    """Somebody who may send this form."""
    return "olga" if "/manage" in path else "ada"


def forms(site: Site) -> list[str]:
    """Every address of the pages that takes a form."""
    found = []
    for route in iter_route_contexts(app_routes(site)):
        path = str(getattr(route, "path", ""))
        if "POST" in (getattr(route, "methods", None) or ()) and not path.startswith(FOR_PROGRAMS):
            slug = "toy-call" if path.startswith("/challenges/") else "toys"
            found.append(path.format(**PLACES, slug=slug))
    return found


def app_routes(site: Site) -> list[Any]:
    assert site._server is not None
    return list(site._server.config.app.routes)  # type: ignore[union-attr]


def send(site: Site, path: str, cookie: dict[str, str] | None, origin: str | None, csrf: str | None) -> httpx.Response:
    headers = {} if origin is None else {"Origin": origin}
    fields = {} if csrf is None else {"csrf": csrf}
    files = {"file": ("solution.py", SOLUTION)} if path.endswith("/submissions") else None
    if files is None:
        fields |= {"label": "x", "code": "x"}
    return httpx.post(site.url + path, data=fields, files=files, headers=headers, cookies=cookie)


def form_token(site: Site, cookie: dict[str, str]) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', httpx.get(f"{site.url}/account", cookies=cookie).text)
    assert found
    return found[1]


def test_every_form_wants_our_origin_and_the_sessions_own_token(site: Site) -> None:
    site.join("eve")
    assert len(forms(site)) >= 9
    for path in forms(site):
        who = sender(path)
        cookie = site.cookie(who)
        good, others = form_token(site, cookie), form_token(site, site.cookie("eve"))
        before = (sessions.count(site.store, site.people[who]), tokens(site))
        for origin in (None, "null", "http://127.0.0.1:1", "https://evil.test", site.url + ".evil.test", ""):
            answer = send(site, path, cookie, origin, good)
            assert (path, answer.status_code, "did not come from our own page" in answer.text) == (path, 403, True)
        for csrf in (None, "", "x", others, good.upper()) if path not in OPEN_TO_NOBODY else (None, others):
            answer = send(site, path, cookie, site.url, csrf)
            if path in ("/sign-in", "/welcome"):  # they ask for a secret of one's own, which is proof enough
                assert answer.status_code in (401, 404)
            else:
                assert (path, answer.status_code) == (path, 403), answer.text
        nobodys = send(site, path, None, site.url, good)
        assert path in OPEN_TO_NOBODY or nobodys.status_code == 401
        assert (sessions.count(site.store, site.people[who]), tokens(site)) == before
        # The same form from our own page does what it is there for.
        allowed = send(site, path, cookie, site.url, good)
        if path not in ("/sign-in", "/join", "/welcome"):  # these want a password or a code, and say so
            nothing_there = path.endswith(("/revoke", "/cancel", "/withdraw", "/answer", "/drop", "/similarity"))
            refused = (404, 422) if nothing_there else (422, 403) if path.endswith("/links") else (422,)
            assert allowed.status_code in (200, 303, *refused), allowed.text
        assert "did not come from our own page" not in allowed.text


def tokens(site: Site) -> int:
    return len(people.profile(site.store, site.people["ada"]).tokens)


@contextmanager
def foreign_site(page: str) -> Iterator[str]:
    """A page of somebody else's on another port of the loopback: the same site to a browser, another origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_form_on_a_foreign_page_sends_the_cookie_and_is_refused(site: Site, browser: Browser) -> None:
    """The browser does send the cookie along (ports do not make a site), so it is the origin that is refused."""
    cookie = site.cookie("ada")
    everywhere = sessions.count(site.store, site.people["ada"])
    form = (
        f'<form method="post" action="{site.url}/account/sign-out-everywhere">{{}}<button>Win a prize</button></form>'
    )
    for stolen in ("", f'<input name="csrf" value="{form_token(site, cookie)}">'):
        context = browser.new_context()
        context.add_cookies([{"name": PLAIN_COOKIE, "value": cookie[PLAIN_COOKIE], "url": site.url}])
        page = context.new_page()
        with foreign_site(form.format(stolen)) as evil:
            page.goto(evil)
            with page.expect_request("**/sign-out-everywhere") as sent:
                page.get_by_role("button").click()
            expect(page.locator("h1")).to_have_text("This form did not come from our own page")
        assert PLAIN_COOKIE in sent.value.all_headers()["cookie"]
        assert sessions.count(site.store, site.people["ada"]) == everywhere
        page.goto(f"{site.url}/account")  # on our own page the same button does it
        if stolen:
            page.get_by_role("button", name="Sign out everywhere").click()
            expect(page.locator("h1")).to_have_text("Sign in")
            assert sessions.count(site.store, site.people["ada"]) == 0
        context.close()


def test_no_page_of_ours_can_be_framed_or_read_from_elsewhere(site: Site) -> None:
    answer = httpx.get(f"{site.url}/account", cookies=site.cookie("ada"), headers={"Origin": "https://evil.test"})
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["referrer-policy"] == "same-origin"
