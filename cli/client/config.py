"""Which judge, and with which token: flags, then the environment, then the file of `assay login`; speaks to nobody."""

from __future__ import annotations

import ipaddress
import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cli.errors import WRONG_USE, CliError

DEFAULT_URL = "http://127.0.0.1:8000"
DATA = "assay-data"
ADMIN_TOKEN = "admin-token"


@dataclass(frozen=True)
class Account:
    """A judge's address and the token it is spoken to with; an empty token is nobody in particular."""

    url: str
    token: str = field(default="", repr=False)

    @property
    def local(self) -> bool:
        """Whether the judge is on this machine."""
        return _is_loopback(self.url)


def config_file() -> Path:
    """Where `assay login` keeps the account."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "assay" / "config.toml"


def account(url: str | None = None, token: str | None = None) -> Account:
    """The account in force; the arguments are the flags. A saved token goes to no other judge than it was saved for.

    Raises CliError.
    """
    saved = _saved()
    chosen = checked_url(url or os.environ.get("ASSAY_URL") or saved.url or DEFAULT_URL)
    given = token or os.environ.get("ASSAY_TOKEN", "")
    if not given and chosen == saved.url:
        given = saved.token
    if not given and _is_loopback(chosen):
        given = _admin_token()
    return Account(chosen, checked_token(given))


def login_url(url: str | None) -> str:
    """The address to log in at: as in force, but a saved one that cannot be used does not stand in the way."""
    try:
        saved = _saved().url
    except CliError:
        saved = ""
    return checked_url(url or os.environ.get("ASSAY_URL") or saved or DEFAULT_URL)


def save(chosen: Account) -> Path:
    """Write the account where only its owner can read it; the file. Raises CliError."""
    path = config_file()
    # a JSON string of printable ASCII is a TOML string
    text = f"url = {json.dumps(chosen.url)}\ntoken = {json.dumps(chosen.token)}\n"
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        part.replace(path)
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.") from error
    return path


def checked_url(url: str) -> str:
    """The address without a trailing slash. Raises CliError."""
    plain = url.isascii() and url.isprintable() and " " not in url
    try:
        parts = urlsplit(url)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError:
        wrong = True
    if not plain or wrong or parts.username or parts.query or parts.fragment:
        raise CliError(f"{url!r:.200} is not the address of a judge; one looks like {DEFAULT_URL}.", WRONG_USE)
    return url.rstrip("/")


def checked_token(token: str) -> str:
    """The token without the space around it. Raises CliError, which does not repeat it."""
    token = token.strip()
    if not token.isascii() or not token.isprintable() or " " in token or len(token) > 1000:
        raise CliError("The token holds characters that no token has; copy it again.", WRONG_USE)
    return token


def _saved() -> Account:
    path = config_file()
    try:
        found = tomllib.loads(path.read_text("utf-8"))
        return Account(checked_url(str(found["url"])), str(found.get("token", "")))
    except FileNotFoundError:
        return Account("")
    except (OSError, ValueError, KeyError, CliError) as error:
        raise CliError(f"{path} cannot be used ({type(error).__name__}); run `assay login` again.") from error


def _admin_token() -> str:
    """What a judge of this machine wrote into its data folder for its administrator, if that is us."""
    path = Path(os.environ.get("ASSAY_DATA") or DATA) / ADMIN_TOKEN
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
