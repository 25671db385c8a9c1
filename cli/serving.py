"""A whole judge on one machine: starts broker, api, worker and reaper, mends what dies, ends all in good order.

It judges and serves nothing itself. Its children stop by themselves when it dies, and its broker is found again.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from api.settings import Settings
from cli.child import Child, say
from cli.embedded import Broker, BrokerError
from cli.errors import CliError

EVERY_SECONDS = 0.25
BROKER_EVERY_SECONDS = 2.0
READY_SECONDS = 90.0
STOP_SECONDS = 10.0
EMBEDDED_BUILDS = "wheels"
PREDECESSOR_SECONDS = 10.0
"""How long children of a judge that was killed may take to notice and leave."""


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code. Raises CliError when the judge cannot come up."""
    stop = threading.Event()
    hurry = threading.Event()

    def told(*_: object) -> None:
        hurry.set() if stop.is_set() else stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, told)
    try:
        settings.prepare()
        with _alone(settings.data / "serve.lock"):
            return _Judge(settings, stop, hurry).run()
    except OSError as error:
        raise CliError(f"{error.filename or settings.data}: {error.strerror or error}.") from error


class _Judge:
    def __init__(self, settings: Settings, stop: threading.Event, hurry: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._hurry = hurry
        self._broker = None if settings.broker_url else Broker(settings.data / "broker")
        self._port = 0
        self._children: list[Child] = []

    def run(self) -> int:
        _await_predecessor(self._settings)
        self._port = _free_port(self._settings.host, self._settings.port)
        try:
            self._start()
            if self._come_up():
                self._keep_up()
        finally:
            self._end()
        return 0

    @property
    def url(self) -> str:
        host = self._settings.host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    def _start(self) -> None:
        environment = {
            **os.environ,
            "ASSAY_DATA": str(self._settings.data.absolute()),
            "ASSAY_HOST": self._settings.host,
            "ASSAY_PORT": str(self._port),
            "PYTHONUNBUFFERED": "1",
            # each line gets its process's name before it, which is for people
            "ASSAY_LOG_FORMAT": os.environ.get("ASSAY_LOG_FORMAT", "console"),
            # one machine of one's own: what production has off until somebody decides is on here
            "ASSAY_BUILDS": os.environ.get("ASSAY_BUILDS", EMBEDDED_BUILDS),
        }
        if self._broker is not None:
            try:
                adopted = self._broker.start()
            except BrokerError as error:
                raise CliError(str(error)) from error
            say("broker", f"{'adopted' if adopted else 'started'}, at {self._broker.socket}")
            environment["ASSAY_BROKER_URL"] = self._broker.url
        self._children = [Child(name, environment) for name in ("api", "worker", "reaper")]
        for child in self._children:
            child.start()

    def _come_up(self) -> bool:
        """Wait for the first "ready"; False when told to stop. Until then a child's death is the judge's."""
        begin, since = time.monotonic(), datetime.now(UTC)
        while not self._stop.wait(EVERY_SECONDS):
            for child in self._children:
                if (code := child.ended()) is not None:
                    raise CliError(f"The {child.name} ended at once (exit code {code}); its reason stands above.")
            if _ready(self.url, since):
                say("serve", f"the judge is at {self.url}")
                if self._settings.admin_token_file.exists():
                    say("serve", f"the administrator's token is in {self._settings.admin_token_file.absolute()}")
                say("serve", f"ready after {time.monotonic() - begin:.1f} s")
                return True
            if time.monotonic() - begin > READY_SECONDS:
                raise CliError(f"The judge was not ready within {READY_SECONDS:.0f} s; see what it said above.")
        return False

    def _keep_up(self) -> None:
        look = time.monotonic()
        while not self._stop.wait(EVERY_SECONDS):
            for child in self._children:
                child.mend()
            if self._broker is not None and time.monotonic() >= look:
                look = time.monotonic() + BROKER_EVERY_SECONDS
                if not self._broker.answers():
                    self._mend_broker(self._broker)

    def _mend_broker(self, broker: Broker) -> None:
        try:
            if not broker.start():
                say("broker", "had died and was started again")
        except BrokerError as error:
            say("broker", f"cannot be started: {error}")  # the worker polls meanwhile

    def _end(self) -> None:
        say("serve", "stopping; what is not judged stays in the queue")
        for child in self._children:
            child.tell()
        end = time.monotonic() + STOP_SECONDS + self._settings.drain_seconds
        for child in self._children:
            while not child.wait(0.1):
                if time.monotonic() > end or self._hurry.is_set():
                    say("serve", f"the {child.name} did not stop in time and is killed")
                    child.kill()
                    break
        if self._broker is not None:
            self._broker.stop()
        say("serve", "stopped")


def _ready(url: str, since: datetime) -> bool:
    """Whether the api would take a submission and a worker that came up with us is there."""
    try:
        if not _get(f"{url}/readyz")["worker"]:
            return False
        beats = [datetime.fromisoformat(one["heartbeat_at"]) for one in _get(f"{url}/api/v1/status")["workers"]]
    except (OSError, ValueError, KeyError):
        return False
    return any(beat >= since for beat in beats)


def _get(url: str) -> Any:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy stands between us and ourselves
    with direct.open(url, timeout=5) as answer:
        return json.load(answer)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the data folder for this one judge. Raises CliError."""
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            pid = lock.read().strip()
            raise CliError(f"A judge already runs with the data folder {path.parent} (process {pid}).") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _await_predecessor(settings: Settings) -> None:
    """The children of a judge that was killed leave by themselves; begin when they have. Raises CliError."""
    with settings.worker_lock.open("a") as lock:
        end = time.monotonic() + PREDECESSOR_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > end:
                    raise CliError(f"A worker already runs with the data folder {settings.data}.") from None
            time.sleep(EVERY_SECONDS)
    end = time.monotonic() + settings.shutdown_seconds
    while True:
        try:
            _free_port(settings.host, settings.port)
            return
        except CliError:
            if time.monotonic() > end:
                raise
        time.sleep(EVERY_SECONDS)


def _free_port(host: str, port: int) -> int:
    """This port, or any for 0, if it can be listened at. Raises CliError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CliError(f"Port {port} of {host} is taken; choose another with --port.") from error
        raise CliError(f"It cannot listen at {host}, port {port}: {error.strerror}.") from error
