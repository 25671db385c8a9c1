"""Writes our own Dockerfile of a plan that was read in a box; trusts nothing in the plan, builds nothing.

Every stage stands on an image of ours or on an earlier stage and carries our labels. An install is a stage of its own
that sees the file of requirements and no other file of the participant. Values are written so that Docker's builder
finds nothing to fill in; tests/sandbox/test_recipe.py asks a real one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.inside import dockerfile as grammar
from sandbox.inside.dockerlines import MAX_BYTES, MAX_VALUE, invisible

MAX_LINE = 60_000
"""Bytes of one rendered instruction; Docker's builder reads no line of 64 KB."""
MAX_RENDERED = 1 << 20
MAX_ITEMS = 16_000

_IMAGE = re.compile(r"sha256:[0-9a-f]{64}")
_OURS = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")


class BadPlan(ValueError):
    """Nothing can be built of this plan; the text is for the participant."""


@dataclass(frozen=True)
class Step:
    """One instruction of the rendered file, and the participant's line it stands for; None for ours."""

    text: str
    line: int | None


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile of ours, and its instructions in order."""

    text: bytes
    steps: tuple[Step, ...]


def render(plan: object, *, base: str, wheelhouse: str, labels: Mapping[str, str], any_run: bool) -> Recipe:
    """Our Dockerfile of a plan: `base` and `wheelhouse` are image IDs, `labels` mark every stage.

    Raises:
        BadPlan: what the plan holds cannot be built here; `any_run` lets any RUN through.
        ValueError: an image or label of ours is not one.
    """
    if not _IMAGE.fullmatch(base) or not _IMAGE.fullmatch(wheelhouse):
        raise ValueError("an image is named by its ID")
    if not all(_OURS.fullmatch(name) and not invisible(value) for name, value in labels.items()):
        raise ValueError("a label of ours cannot be written")
    writer = _Writer(base, wheelhouse, labels, any_run)
    stages = _list(_mapping(plan, {"stages"})["stages"], grammar.MAX_STAGES)
    for stage in stages:
        writer.stage(_mapping(stage, {"line", "name", "base", "steps"}))
    if not stages or writer.taken > grammar.MAX_INSTRUCTIONS:
        raise _odd("its number of instructions")
    text = "".join(f"{step.text}\n" for step in writer.steps).encode()
    if len(text) > MAX_RENDERED:
        raise _odd("its length")
    return Recipe(text, tuple(writer.steps))


class _Writer:
    """Writes one stage after the other; every method raises BadPlan."""

    def __init__(self, base: str, wheelhouse: str, labels: Mapping[str, str], any_run: bool) -> None:
        self.steps: list[Step] = []
        self.taken = 0
        """Instructions of the plan."""
        self._base = base
        self._wheelhouse = wheelhouse
        self._labels = _assignments("LABEL", labels.items()) if labels else ""
        self._any_run = any_run
        self._done: list[str] = []
        """The rendered name of each finished stage of the plan."""
        self._names = 0
        self._name = ""
        self._last_cmd = ""
        """The stage's CMD so far."""

    def stage(self, stage: Mapping[str, Any]) -> None:
        """Write one stage of the plan."""
        if stage["name"] != "":
            _match(stage["name"], grammar.STAGE, "the name of a stage")
        below = stage["base"]
        self.taken += 1
        self._last_cmd = ""
        self._begin(self._base if below == grammar.BASE else self._stage(below), _line(stage["line"]))
        for step in _list(stage["steps"], grammar.MAX_INSTRUCTIONS):
            op = step.get("op") if isinstance(step, dict) else None
            if not isinstance(op, str) or op not in _WRITERS:
                raise _odd("an instruction")
            self.taken += 1
            write, fields = _WRITERS[op]
            optional = {"args"} & step.keys() if op == "run" else set()
            known = _mapping(step, {"line", "op", *fields, *optional})
            write(self, known, _line(known["line"]))
        self._done.append(self._name)

    def _write(self, text: str, line: int | None) -> None:
        if len(text.encode()) > MAX_LINE:
            raise BadPlan(f"Dockerfile, line {line}: this instruction is too long with its variables filled in.")
        self.steps.append(Step(text, line))

    def _begin(self, image: str, line: int | None) -> None:
        self._name = f"s{self._names}"
        self._names += 1
        self._write(f"FROM {image} AS {self._name}", line)
        self._mark()

    def _mark(self) -> None:
        if self._labels:
            self._write(self._labels, None)

    def _stage(self, index: object) -> str:
        if type(index) is not int or not 0 <= index < len(self._done):
            raise _odd("the number of a stage")
        return self._done[index]

    def _copy(self, step: Mapping[str, Any], line: int) -> None:
        stage = None if step["from"] is None else self._stage(step["from"])
        sources = [
            _path(one, grammar.RELATIVE if stage is None else grammar.ABSOLUTE)
            for one in _list(step["sources"], MAX_ITEMS)
        ]
        target = _text(step["target"])
        folder = target.endswith("/")
        if target != "/":
            _path(target.removesuffix("/"), grammar.ABSOLUTE)
        if not sources or (len(sources) > 1 and not folder):
            raise _odd("the sources of a COPY")
        owner = f"--chown={_match(step['owner'], grammar.OWNER, 'an owner')} " if step["owner"] != "" else ""
        origin = f"--from={stage} " if stage else ""
        self._write(f"COPY {origin}{owner}{json.dumps([*sources, target])}", line)

    def _workdir(self, step: Mapping[str, Any], line: int) -> None:
        self._write(f"WORKDIR {_path(step['path'], grammar.ABSOLUTE)}", line)

    def _env(self, step: Mapping[str, Any], line: int) -> None:
        self._write(_assignments("ENV", _pairs(step["pairs"], grammar.ENV_NAME)), line)

    def _label(self, step: Mapping[str, Any], line: int) -> None:
        self._write(_assignments("LABEL", _pairs(step["pairs"], grammar.LABEL_NAME)), line)

    def _user(self, step: Mapping[str, Any], line: int) -> None:
        self._write(f"USER {_match(step['user'], grammar.USER, 'a user')}", line)

    def _expose(self, step: Mapping[str, Any], line: int) -> None:
        ports = [_match(one, grammar.PORT, "a port") for one in _list(step["ports"], MAX_ITEMS)]
        if not ports or any(int(port.split("/")[0]) > 65535 for port in ports):
            raise _odd("a port")
        self._write(f"EXPOSE {' '.join(ports)}", line)

    def _cmd(self, step: Mapping[str, Any], line: int) -> None:
        self._last_cmd = f"CMD {json.dumps(_argv(step))}"
        self._write(self._last_cmd, line)

    def _entrypoint(self, step: Mapping[str, Any], line: int) -> None:
        self._write(f"ENTRYPOINT {json.dumps(_argv(step))}", line)

    def _install(self, step: Mapping[str, Any], line: int) -> None:
        file = _path(step["requirements"], grammar.ABSOLUTE)
        if file == "/":
            raise _odd("a file of requirements")
        stage, place = self._name, f"i{self._names - 1}"
        self._write(f"FROM {self._wheelhouse} AS {place}", None)
        self._mark()
        self._write(f"COPY --from={stage} {json.dumps([file, '/requirements.txt'])}", line)
        self._write('RUN ["/usr/bin/python3", "-I", "/install.py"]', line)
        self._begin(stage, None)
        self._write(f'COPY --from={place} ["/installed/", "/"]', None)
        if self._last_cmd:  # an ENTRYPOINT clears a CMD of another stage, which this one has just become
            self._write(self._last_cmd, None)

    def _run(self, step: Mapping[str, Any], line: int) -> None:
        argv = _argv(step)
        args = _pairs(step["args"], grammar.ENV_NAME) if "args" in step else []
        if not self._any_run:
            raise BadPlan(_refusal(argv, line))
        for name, value in args:
            self._write(_assignments("ARG", [(name, value)]), None)
        self._write(f"RUN {json.dumps(argv)}", line)


_WRITERS: Mapping[str, tuple[Callable[[_Writer, Mapping[str, Any], int], None], set[str]]] = {
    "copy": (_Writer._copy, {"from", "sources", "target", "owner"}),
    "workdir": (_Writer._workdir, {"path"}),
    "env": (_Writer._env, {"pairs"}),
    "label": (_Writer._label, {"pairs"}),
    "user": (_Writer._user, {"user"}),
    "expose": (_Writer._expose, {"ports"}),
    "cmd": (_Writer._cmd, {"argv"}),
    "entrypoint": (_Writer._entrypoint, {"argv"}),
    "install": (_Writer._install, {"requirements"}),
    "run": (_Writer._run, {"argv"}),
}
"""Who writes an instruction of a plan, and the fields it has."""


def _refusal(argv: Sequence[str], line: int) -> str:
    said = " ".join(argv[2:] if list(argv[:2]) == ["/bin/sh", "-c"] else argv)
    if re.search(r"\bpip3?\b.*\binstall\b", said):
        return (
            f"Dockerfile, line {line}: packages come from the wheelhouse, and a file names them. List them in "
            f"requirements.txt, COPY it, and write this line exactly: {grammar.PIP_LINE}"
        )
    return (
        f"Dockerfile, line {line}: nothing runs during a build but the installation of packages, which is written: "
        f"{grammar.PIP_LINE}"
    )


def _odd(what: str) -> BadPlan:
    """Not the participant's fault, unless he has taken over the box that read his file."""
    return BadPlan(f"The Dockerfile was not read as it should be: {what} is odd.")


def _assignments(word: str, pairs: Any) -> str:
    return " ".join([word, *(f"{name}={_quoted(value)}" for name, value in pairs)])


def _quoted(value: str) -> str:
    """Between double quotes the builder knows three characters, and a backslash takes their meaning away."""
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'


def _mapping(value: object, keys: set[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != keys:
        raise _odd("its form")
    return value


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _odd("a list")
    return value


def _line(value: object) -> int:
    if type(value) is not int or not 1 <= value <= MAX_BYTES + 1:
        raise _odd("the number of a line")
    return value


def _text(value: object, most: int = MAX_VALUE, allowed: str = " \t") -> str:
    if not isinstance(value, str) or len(value) > most or invisible(value, allowed):
        raise _odd("a value")
    return value


def _match(value: object, pattern: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _odd(what)
    return value


def _path(value: object, pattern: re.Pattern[str]) -> str:
    return _match(_text(value, grammar.MAX_PATH), pattern, "a path")


def _pairs(value: object, pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    pairs = []
    for pair in _list(value, MAX_ITEMS):
        if not isinstance(pair, list) or len(pair) != 2:
            raise _odd("a pair")
        pairs.append((_match(pair[0], pattern, "a name"), _text(pair[1])))
    if not pairs:
        raise _odd("a list")
    return pairs


def _argv(step: Mapping[str, Any]) -> list[str]:
    argv = [_text(one, MAX_BYTES, " \t\n") for one in _list(step["argv"], MAX_ITEMS)]
    if not argv or not argv[0]:
        raise _odd("a program")
    return argv
