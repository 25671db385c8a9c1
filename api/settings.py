"""The settings of an installation: the only reader of the environment (ASSAY_*); knows no table and no route."""

import ipaddress
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """Everything an operator may choose; times are seconds, sizes as named. A zero or negative limit is refused."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", extra="ignore", frozen=True)

    data: Path = Path("assay-data")
    instance_id: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")] = ""
    database_url: str = ""
    database_password_file: Path | None = None
    broker_url: str = ""
    broker_password_file: Path | None = None
    challenges: Annotated[list[Path], NoDecode] = []
    host: str = "127.0.0.1"
    port: Port = 8000
    public_url: str = ""
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    session_seconds: Seconds = 14 * 86400.0

    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    metrics_host: str = "127.0.0.1"
    api_metrics_port: Port = 0
    worker_metrics_port: Port = 0

    builds: Literal["off", "wheels", "any"] = "off"
    runtime: Annotated[str, Field(min_length=1)] = "runc"
    slots: Annotated[int, Field(ge=0)] = 0
    make_images: bool = True
    warm_memory_percent: Annotated[float, Field(ge=0, le=80)] = 20.0
    lease_seconds: Seconds = 45.0
    renew_seconds: Seconds = 10.0
    fence_seconds: Seconds = 30.0
    sweep_seconds: Seconds = 5.0
    poll_seconds: Seconds = 10.0
    poll_without_broker_seconds: Seconds = 1.5
    retry_base_seconds: Seconds = 2.0
    max_strikes: Count = 3
    max_attempts: Count = 10
    drain_seconds: Annotated[float, Field(ge=0)] = 0.0
    disk_claim_percent: Annotated[float, Field(gt=0, le=100)] = 85.0
    disk_accept_percent: Annotated[float, Field(gt=0, le=100)] = 95.0

    max_body_kb: Count = 8 * 1024
    max_json_kb: Count = 1024
    upload_min_rate: Count = 1024
    upload_grace_seconds: Seconds = 5.0
    upload_total_seconds: Seconds = 120.0

    submissions_per_minute: Count = 60
    requests_per_minute: Count = 1200
    anonymous_per_minute: Count = 1200
    bad_tokens_per_minute: Count = 30
    bad_passwords_per_minute: Count = 10

    retention_days: Annotated[float, Field(ge=0)] = 0.0

    stream_seconds: Seconds = 600.0
    live_poll_seconds: Seconds = 0.25
    max_streams: Count = 1000
    max_connections: Count = 2000
    shutdown_seconds: Count = 3

    @field_validator("challenges", mode="before")
    @classmethod
    def _split_folders(cls, value: Any) -> Any:
        """In the environment the folders stand one after another, separated as in PATH."""
        return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_proxies(cls, value: Any) -> Any:
        """In the environment addresses and networks are separated by commas; each must be one, never everybody."""
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",") if part.strip()]
        return tuple(str(ipaddress.ip_network(part)) for part in parts)

    @field_validator("trusted_proxies")
    @classmethod
    def _never_everybody(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(ipaddress.ip_network(one).prefixlen == 0 for one in value):
            raise ValueError("name the proxies: a network of all addresses would let anybody claim any address")
        return value

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str) -> str:
        if value and re.fullmatch(r"https?://[^/?#@\s]+", value) is None:
            raise ValueError("an origin without a path, as https://judge.example.org")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_capitals(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("database_password_file", "broker_password_file")
    @classmethod
    def _has_password(cls, path: Path | None) -> Path | None:
        if path is not None:
            try:
                if not _password(path):
                    raise ValueError(f"{path} is empty")
            except OSError as error:
                raise ValueError(f"{path} cannot be read: {error.strerror}") from None
        return path

    @model_validator(mode="after")
    def _passwords_have_a_place(self) -> Self:
        for name in ("database", "broker"):
            url = getattr(self, f"{name}_url")
            if getattr(self, f"{name}_password_file") is not None and not _may_take_password(url):
                raise ValueError(f"{name}_password_file needs a {name}_url with a host and without a password")
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> Self:
        # A worker must know that it lost its lease before anybody else may take the work (reliability: fence < lease).
        if not self.renew_seconds < self.fence_seconds < self.lease_seconds:
            raise ValueError("renew_seconds < fence_seconds < lease_seconds must hold")
        return self

    @property
    def database(self) -> str:
        """The database URL in force: the one given with its password, else SQLite in the data folder."""
        url = self.database_url or f"sqlite:///{(self.data / 'assay.db').absolute()}"
        return _with_password(url, self.database_password_file)

    @property
    def broker(self) -> str:
        """The broker URL in force, with its password; empty if there is none."""
        return _with_password(self.broker_url, self.broker_password_file)

    @property
    def slots_in_force(self) -> int:
        """Slots of one worker: the number given, else one a core."""
        return self.slots or os.cpu_count() or 1

    @property
    def warm_mb(self) -> float:
        """How much memory boxes may hold that are made ahead of need."""
        return self.warm_memory_percent / 100 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20

    @property
    def blobs_dir(self) -> Path:
        return self.data / "blobs"

    @property
    def hidden_dir(self) -> Path:
        """Hidden data of challenges; only workers read it (0700)."""
        return self.data / "hidden"

    @property
    def secret_file(self) -> Path:
        """The installation's seed secret, made by the worker (0600)."""
        return self.data / "secret"

    @property
    def admin_token_file(self) -> Path:
        return self.data / "admin-token"

    @property
    def alive_file(self) -> Path:
        """Touched by the worker whenever the database took its heartbeat; a health check looks at its age."""
        return self.data / "worker.alive"

    @property
    def worker_lock(self) -> Path:
        """Held by this host's worker as long as it lives, and touched while it runs."""
        return self.data / "worker.lock"

    @property
    def instance(self) -> str:
        """The id of this installation, given or made once and kept in the data folder; labels boxes and broker keys."""
        if self.instance_id:
            return self.instance_id
        self.prepare()
        return (self.data / "instance").read_text("ascii").strip()

    def prepare(self) -> None:
        """Makes the data folder and its fixed parts; safe when several processes start at once."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.blobs_dir.mkdir(exist_ok=True, mode=0o700)
        self.hidden_dir.mkdir(exist_ok=True, mode=0o700)
        target = self.data / "instance"
        if not target.exists():
            write_private(target, secrets.token_hex(6) + "\n", replace=False)


def _password(path: Path) -> str:
    """The password in a file. Raises OSError."""
    return path.read_text("utf-8").strip()


def _may_take_password(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and parts.password is None


def _with_password(url: str, file: Path | None) -> str:
    """The URL with the password of the file, read anew, so that it stands in no setting. Raises OSError."""
    if file is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(_password(file), safe='')}@{host}").geturl()


def write_private(path: Path, text: str, *, replace: bool = True) -> None:
    """Writes a small 0600 file that is either absent or whole; with replace=False the first writer wins."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
        else:
            with suppress(FileExistsError):  # another process was first: its file is as good as ours
                path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
