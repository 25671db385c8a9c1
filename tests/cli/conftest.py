"""The command as a person has it: a home of its own, an empty folder, and no settings from outside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.main import app

Assay = Callable[..., Result]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The person's home and working folder."""
    for name in [one for one in os.environ if one.startswith("ASSAY_")]:
        monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def assay() -> Assay:
    """Run the command in this process; an exception that nobody turned into a sentence fails the test."""

    def run(*args: object, input: str | None = None) -> Result:
        result = CliRunner().invoke(app, [str(one) for one in args], input=input)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
