"""Every solution that ships with a challenge, the universal cheats among them, through the real boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from challenges.loader import Challenge, Solution, builtin_root, load_all, solutions
from challenges.solutions import UNIVERSAL
from sandbox.containers import DockerSandbox
from tests.worker.conftest import SEEDS, Judged, judge_files
from worker.graders import Graders, Prepared
from worker.grading import Grading

CHALLENGES = load_all([builtin_root()])


@dataclass(frozen=True)
class Case:
    """One file, one seed."""

    slug: str
    name: str
    files: tuple[tuple[str, bytes], ...]
    seed: bytes


def shipped(seeds: Sequence[bytes]) -> list[tuple[Case, Solution]]:
    found = [(challenge, one) for challenge in CHALLENGES.values() for one in solutions(challenge)]
    return [
        (Case(challenge.slug, f"{one.kind}/{one.name}", tuple(one.files.items()), seed), one)
        for challenge, one in found
        for seed in seeds
    ]


def seeds(config: pytest.Config) -> Sequence[bytes]:
    """`make test` takes one secret seed, `make gate` both."""
    return SEEDS if config.getoption("all_seeds") else SEEDS[:1]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "solution" in metafunc.fixturenames:
        metafunc.parametrize(("case", "solution"), shipped(seeds(metafunc.config)), ids=label)


@pytest.fixture(scope="session")
def judged(sandbox: DockerSandbox, pytestconfig: pytest.Config) -> Iterator[Callable[[Case], Judged]]:
    """Judges every case with two slots, as a small installation does; a test waits for its own."""
    graders = Graders(sandbox)
    grading = Grading(sandbox, graders)
    chosen = seeds(pytestconfig)
    data = {(slug, seed): prepare(grading, CHALLENGES[slug], seed) for slug in CHALLENGES for seed in chosen}

    def work(case: Case) -> Judged:
        return judge_files(grading, CHALLENGES[case.slug], data[case.slug, case.seed], dict(case.files))

    with ThreadPoolExecutor(2) as slots:
        futures: dict[Case, Future[Judged]] = {}

        def result(case: Case) -> Judged:
            if not futures:
                futures.update((one, slots.submit(work, one)) for one, _ in shipped(chosen))
            return futures[case].result()

        yield result
        for future in futures.values():
            future.cancel()
    graders.close()


def prepare(grading: Grading, challenge: Challenge, seed: bytes) -> Prepared:
    public, hidden = grading.generate(challenge, seed)
    return Prepared(f"{challenge.version}|{seed!r}", seed, public, hidden)


def label(value: object) -> str | None:
    if isinstance(value, Case):
        return f"{value.slug}/{value.name}-{SEEDS.index(value.seed)}"
    return None


@pytest.mark.timeout(900)
def test_a_shipped_solution_comes_to_what_its_folder_says(
    judged: Callable[[Case], Judged], case: Case, solution: Solution
) -> None:
    found = judged(case)
    report = found.report
    points = report.score.points if report.score else 0.0
    assert solution.expected in (None, report.verdict), found
    assert solution.low <= points <= solution.high, found
    failed = [check.name for check in report.checks if not check.passed]
    if solution.must_fail is not None:
        assert solution.must_fail in failed, found
    if solution.only:
        assert failed == [solution.must_fail], found


def test_all_eight_cheats_are_tried_on_every_challenge() -> None:
    for challenge in CHALLENGES.values():
        cheats = {one.name[:2] for one in solutions(challenge) if one.kind == "cheats" and one.expected}
        assert cheats == set(UNIVERSAL), challenge.slug


def test_the_demo_has_something_of_everything() -> None:
    kinds = {one.kind for challenge in CHALLENGES.values() for one in solutions(challenge)}
    wanted = {"accepted", "alternatives", "baseline", "wrong_answer", "runtime_error", "time_limit", "memory_limit"}
    assert wanted | {"invalid_output"} <= kinds
    for challenge in CHALLENGES.values():
        wrong = [one for one in solutions(challenge) if one.kind == "wrong_answer"]
        assert len(wrong) >= 4
        assert any(one.name.startswith("cheat") for one in wrong)
