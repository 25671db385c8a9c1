#!/usr/bin/env python3
"""Takes the pictures of the pages for docs/images: an installation with made-up people, a real browser; judges nothing.

The verdicts are written down here, because a picture must not depend on how busy a machine is. Whoever takes the
pictures looks at them.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from api.blobs import pack  # noqa: E402
from api.store import builds, judgings, workers  # noqa: E402
from challenges.kit.score import Check, Group, Score  # noqa: E402
from challenges.loader import PASS_MARK, Challenge, builtin_root, load_all, solutions  # noqa: E402
from challenges.report import Report, Resources, Verdict  # noqa: E402
from tests.pages.conftest import FLAGS  # noqa: E402
from tests.pages.site import Site, chromium  # noqa: E402

IMAGES = ROOT / "docs" / "images"
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 780}
CAMP = "autumn-bootcamp"
BUILD = "Dockerfile, line 3: ADD is not known here; copy a file of yours with COPY."
LOG = """\
FROM python-wheelhouse
COPY requirements.txt .
ADD model.json .
^ line 3: ADD is not known here; copy a file of yours with COPY.
"""
SHOWN = ("messy-orders", "serve-model", "churn-f1")
PEOPLE = {
    "Ada": (100, 100, 100),
    "Grace": (100, 60, 92.4),
    "Alan": (83.33, 60, 71.9),
    "Katherine": (100, None, 88),
    "Team with a name as long as the longest that anybody may choose": (66.67, 20, 54.2),
    "Edsger": (50, None, None),
    "Barbara": (None, 40, 33.1),
    "Linus": (None, None, None),
}
PUBLIC = {
    "messy-orders": {"orders_sample.csv": b"order_id,ordered_at\n" * 900},
    "churn-f1": {"customers.csv": b"id,months,plan\n" * 9000, "to_predict.csv": b"id,months,plan\n" * 2000},
    "serve-model": {"model.json": b"{}" * 4000, "examples.jsonl": b"{}\n" * 120},
}


def checks(groups: tuple[Group, ...], score: float, failed: int) -> tuple[Check, ...]:
    """One check a group, of which the last `failed` that count have not passed."""
    lost = {group.name for group in [one for one in groups if one.weight][-failed:]} if failed else set()
    return tuple(
        Check(
            group.name, score / 100 if group.name in lost else 1.0, group.weight, group.gate, group.hint,
            group.name not in lost,
        )
        for group in groups
    )  # fmt: skip


def verdict(challenge: Challenge, score: float, message: str = "") -> Report:
    """What a judging with this score would have reported."""
    passed = score >= challenge.pass_mark
    told = checks(challenge.groups, score, failed=0 if score == 100 else 1 + (score < 60))
    used = Resources(0.4 + (100 - score) / 60, 0.7 + (100 - score) / 50, 96.0 + score)
    return Report(Verdict.accepted if passed else Verdict.wrong_answer, Score(score, score, told), told, message, used)


class Clock:
    """The database's clock, moved by hand: what happened lies a morning apart in the pictures."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) - timedelta(hours=7)

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def source(challenge: Challenge, kind: str) -> dict[str, bytes]:
    """What somebody handed in: one of the solutions that come with the challenge."""
    files = next(one for one in solutions(challenge) if one.kind == kind).files
    return {name: b"".join(line for line in content.splitlines(True) if not line.startswith(b"# expect:"))
            for name, content in files.items()}  # fmt: skip


def judged(site: Site, clock: Clock, person: str, challenge: Challenge, kind: str, report: Report) -> str:
    """Somebody hands in one of the challenge's own solutions and gets this verdict; its id."""
    clock.tick(420)
    made = site.submit(person=person, challenge=challenge.slug, files=source(challenge, kind))
    clock.tick(0.8)
    claim = judgings.claim(site.store, worker="w", lease_seconds=600)
    assert claim is not None and claim.submission_id == made
    clock.tick(1.2 + (report.resources.wall_seconds if report.resources else 0))
    assert judgings.commit(site.store, claim, report, evidence={})
    return made


def fill(site: Site, clock: Clock) -> dict[str, str]:
    """Submissions and verdicts; the paths of the pages by the name of the picture."""
    known = {slug: site.challenges[slug] for slug in SHOWN}
    for slug, files in PUBLIC.items():
        digest = site.blobs.put([pack(files)])
        builds.record(site.store, slug, known[slug].version, 0, digest, "f" * 64)
    for name, scores in PEOPLE.items():
        for slug, score in zip(SHOWN, scores, strict=True):
            if score is not None:
                kind = "accepted" if score >= PASS_MARK else "wrong_answer"
                judged(site, clock, name, known[slug], kind, verdict(known[slug], score))
    orders, service, churn = (known[slug] for slug in SHOWN)
    told = verdict(orders, 58.33, "In 3 of 40 tables a line is missing from your answer.")
    wrong = judged(site, clock, "Grace", orders, "wrong_answer", told)
    broken = judged(
        site, clock, "Grace", service, "build_error", Report(Verdict.build_error, message=BUILD, build_log=LOG)
    )
    clock.now = datetime.now(UTC) - timedelta(seconds=9)
    workers.heartbeat(site.store, "w", 2)
    running = site.submit(person="Grace", challenge=churn.slug, files=source(churn, "accepted"))
    claim = judgings.claim(site.store, worker="w", lease_seconds=600)
    assert claim is not None
    judgings.set_stage(site.store, claim, "running")
    clock.tick(4)
    site.submit(person="Alan", challenge=churn.slug, files=source(churn, "wrong_answer"))
    return {
        "home": "/",
        "challenges": "/challenges",
        "challenge": "/challenges/messy-orders",
        "submission": f"/submissions/{wrong}",
        "submission-running": f"/submissions/{running}",
        "submission-build": f"/submissions/{broken}",
        "my-submissions": "/submissions",
        "leaderboard": f"/leaderboards/{CAMP}",
        "status": "/status",
        "account": "/account",
    }


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser of the tests."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield found
        found.close()


def signed_in(shown: Browser, site: Site, size: dict[str, int]) -> Page:
    """A page in which Grace has signed in."""
    context = shown.new_context(viewport=size, color_scheme="light")  # type: ignore[arg-type]
    ((name, value),) = site.cookie("Grace").items()
    context.add_cookies([{"name": name, "value": value, "url": site.url}])
    return context.new_page()


def take(page: Page, url: str, target: Path, *, whole: bool) -> None:
    """One picture, when the page has settled."""
    page.goto(url)
    page.wait_for_timeout(600)
    page.screenshot(path=target, full_page=whole)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1024} KB")


def main() -> None:
    """Takes every picture."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    challenges = load_all([builtin_root()])
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        site = Site(
            Path(folder) / "data",
            challenges,
            base={slug: challenges[slug] for slug in SHOWN},
            slug=CAMP,
            title="Autumn bootcamp",
            names=list(PEOPLE),
            clock=clock,
        )
        paths = fill(site, clock)
        site.start()
        try:
            photograph(site, paths)
        finally:
            site.stop()


def photograph(site: Site, paths: dict[str, str]) -> None:
    """All pages on a desk, and two on a phone."""
    with browser() as shown:
        desk = signed_in(shown, site, DESK)
        for name, path in paths.items():
            take(desk, site.url + path, IMAGES / f"{name}.png", whole=name != "challenge")
        visitor = shown.new_page(viewport=DESK, color_scheme="light")  # type: ignore[arg-type]
        take(visitor, f"{site.url}/sign-in", IMAGES / "sign-in.png", whole=False)
        phone = signed_in(shown, site, PHONE)
        for name in ("leaderboard", "challenge"):
            take(phone, site.url + paths[name], IMAGES / f"{name}-phone.png", whole=False)


if __name__ == "__main__":
    main()
