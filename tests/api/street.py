"""A real server on a real port, in a thread; and raw connections to it."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api.serve import server
from tests.api.house import House, built


@contextmanager
def serving(
    folder: Path, wrap: Callable[[FastAPI], Any] = lambda app: app, **settings: Any
) -> Iterator[tuple[House, int]]:
    """A house whose api also listens on a free port of the loopback; yields it and the port. `wrap` stands before it."""
    with built(folder, **settings) as house:
        running = server(house.context.settings.model_copy(update={"port": 0}), wrap(house.app))
        running.config.lifespan = "off"  # the house has started the application already
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        end = time.monotonic() + 10
        while not running.started:
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.01)
        try:
            yield house, running.servers[0].sockets[0].getsockname()[1]
        finally:
            running.should_exit = True
            thread.join(timeout=15)
            assert not thread.is_alive(), "the server did not stop"


def connect(port: int, timeout: float = 10) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def everything(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    got = b""
    try:
        while part := connection.recv(65536):
            got += part
    except ConnectionResetError:
        pass
    return got
