"""What a newcomer's first command runs: each script does it, or says in one sentence why it cannot."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start an engine or become another user")
NOBODY = 65534


def _run(script: str, *argv: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **changes}
    environment.pop("DOCKER_HOST", None)
    if "DOCKER_HOST" in changes:
        environment["DOCKER_HOST"] = changes["DOCKER_HOST"]
    command = [str(ROOT / "scripts" / script), *argv]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=110)


def _one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path):
        super().__init__("engine", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for a second engine, short enough for a socket's name; its engine is ended afterwards."""
    path = Path(f"/tmp/assay-engine-{os.getpid()}")
    path.mkdir()
    yield path
    pid = path / "dockerd.pid"
    if pid.is_file():
        number = int(pid.read_text())
        os.kill(number, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{number}").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    shutil.rmtree(path)


@ROOT_ONLY
def test_ensure_docker_starts_an_engine_that_outlives_it(folder: Path) -> None:
    bridge = Path("/sys/class/net/docker0")
    had_bridge = bridge.exists()
    first = _run("ensure-docker", ENSURE_DOCKER_FOLDER=str(folder))
    assert first.returncode == 0, first.stderr
    assert bridge.exists() == had_bridge, "it took the bridge of the engine that runs already"
    assert "starting dockerd" in first.stdout
    pid = int((folder / "dockerd.pid").read_text())
    assert os.getsid(pid) == pid, "it would end with the terminal that started make"

    connection = UnixConnection(folder / "docker.sock")
    connection.request("GET", "/info")
    info = json.loads(connection.getresponse().read())
    assert info["DockerRootDir"] == str(folder / "data")

    second = _run("ensure-docker", ENSURE_DOCKER_FOLDER=str(folder))
    assert second.returncode == 0
    assert "starting" not in second.stdout
    assert int((folder / "dockerd.pid").read_text()) == pid


def test_ensure_docker_uses_the_engine_that_answers() -> None:
    done = _run("ensure-docker")
    assert done.returncode == 0, done.stderr
    assert "answers" in done.stdout
    assert "starting" not in done.stdout


def test_ensure_docker_starts_nothing_for_another_engine_of_docker_host(tmp_path: Path) -> None:
    said = _one_sentence(_run("ensure-docker", DOCKER_HOST=f"unix://{tmp_path}/none.sock"))
    assert "DOCKER_HOST" in said


def test_ensure_docker_refuses_an_engine_that_cannot_limit(tmp_path: Path) -> None:
    """A fake engine that answers but lacks the controllers."""
    path = tmp_path / "fake.sock"
    program = f"""
import http.server, json, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def address_string(self): return "fake"
    def log_message(self, *args): pass
    def do_GET(self):
        body = b"OK" if self.path == "/_ping" else json.dumps(
            {{"ServerVersion": "28", "Driver": "overlay2", "MemoryLimit": True, "PidsLimit": False, "CPUSet": True}}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
socketserver.UnixStreamServer({str(path)!r}, Handler).serve_forever()
"""
    with subprocess.Popen([sys.executable, "-c", program]) as server:
        try:
            while not path.exists():
                time.sleep(0.05)
            said = _one_sentence(_run("ensure-docker", DOCKER_HOST=f"unix://{path}"))
        finally:
            server.terminate()
    assert "PidsLimit" in said
    assert "MemoryLimit" not in said


@ROOT_ONLY
def test_ensure_docker_says_what_to_do_without_engine_and_root() -> None:
    # Loaded first: this Python may itself stand where nobody else may read.
    program = f"""
import os, runpy, sys
script = runpy.run_path({str(ROOT / "scripts" / "ensure-docker")!r})
os.setgroups([])
os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
sys.exit(script["main"]())
"""
    environment = {**os.environ, "ENSURE_DOCKER_FOLDER": "/tmp/assay-no-engine-here"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert "as root on Debian" in _one_sentence(done)


def test_bootstrap_changes_nothing_where_nothing_is_new(tmp_path: Path) -> None:
    project = _checkout(tmp_path)
    stamp = project / ".venv" / "assay-installed"
    program = (
        "import runpy, sys; m = runpy.run_path('scripts/bootstrap');"
        "m['VENV'].mkdir(exist_ok=True); m['STAMP'].write_text(m['mark']('dev'))"
    )
    subprocess.run([sys.executable, "-c", program], cwd=project, check=True)
    (project / ".venv" / "bin").mkdir()
    (project / ".venv" / "bin" / "python").symlink_to(sys.executable)
    for flags in ([], ["--dev"]):  # what the tests need includes what a run needs
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "scripts/bootstrap", *flags], cwd=project, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout) == (0, "  .venv is up to date\n"), done.stderr
        assert time.monotonic() - begun < 30
    (project / "requirements-dev.lock").write_text("six==0.0.0 --hash=sha256:" + "0" * 64 + "\n")
    done = subprocess.run(
        [sys.executable, "scripts/bootstrap", "--dev"], cwd=project, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].endswith("the lines above say why.")
    assert not stamp.exists(), "a state half made is not taken for a whole one"


def _checkout(tmp_path: Path) -> Path:
    project = tmp_path / "clone"
    (project / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "bootstrap", project / "scripts" / "bootstrap")
    for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, project / name)
    return project


def test_ensure_packages() -> None:
    assert _run("ensure-packages", "coreutils=ls").returncode == 0
    missing = _run("ensure-packages", "coreutils=ls", "no-such-package=no-such-program")
    assert missing.returncode == 1
    assert "no-such-package" in missing.stderr.strip().splitlines()[-1]
    assert "coreutils" not in missing.stderr


def test_step_says_how_long_and_passes_the_failure_on() -> None:
    done = _run("step", "1/2", "Something", "sh", "-c", "echo said; exit 4")
    assert done.returncode == 4
    assert done.stdout == "[1/2] Something\nsaid\n"
    assert re.fullmatch(r"\[1/2\] failed after \d+ s\n", done.stderr)
    assert re.fullmatch(r"\[1/2\] Something\n\[1/2\] done in \d+ s\n", _run("step", "1/2", "Something", "true").stdout)
    assert _run("step", "--last", "2/2", "The end", "echo", "last words").stdout == "[2/2] The end\nlast words\n"


def test_ci_ends_with_the_words_of_the_tests() -> None:
    """Whoever reads the end of .ci/run reads pytest's own summary: the last step says nothing after it."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    dry = subprocess.run(
        ["make", "--dry-run", "test"], cwd=ROOT, capture_output=True, text=True, check=True, env=outside
    ).stdout.splitlines()
    assert dry[-1].startswith("scripts/step --last")
    assert "pytest" in dry[-1]
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("make test")
