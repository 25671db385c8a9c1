"""One arena for all hostile programs of a test process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from tests.hostile.arena import Arena, Program, Seen, programs
from tests.sandbox.conftest import image, unhardened

__all__ = ["arena", "image", "once", "unhardened"]


@pytest.fixture(scope="session")
def arena() -> Iterator[Arena]:
    """A sandbox with standing graders; when all is over nothing may be left of it."""
    sandbox = DockerSandbox(instance=f"test-hostile-{os.getpid()}", image_of=cache(resolve))
    found = Arena(sandbox)
    yield found
    found.graders.close()
    sandbox.close()
    assert sandbox.leftovers() == []
    assert sandbox.leftover_builds() == set()


@pytest.fixture(scope="session")
def once(arena: Arena) -> Callable[[str], Seen]:
    """Judge a program by its name, and only once for all tests that look at it."""

    @cache
    def go(name: str) -> Seen:
        program: Program = programs()[name]
        return arena.judge(program)

    return go
