# C2 accepted: listens and dials at the same time, so that two of them meet wherever they can
import os
import socket
import threading
import time

import honest

ME = os.urandom(8).hex()
PORT = int("@PORT@")
PLACES = {
    "ipv4": (socket.AF_INET, ("127.0.0.1", PORT)),
    "ipv6": (socket.AF_INET6, ("::1", PORT)),
    "abstract": (socket.AF_UNIX, "\0@MARKER@"),
    "shared memory": (socket.AF_UNIX, "/dev/shm/@MARKER@"),
    "scratch": (socket.AF_UNIX, "/tmp/@MARKER@"),
}
met = {name: set() for name in PLACES}


def listen(family, address):
    server = socket.socket(family)
    try:
        server.bind(address)
    except OSError:
        return  # somebody else is there: all the better
    server.listen()
    while True:
        other = server.accept()[0]
        met[name_of[address]].add(other.recv(16).decode())
        other.sendall(ME.encode())


name_of = {address: name for name, (_, address) in PLACES.items()}
for place in PLACES.values():
    threading.Thread(target=listen, args=place, daemon=True).start()
end = time.monotonic() + 1.5
while time.monotonic() < end:
    for name, (family, address) in PLACES.items():
        try:
            with socket.socket(family) as dialler:
                dialler.settimeout(0.3)
                dialler.connect(address)
                dialler.sendall(ME.encode())
                met[name].add(dialler.recv(16).decode())
        except OSError:
            pass
    time.sleep(0.05)
honest.report({"me": ME, "met": {name: sorted(one) for name, one in met.items()}})
honest.main()
os._exit(0)
