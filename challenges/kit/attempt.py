"""A submission as a grader may use it: every verb is a question to the worker, which alone talks to its box."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from challenges.kit.answers import Answers
from challenges.kit.calls import Overrun, one_call
from challenges.kit.data import seeded_generator
from challenges.kit.line import Line
from challenges.kit.output import Output
from challenges.kit.parcel import files_of
from challenges.kit.returns import Returns
from challenges.kit.service import Image, Service
from challenges.kit.session import Session
from sandbox.inside import frames

FOLDER = Path("challenge")
"""Where the challenge's own files lie in the grader's box."""
ENVELOPE = 4096
"""Bytes an answer may weigh beyond the value itself."""


class Attempt:
    """One submission under grading. Whatever ends it ends the grader's run too, so graders hold only the happy path."""

    def __init__(self, line: Line, submit: str, key: bytes) -> None:
        self._line = line
        self._submit = submit
        self._key = key

    def rng(self, name: str) -> np.random.Generator:
        """Random numbers of this submission's bytes and the secret: the same for the same bytes, unknown to anyone."""
        return seeded_generator(self._key, name)

    def call(
        self, function: str, cases: Sequence[Sequence[Any]], *, returns: Returns, cpu_seconds: float | None = None
    ) -> Answers:
        """Call a function of the submitted module once for each list of arguments, one after the other.

        `cpu_seconds` is this group's own budget: when it is spent, `Answers.complete` is False and the next group meets
        a fresh process. Arguments are plain data: None, bool, int, float, str, bytes, lists, dicts, numeric arrays.

        Raises:
            GraderError: an argument cannot travel.
            InvalidOutput: an answer is not what `returns` declares.
        """
        group = {"cpu_seconds": cpu_seconds, "cap": returns.max_bytes + ENVELOPE, "fresh": False}
        self._line.ask(frames.GROUP, json.dumps(group).encode())
        answers: list[Any] = []
        for case in cases:
            try:
                answer = one_call(self._line, self._submit, function, case)
            except Overrun:
                return Answers(answers, complete=False)
            answers.append(returns.check(answer))
        return Answers(answers, complete=True)

    def open(self, *, max_kb: int = 1024) -> Session:
        """A fresh process of the submitted module that keeps its state from call to call.

        `max_kb` bounds each answer. One that ran before is ended, so what it kept in memory is gone.
        """
        group = {"cpu_seconds": None, "cap": max_kb * 1024 + ENVELOPE, "fresh": True}
        self._line.ask(frames.GROUP, json.dumps(group).encode())
        return Session(self._line, self._submit, max_kb * 1024)

    def run(self, argv: Sequence[str], *, inputs: Mapping[str, bytes] | None = None, outputs: Sequence[str]) -> Output:
        """Run a program in a fresh folder holding the submitted files and `inputs`, and bring the files it promises.

        `["python3", NAME, ...]` runs a Python file, or the code cells of a notebook (`.ipynb`); whatever else the
        runtime has (`Rscript`, `java`, `sh`) is run as it is. A program that ends other than with exit code 0 ends the
        run; a promised file that is missing or malformed is InvalidOutput when it is read.
        """
        return self._run(argv, inputs or {}, outputs, tool=False)

    def inspect(
        self,
        tool: str,
        *args: str,
        inputs: Mapping[str, bytes] | None = None,
        outputs: Sequence[str],
    ) -> Output:
        """Run a Python file of the challenge's own folder over the submitted files, in a box that holds nothing else.

        They lie under `submission/`, so that none can pass for a module of the tool; `inputs` and the tool's folder lie
        beside it. For whatever is more than text to read: archives, YAML, pictures, histories. What the tool writes is
        as much the participant's word as theirs: it was made where their bytes were read. A tool that does not end with
        exit code 0 makes the files InvalidOutput, so it must stand whatever they hold.
        """
        beside = {
            path.relative_to(FOLDER).as_posix(): path.read_bytes()
            for path in sorted((FOLDER / tool).parent.rglob("*.py"))
        }
        return self._run(["python3", tool, *args], {**beside, **(inputs or {})}, outputs, tool=True)

    def _run(self, argv: Sequence[str], inputs: Mapping[str, bytes], outputs: Sequence[str], *, tool: bool) -> Output:
        listed = [[name, len(data)] for name, data in inputs.items()]
        asked = json.dumps({"argv": list(argv), "inputs": listed, "outputs": list(outputs), "tool": tool}).encode()
        reply = self._line.ask(frames.ASK_RUN, asked, b"".join(inputs.values()))
        return Output(files_of(reply))

    def files(self) -> Output:
        """The submitted files themselves, by name, read as strictly as a program's output."""
        return Output(files_of(self._line.ask(frames.ASK_FILES, b"{}")))

    def serve(self, port: int, *, files: Mapping[str, bytes] | None = None) -> Service:
        """Build the submitted Dockerfile (once an attempt), start the image with these files beside its own, and speak
        to `port`.

        Names of `files` are absolute. A service that ran before is ended. What cannot be built or started ends the run.
        """
        given = files or {}
        listed = [[name, len(data)] for name, data in given.items()]
        reply = self._line.ask(frames.ASK_SERVE, json.dumps({"files": listed}).encode(), b"".join(given.values()))
        told = json.loads(reply.json)
        return Service(self._line, port, Image(told["user"], told["size_mb"]))
