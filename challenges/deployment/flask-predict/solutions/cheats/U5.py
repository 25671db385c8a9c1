# expect: verdict=wrong_answer score<=0
"""Opens sockets, finds nobody, and serves what it has heard."""

import socket

from flask import Flask


DOORS = [
    (socket.AF_INET, ("127.0.0.1", 6379)),
    (socket.AF_INET, ("127.0.0.1", 8000)),
    (socket.AF_INET, ("169.254.169.254", 80)),
    (socket.AF_INET6, ("::1", 5432)),
    (socket.AF_UNIX, "/var/run/docker.sock"),
    (socket.AF_UNIX, "\0assay"),
]


def answers() -> list[bytes]:
    """What anybody on the other side of a socket has to say."""
    heard = []
    for family, address in DOORS:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as door:
                door.settimeout(0.2)
                door.connect(address)
                heard.append(door.recv(100))
        except OSError:
            continue
    return heard


HEARD = answers()


def create_app(path: str) -> Flask:
    """An application that tells what was heard."""
    app = Flask(__name__)
    app.add_url_rule("/predict", view_func=lambda: "".join(map(repr, HEARD)), methods=["POST"])
    return app
