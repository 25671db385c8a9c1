"""Every page, in light and dark, on a phone and on a desk: accessible, within the screen, and readable without a script."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from api.blobs import pack
from api.errors import Problem
from api.pages.render import STATIC, static
from api.store import (
    comparisons,
    competitions,
    extensions,
    judgings,
    people,
    rejudgings,
    roster,
    seasons,
    submissions,
    words,
    workers,
)
from api.store.tables import Kind, Scope
from challenges.report import Report, Verdict
from tests.api.house import challenge
from tests.pages.conftest import Open
from tests.pages.site import Site, report, served

DAY = timedelta(days=1)
SIZES = {"phone": 360, "desk": 1440}
LONG = "a-name-without-any-space-that-is-as-long-as-a-name-may-ever-be-here"[:64]
STATEMENT = r"""# Formulas

In a line $\hat y = \operatorname{softmax}(Wx + b)$, one of its own, wider than a phone,

$$
\mathcal{L}(\theta) = -\frac{1}{n} \sum_{i=1}^{n} \sum_{k=1}^{K} y_{ik} \log
\frac{e^{z_{ik}}}{\sum_{j} e^{z_{ij}}} + \lambda \lVert \theta \rVert_2^2 + \begin{pmatrix} a & b \\ c & d \end{pmatrix}
$$

and one that is none: $\left( 1$.
"""
PAGES = {
    # name: path (or the name of a submission), who looks
    "home": ("/", None),
    "challenges": ("/challenges", None),
    "challenges of somebody": ("/challenges", "ada"),
    "challenge": ("/challenges/toy-call", None),
    "challenge with attempts": ("/challenges/toy-call", "ada"),
    "challenge not tried": ("/challenges/maths", "cy"),
    "board": ("/leaderboards/toys", None),
    "board with my line": ("/leaderboards/toys", "ben"),
    "board of a challenge": ("/leaderboards/toys?challenge=toy-call", None),
    "empty board": ("/leaderboards/new", None),
    "accepted": ("accepted", "ada"),
    "wrong": ("wrong", "ada"),
    "build": ("build", "ben"),
    "running": ("running", "ada"),
    "waiting": ("waiting", "ada"),
    "cancelled": ("cancelled", "ben"),
    "mine": ("/submissions", "ada"),
    "none of mine": ("/submissions", "cy"),
    "status": ("/status", None),
    "sign in": ("/sign-in", None),
    "join": ("/join?code=ABCDE", None),
    "join as somebody": ("/join", "ada"),
    "account": ("/account", "ada"),
    "submission that is voided": ("voided", "ben"),
    "challenge with rules": ("/challenges/toy-run", "cy"),
    "welcome": ("/welcome", None),
    "season": ("/competitions/toys", None),
    "season of mine": ("/competitions/ruled", "cy"),
    "season of staff": ("/competitions/ruled", "olga"),
    "season without anything": ("/competitions/new", "ada"),
    "board of a week": ("/leaderboards/ruled?week=1", "cy"),
    "board of a cohort": ("/leaderboards/ruled?cohort=north", None),
    "profile": ("/profile", "ada"),
    "profile of nothing": ("/profile", "olga"),
    "dry run": ("dry", "ada"),
    "manage": ("/competitions/ruled/manage", "olga"),
    "manage a frozen one": ("/competitions/frozen/manage", "olga"),
    "frozen board": ("/leaderboards/frozen", None),
    "roster": ("/competitions/ruled/manage/roster", "olga"),
    "extensions": ("/competitions/ruled/manage/extensions", "olga"),
    "rejudgings": ("/competitions/toys/manage/rejudgings", "olga"),
    "a rejudging": ("rejudging", "olga"),
    "what was done": ("/competitions/ruled/manage/audit", "olga"),
    "similarity": ("/competitions/toys/manage/similarity", "olga"),
    "similar programs": ("similar", "olga"),
}
REFUSED = {
    "missing": (404, "/leaderboards/nope", None),
    "denied": (401, f"/submissions/{'A' * 22}", None),
    "forbidden": (403, "/", Problem("forbidden", "This token has not the scope read.")),
    "invalid": (422, "/leaderboards/toys?page=0", None),
    "hurried": (429, "/", Problem("rate_limited", "60 requests a minute are allowed.", retry_after=41)),
    "broken": (500, "/", RuntimeError("a secret of ours")),
    "away": (503, "/", Problem("database_unavailable", retry_after=2)),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where something of everything has happened; `paths` leads to its submissions."""
    maths = challenge("maths", title="Formulas", statement=STATEMENT)
    with served(tmp_path_factory.mktemp("site") / "data", challenges={"maths": maths}) as site:
        seasons.create(site.store, slug="new", title="New", opens_at=None, closes_at=None, challenges=[], by=1)
        for name in ("ben", "cy", LONG):
            site.join(name)
        people.create_token(site.store, site.people["ada"], "a" * 64, [Scope.read], by=1)
        workers.heartbeat(site.store, "w", 2)
        made = {"accepted": site.score("ada", 100)}
        site.score("ben", 66.67)
        made["voided"] = site.score("ben", 90)
        made["wrong"] = site.post("ada", "toy-run")
        site.judge(report(45.5, message="ValueError in line 3"))
        files = {"Dockerfile": b"FROM x\n" * 200, "app.py": b"wide = " + b"1" * 400, "weights.bin": bytes(range(256))}
        made["build"] = site.post("ben", "toy-serve", pack(files), "solution.zip")
        site.judge(Report(Verdict.build_error, message="A step failed.", build_log="line 1\n" * 30))
        made["cancelled"] = site.post("ben", "toy-run")
        site.cancel(made["cancelled"], "ben")
        made["dry"] = site.submit(person="ada", kind=Kind.dry)
        site.judge(replace(report(100), output="asked 1\nasked 2\n"))
        versions = {one.slug: one.version for one in site.challenges.values()}
        again = rejudgings.create(
            site.store, rejudgings.Selection("toys", "toy-call", ()), versions=versions, reason="Ties.", by=1
        )
        while (claim := judgings.claim(site.store, worker="w2", lease_seconds=3600)) is not None:
            assert judgings.commit(site.store, claim, report(30), evidence={})
        made["running"] = site.post("ada")
        claim = judgings.claim(site.store, worker="w", lease_seconds=3600)
        assert claim is not None and judgings.set_stage(site.store, claim, "running")
        made["waiting"] = site.post("ada", "toy-run")
        submissions.void(site.store, made["voided"], "It is the work of somebody else.", by=1)
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        places = [
            competitions.ChallengePlace("toy-call", 100, "v", "Week 2", opens_at=tomorrow),
            competitions.ChallengePlace("toy-run", 100, "v", "Week 1", closes_at=tomorrow),
        ]
        site.organiser("olga")
        ruled = seasons.Wanted(
            "ruled",
            "Ruled",
            places,
            closes_at=tomorrow + timedelta(days=1),
            per_day=3,
            late=(0.8, 0.5),
            team_size=3,
            named=10,
            organisers=["olga"],
            cohorts={"north": ["olga"]},
            roster=roster.parse("name,email,cohort\ncy,cy@example.org,north\ndi,,\n"),
        )
        seasons.apply(site.store, ruled, by=1)
        until = tomorrow + timedelta(days=2)
        extensions.grant(site.store, "ruled", "cy", None, until, "A strike of the trains.", by=1)
        words.announce(site.store, "ruled", "Week 2", "It begins later.\n\nNobody loses anything.", by=1)
        asked = words.ask(site.store, "ruled", "toy-run", "What is a toy?", by=site.people["cy"])
        words.answer(site.store, "ruled", asked.id, "This.", public=True, by=1, within=None)
        words.ask(site.store, "ruled", None, "And why?", by=site.people["cy"])
        ago = datetime.now(UTC) - timedelta(hours=1)
        frozen = seasons.Wanted("frozen", "Frozen", places[:0], ago - DAY, tomorrow, freeze_at=ago, organisers=["olga"])
        seasons.apply(site.store, frozen, by=1)
        site.paths = {name: f"/submissions/{id}" for name, id in made.items()}  # type: ignore[attr-defined]
        comparison = comparisons.ask(site.store, "toys", "toy-call", by=1)
        task = comparisons.claim(site.store, ["toy-call"])
        assert task is not None
        pair = comparisons.Pair(made["accepted"], made["voided"], 0.987, 0.5, [[1, 20, 3, 22], [30, 31, 40, 41]])
        comparisons.finish(site.store, task, [pair])
        site.paths["similar"] = f"/competitions/toys/manage/similarity/{comparison.id}"  # type: ignore[attr-defined]
        site.paths["rejudging"] = f"/competitions/toys/manage/rejudgings/{again.id}"  # type: ignore[attr-defined]
        yield site


def looks_right(page: Page) -> None:
    """Accessible and within the screen, whatever its size, in light and in dark."""
    axe = Axe()
    for width in SIZES.values():
        page.set_viewport_size({"width": width, "height": 800})
        for scheme, ground in (("light", "rgb(250, 249, 245)"), ("dark", "rgb(16, 19, 25)")):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == ground
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = axe.run(page)
            assert found["passes"]
            wrong = [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]
            assert wrong == [], (width, scheme)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits(site: Site, open_page: Open, name: str) -> None:
    path, person = PAGES[name]
    page = open_page(site.paths.get(path, path), person, reduced_motion="reduce")  # type: ignore[attr-defined]
    expect(page.locator("h1")).to_be_visible()
    looks_right(page)


def test_rules_stand_where_one_hands_in(site: Site, open_page: Open) -> None:
    page = open_page("/challenges/toy-run", "cy")
    expect(page.locator("aside")).to_contain_text("3 of 3 left today in Ruled")
    expect(page.locator("aside")).to_contain_text("In Ruled it ends")
    expect(open_page("/challenges/toy-call", "cy").locator("aside")).to_contain_text("In Ruled it begins")
    expect(open_page("/challenges/toy-run", "ada").locator("aside")).not_to_contain_text("Ruled it")


def test_who_is_voided_reads_why(site: Site, open_page: Open) -> None:
    page = open_page(site.paths["voided"], "ben")  # type: ignore[attr-defined]
    expect(page.locator("main")).to_contain_text("It counts for nothing: It is the work of somebody else.")


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_accessible_and_fits(
    site: Site, open_page: Open, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    status, path, error = REFUSED[name]

    def fails(_: object) -> None:
        assert error is not None
        raise error

    if error is not None:
        monkeypatch.setattr(competitions, "listed", fails)
    page = open_page(path, complaints=f"status of {status}", reduced_motion="reduce")
    expect(page.locator(".error .eyebrow")).to_have_text(str(status))
    expect(page.locator("main")).not_to_contain_text("secret")
    looks_right(page)


def test_no_width_takes_the_margin_away(site: Site, open_page: Open) -> None:
    page = open_page("/leaderboards/toys")
    for width in (320, 575, 577, 767, 769, 1023, 1025, 1200, 1279, 1281, 1600):
        page.set_viewport_size({"width": width, "height": 800})
        box = page.locator(".heading").bounding_box()
        assert box is not None
        assert box["x"] >= 12, width
        assert box["x"] + box["width"] <= width - 12, width


def test_a_command_can_be_copied(site: Site, open_page: Open) -> None:
    page = open_page("/challenges/maths", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "assay submit maths solution.py"


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
