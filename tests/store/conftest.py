"""A fresh world for each test."""

from pathlib import Path

import pytest

from tests.store.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.at(tmp_path)
