"""How much is done to an installation: a little with every test run, more by `make faults`."""

from __future__ import annotations

import secrets

import pytest

SHORT, LONG = (12, 60), (50, 300)
"""Faults, and submissions."""


def _is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--faults") == "long")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The short run has a seed of its own for ever, the long one a new one."""
    if "seed" in metafunc.fixturenames:
        long = _is_long(metafunc.config)
        metafunc.parametrize("seed", [secrets.randbelow(10**6) if long else 1], ids=lambda seed: f"seed{seed}")


@pytest.fixture
def extent(request: pytest.FixtureRequest) -> tuple[int, int]:
    """How many faults, and how many submissions."""
    return LONG if _is_long(request.config) else SHORT
