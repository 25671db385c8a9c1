"""Serves generate and grade inside the grader's box, each grading in a fork of its own; knows no submission's bytes."""

import importlib.util
import json
import os
import sys
import traceback
from pathlib import Path
from socket import socket
from typing import Any

from challenges.kit.attempt import FOLDER, Attempt
from challenges.kit.data import Data
from challenges.kit.errors import InvalidOutput, SubmissionEnded
from challenges.kit.line import Line
from challenges.kit.score import Group, Score
from sandbox.inside import frames
from sandbox.inside.channel import Channel

SPOKE = 42
"""Exit code of a grading that said its last word; an unusual one, so that no accident says it."""


def main(sock: socket) -> None:
    """Load the grader once, then prepare or grade as asked until the channel closes."""
    channel = Channel(sock)
    config = json.loads(Path("config.json").read_text())
    public, hidden = Path("public"), Path("hidden")
    for folder in (public, hidden):
        folder.mkdir(exist_ok=True)
    groups = tuple(Group(**group) for group in config["groups"])
    data = Data(public.resolve(), hidden.resolve(), groups, bytes.fromhex(config["seed"]))
    sys.path.insert(0, str(FOLDER.resolve()))
    grader: Any = None
    while True:
        try:
            asked = channel.read()
        except EOFError:
            return
        line = Line(channel, asked)
        try:
            grader = grader or _load()
            if asked.kind == frames.PREPARE:
                grader.generate(data)
                _send_data(line, data)
                continue
        except Exception:  # noqa: BLE001 - whatever an author's code raises is told to its author
            _fault(line)
            continue
        child = os.fork()
        if child == 0:
            told = json.loads(asked.json)
            grade = grader.sample if told["sample"] else grader.grade
            _grade(line, grade, Attempt(line, config["submit"], bytes.fromhex(told["key"])), data)
            sys.stdout.flush()
            os._exit(SPOKE)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != SPOKE:
            os._exit(1)  # it ended without a last word: the worker replaces this box


def _load() -> Any:
    spec = importlib.util.spec_from_file_location("grader", FOLDER / "grader.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["grader"] = module
    spec.loader.exec_module(module)
    return module


def _grade(line: Line, grade: Any, attempt: Attempt, data: Data) -> None:
    try:
        score = grade(attempt, data)
        if not isinstance(score, Score):
            raise TypeError(f"grade returned a {type(score).__name__}, not a Score")
        line.say(frames.SCORED, json.dumps(score.as_json()).encode())
    except SubmissionEnded:
        line.say(frames.STOPPED)
    except InvalidOutput as error:
        line.say(frames.INVALID, json.dumps({"message": str(error)[:300]}).encode())
    except Exception:  # noqa: BLE001 - the same
        _fault(line)


def _fault(line: Line) -> None:
    line.say(frames.FAULT, json.dumps({"message": traceback.format_exc()[-2000:]}).encode())


def _send_data(line: Line, data: Data) -> None:
    listed: dict[str, list[tuple[str, int]]] = {}
    parts = []
    for name, folder in (("public", data.public), ("hidden", data.hidden)):
        listed[name] = []
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            content = path.read_bytes()
            listed[name].append((path.relative_to(folder).as_posix(), len(content)))
            parts.append(content)
    line.say(frames.PREPARED, json.dumps(listed).encode(), b"".join(parts))
