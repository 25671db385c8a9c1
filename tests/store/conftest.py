"""A fresh world for each test, on each kind of database."""

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.store.world import World


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    found = World.at(databases.new())
    yield found
    found.store.close()
