"""Judges hostile programs on real boxes as a worker does, and sees what a participant does not: the facts of each box.

Knows no single attack.
"""

from __future__ import annotations

import gc
import json
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker

from challenges.loader import Challenge, load_all
from challenges.report import Report, Verdict
from sandbox.containers import INSTANCE, DockerSandbox
from sandbox.types import RunResult, Sandbox
from tests.installation import host_processes, wait_for
from tests.worker.conftest import judge_files
from worker.graders import Graders, Prepared
from worker.grading import Grading
from worker.judge import Facts
from worker.listening import Listening

HERE = Path(__file__).parent
CHALLENGES = load_all([HERE / "challenges"])
HONEST = (HERE / "honest.py").read_text()
FIRST_LINE = re.compile(r"# ([A-G][0-9]+) ([a-z_|]+): (\S.*)")
NAME = re.compile(r"([a-g][0-9]+)-[a-z0-9-]+")
LABEL = "assay.judging"


@dataclass(frozen=True)
class Program:
    """One hostile program as its file says: which attack, and the verdicts that are right for it."""

    name: str
    id: str
    verdicts: frozenset[str]
    challenge: Challenge
    files: Mapping[str, str] = field(repr=False)

    def submitted(self, words: Mapping[str, str]) -> dict[str, bytes]:
        """The files to submit; `@WORD@` in them stands for what this run of the tests has chosen."""
        found = {}
        for name, text in self.files.items():
            for word, value in words.items():
                text = text.replace(f"@{word}@", value)
            found[name] = text.encode()
        return found

    @property
    def source(self) -> str:
        """The program itself."""
        return self.files[self.challenge.submit]


def programs() -> dict[str, Program]:
    """Every program of this folder, by the name of its file or folder."""
    paths = [path for path in sorted(HERE.iterdir()) if NAME.fullmatch(path.stem)]
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> Program:
    files = {"honest.py": HONEST}
    for one in [path] if path.is_file() else sorted(path.rglob("*")):
        if one.is_file() and "__pycache__" not in one.parts:
            files["solution.py" if path.is_file() else one.relative_to(path).as_posix()] = one.read_text()
    challenge = _challenge(files)
    said = FIRST_LINE.fullmatch(files[challenge.submit].split("\n", 1)[0])
    assert said is not None, f"{path} must begin like `# A1 time_limit: a busy loop`"
    verdicts = frozenset(said[2].split("|"))
    assert verdicts <= set(Verdict), f"{path} names no verdict"
    assert path.stem.startswith(f"{said[1].lower()}-"), f"{path} is named after another attack than its first line"
    return Program(path.stem, said[1], verdicts, challenge, files)


def _challenge(files: Mapping[str, str]) -> Challenge:
    """What a program is submitted to follows from what it offers."""
    if "Dockerfile" in files:
        return CHALLENGES["words-serve"]
    for function, slug in (("answer", "words-call"), ("double", "numbers-call"), ("weigh", "flood-call")):
        if re.search(rf"^(def {function}\(|{function} = )", files["solution.py"], re.MULTILINE):
            return CHALLENGES[slug]
    return CHALLENGES["words-run"]


@dataclass(frozen=True)
class Seen:
    """What became of one submission: what its participant is told, and what the sandbox saw."""

    report: Report
    facts: Facts
    results: tuple[RunResult, ...]
    detail: str

    @property
    def said(self) -> list[Any]:
        """What the program reported of its findings, in order."""
        lines = b"".join(result.stdout for result in self.results).split(b"\n")
        return [json.loads(line[6:]) for line in lines if line.startswith(b"FOUND ")]

    @property
    def found(self) -> Any:
        """Its one report."""
        assert self.said, f"it reported nothing: {self}"
        return self.said[-1]


class Arena:
    """A sandbox, standing graders, hidden data with strings of this run in them, and how things stood at the start."""

    def __init__(self, sandbox: DockerSandbox) -> None:
        self.sandbox = sandbox
        self.graders = Graders(sandbox)
        self.seed = f"cnry_s_{secrets.token_hex(8)}".ljust(32, ".").encode()
        self.words = {
            "MARKER": f"marker{secrets.token_hex(6)}",
            "PORT": str(20_000 + secrets.randbelow(10_000)),
            "GATEWAY": "172.17.0.1",
        }
        self._prepared: dict[str, Prepared] = {}
        self._start: Standing | None = None
        disk = Path(sandbox.api.info()["DockerRootDir"])
        self.disk = disk if disk.exists() else Path("/")

    def prepared(self, challenge: Challenge) -> Prepared:
        """The hidden data of a challenge, made once."""
        if challenge.slug not in self._prepared:
            public, hidden = Grading(self.sandbox, self.graders).generate(challenge, self.seed)
            self._prepared[challenge.slug] = Prepared(challenge.version, self.seed, public, hidden)
        return self._prepared[challenge.slug]

    def judge(self, program: Program, *, label: str = "hostile", **words: str) -> Seen:
        """Judge a hostile program."""
        return self.judge_files(program.challenge, program.submitted(self.words | words), label=label)

    def judge_files(self, challenge: Challenge, files: Mapping[str, bytes], *, label: str = "hostile") -> Seen:
        """Judge files through the path every submission takes; its containers carry `label`."""
        heard: list[RunResult] = []
        grading = _Labelled(Listening(self.sandbox, heard), self.graders, {LABEL: label})
        judged = judge_files(grading, challenge, self.prepared(challenge), files)
        return Seen(judged.report, judged.facts, tuple(heard), judged.detail)

    def honest(self, challenge: Challenge) -> Seen:
        """Judge the challenge's own right solution."""
        folder = challenge.folder / "solutions" / "accepted"
        path = folder / "plain.py" if challenge.build is None else folder / "plain"
        names = [path] if path.is_file() else sorted(path.iterdir())
        files = {challenge.submit if path.is_file() else one.name: one.read_bytes() for one in names}
        return self.judge_files(challenge, files, label="honest")

    def containers(self, label: str | None = None) -> list[dict[str, Any]]:
        """This arena's containers that hold a submission (those of one label), as the engine lists them."""
        wanted = {"label": [f"{INSTANCE}={self.sandbox.instance}", LABEL + (f"={label}" if label else "")]}
        return list(self.sandbox.api.containers(all=True, filters=wanted))

    @contextmanager
    def watched(self, look: Callable[[], object]) -> Iterator[list[Any]]:
        """Everything `look` says that is true, for as long as the block lasts."""
        seen: list[Any] = []
        over = threading.Event()

        def watch() -> None:
            while not over.wait(0.05):
                with suppress(docker.errors.APIError, OSError):
                    if said := look():
                        seen.append(said)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()

    def begin(self) -> None:
        """Remember how things stand; every challenge must have been judged once, so that what stands for good stands."""
        self._start = self._start or Standing.now(self)

    def assert_as_at_the_start(self, what: str) -> None:
        """Nothing of a submission is left: no container, process, thread, memory or disk."""
        start = self._start
        assert start is not None
        wait_for(lambda: not self.containers(), f"the containers of {what} to go")
        wait_for(lambda: not self.sandbox.leftovers(), f"{what} to leave nothing over")
        wait_for(lambda: not host_processes(self.words["MARKER"]), f"the processes of {what} to end")
        wait_for(lambda: threading.active_count() <= start.threads, f"the threads of {what} to end")
        now = Standing.now(self)
        assert now.memory_mb - start.memory_mb < 96, f"{what} left this process larger: {start} -> {now}"
        assert start.disk_mb - now.disk_mb < 3000, f"{what} left less of the disk: {start} -> {now}"
        assert not any(Path(folder, self.words["MARKER"]).exists() for folder in ("/tmp", "/dev/shm", "/var/tmp", "/"))


class _Labelled(Grading):
    def __init__(self, sandbox: Sandbox, graders: Graders, labels: Mapping[str, str]) -> None:
        super().__init__(sandbox, graders)
        self._with = dict(labels)

    def grade(self, *args: Any, **more: Any) -> Any:
        return super().grade(*args, **{"labels": self._with, **more})


@dataclass(frozen=True)
class Standing:
    """What this process and the engine's disk hold at one moment."""

    threads: int
    memory_mb: float
    disk_mb: float

    @classmethod
    def now(cls, arena: Arena) -> Standing:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        free = shutil.disk_usage(arena.disk).free
        return cls(threading.active_count(), pages * os.sysconf("SC_PAGE_SIZE") / 2**20, free / 2**20)
