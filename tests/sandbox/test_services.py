"""A stranger's service in its box: what it may do, what ends it, and that it reaches nothing but itself."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from sandbox.containers import INSTANCE, SECCOMP, DockerSandbox
from sandbox.inside.relay import exchange
from sandbox.types import BoxEnded, BuildFailed, Ended, Service
from tests.sandbox.services import DOCKERFILE, LIMITS, app, ready, request, serving


def ended(service: Service, seconds: float = 15) -> Ended:
    """What ended a service that is asked until it is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            request(service)
        except BoxEnded:
            return service.finish().ended
        time.sleep(0.05)
    raise AssertionError("it goes on")


def test_it_answers_and_is_gone_afterwards(builder: DockerSandbox) -> None:
    with serving(builder, "serve()") as service:
        assert ready(service) == {"ready": True, "elsewhere": False}
        head, body = request(service, "POST", "/x", b"hello")
        assert (head["status"], body) == (200, b"hello")
        result = service.finish()
    assert result.ended is Ended.EXIT
    assert 0 < result.cpu_seconds < 10
    assert result.peak_memory_mb > 1
    assert 0 < result.wall_seconds < 20


def test_every_flag_of_a_live_service(builder: DockerSandbox) -> None:
    with serving(builder, "serve()") as service:
        ready(service)
        client = docker.from_env().api
        listed = client.containers(filters={"label": f"{INSTANCE}={builder.instance}"})
        found = [client.inspect_container(one["Id"]) for one in listed]
    relay, box = sorted(found, key=lambda one: one["HostConfig"]["NetworkMode"] != "none")
    host, config = box["HostConfig"], box["Config"]
    assert relay["HostConfig"]["NetworkMode"] == "none"
    assert host["NetworkMode"] == f"container:{relay['Id']}"
    assert (config["Entrypoint"], config["Cmd"]) == (None, ["python", "app.py"])
    assert (host["Privileged"], host["ReadonlyRootfs"], host["Init"]) == (False, True, False)
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None)
    assert set(host["SecurityOpt"]) == {"no-new-privileges:true", f"seccomp={SECCOMP}"}
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (128 * 2**20, 128 * 2**20, 32)
    assert not any((host["Binds"], host["Devices"], host["PortBindings"], host["VolumesFrom"], box["Mounts"]))
    assert (host["PidMode"], host["IpcMode"], host["LogConfig"]["Type"]) == ("", "private", "none")
    assert int(config["User"].split(":")[0]) >= 200_000
    assert config["User"] != relay["Config"]["User"]
    assert config["Healthcheck"] == {"Test": ["NONE"]}


def test_files_of_the_attempt_lie_beside_its_own_and_are_gone_with_it(builder: DockerSandbox) -> None:
    code = """
class Reader(Handler):
    def do_GET(self):
        try: open('/model/model.json', 'w'); said = 'written'
        except OSError as error: said = error.strerror
        self.answer(open('/model/model.json', 'rb').read() + b' ' + said.encode())
serve(8080, Reader)
"""
    with serving(builder, code, files={"/model/model.json": b"one"}) as service:
        ready(service)
        assert request(service)[1] == b"one Read-only file system"
    with serving(builder, "serve()") as service:
        ready(service)
        assert ended_path(service) == b"ok"


def ended_path(service: Service) -> bytes:
    return request(service, path="/model/model.json")[1]


def test_one_that_listens_elsewhere_is_told_from_one_that_does_not_listen(builder: DockerSandbox) -> None:
    with serving(builder, "serve(8000)") as service:
        assert ready(service, seconds=3) == {"ready": False, "elsewhere": True}
    with serving(builder, "time.sleep(60)") as service:
        assert ready(service, seconds=1) == {"ready": False, "elsewhere": False}
        with pytest.raises(BoxEnded):
            ready(service, seconds=60)
        assert service.finish().ended is Ended.TIME


@pytest.mark.parametrize(
    ("code", "limits", "how"),
    [
        ("sys.exit(3)", {}, Ended.EXIT),
        ("os.kill(os.getpid(), 9) or time.sleep(1); os._exit(7)", {}, Ended.EXIT),
        ("x = bytearray(300 << 20); serve()", {}, Ended.MEMORY),
        ("while True: pass", {"cpu_seconds": 1}, Ended.TIME),
        ("while True: os.write(1, b'x' * 65536)", {}, Ended.OUTPUT),
        ("while True: os.write(2, b'no newline')", {}, Ended.OUTPUT),
    ],
    ids=["exit", "killed", "memory", "cpu", "stdout", "stderr"],
)
def test_what_ends_a_service(builder: DockerSandbox, code: str, limits: dict[str, int], how: Ended) -> None:
    with serving(builder, code, limits=replace(LIMITS, **limits)) as service:
        assert ended(service) is how


def test_one_that_closes_its_streams_is_still_watched(builder: DockerSandbox) -> None:
    with serving(builder, "os.close(1); os.close(2); serve()") as service:
        assert ready(service)["ready"]
        time.sleep(1)
        assert request(service)[0]["status"] == 200
    with serving(builder, "os.close(1); os.close(2); time.sleep(1); os._exit(5)") as service:
        assert ended(service) is Ended.EXIT
        assert service.finish().exit_code == 5


ANSWERS = {
    "too_large": "self.answer(b'x' * (1 << 20))",
    "timeout": "self.wfile.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nab'); time.sleep(60)",
    "malformed": "self.wfile.write(b'SSH-2.0-hello\\r\\n\\r\\n')",
    "reset": "self.connection.close()",
}


@pytest.mark.parametrize("error", [*ANSWERS, "drip", "headers", "endless header", "chunks"])
def test_a_bad_answer_costs_a_bounded_time_and_memory(builder: DockerSandbox, error: str) -> None:
    more = {
        "drip": "self.wfile.write(b'HTTP/1.1 200 OK\\r\\nX: ')\n"
        "        while True: self.wfile.write(b'x'); time.sleep(.1)",
        "headers": "self.wfile.write(b'HTTP/1.1 200 OK\\r\\n' + b'X: y\\r\\n' * 100000)",
        "endless header": "self.wfile.write(b'HTTP/1.1 200 OK\\r\\nX: ')\n"
        "        while True: self.wfile.write(b'x' * 65536)",
        "chunks": "self.wfile.write(b'HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n')\n"
        "        while True: self.wfile.write(b'1\\r\\nx\\r\\n' * 1000)",
    }
    wanted = {"drip": {"timeout"}, "headers": {"malformed", "too_large"}}.get(error, {error, "too_large", "malformed"})
    code = f"class Bad(Handler):\n    def do_POST(self):\n        {(ANSWERS | more)[error]}\nserve(8080, Bad)"
    with serving(builder, code) as service:
        ready(service)
        begin = time.monotonic()
        head, body = request(service, "POST", "/", b"", seconds=2)
        assert time.monotonic() - begin < 10
        assert head.get("error") in wanted, head
        assert body == b""
        assert request(service)[0]["status"] == 200  # the relay goes on


ANNOUNCED = {
    b"Content-Length: 9223372036854775808\r\n\r\nab": "too_large",
    b"Content-Length: 4611686018427387904\r\n\r\nab": "too_large",
    b"Content-Length: 1001\r\n\r\nab": "too_large",
    b"Content-Length: 1000\r\n\r\nab": "malformed",
    b"Content-Length: 2\r\n\r\nabc": None,
    b"Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nab": "malformed",
    b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 9000 + b"\r\nab": "malformed",
    b"Transfer-Encoding: chunked\r\n\r\n-5\r\nab": "malformed",
    b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + bytes(1001) + b"\r\n0\r\n\r\n": "too_large",
    b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n": "malformed",
    b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n": None,
}


@pytest.mark.parametrize("announced", ANNOUNCED, ids=lambda one: repr(one[:60]))
def test_an_announced_length_is_not_believed(announced: bytes) -> None:
    """Here and not in a box, because how Python reads bodies differs between builds of one version."""
    asked = {"method": "GET", "path": "/", "headers": {}, "seconds": 5, "cap": 1000}
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        told = pool.submit(exchange, server.getsockname()[1], asked, b"")
        door, _ = server.accept()
        with door:
            door.recv(1000)
            door.sendall(b"HTTP/1.1 200 OK\r\n" + announced)
            door.shutdown(socket.SHUT_WR)
            head, body = told.result()
    assert (head.get("error"), body) == ((ANNOUNCED[announced], b"") if ANNOUNCED[announced] else (None, b"ab"))


def test_redirects_are_not_followed_and_nothing_is_decompressed(builder: DockerSandbox) -> None:
    code = """
import gzip
class Both(Handler):
    def do_GET(self):
        if self.path == '/from': self.answer(b'', 302, Location='/to')
        elif self.path == '/to': open('/tmp/followed', 'w'); self.answer(b'followed')
        elif self.path == '/zip': self.answer(gzip.compress(b'0' * 10_000_000), Content_Encoding='gzip')
        else: self.answer(str(os.path.exists('/tmp/followed')).encode())
serve(8080, Both)
"""
    with serving(builder, code) as service:
        ready(service)
        head, _ = request(service, path="/from")
        assert (head["status"], head["headers"]["location"]) == (302, "/to")
        assert request(service, path="/seen")[1] == b"False"
        assert request(service, path="/to")[1] == b"followed"
        assert request(service, path="/seen")[1] == b"True"  # the control: the trace is seen where it is left
        head, body = request(service, path="/zip")
        assert head["headers"]["content-encoding"] == "gzip"
        assert 1000 < len(body) < 1 << 16


def test_sigterm_goes_to_process_1_as_under_docker_run(builder: DockerSandbox) -> None:
    handled = "signal.signal(signal.SIGTERM, lambda *_: os._exit(0)); serve()"
    with serving(builder, handled) as service:
        ready(service)
        assert service.stop(5)
        assert service.finish().ended is Ended.EXIT
    with serving(builder, "assert os.getpid() == 1; serve()") as service:
        assert ready(service)["ready"]
        assert not service.stop(1)  # process 1 without a handler takes no SIGTERM
    with serving(builder, "time.sleep(.5)") as service:
        time.sleep(2)
        with pytest.raises(BoxEnded):
            service.stop(5)


def test_an_entry_point_that_is_not_there_is_the_participants(builder: DockerSandbox) -> None:
    files = app("serve()") | {"Dockerfile": DOCKERFILE.replace(b'"python"', b'"pythoon"')}
    with pytest.raises(BuildFailed, match="pythoon"), serving(builder, files):
        pass


PROBE = """
import json
class Probe(Handler):
    def do_GET(self):
        found = {}
        def attempt(name, act):
            try: found[name] = str(act())
            except OSError as error: found[name] = 'denied'
        def tcp(host, port, family=socket.AF_INET):
            with socket.socket(family) as s: s.settimeout(1); s.connect((host, port)); return 'connected'
        def udp(host, port):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s: s.sendto(b'hi', (host, port)); return 'sent'
        def abstract():
            with socket.socket(socket.AF_UNIX) as s: s.settimeout(1); s.connect(chr(0) + 'assay-probe'); return 'connected'
        for name, host, port in json.loads(open('/probe/targets.json').read()):
            attempt(name, lambda: tcp(host, port)); attempt(name + ' udp', lambda: udp(host, port))
        attempt('dns', lambda: socket.getaddrinfo('example.org', 80))
        attempt('icmp', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
        attempt('abstract', abstract)
        attempt('six', lambda: tcp('2001:db8::1', 80, socket.AF_INET6))
        attempt('self', lambda: tcp('127.0.0.1', 8080))
        self.answer(json.dumps(found).encode())
serve(8080, Probe)
"""


def test_a_service_reaches_nothing_but_itself(builder: DockerSandbox) -> None:
    """C1: nothing of the outside, the host, its gateway or the metadata address; a listener of the host sees nothing."""
    heard = []
    with socket.create_server(("0.0.0.0", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    heard.append(listener.accept()[1])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
            route.connect(("192.0.2.1", 9))  # sends nothing; tells by which address this host goes out
            own = route.getsockname()[0]
        assert not own.startswith("127.")
        targets = [
            ["gateway", "172.17.0.1", port],
            ["host", own, port],
            ["metadata", "169.254.169.254", 80],
            ["outside", "192.0.2.1", 80],
        ]
        given = {"/probe/targets.json": json.dumps(targets).encode()}
        try:
            with serving(builder, PROBE, files=given) as service:
                ready(service, "/", seconds=15)
                head, body = request(service, seconds=10)
            assert head["status"] == 200, head
            found = json.loads(body)
            socket.create_connection((own, port), 5).close()  # the control: the listener hears who may reach it
        finally:
            time.sleep(0.5)
            stop.set()
            thread.join()
    assert found.pop("self") == "connected"
    assert set(found.values()) == {"denied"}, found
    assert len(heard) == 1


def test_two_services_at_once_have_no_contact(builder: DockerSandbox) -> None:
    """C2: neither a port nor an abstract socket of one is there in the other; its own is (the control)."""
    code = """
class Contact(Handler):
    def do_GET(self):
        said = []
        for family, address in ((socket.AF_INET, ('127.0.0.1', int(self.path[1:]))), (socket.AF_UNIX, chr(0) + self.path)):
            with socket.socket(family) as s:
                try: s.connect(address); said.append('met')
                except OSError: said.append('alone')
        self.answer(' '.join(said).encode())
    do_POST = Handler.do_GET
mine = open('/own/port').read()
a = socket.create_server(('127.0.0.1', int(mine))); b = socket.socket(socket.AF_UNIX); b.bind(chr(0) + '/' + mine); b.listen()
serve(8080, Contact)
"""
    one = serving(builder, code, files={"/own/port": b"9001"})
    two = serving(builder, code, files={"/own/port": b"9002"})
    with one as first, two as second:
        ready(first, "/9001")
        ready(second, "/9002")
        assert request(first, path="/9001")[1] == request(second, path="/9002")[1] == b"met met"
        assert request(first, path="/9002")[1] == request(second, path="/9001")[1] == b"alone alone"


def test_the_relay_cannot_be_reached_from_the_service(builder: DockerSandbox) -> None:
    """Only the network is shared: no process, no file and no listener of the relay is there."""
    code = """
import json
class Look(Handler):
    def do_GET(self):
        listeners = [l.split()[1] for f in ('tcp', 'tcp6', 'udp', 'udp6') for l in open('/proc/net/' + f).readlines()[1:]
                     if l.split()[3] in ('0A', '07')]
        paths = [l.split()[7:] for l in open('/proc/net/unix').readlines()[1:]]
        self.answer(json.dumps([[p for p in os.listdir('/proc') if p.isdigit()], listeners, paths]).encode())
serve(8080, Look)
"""
    with serving(builder, code) as service:
        ready(service)
        processes, listeners, paths = json.loads(request(service)[1])
    assert processes == ["1"]
    assert listeners == ["00000000:1F90"]
    assert not any(paths)


def test_a_fork_bomb_stays_in_its_box(builder: DockerSandbox) -> None:
    def processes() -> int:
        return sum(1 for _ in Path("/proc").glob("[0-9]*"))

    before = processes()
    code = """
import threading
threading.Thread(target=serve, daemon=True).start()
time.sleep(1)
while True:
    try: os.fork()
    except OSError: time.sleep(.01)
"""
    with serving(builder, code, limits=replace(LIMITS, cpu_seconds=3)) as service:
        assert ended(service, 30) in (Ended.TIME, Ended.MEMORY, Ended.EXIT)
        assert processes() < before + 200
