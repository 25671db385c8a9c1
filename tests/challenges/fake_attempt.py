"""Judges trusted solutions in plain processes of this machine: real kit, real grader, real host, but no box at all.

Never for a stranger's program. Limits are polled, so they are coarse; verdicts come from the one real table.
"""

import contextlib
import importlib.util
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from challenges.kit import Data, InvalidOutput, SubmissionEnded
from challenges.kit.attempt import Attempt
from challenges.kit.parcel import reply_with
from challenges.loader import Challenge
from challenges.report import Report
from sandbox.inside import frames
from sandbox.inside.channel import Channel
from sandbox.inside.frames import BadFrame, Frame
from sandbox.types import Ended, Limits
from worker.grading import attempt_key
from worker.judge import Facts, Outcome, Scored, Stopped, Unreadable, judge

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
HOST = "import socket, sys; sys.path.append({root!r}); from sandbox.inside.host import main; main(socket.socket(fileno={fd}))"
ENVIRONMENT = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}


@contextlib.contextmanager
def grader_of(challenge: Challenge) -> Iterator[Any]:
    """The challenge's grader module, with the modules beside it importable; forgets them all afterwards."""
    known = set(sys.modules)
    sys.path.insert(0, str(challenge.folder))
    try:
        spec = importlib.util.spec_from_file_location("grader", challenge.folder / "grader.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(challenge.folder))
        beside = {path.stem for path in challenge.folder.glob("*.py")}
        for name in (set(sys.modules) - known) & beside:
            del sys.modules[name]


def prepare(challenge: Challenge, seed: bytes, folder: Path) -> Data:
    """The data of a challenge under a seed, in two new folders under `folder`."""
    public, hidden = folder / "public", folder / "hidden"
    public.mkdir(parents=True)
    hidden.mkdir()
    data = Data(public, hidden, challenge.groups, seed)
    with grader_of(challenge) as grader:
        grader.generate(data)
    return data


def judge_trusted(challenge: Challenge, data: Data, seed: bytes, source: bytes) -> Report:
    """The report of one solution on prepared data."""
    line = FakeLine(challenge, source)
    attempt = Attempt(line, challenge.submit, attempt_key(seed, {challenge.submit: source}))  # type: ignore[arg-type]
    outcome: Outcome
    try:
        with grader_of(challenge) as grader:
            outcome = Scored(grader.grade(attempt, data))
    except SubmissionEnded:
        outcome = line.unreadable or Stopped()
    except InvalidOutput as error:
        outcome = Unreadable(str(error))
    finally:
        line.close()
    lines = source.count(b"\n") + 1
    return judge(outcome, line.facts, challenge.limits, pass_mark=challenge.pass_mark, lines=lines)


class FakeLine:
    """Answers a grader's questions as the worker would, from a process of this machine."""

    def __init__(self, challenge: Challenge, source: bytes) -> None:
        self._challenge = challenge
        self._folder = Path(tempfile.mkdtemp())
        (self._folder / challenge.submit).write_bytes(source)
        self._process: Watched | None = None
        self._channel: Channel | None = None
        self._sock: socket.socket | None = None
        self.facts = Facts()
        self.unreadable: Unreadable | None = None

    def ask(self, kind: int, body: bytes, raw: bytes = b"") -> Frame:
        """The worker's reply to one frame. Raises SubmissionEnded."""
        if kind == frames.GROUP:
            told = json.loads(body)
            assert told["cpu_seconds"] is None, "the fake has no budgets of groups"
            if told["fresh"]:
                self._end()
            return Frame(frames.REPLY, b"", b"{}")
        if kind == frames.ASK_FILES:
            return reply_with({self._challenge.submit: (self._folder / self._challenge.submit).read_bytes()})
        if kind == frames.ASK_CLOCK:
            return Frame(
                frames.REPLY, b"", json.dumps({"cpu_seconds": self._process.cpu() if self._process else 0.0}).encode()
            )
        return self._call(body, raw) if kind == frames.ASK_CALL else self._run(body, raw)

    def close(self) -> None:
        """End whatever still runs."""
        self._end()
        shutil.rmtree(self._folder)

    def _end(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process.sweep()
        if self._sock is not None:
            self._sock.close()
        self._process = self._channel = self._sock = None

    def _call(self, body: bytes, raw: bytes) -> Frame:
        if self._channel is None:
            self._open()
        assert self._channel is not None and self._process is not None
        question = Frame(frames.CALL, os.urandom(16), body, raw)
        try:
            self._channel.write(question)
            answer = self._channel.read()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._over(self._process.end())
        except BadFrame:
            self._over(Ended.PROTOCOL)
        if answer.id != question.id or answer.kind not in (frames.VALUE, frames.RAISED, frames.UNFIT):
            self._over(Ended.PROTOCOL)
        if answer.kind == frames.RAISED:
            self._over(Ended.EXIT)
        if answer.kind == frames.UNFIT:
            self.unreadable = Unreadable("The function returned something that is not plain data.")
            raise SubmissionEnded
        return Frame(frames.REPLY, b"", answer.json, answer.raw)

    def _open(self) -> None:
        self._sock, theirs = socket.socketpair()
        self._channel = Channel(self._sock)
        script = HOST.format(root=str(ROOT), fd=theirs.fileno())
        command = [sys.executable, "-c", script]
        self._process = Watched(command, self._folder, self._challenge.limits, (theirs.fileno(),))
        theirs.close()

    def _run(self, body: bytes, raw: bytes) -> Frame:
        told, at = json.loads(body), 0
        if told["tool"]:
            (self._folder / "submission").mkdir(exist_ok=True)
            shutil.copy(self._folder / self._challenge.submit, self._folder / "submission")
        for name, size in told["inputs"]:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw[at : at + size])
            at += size
        assert told["argv"][0] == "python3"
        process = Watched([sys.executable, *told["argv"][1:]], self._folder, self._challenge.limits, ())
        self._process = process
        ended = process.wait()
        if ended is not Ended.EXIT or process.exit_code != 0:
            self._over(ended)
        return reply_with(
            {name: path.read_bytes() for name in told["outputs"] if (path := self._folder / name).is_file()}
        )

    def _over(self, ended: Ended) -> None:
        self.facts = Facts(ended=ended)
        raise SubmissionEnded


class Watched:
    """A process that is killed when it goes over a limit."""

    def __init__(self, command: list[str], folder: Path, limits: Limits, keep: tuple[int, ...]) -> None:
        self._limits = limits
        self._why: Ended | None = None
        self._begin = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=ENVIRONMENT,
            pass_fds=keep,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    def wait(self) -> Ended:
        """How it ended by itself or by a limit."""
        self._process.wait()
        self._watcher.join()
        return self._why or (Ended.EXIT if self._process.returncode >= 0 else Ended.SIGNAL)

    def end(self) -> Ended:
        """Give it a moment to end, then kill it; how it ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)
        self._process.kill()
        return self.wait()

    def sweep(self) -> None:
        """Kill what it has left behind."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self) -> None:
        while self._process.poll() is None:
            self._why = self._why or self._exceeded()
            if self._why:
                self._process.kill()
                return
            time.sleep(0.01)

    def cpu(self) -> float:
        """Its cpu seconds so far."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def _exceeded(self) -> Ended | None:
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        cpu, pages = (int(stat[11]) + int(stat[12])) / TICKS, int(stat[21])
        if pages * resource.getpagesize() > self._limits.memory_mb * 2**20:
            return Ended.MEMORY
        late = time.monotonic() - self._begin > self._limits.wall_seconds
        return Ended.TIME if late or cpu > self._limits.cpu_seconds else None
