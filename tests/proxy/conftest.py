"""A real nginx with the site that is shipped, in front of a real api."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.api.house import House
from tests.api.street import serving
from tests.installation import wait_for

SITE = Path(__file__).parents[2] / "deploy" / "nginx.conf"
NAME = "judge.example.org"
AROUND = """
daemon off; user root; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass
class Seen:
    """Stands before the api and writes down which requests arrive there, and from whom."""

    app: Any
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def state(self) -> Any:
        """The api's own, which its server asks for."""
        return self.app.state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.requests.append((scope["path"], scope["client"][0], scope["scheme"]))
        app: ASGIApp = self.app
        await app(scope, receive, send)

    @property
    def paths(self) -> list[str]:
        return [path for path, _, _ in self.requests]


@dataclass
class Front:
    """A judge behind nginx: `house` is the judge, `port` nginx with TLS, `plain` nginx without, `behind` the api."""

    house: House
    seen: Seen
    behind: int
    port: int
    plain: int
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}"

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def connect(self, source: str = "127.0.0.1", timeout: float = 20) -> ssl.SSLSocket:
        """A connection to nginx, from one of the many addresses of the loopback."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout, (source, 0))
        return self.tls().wrap_socket(plain, server_hostname=NAME)

    def ask(self, text: str | bytes, source: str = "127.0.0.1", timeout: float = 20) -> bytes:
        """What comes back for these bytes until the other side closes."""
        with self.connect(source, timeout) as connection:
            connection.sendall(text.encode() if isinstance(text, str) else text)
            return everything(connection)


def everything(connection: socket.socket) -> bytes:
    """All that comes until the other side closes, or nothing more comes for a while."""
    got = b""
    try:
        while part := connection.recv(65536):
            got += part
    except (TimeoutError, ConnectionError, ssl.SSLError):
        pass
    return got


def get(path: str, *headers: str, close: bool = True) -> str:
    """A request as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {NAME}", *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join(lines) + "\r\n\r\n"


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    assert found, f"These tests need the program {name} (Debian's package of that name); none is on the PATH."
    return found


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    certificate = _certificate(folder)
    seen = Seen(None)

    def wrap(app: Any) -> Seen:
        seen.app = app
        return seen

    given: dict[str, Any] = {
        "trusted_proxies": ("127.0.0.1/32",),
        "max_body_kb": 8 * 1024,
        "upload_grace_seconds": 1.0,
        "anonymous_per_minute": 100_000,
        "bad_tokens_per_minute": 5,
    }
    with serving(folder / "house", wrap, **given) as (house, behind):
        port, plain = _free_ports(2)
        text = SITE.read_text()
        for old, new in (
            ("127.0.0.1:8000", f"127.0.0.1:{behind}"),
            ("listen 443", f"listen {port}"),
            ("listen [::]:443", f"listen [::1]:{port}"),
            ("listen 80", f"listen {plain}"),
            ("listen [::]:80", f"listen [::1]:{plain}"),
            ("/etc/ssl/judge/fullchain.pem", str(certificate)),
            ("/etc/ssl/judge/key.pem", str(folder / "key.pem")),
            ("client_header_timeout 10s", "client_header_timeout 2s"),  # the same rule on a shorter clock
        ):
            assert old in text, old
            text = text.replace(old, new)
        (folder / "site.conf").write_text(text)
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
        command = [
            program("nginx"),
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "start.log"),
        ]
        with subprocess.Popen(command) as nginx:
            try:
                wait_for(lambda: nginx.poll() is not None or _answers(port), "nginx", 20)
                assert nginx.poll() is None, (folder / "start.log").read_text()
                yield Front(house, seen, behind, port, plain, certificate)
            finally:
                nginx.terminate()


def _certificate(folder: Path) -> Path:
    """A certificate of the name, signed by itself."""
    made = folder / "fullchain.pem"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(folder / "key.pem")]
    subprocess.run(
        [program("openssl"), "req", "-x509", "-days", "2", *key, "-out", str(made), *subject],
        check=True,
        capture_output=True,
    )
    return made


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def status(answer: bytes) -> int:
    """The status of the first response."""
    found = re.match(rb"HTTP/1\.1 (\d{3})", answer)
    assert found, answer[:200]
    return int(found[1])
