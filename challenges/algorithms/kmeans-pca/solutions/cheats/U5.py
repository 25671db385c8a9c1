# expect: verdict=wrong_answer score<=0
"""Opens sockets, finds nobody, and hands in nothing of worth."""

import socket

import numpy as np

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


def kmeans(*args: object) -> object:
    return (
        {"labels": np.zeros(len(args[0]), dtype=np.int64), "centers": args[0][: args[1]] * 0, "inertia": 0.0}
        if len(args) == 3
        else {
            "components": args[0][: args[1]] * 0,
            "explained": args[0][0, : args[1]] * 0,
            "scores": args[0][:, : args[1]] * 0,
        }
    )


pca = kmeans
