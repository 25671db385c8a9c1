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
