# expect: verdict=wrong_answer score<=0
"""Opens sockets, finds nobody, and hands in nothing of worth."""

import json
import socket


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


def nothing(table):
    """The first values of the first columns, and numbers from nowhere."""
    names = sorted(table)
    return json.dumps(
        [
            {"where": {names[0]: table[names[0]][0], name: table[name][0]}, "count": 0, "rate": 0, "sentence": ""}
            for name in names[1:4]
        ]
    )


def slices(*args: object) -> object:
    return nothing(args[0])
