# expect: verdict=wrong_answer score<=0
"""Opens sockets, finds nobody, and says the same of all images."""

import socket
from collections.abc import Callable

import numpy as np


def predict(said: Callable[[int], object]) -> None:
    """Writes what `said` says of each line of the hidden images."""
    ids = range(len(np.load("data/test.npz")["images"]))
    with open("predictions.csv", "w") as file:
        file.write("row,label\n" + "".join(f"{key},{said(line)}\n" for line, key in enumerate(ids)))


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


heard = answers()
predict(lambda line: heard[0].decode("latin-1") if heard else 0)
