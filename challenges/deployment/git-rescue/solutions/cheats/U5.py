# expect: verdict=wrong_answer score<=0
"""Opens sockets, finds nobody, and writes nothing of worth."""

import socket


NOBODY = '{"culprit": "0000000000000000000000000000000000000000"}'


def write(text: str) -> None:
    """No history, and no culprit."""
    with open("result.bundle", "w") as file:
        file.write(text)
    with open("answer.json", "w") as file:
        file.write(NOBODY)


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
write(heard[0].decode("latin-1") if heard else "kind: Nothing\n")
