"""A fresh house for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.house import House, built


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with built(tmp_path) as house:
        yield house
