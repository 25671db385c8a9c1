"""Which judge and which token: flags before environment before file, and no token to a judge it is not for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.client import config
from cli.client.config import Account, account
from cli.errors import CliError

FLAG, ENVIRONMENT, SAVED = "https://flag.test", "https://environment.test", "https://saved.test"


@pytest.fixture
def saved() -> Path:
    return config.save(Account(SAVED, "saved-token"))


def test_without_anything_it_is_this_machine_and_nobody() -> None:
    assert account() == Account(config.DEFAULT_URL, "")


def test_a_saved_account_is_only_the_owners(saved: Path) -> None:
    assert account() == Account(SAVED, "saved-token")
    assert saved.stat().st_mode & 0o777 == 0o600
    config.save(Account(SAVED, "newer"))
    assert account().token == "newer"
    assert [one.name for one in saved.parent.iterdir()] == ["config.toml"]


def test_flags_come_before_the_environment_before_the_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_URL", ENVIRONMENT)
    monkeypatch.setenv("ASSAY_TOKEN", "environment-token")
    assert account() == Account(ENVIRONMENT, "environment-token")
    assert account(FLAG, "flag-token") == Account(FLAG, "flag-token")


def test_a_saved_token_goes_to_no_other_judge(saved: Path) -> None:
    assert account(FLAG) == Account(FLAG, "")
    assert account(f"{SAVED}/") == Account(SAVED, "saved-token"), "the control: it is the same judge"


def test_the_administrators_token_of_this_machine_stays_on_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "assay-data").mkdir()
    (home / "assay-data" / "admin-token").write_text("admin\n")
    assert account().token == "admin"
    assert account("http://localhost:9").token == "admin"
    assert account(FLAG).token == ""
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "admin-token").write_text("other\n")
    monkeypatch.setenv("ASSAY_DATA", "elsewhere")
    assert account().token == "other"


@pytest.mark.parametrize("token", ["to ken", "token\x1b[31m", "tök", "a\nb", "x" * 1001, "a\r\nX-Header: b"])
def test_a_token_that_cannot_be_one_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(CliError) as caught:
        account(FLAG, token)
    assert token not in str(caught.value)


def test_a_token_may_have_space_around_it() -> None:
    assert account(FLAG, " token\n").token == "token"


@pytest.mark.parametrize(
    "url",
    ["", "judge.test", "ftp://judge.test", "http://", "http://x:y@judge.test", "http://judge.test/?a=b", "http://a b",
     "http://judge.test:0", "http://judge.test:99999", "http://[::1", "http://jüdge.test", "http://a\x1b[2Jb"],
)  # fmt: skip
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(CliError) as caught:
        config.checked_url(url)
    assert str(caught.value).isprintable()


def test_addresses_that_can_be(home: Path) -> None:
    for url in ("http://127.0.0.1:8000", "https://judge.test/below", "http://[::1]:80"):
        assert config.checked_url(url) == url


@pytest.mark.parametrize("content", ["no toml =", "url = 3", "token = 'x'", "url = 'http://a b'"])
def test_a_broken_file_is_named_and_login_can_mend_it(home: Path, content: str) -> None:
    path = config.config_file()
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(CliError, match="assay login"):
        account()
    assert config.login_url(None) == config.DEFAULT_URL


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://127.0.0.1:8000", True), ("http://[::1]", True), ("http://localhost", True), ("http://127.1.2.3", True),
     ("http://127.0.0.1.test", False), ("http://judge.test", False), ("http://10.0.0.1", False)],
)  # fmt: skip
def test_what_is_this_machine(url: str, local: bool) -> None:
    assert Account(url).local is local
