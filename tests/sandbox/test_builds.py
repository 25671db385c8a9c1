"""Building strangers' Dockerfiles on the real engine: what comes of them, what is refused, and that nothing stays."""

from __future__ import annotations

import http.server
import os
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from sandbox.builds import BUILD
from sandbox.containers import INSTANCE, DockerSandbox
from sandbox.images.build import resolve
from sandbox.types import Abandoned, BuildFailed, BuildLimits, Job, SandboxError
from tests.sandbox.services import BUILD as LIMITS
from tests.sandbox.services import DOCKERFILE, app, ready, serving
from tests.sandbox.services import LIMITS as SERVICE_LIMITS

FILES = {"Dockerfile": DOCKERFILE, "app.py": b"print('x')"}
CMD = 'CMD ["python", "app.py"]'


def left(sandbox: DockerSandbox) -> list[str]:
    """Everything of this sandbox's builds that the engine still knows."""
    client = docker.from_env().api
    wanted = {"label": f"{INSTANCE}={sandbox.instance}"}
    images = [one["Id"] for one in client.images(all=True, filters=wanted)]
    groups = [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/assay-{sandbox.instance}")]
    volumes = [one["Name"] for one in client.volumes(filters=wanted)["Volumes"] or ()]
    return [*images, *(one["Id"] for one in client.containers(all=True, filters=wanted)), *groups, *volumes]


@pytest.fixture
def nothing_stays(builder: DockerSandbox) -> Iterator[None]:
    volumes = {one["Name"] for one in docker.from_env().api.volumes()["Volumes"] or ()}
    yield
    end = time.monotonic() + 15
    while left(builder) and time.monotonic() < end:
        time.sleep(0.1)
    assert left(builder) == []
    assert {one["Name"] for one in docker.from_env().api.volumes()["Volumes"] or ()} <= volumes


pytestmark = pytest.mark.usefixtures("nothing_stays")


@pytest.fixture(scope="module")
def lenient() -> Iterator[DockerSandbox]:
    """A sandbox whose operator lets a Dockerfile run what it likes."""
    images = {name: resolve(name) for name in ("python-slim", "python-wheelhouse")}
    found = DockerSandbox(instance=f"test-lenient-{os.getpid()}", image_of=images.__getitem__, builds="any")
    yield found
    found.close()
    assert left(found) == []


def dockerfile(*lines: str) -> dict[str, bytes]:
    return {"Dockerfile": "\n".join(["FROM python:3.11-slim", *lines, CMD, ""]).encode(), "app.py": b"print('x')"}


def test_an_image_and_its_facts(builder: DockerSandbox) -> None:
    files = {
        "Dockerfile": b"""# a comment
FROM python:3.11-slim AS tools
ARG NAME=main
WORKDIR /build
COPY requirements.txt .
RUN pip install --no-index --only-binary=:all: -r requirements.txt
FROM tools
COPY --from=tools /build/requirements.txt /copied.txt
COPY src/ /app/src/
COPY --chown=10001:10001 start.sh /app/
ENV GREETING="a \\"b\\"" KEPT='$X'
WORKDIR /app
LABEL org=x
USER 10001
EXPOSE 8080
HEALTHCHECK --interval=5s CMD curl -f http://localhost/
ENTRYPOINT ["/app/start.sh"]
CMD ["src/app.py"]
""",
        "requirements.txt": b"flask\n",
        "src/app.py": b"import flask; print(flask.__name__)",
        "start.sh": b'#!/bin/sh\nexec python "$@"\n',
    }
    image = builder.build(files, BuildLimits(seconds=60, size_mb=30, memory_mb=512), labels={"assay.judging": "7"})
    try:
        config = docker.from_env().api.inspect_image(image.id)["Config"]
        assert (config["User"], config["WorkingDir"]) == ("10001", "/app")
        assert (config["Entrypoint"], config["Cmd"]) == (["/app/start.sh"], ["src/app.py"])
        assert {'GREETING=a "b"', "KEPT=$X"} <= set(config["Env"])
        assert not config.get("Healthcheck") and not config.get("Volumes")
        assert config["Labels"]["org"] == "x"
        assert config["Labels"]["assay.judging"] == "7"
        assert image.user == "10001"
        assert 3 < image.size_mb < 30
        assert "Dockerfile, line 6: " in image.log
        assert "assay." not in image.log and "sha256" not in image.log
        with_it = builder.serve(image, limits=SERVICE_LIMITS, files={}, labels={})
        time.sleep(3)
        assert with_it.finish().stdout == b"flask\n"
    finally:
        image.remove()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"app.py": b"x"}, "no file called Dockerfile"),
        (dockerfile("COPY missing.txt /x"), "step could not be done"),
        (dockerfile("RUN curl http://example.org"), "line 2: nothing runs"),
        (dockerfile("ADD http://example.org/x /x"), "line 2: .*COPY"),
        (dockerfile("COPY app.py /x", "COPY app.py /x/y"), "step could not be done"),
        (dockerfile("COPY app.py /x", "WORKDIR /x"), "step could not be done"),
        (dockerfile("COPY app.py /x", "COPY . /x/"), "step could not be done"),
        (dockerfile("VOLUME /data"), "line 2: .*VOLUME"),
        (dockerfile("WORKDIR /proc/self/fd/8"), "line 2"),
        (dockerfile("COPY --from=debian /etc/shadow /x"), "line 2"),
        ({"Dockerfile": b'FROM debian\nCMD ["x"]'}, "line 1: .*debian"),
        ({"Dockerfile": b'# syntax=docker/dockerfile:1\nFROM python:3.11-slim\nCMD ["x"]'}, "line 1: "),
        ({"Dockerfile": b"\xff\xfe"}, "line 1"),
        ({"Dockerfile": b"FROM python:3.11-slim\n" + b"A" * 100_000}, "line"),
    ],
    ids=lambda one: one if isinstance(one, str) else "files",
)
def test_what_gives_no_image(builder: DockerSandbox, files: dict[str, bytes], says: str) -> None:
    with pytest.raises(BuildFailed, match=says) as caught:
        builder.build(files, LIMITS, labels={})
    assert "overlay2" not in caught.value.log and "/var/lib" not in caught.value.log


def test_a_package_that_is_not_there_is_told_in_the_log(builder: DockerSandbox) -> None:
    files = {
        **dockerfile("COPY requirements.txt .", "RUN pip install --no-index --only-binary=:all: -r requirements.txt"),
        "requirements.txt": b"flask\ntorch\n",
    }
    with pytest.raises(BuildFailed, match="packages could not be installed") as caught:
        builder.build(files, LIMITS, labels={})
    assert "torch" in caught.value.log
    assert "line 3: " in caught.value.log
    assert len(caught.value.log) < 20_000


def test_no_file_of_the_upload_is_where_the_installer_runs(builder: DockerSandbox) -> None:
    """A sitecustomize, a python and a shell of the participant's do not run while the image is built."""
    marker = b"import sys; sys.stderr.write('OWNED'); sys.exit(1)"
    files = {
        **dockerfile(
            "COPY evil.py /usr/lib/python3.11/os.py",
            "COPY evil.py /usr/local/lib/python3.11/dist-packages/sitecustomize.py",
            "COPY evil.sh /usr/bin/python3",
            "COPY evil.sh /bin/sh",
            "COPY evil.py /install.py",
            "COPY requirements.txt /requirements.txt",
            'ENV PYTHONPATH=/evil PATH="/evil"',
            "RUN pip install --no-index --only-binary=:all: -r /requirements.txt",
        ),
        "evil.py": marker,
        "evil.sh": b"#!/bin/sh\necho OWNED; exit 1\n",
        "requirements.txt": b"flask\n",
    }
    image = builder.build(files, LIMITS, labels={})
    assert "OWNED" not in image.log
    image.remove()


def test_an_image_too_large_and_steps_that_write_too_much(builder: DockerSandbox) -> None:
    small = BuildLimits(seconds=60, size_mb=5, memory_mb=512)
    data = os.urandom(1 << 20)
    fits = {**dockerfile("COPY data /a/"), "data": data}
    builder.build(fits, small, labels={}).remove()  # the control: what is just within is built
    large = {**dockerfile(*(f"COPY data /{n}/" for n in range(7))), "data": data}
    with pytest.raises(BuildFailed, match="holds 7 MB"):
        builder.build(large, small, labels={})
    # each stage copies eight times what the one above it holds: the last would have 8^6 MB
    stages = ["FROM python:3.11-slim AS s0", "COPY data /d/a"]
    for n in range(1, 7):
        copies = [f"COPY --from=s{n - 1} /d/ /d/{letter}/" for letter in "stuvwxyz"]
        stages += [f"FROM python:3.11-slim AS s{n}", *copies]
    bomb = {"Dockerfile": "\n".join([*stages, CMD]).encode(), "data": data}
    begin = time.monotonic()
    with pytest.raises(BuildFailed, match="write more than 20 MB together"):
        builder.build(bomb, small, labels={})
    assert time.monotonic() - begin < 60
    # the engine ends the copy it is at before it notices: the reaper of a worker finds what that adds
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for build in builder.leftover_builds():
            builder.remove_build(build)
        time.sleep(1)
        if begin + 10 < time.monotonic() and not left(builder):
            break


def test_a_build_has_a_clock_and_can_be_abandoned(builder: DockerSandbox) -> None:
    files = {
        **dockerfile("COPY requirements.txt .", "RUN pip install --no-index --only-binary=:all: -r requirements.txt"),
        "requirements.txt": b"pandas\nscikit-learn\n",
    }
    with pytest.raises(BuildFailed, match="not done within 2 s"):
        builder.build(files, BuildLimits(seconds=2, size_mb=300), labels={})
    begin = time.monotonic()
    with pytest.raises(Abandoned):
        builder.build(files, BuildLimits(size_mb=300), labels={}, abandoned=lambda: time.monotonic() > begin + 2)


def test_switched_off_is_the_operators_word() -> None:
    off = DockerSandbox(instance="test-off", image_of=resolve, builds="off")
    with pytest.raises(SandboxError, match="switched off"):
        off.build(FILES, LIMITS, labels={})
    off.close()


def test_c4_no_step_of_a_build_reaches_anything(builder: DockerSandbox, lenient: DockerSandbox) -> None:
    """RUN, ADD of an address, a remote context: a listener of this host hears none of them, but the control."""
    hits: list[str] = []

    class Sink(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hits.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return None

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Sink) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        port = sink.server_address[1]
        for host in ("127.0.0.1", "172.17.0.1"):
            url = f"http://{host}:{port}/"
            fetch = f"python -c \"import urllib.request as r; r.urlopen('{url}', timeout=2)\""
            for sandbox, line in (
                (builder, f"ADD {url} /x"),
                (builder, f"RUN {fetch}"),
                (lenient, f"ADD {url} /x"),
                (lenient, f"RUN {fetch}"),
                (lenient, f"COPY {url} /x"),
                (builder, f"COPY --from={url} / /x"),
            ):
                with pytest.raises(BuildFailed):
                    sandbox.build(dockerfile(line), LIMITS, labels={})
            with pytest.raises(BuildFailed):
                builder.build({"Dockerfile": f"FROM {url}\n{CMD}".encode()}, LIMITS, labels={})
        assert hits == []
        lenient.build(dockerfile("RUN python -c 'print(1)'"), LIMITS, labels={}).remove()  # RUN itself is allowed there
        urllib.request.urlopen(f"http://127.0.0.1:{port}/control", timeout=5).close()
        assert hits == ["/control"]
        sink.shutdown()


def test_a_run_that_is_allowed_has_limits(lenient: DockerSandbox) -> None:
    def said(line: str, limits: BuildLimits = LIMITS, **files: str) -> str:
        given = dockerfile("COPY . /", line) | {name.replace("_", "."): code.encode() for name, code in files.items()}
        with pytest.raises(BuildFailed) as caught:
            lenient.build(given, limits, labels={})
        return f"{caught.value} {caught.value.log}"

    image = lenient.build(dockerfile("RUN python -c 'print(7 * 7)'"), LIMITS, labels={})
    assert "49" in image.log
    image.remove()
    forks = "import os, time\nfor n in range(500):\n    if not os.fork(): time.sleep(20); os._exit(0)\n"
    assert "BlockingIOError" in said("RUN python /forks.py", forks_py=forks)
    assert "code 137" in said('RUN python -c "x = bytearray(900 * 2**20); print(len(x))"')
    begin = time.monotonic()
    assert "not done within 2 s" in said("RUN sleep 60", BuildLimits(seconds=2))
    assert time.monotonic() - begin < 20
    assert "[the log is cut here]" in said(
        "RUN python -c \"print('y' * 50, flush=True)\" && yes | head -c 5000000 && false"
    )


def test_b6_the_image_cannot_choose_its_user_folders_or_checks(builder: DockerSandbox) -> None:
    files = app("serve()")
    files["Dockerfile"] = DOCKERFILE.replace(b"USER 10001", b"USER 0:0\nHEALTHCHECK CMD touch /tmp/checked")
    with serving(builder, files) as service:
        ready(service)
        client = docker.from_env().api
        listed = client.containers(filters={"label": f"{INSTANCE}={builder.instance}"})
        found = [client.inspect_container(one["Id"]) for one in listed]
    for one in found:
        assert int(one["Config"]["User"].split(":")[0]) >= 200_000
        assert one["Config"]["Healthcheck"] == {"Test": ["NONE"]}
        assert one["Mounts"] == []


def test_two_at_once_do_not_disturb_each_other(builder: DockerSandbox) -> None:
    def one(n: int) -> tuple[bytes, bool]:
        code = f"open('/tmp/{n}', 'w'); signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\nserve()"
        files = app(code) | {"name.txt": str(n).encode()}
        files["Dockerfile"] = DOCKERFILE.replace(b"COPY app.py .", b"COPY app.py name.txt ./")
        with serving(builder, files, files={"/model/n": str(n).encode()}) as service:
            ready(service)
            return str(n).encode(), service.stop(5)

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(one, range(6)))
    assert all(stopped for _, stopped in done)


class Late:
    """An engine client on which something begins between a decision to look and the look."""

    def __init__(self, api: Any, act: Callable[[], object]) -> None:
        self._api = api
        self._act = [act]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._api, name)

    def containers(self, *args: Any, **more: Any) -> Any:
        while self._act:
            self._act.pop()()
        return self._api.containers(*args, **more)


def test_what_begins_while_the_reaper_looks_is_not_a_leftover(builder: DockerSandbox) -> None:
    api = builder.api
    made: list[Any] = []
    idle = Job("python-slim", SERVICE_LIMITS, entry="idle", library={"idle.py": b"def main(sock): sock.recv(1)"})
    try:
        builder._local.api = Late(api, lambda: made.append(builder.open(idle)))
        assert builder.leftovers() == []
        builder._local.api = Late(api, lambda: made.append(builder.build(FILES, LIMITS, labels={})))
        assert builder.leftover_builds() == set()
    finally:
        builder._local.api = api
        box, image = made
        box.finish()
        image.remove()


def test_a_killed_worker_leaves_nothing_that_is_not_found(builder: DockerSandbox) -> None:
    """What a build of another process left is found by its labels, and what is still in use is not touched."""
    images = {name: resolve(name) for name in ("python-slim", "python-wheelhouse")}
    dead = DockerSandbox(instance=builder.instance, image_of=images.__getitem__)
    image = dead.build(FILES, LIMITS, labels={})
    alive = builder.build(FILES, LIMITS, labels={})
    assert builder.leftover_builds() == {image.build}
    assert builder.remove_build(image.build)
    assert builder.leftover_builds() == set()
    client = docker.from_env().api
    assert client.inspect_image(alive.id)["Config"]["Labels"][BUILD] == alive.build
    alive.remove()
    dead.close()
