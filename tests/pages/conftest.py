"""A served site, and pages of a real browser that may not complain, leave the house or run what a stranger wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.pages.site import Site, chromium, served

FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync"
    " --disable-quic --no-first-run"
).split()
Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path / "data") as site:
        yield site


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    """Opens a path in a fresh profile; `person` signs in, `complaints` names what the console may say in this test."""
    opened: list[tuple[Any, list[str]]] = []
    allowed: list[str] = []

    def go(path: str, person: str | None = None, complaints: str | tuple[str, ...] = (), **options: Any) -> Page:
        context = browser.new_context(**options)
        if person is not None:
            ((name, value),) = site.cookie(person).items()
            context.add_cookies([{"name": name, "value": value, "url": site.url}])
        seen: list[str] = []
        opened.append((context, seen))
        allowed.extend([complaints] if isinstance(complaints, str) else complaints)
        page = context.new_page()
        page.on("console", lambda message: seen.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: seen.append(f"page error: {error}"))
        page.on("dialog", lambda dialog: seen.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: _stays(request.url, site.url, seen))
        page.goto(site.url + path)
        return page

    yield go
    for context, _ in opened:
        context.close()
    complaints = [text for _, seen in opened for text in seen if not any(part in text for part in allowed)]
    assert complaints == []


def _stays(url: str, home: str, seen: list[str]) -> None:
    if not url.startswith((home, "data:")):
        seen.append(f"a request to {url}")
