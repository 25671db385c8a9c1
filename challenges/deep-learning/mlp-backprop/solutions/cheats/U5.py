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


def nothing(layers, x, names):
    """Zeros in the shape of whatever is asked for."""
    found = {"x": np.zeros(np.shape(x))}
    for number, layer in enumerate(layers):
        found |= {f"{number}.{name}": np.zeros(layer[name].shape) for name in names if name in layer}
    return found


def nowhere(layers, x):
    """Zeros in the shape of the output."""
    wide = [layer["W"].shape[1] for layer in layers if "W" in layer]
    found = nothing(layers, x, ("mean", "var"))
    return {"out": np.zeros((len(x), wide[-1] if wide else x.shape[1]))} | {n: v for n, v in found.items() if n != "x"}


def forward(*args: object) -> object:
    return nowhere(*args[:2])


def backward(*args: object) -> object:
    return nothing(*args[:2], ("W", "b", "gamma", "beta"))


def adam(*args: object) -> object:
    return np.zeros(args[1].shape)
