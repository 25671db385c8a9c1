"""Every verb explains itself, and docs/cli.md names them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from cli.main import app
from tests.cli.conftest import Assay

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def commands(group: TyperGroup, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from commands(command, *path, name)
        else:
            yield (*path, name)


def all_commands() -> list[tuple[str, ...]]:
    found = typer.main.get_command(app)
    assert isinstance(found, TyperGroup)
    return list(commands(found))


@pytest.mark.parametrize("path", all_commands(), ids=" ".join)
def test_every_verb_explains_itself(assay: Assay, path: tuple[str, ...]) -> None:
    shown = assay(*path, "--help")
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) > 4
    undescribed = re.findall(r"^  (--?[a-z-]+(?: <[a-z ]+>)?)$", shown.stdout, re.MULTILINE)
    assert undescribed == []


def test_the_reference_names_every_verb_and_no_other() -> None:
    named = set(re.findall(r"^\| `assay ([a-z]+(?: [a-z]+)?)", DOCS.read_text(), re.MULTILINE))
    assert named == {" ".join(path) for path in all_commands()}


def test_a_wrong_use_says_what_is_wrong(assay: Assay) -> None:
    for args in (["submit"], ["sumbit"], ["leaderboard", "--limit", "0"], ["serve", "--port", "x"]):
        result = assay(*args)
        assert result.exit_code == 2
        assert "Error:" in result.stderr


@pytest.mark.parametrize(
    "url",
    [
        "mysql://judge.test/x",
        "nonsense",
        "sqlite:////etc",
        "postgresql+psycopg://judge:hush@127.0.0.1:1/assay",
        "postgresql+psycopg://judge:hush@/assay?host=/nowhere",
        "postgresql+psycopg://judge:half@hush@127.0.0.1:1/assay",
    ],
)
def test_a_database_that_cannot_be_used_is_one_sentence(
    assay: Assay, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", url)
    for verb in ("api", "worker"):
        result = assay(verb)
        assert result.exit_code == 1
        assert result.stderr.startswith("assay: The database cannot be used: ")
        assert len(result.stderr.splitlines()) == 1
        assert "hush" not in result.stderr


def test_a_data_folder_that_cannot_be_made_is_one_sentence(assay: Assay, home: Path) -> None:
    (home / "file").touch()
    result = assay("serve", "--data", home / "file" / "data")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_settings_that_cannot_be_used_are_named(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_LEASE_SECONDS", "-1")
    for verb in ("api", "worker", "serve"):
        result = assay(verb)
        assert result.exit_code == 2
        assert "ASSAY_LEASE_SECONDS" in result.stderr
