"""A fresh house for each test, on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.house import House, built
from tests.databases import Databases


@pytest.fixture
def house(tmp_path: Path, databases: Databases) -> Iterator[House]:
    with built(tmp_path, database_url=databases.new()) as house:
        yield house
