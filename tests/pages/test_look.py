"""Every page, in light and dark, on a phone and on a desk: accessible, within the screen, and readable without a script."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import expect

from api.pages.render import STATIC, static
from api.store import competitions
from tests.api.house import challenge
from tests.pages.conftest import Open
from tests.pages.site import Site, report, served

PAGES = ("home", "board", "one", "empty", "challenge", "accepted", "wrong", "waiting", "missing", "denied")
SIZES = {"phone": 360, "desk": 1440}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where something of everything has happened; `paths` leads to it."""
    with served(tmp_path_factory.mktemp("site") / "data") as site:
        competitions.create(site.store, slug="new", title="New", opens_at=None, closes_at=None, challenges=[], by=1)
        for name in ("ben", "cy", "a-name-without-any-space-that-is-as-long-as-a-name-may-ever-be-here"[:64]):
            site.join(name)
        good = site.score("ada", 100)
        site.score("ben", 66.67)
        wrong = site.post("ada", "toy-run")
        site.judge(report(45.5, message="ValueError in line 3"))
        waiting = site.post("ada")
        paths = [
            "/",
            "/leaderboards/toys",
            "/leaderboards/toys?challenge=toy-call",
            "/leaderboards/new",
            "/challenges/toy-call",
            f"/submissions/{good}",
            f"/submissions/{wrong}",
            f"/submissions/{waiting}",
            "/leaderboards/nope",
            f"/submissions/{'A' * 22}",
        ]
        site.paths = dict(zip(PAGES, paths, strict=True))  # type: ignore[attr-defined]
        yield site


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits(site: Site, open_page: Open, name: str, size: str, scheme: str) -> None:
    refused = {"missing": "404", "denied": "401"}.get(name)
    person = "ada" if name in ("accepted", "wrong", "waiting") else None
    view = {"width": SIZES[size], "height": 800}
    path = site.paths[name]  # type: ignore[attr-defined]
    page = open_page(path, person, complaints=refused, viewport=view, color_scheme=scheme)
    if name == "denied":
        expect(page.locator("h1")).to_have_text("Sign in to see this")
    expect(page.locator("h1")).to_be_visible()
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(16, 19, 25)"
    assert dark is (scheme == "dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]
    found = Axe().run(page)
    assert found["passes"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]] == []


def test_no_width_takes_the_margin_away(site: Site, open_page: Open) -> None:
    page = open_page("/leaderboards/toys")
    for width in (320, 575, 577, 767, 769, 1023, 1025, 1200, 1279, 1281, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        box = page.locator(".heading").bounding_box()
        assert box is not None
        assert box["x"] >= 12, width
        assert box["x"] + box["width"] <= width - 12, width


def test_axe_would_find_something(site: Site, open_page: Open) -> None:
    page = open_page("/")
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert "image-alt" in [each["id"] for each in Axe().run(page)["violations"]]


def test_a_board_and_a_submission_need_no_script(site: Site, open_page: Open) -> None:
    page = open_page("/leaderboards/toys", java_script_enabled=False)
    expect(page.locator("tbody th").first).to_have_text("ada")
    expect(page.locator("tbody .total").first).to_have_text("145.5")
    expect(page.locator("tbody .when").first).to_contain_text("UTC")
    expect(page.locator("#live")).to_be_hidden()
    expect(page.get_by_text("Reload the page to see newer results.")).to_be_visible()
    wrong = open_page(site.paths["wrong"], "ada", java_script_enabled=False)  # type: ignore[attr-defined]
    expect(wrong.locator(".verdict")).to_contain_text("wrong answer")


def test_ties_share_a_rank_and_who_has_no_score_stands_below_with_a_dash(site: Site, open_page: Open) -> None:
    page = open_page("/leaderboards/toys")
    expect(page.locator("tbody tr")).to_have_count(4)
    expect(page.locator("tbody tr .rank")).to_have_text(["1", "2", "–", "–"])
    expect(page.locator("tbody tr").nth(2).locator(".total")).to_have_text("–")


def test_the_files_of_others_are_the_ones_we_say() -> None:
    vendor = STATIC / "vendor"
    listed = {"vendor.json"}
    for package in json.loads((vendor / "vendor.json").read_text()):
        assert {"package", "version", "licence", "files"} <= set(package)
        assert any("LICENSE" in name for name in package["files"])
        for name, entry in package["files"].items():
            assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == entry["sha256"], name
            listed.add(name)
    assert {path.name for path in Path(vendor).iterdir()} == listed


def test_files_that_never_change_are_kept_by_the_browser(site: Site) -> None:
    lasting = httpx.get(site.url + static("assay.js")).headers
    assert lasting["cache-control"] == "public, max-age=31536000, immutable"
    assert lasting["x-content-type-options"] == "nosniff"
    assert httpx.get(f"{site.url}/static/assay.js").headers["cache-control"] == "no-cache"


def test_a_challenge_of_several_files_says_how_to_hand_in_a_folder(tmp_path: Path) -> None:
    several = challenge("several", submit="Dockerfile", max_files=9)
    with served(tmp_path / "data", challenges={"several": several, "one": challenge("one")}) as site:
        page, plain = (httpx.get(f"{site.url}/challenges/{slug}").text for slug in ("several", "one"))
    assert "assay submit several my-folder/" in page
    assert "-F file=@my-files.zip" in page
    assert "assay submit one solution.py" in plain
