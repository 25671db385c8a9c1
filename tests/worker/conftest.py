"""Grading on the real engine, shared by the tests of the worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from challenges.loader import Challenge, load_all
from challenges.report import Report
from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from worker.graders import Graders, Prepared
from worker.grading import Grading
from worker.judge import Facts, GraderFailed, Outcome, judge

TOYS = Path(__file__).parent.parent / "toys"
SEEDS = (b"one secret of a deployment......", b"another secret, other numbers...")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[DockerSandbox]:
    """One sandbox for all tests of the worker; it must leave nothing behind."""
    found = DockerSandbox(instance=f"test-worker-{os.getpid()}", image_of=cache(resolve))
    yield found
    found.close()
    assert found.leftovers() == []
    assert found.leftover_builds() == set()


@pytest.fixture(scope="session")
def grading(sandbox: DockerSandbox) -> Iterator[Grading]:
    """Gradings with standing grader boxes, as a worker has them."""
    graders = Graders(sandbox)
    yield Grading(sandbox, graders)
    graders.close()


@pytest.fixture(scope="session")
def challenges() -> dict[str, Challenge]:
    """The toys: small challenges that need no library, so that these tests are about judging and nothing else."""
    return load_all([TOYS])


class Judged:
    """A report, with what a participant does not see."""

    def __init__(self, report: Report, outcome: Outcome, facts: Facts) -> None:
        self.report = report
        self.facts = facts
        self.detail = outcome.detail if isinstance(outcome, GraderFailed) else ""

    def __repr__(self) -> str:
        return f"{self.report} {self.facts} {self.detail}"


def judge_files(grading: Grading, challenge: Challenge, prepared: Prepared, files: Mapping[str, bytes]) -> Judged:
    """Judge what was submitted in real boxes."""
    outcome, facts = grading.grade(challenge, prepared, files)
    lines = files[challenge.submit].count(b"\n") + 1
    report = judge(outcome, facts, challenge.limits, pass_mark=challenge.pass_mark, lines=lines)
    return Judged(report, outcome, facts)


Submit = Callable[..., Judged]


@pytest.fixture(scope="session")
def submit(grading: Grading, challenges: dict[str, Challenge]) -> Submit:
    """Judge one file for a challenge under a seed, in real boxes."""
    made: dict[tuple[str, bytes], Prepared] = {}

    def go(slug: str, source: str | bytes, *, seed: bytes = SEEDS[0]) -> Judged:
        challenge = challenges[slug]
        if (slug, seed) not in made:
            public, hidden = grading.generate(challenge, seed)
            made[slug, seed] = Prepared(f"{challenge.version}|{seed!r}", seed, public, hidden)
        data = source.encode() if isinstance(source, str) else source
        return judge_files(grading, challenge, made[slug, seed], {challenge.submit: data})

    return go
