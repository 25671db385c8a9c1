"""What several rooms' tests share: the databases on which the same store must work."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.databases import Cluster, Databases, Source, SqliteFiles, cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of all tests; they must be known before a room's own conftest is read."""
    parser.addoption("--faults", choices=["short", "long"], default="short", help="how much tests/faults does")


FAULTS = {
    "F01": "a worker is killed in mid-run or mid-build",
    "F02": "a slot's thread dies of an error nobody foresaw",
    "F03": "the engine is killed in mid-run and comes back",
    "F04": "the broker is killed with messages in it",
    "F05": "the broker is frozen while people hand in",
    "F06": "the broker has no memory left",
    "F07": "messages come twice, or ten times",
    "F08": "no message comes",
    "F09": "the api is killed between commit and message",
    "F10": "the api is killed between file and commit",
    "F11": "the database is away",
    "F12": "a worker is cut off from the database, or frozen",
    "F13": "a disk is full",
    "F14": "a submission kills its worker each time",
    "F15": "a rush",
    "F16": "a box ignores signals, forks and holds its streams",
    "F17": "containers that nobody removed",
    "F18": "an image is missing",
    "F19": "uploads that trickle or break off",
    "F20": "floods of output and of files",
    "F21": "a rejudging is cancelled half way",
    "F22": "cancelling, in any moment",
    "F23": "a backup is restored",
    "F24": "the deadline passes while many wait",
    "all": "any of these in a random order",
}
"""Of the marker `fault`: `make faults` runs every test that has it, and ends with a table of them."""


LONGEST = (
    "worker/test_process.py",
    "worker/test_shipped.py",
    "worker/test_garbage.py",
    "deploy/test_production.py",
    "worker/test_gate.py",
    "worker/test_slots.py",
    "cli/test_serve.py",
    "faults/test_random.py",
    "hostile/test_programs.py",
    "sandbox/test_services.py",
    "bench/test_bench.py",
)
"""A file's tests share one process: these begin first, so that no process ends alone with one of them."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first, all others as they come; what is only done at length is no part of a short run."""
    if config.getoption("--faults") != "long":
        left_out = [item for item in items if item.get_closest_marker("at_length")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    place = {Path(__file__).parent / name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_configure(config: pytest.Config) -> None:
    """Markers are strict."""
    config.addinivalue_line("markers", "at_length: a part of `make faults` only")
    config.addinivalue_line("markers", "fault(name): what is done to the judge; `make faults` runs these")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A report takes the fault along, from another process, too."""
    for mark in item.iter_markers("fault"):
        assert set(mark.args) <= FAULTS.keys(), f"{item.nodeid}: which fault?"
        item.user_properties += [("fault", name) for name in mark.args]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What was done to the judge, and how it stood that."""
    if config.getoption("--faults") != "long":
        return
    counts = {name: {"passed": 0, "failed": 0} for name in FAULTS}
    for outcome, kind in (("passed", "passed"), ("failed", "failed"), ("error", "failed")):
        for report in terminalreporter.stats.get(outcome, []):
            for name in {value for key, value in report.user_properties if key == "fault"}:
                counts[name][kind] += 1
    terminalreporter.section("faults")
    for name, title in FAULTS.items():
        passed, failed = counts[name]["passed"], counts[name]["failed"]
        said = f"{failed} FAILED, {passed} passed" if failed else f"{passed} passed" if passed else "not run"
        terminalreporter.line(f"{name:4} {title:52} {said}")


KINDS = {"sqlite": "_sqlite", "postgres": "_postgres"}


@pytest.fixture(scope="session")
def oci_runtime() -> str:
    """What starts boxes: runc, or what `make engines` names."""
    return os.environ.get("ENGINES_RUNTIME", "runc")


@pytest.fixture(autouse=True)
def _logs_go_to_pytest() -> None:
    """An api in this process logs beside what a test looks at, not into it."""
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Cluster]:
    """One server for all tests of this process; the first that needs it starts it."""
    with cluster() as found:
        yield found


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("databases"))


@pytest.fixture(params=KINDS)
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """New databases; a test with them runs on each kind."""
    yield from _lend(request.getfixturevalue(KINDS[request.param]))


@pytest.fixture(scope="module", params=KINDS)
def module_databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """The same for what the tests of a module share."""
    yield from _lend(request.getfixturevalue(KINDS[request.param]))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of 32 MB, in memory."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m,mode=700", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)  # a test that failed may still hold a file of it


@pytest.fixture
def sqlite(_sqlite: SqliteFiles) -> Iterator[Databases]:
    """For a test that is about SQLite alone."""
    yield from _lend(_sqlite)


@pytest.fixture
def postgres(_postgres: Cluster) -> Iterator[Databases]:
    """For a test that is about PostgreSQL alone."""
    yield from _lend(_postgres)


def _lend(source: Source) -> Iterator[Databases]:
    databases = Databases(source)
    yield databases
    databases.drop()
