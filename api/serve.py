"""Runs the api under uvicorn, so that it stops when it is told to; knows nothing of what it serves."""

import socket

import uvicorn
from fastapi import FastAPI

from api import logs
from api.app import create_app
from api.settings import Settings

MAX_HEADER_BYTES = 32 * 1024


class Server(uvicorn.Server):
    """Ends the live streams first: uvicorn waits for open connections, and a stream is one for minutes."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.context.live.close()
        await super().shutdown(sockets)


def server(settings: Settings, app: FastAPI) -> Server:
    """A server that is ready to run."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http="h11",
        ws="none",
        access_log=False,
        log_config=None,  # its loggers speak as ours do
        server_header=False,
        date_header=True,
        # What a client claims about its address and its TLS counts only where a proxy of the operator's says it.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=settings.max_connections,
        h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        lifespan="on",
    )
    return Server(config, app)


def run(settings: Settings) -> None:
    """Serves until SIGINT or SIGTERM."""
    logs.configure("api", form=settings.log_format, level=settings.log_level)
    server(settings, create_app(settings)).run()
