# C1 accepted: dials everything there could be, by name and by number
import errno
import os
import socket

import honest

PORT = int("@PORT@")
GATEWAY = "@GATEWAY@"
ADDRESSES = ("127.0.0.1", GATEWAY, "169.254.169.254", "192.0.2.1", "10.0.0.1", "8.8.8.8", "::1", "2001:db8::1")
found = {}


def outcome(act):
    try:
        act()
        return "done"
    except socket.gaierror:
        return "no such name"
    except TimeoutError:
        return "routed"
    except OSError as error:
        return errno.errorcode[error.errno]


def dial(address, kind, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as sock:
        sock.settimeout(0.3)
        sock.connect((address, port))
        sock.send(b"@MARKER@")


for address in ADDRESSES:
    for port in (PORT, 53, 80, 5432, 6379, 8000) if address in ("127.0.0.1", GATEWAY) else (80,):
        found[f"tcp {address} {port}"] = outcome(lambda: dial(address, socket.SOCK_STREAM, port))
for address in ("127.0.0.1", GATEWAY):
    found[f"udp {address} {PORT}"] = outcome(lambda: dial(address, socket.SOCK_DGRAM, PORT))
found["dns"] = outcome(lambda: socket.getaddrinfo("example.org", 80))
found["ping"] = outcome(lambda: dial(GATEWAY, socket.SOCK_RAW, 1))
found["own port"] = f"tcp 127.0.0.1 {PORT}"
found["interfaces"] = [name for _, name in socket.if_nameindex()]
honest.report(found)
honest.main()
