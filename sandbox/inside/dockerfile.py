"""Reads a participant's Dockerfile into a plan of plain data, in a box of its own; builds nothing and knows no engine.

The grammar is a strict subset of Docker's: what is read means what it means to Docker's builder, and all else is
refused with its line and one sentence. sandbox/recipe.py checks the plan again and writes our own Dockerfile of it.
What a participant may write stands in docs/dockerfile.md, whose tables a test compares with the ones here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from socket import socket
from typing import Any

from sandbox.inside import frames
from sandbox.inside.channel import Channel
from sandbox.inside.dockerlines import (
    MAX_BYTES,
    NAME,
    BadDockerfile,
    Instruction,
    Unfit,
    expand,
    instructions,
    invisible,
    words,
)

MAX_INSTRUCTIONS = 64
MAX_STAGES = 8
MAX_PATH = 1000
BASES = (
    "python:3.11-slim",
    "python:3.11-slim-bookworm",
    "docker.io/library/python:3.11-slim",
    "docker.io/library/python:3.11-slim-bookworm",
)
BASE = "python"
BASE_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
PIP_LINE = "RUN pip install --no-index --only-binary=:all: -r requirements.txt"
"""The one kind of RUN that every installation takes."""

PART = r"(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.+@-]{1,255}"
ABSOLUTE = re.compile(rf"/(?!(?:proc|sys|dev)(?:/|\Z))(?:{PART}(?:/{PART})*)?")
"""A path in an image: written plainly, and not where the kernel shows something of its own."""
RELATIVE = re.compile(rf"\.|{PART}(?:/{PART})*")
_ID = r"(?:0|[1-9][0-9]{0,8}|1[0-9]{9}|20[0-9]{8})"
_LOGIN = rf"(?:{_ID}|[a-z_][a-z0-9_-]{{0,31}})"
OWNER = re.compile(rf"{_ID}(?::{_ID})?")
USER = re.compile(rf"{_LOGIN}(?::{_LOGIN})?")
PORT = re.compile(r"([1-9][0-9]{0,4})/(?:tcp|udp)")
STAGE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
ENV_NAME = re.compile(rf"(?!LD_|GLIBC_TUNABLES\Z){NAME}")
LABEL_NAME = re.compile(r"(?![Aa][Ss][Ss][Aa][Yy][._/-])[A-Za-z0-9][A-Za-z0-9._/-]{0,127}")

_SHELL = re.compile(r"[A-Za-z0-9._/=:@+, \t-]+")
"""Nothing in it means anything to a shell, so that its words are those between its blanks."""
_PIPS = (["pip"], ["pip3"], ["python", "-m", "pip"], ["python3", "-m", "pip"])
_PIP_FLAGS = frozenset(["--no-index", "--no-cache-dir", "--quiet", "-q", "--disable-pip-version-check"])
_PIP_TAKES = ("--only-binary", "--find-links", "--requirement", "-r")
_PIP_HARMLESS = frozenset(
    ["PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_INPUT", "PIP_ROOT_USER_ACTION", "PIP_NO_INDEX"]
)
_PLATFORM = frozenset(f"{side}{what}" for side in ("TARGET", "BUILD") for what in ("PLATFORM", "OS", "ARCH", "VARIANT"))
"""ARG names to which some builders give values of their own."""
_DURATION = r"(?:0|(?:[0-9]{1,6}(?:\.[0-9]{1,6})?(?:ms|s|m|h))+)"
_FLAGS = {
    "COPY": re.compile(rf"--(from)=([A-Za-z0-9_.-]+)|--(chown)=({OWNER.pattern})"),
    "HEALTHCHECK": re.compile(
        rf"--(interval|timeout|start-period|start-interval)=({_DURATION})|--(retries)=([1-9][0-9]{{0,3}})"
    ),
}
_FLAG_HELP = {
    "COPY": "COPY knows --from=STAGE and --chown=UID or UID:GID, in numbers",
    "FROM": "FROM has no options here, --platform neither",
    "RUN": "RUN has no options here, --mount and --network neither",
    "HEALTHCHECK": "HEALTHCHECK knows --interval, --timeout, --start-period, --start-interval and --retries",
}
_JSON_HELP = 'write it as a JSON array of strings, for example ["python", "app.py"]'

REFUSED = {
    "ADD": "ADD is not known here, and nothing is fetched during a build; use COPY for files you hand in",
    "MAINTAINER": "MAINTAINER is not known here; use LABEL",
    "ONBUILD": "ONBUILD is not known here; nothing is built on this image",
    "SHELL": "SHELL is not known here; name programs in JSON form, which needs no shell",
    "STOPSIGNAL": "STOPSIGNAL is not known here; a service is stopped with SIGTERM",
    "VOLUME": "VOLUME is not known here; a service can write to /tmp only",
}
"""Docker's other instructions, and what to do instead."""


@dataclass
class Stage:
    """One stage as far as it has been read."""

    line: int
    name: str
    base: str | int
    env: dict[str, str]
    workdir: str = "/"
    user: str = ""
    starts: bool = False
    """Whether it or a stage below it says what to start; the base's own CMD is an interpreter, and does not count."""
    args: dict[str, str | None] = field(default_factory=dict)
    below: Mapping[str, str | None] = field(default_factory=dict)
    """The ARGs of the stages below it, which not every builder has forgotten."""
    steps: list[dict[str, Any]] = field(default_factory=list)

    @property
    def variables(self) -> dict[str, str]:
        """What $NAME means now: an ENV counts more than an ARG of the same name."""
        return {name: value for name, value in self.args.items() if value is not None} | self.env


def parse(text: bytes) -> dict[str, Any]:
    """The plan of a Dockerfile. Raises BadDockerfile."""
    found = instructions(text)
    if not found:
        raise BadDockerfile(1, "the file holds no instruction")
    if len(found) > MAX_INSTRUCTIONS:
        raise BadDockerfile(found[MAX_INSTRUCTIONS].line, f"more than {MAX_INSTRUCTIONS} instructions")
    reader = Reader()
    for one in found:
        try:
            reader.read(one)
        except Unfit as error:
            hint = "; a comment needs a line of its own" if re.search(r"[ \t]#", one.rest) else ""
            raise BadDockerfile(one.line, f"{error}{hint}") from error
    if not reader.stage.starts:
        raise BadDockerfile(found[-1].line, f"nothing to start: a CMD or ENTRYPOINT is missing; {_JSON_HELP}")
    return {
        "stages": [
            {"line": stage.line, "name": stage.name, "base": stage.base, "steps": stage.steps}
            for stage in reader.stages
        ]
    }


class Reader:
    """Takes one instruction after the other; every method raises Unfit."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self._line = 0
        self._room = MAX_BYTES
        """What values may still take up, with their variables filled in: a variable of variables grows fast."""

    @property
    def stage(self) -> Stage:
        """The one that is being read."""
        return self.stages[-1]

    def read(self, one: Instruction) -> None:
        """Add one instruction to the plan."""
        reader = READERS.get(one.word)
        if reader is None:
            raise Unfit(REFUSED.get(one.word, f"{_shown(one.word)} is no instruction"))
        if not one.rest:
            raise Unfit(f"{one.word} needs something after it")
        if one.word != "FROM" and not self.stages:
            raise Unfit("the first instruction is FROM; an ARG stands after it")
        self._line = one.line
        flags, rest = _flags(one.word, one.rest)
        step = reader(self, rest, flags)
        if step is not None:
            self._spend(step)
            self.stage.steps.append({"line": one.line, **step})

    def _spend(self, value: object) -> None:
        if isinstance(value, str):
            self._room -= len(value.encode()) + 8
        elif isinstance(value, (list, dict)):
            for one in value.values() if isinstance(value, dict) else value:
                self._spend(one)
        if self._room < 0:
            raise Unfit(f"with its variables filled in, the file is larger than {MAX_BYTES // 1024} KB")

    def _index(self, name: str) -> int | None:
        return next((at for at, stage in enumerate(self.stages) if stage.name == name.lower()), None)

    def _from(self, rest: str, _: Mapping[str, str]) -> None:
        parts = rest.split()
        if len(parts) not in (1, 3) or (len(parts) == 3 and parts[1].lower() != "as"):
            raise Unfit("write FROM IMAGE or FROM IMAGE AS NAME")
        if len(self.stages) == MAX_STAGES:
            raise Unfit(f"more than {MAX_STAGES} stages")
        name = parts[2].lower() if len(parts) == 3 else ""
        if name and (not STAGE.fullmatch(name) or name in ("scratch", "context")):
            raise Unfit(f"{_shown(parts[2])} cannot be the name of a stage; write a word such as build")
        if name and self._index(name) is not None:
            raise Unfit(f"there is a stage called {name} already")
        below = self._index(parts[0])
        if below is not None:
            under = self.stages[below]
            stage = Stage(self._line, name, below, dict(under.env), under.workdir, under.user, under.starts)
            stage.below = {**under.below, **under.args}
            self.stages.append(stage)
        elif parts[0] in BASES:
            self.stages.append(Stage(self._line, name, BASE, dict(BASE_ENV)))
        elif "$" in parts[0]:
            raise Unfit("FROM takes no variables")
        else:
            raise Unfit(f"FROM {_shown(parts[0])}: only {BASES[0]} and the name of an earlier stage are known here")

    def _copy(self, rest: str, flags: Mapping[str, str]) -> dict[str, Any]:
        _no_heredoc(rest)
        listed = _strings(rest) if rest.startswith("[") else rest.split()
        if len(listed) < 2:
            raise Unfit("write COPY SOURCE TARGET")
        *sources, target = (expand(word, self.stage.variables) for word in listed)
        origin = self._earlier(flags["from"]) if "from" in flags else None
        path, folder = resolve(target, self.stage.workdir)
        if len(sources) > 1 and not folder:
            raise Unfit("several sources need a folder as target; let it end with /")
        return {
            "op": "copy",
            "from": origin,
            "sources": [_source(one) if origin is None else resolve(one, "/")[0] for one in sources],
            "target": f"{path}/" if folder and path != "/" else path,
            "owner": flags.get("chown", ""),
        }

    def _earlier(self, name: str) -> int:
        at = int(name) if re.fullmatch(r"[0-9]{1,3}", name) else self._index(name)
        if at is None or at >= len(self.stages) - 1:
            raise Unfit(f"--from={_shown(name)} is no stage before this one")
        return at

    def _workdir(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        self.stage.workdir = resolve(expand(rest, self.stage.variables), self.stage.workdir)[0]
        return {"op": "workdir", "path": self.stage.workdir}

    def _env(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        pairs = _pairs(rest, self.stage.variables)
        for name, value in pairs:
            _check_variable(name)
            self.stage.env[name] = value
        return {"op": "env", "pairs": pairs}

    def _label(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        pairs = _pairs(rest, self.stage.variables)
        for name, _value in pairs:
            if not LABEL_NAME.fullmatch(name):
                raise Unfit(f"{_shown(name)} cannot be the name of a label; those that begin with assay. are ours")
        return {"op": "label", "pairs": pairs}

    def _arg(self, rest: str, _: Mapping[str, str]) -> None:
        listed = words(rest)
        if len(listed) != 1:
            raise Unfit("write one ARG NAME=VALUE a line, with quotes around a value that holds blanks")
        word, equals, text = listed[0].partition("=")
        name = expand(word, {})
        value = expand(text, self.stage.variables) if equals else None
        _check_variable(name)
        if name in _PLATFORM:
            raise Unfit(f"{name} has a value of its own in some builders; choose another name")
        if name in self.stage.args or self.stage.below.get(name, value) != value:
            raise Unfit(f"there is an ARG called {name} already; builders differ in which of the two counts")
        self.stage.args[name] = value

    def _user(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        user = expand(rest, self.stage.variables)
        if not USER.fullmatch(user):
            raise Unfit("write USER with a number such as 10001, or 10001:10001, or a name in small letters")
        self.stage.user = user
        return {"op": "user", "user": user}

    def _expose(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        ports = []
        for word in rest.split():
            written = expand(word, self.stage.variables)
            port = written if "/" in written else f"{written}/tcp"
            found = PORT.fullmatch(port)
            if found is None or int(found[1]) > 65535:
                raise Unfit(f"EXPOSE {_shown(written)}: write single ports such as 8080 or 8080/tcp, and no ranges")
            ports.append(port)
        return {"op": "expose", "ports": ports}

    def _cmd(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        self.stage.starts = True
        return {"op": "cmd", "argv": _argv("CMD", rest)}

    def _entrypoint(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        self.stage.starts = True
        return {"op": "entrypoint", "argv": _argv("ENTRYPOINT", rest)}

    def _healthcheck(self, rest: str, flags: Mapping[str, str]) -> None:
        kind, *command = rest.split(None, 1)
        if kind.upper() == "NONE" and not command and not flags:
            return
        if kind.upper() != "CMD" or not command:
            raise Unfit("write HEALTHCHECK CMD and a program, or HEALTHCHECK NONE")
        if command[0].startswith("["):
            _argv("HEALTHCHECK CMD", command[0])

    def _run(self, rest: str, _: Mapping[str, str]) -> dict[str, Any]:
        _no_heredoc(rest)
        if rest.startswith("["):
            argv = said = _argv("RUN", rest)
        else:
            argv = ["/bin/sh", "-c", rest]
            said = rest.split() if _SHELL.fullmatch(rest) else []
        stage = self.stage
        file = requirements(said)
        if file is None:
            # an ARG is in the environment of a RUN, and nowhere else
            args = [[name, value] for name, value in stage.args.items() if value is not None and name not in stage.env]
            return {"op": "run", "argv": argv, **({"args": args} if args else {})}
        if stage.user.split(":")[0] not in ("", "0", "root"):
            raise Unfit("only root can install packages for all; put this RUN before USER")
        steering = [name for name in stage.variables if name.startswith("PIP_") and name not in _PIP_HARMLESS]
        if steering:
            raise Unfit(f"{steering[0]} is not known here; packages are installed in one way only")
        path, folder = resolve(file, stage.workdir)
        if folder:
            raise Unfit(f"{_shown(file)} is a folder; name a file of requirements")
        return {"op": "install", "requirements": path}


Step = Callable[[Reader, str, Mapping[str, str]], dict[str, Any] | None]

READERS: Mapping[str, Step] = {
    "ARG": Reader._arg,
    "CMD": Reader._cmd,
    "COPY": Reader._copy,
    "ENTRYPOINT": Reader._entrypoint,
    "ENV": Reader._env,
    "EXPOSE": Reader._expose,
    "FROM": Reader._from,
    "HEALTHCHECK": Reader._healthcheck,
    "LABEL": Reader._label,
    "RUN": Reader._run,
    "USER": Reader._user,
    "WORKDIR": Reader._workdir,
}


def resolve(text: str, current: str) -> tuple[str, bool]:
    """An absolute path in the image, and whether it was written as a folder's. Raises Unfit."""
    names = text.split("/")
    above = [] if text.startswith("/") else [one for one in current.split("/") if one]
    path = "/" + "/".join([*above, *_names(names[1:] if text.startswith("/") else names, text)])
    if not ABSOLUTE.fullmatch(path) or len(path) > MAX_PATH:
        raise Unfit(f"{_shown(path)} is no place for files; /proc, /sys and /dev belong to the system")
    return path, text.endswith("/") or text == "."


def _source(text: str) -> str:
    """A path in the context, relative. Raises Unfit."""
    if text.startswith("/"):
        raise Unfit(f"{_shown(text)}: write a source relative to the folder of the Dockerfile, without the first /")
    return "/".join(_names(text.split("/"), text)) or "."


def _names(names: Sequence[str], text: str) -> list[str]:
    """The parts of a path without a `./` before and a `/` after them. Raises Unfit for what is not written plainly."""
    plain = list(names[1:] if names[0] == "." and not text.startswith("/") else names)
    if plain and not plain[-1]:
        plain.pop()
    if not text:
        raise Unfit("a path is empty")
    if ".." in plain:
        raise Unfit(f"{_shown(text)}: a path may not hold ..; write where it leads")
    if any(char in text for char in "*?["):
        raise Unfit(f"{_shown(text)}: wildcards are not known here; name each file, or copy a whole folder")
    for one in plain:
        if not re.fullmatch(PART, one):
            raise Unfit(f"{_shown(text)}: write paths with letters, digits and . _ + @ - and with single slashes")
    return plain


def requirements(argv: Sequence[str]) -> str | None:
    """The file of a `pip install` that takes wheels only and asks no index; None for every other command."""
    pip = next((one for one in _PIPS if list(argv[: len(one)]) == one), None)
    if pip is None or list(argv[len(pip) : len(pip) + 1]) != ["install"]:
        return None
    given: dict[str, list[str]] = {}
    rest = iter(argv[len(pip) + 1 :])
    for word in rest:
        name, equals, value = word.partition("=")
        if word in _PIP_FLAGS:
            given[word] = []
        elif word in _PIP_TAKES:
            given.setdefault(word, []).append(next(rest, ""))
        elif equals and name in _PIP_TAKES[:-1]:
            given.setdefault(name, []).append(value)
        else:
            return None
    files = [*given.get("-r", []), *given.get("--requirement", [])]
    asked = "--no-index" in given and given.get("--only-binary") == [":all:"]
    return files[0] if asked and len(files) == 1 and given.get("--find-links", ["/wheels"]) == ["/wheels"] else None


def _flags(word: str, rest: str) -> tuple[dict[str, str], str]:
    """The options before an instruction's arguments, and those arguments. Raises Unfit."""
    found: dict[str, str] = {}
    while rest.startswith("--"):
        flag, *after = rest.split(None, 1)
        known = _FLAGS[word].fullmatch(flag) if word in _FLAGS else None
        if known is None:
            raise Unfit(f"{_shown(flag)}: {_FLAG_HELP.get(word, f'{word} has no options')}")
        name, value = (one for one in known.groups() if one is not None)
        if name in found:
            raise Unfit(f"--{name} stands twice")
        found[name] = value
        rest = "".join(after)
    if not rest:
        raise Unfit(f"{word} needs something after its options")
    return found, rest


def _pairs(rest: str, variables: Mapping[str, str]) -> list[list[str]]:
    """NAME=VALUE words, with the values that variables had before this instruction. Raises Unfit."""
    pairs = []
    for word in words(rest):
        name, equals, value = word.partition("=")
        if not equals:
            raise Unfit(f"{_shown(word)} has no =; write NAME=VALUE, with quotes around a value that holds blanks")
        pairs.append([expand(name, {}), expand(value, variables)])
    return pairs


def _check_variable(name: str) -> None:
    if not ENV_NAME.fullmatch(name):
        raise Unfit(f"{_shown(name)} cannot be the name of a variable here")


def _argv(word: str, rest: str) -> list[str]:
    if not rest.startswith("["):
        raise Unfit(f"{word} in the form for a shell is not known here; {_JSON_HELP}")
    argv = _strings(rest)
    if not argv or not argv[0]:
        raise Unfit(f"{word} names no program; {_JSON_HELP}")
    return argv


def _strings(text: str) -> list[str]:
    """A JSON array of strings. Raises Unfit."""
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"this begins with [ and is no JSON; {_JSON_HELP}, with double quotes") from error
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise Unfit(f"this array holds something else than strings; {_JSON_HELP}")
    for one in listed:
        if invisible(one, " \t\n"):
            raise Unfit("a string may hold no control characters but tabs and ends of lines")
    return listed


def _no_heredoc(rest: str) -> None:
    if "<<" in rest:
        raise Unfit("here-documents (<<) are not known here; put the text into a file and COPY it")


def _shown(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def main(sock: socket) -> None:
    """Answer each question: the bytes of a Dockerfile in, its plan out, or the line and the sentence that refuse it.

    Stays until the channel closes: an end that arrives together with the answer would count instead of it.
    """
    channel = Channel(sock)
    while True:
        try:
            question = channel.read()
        except EOFError:
            return
        said: dict[str, Any]
        try:
            said = {"plan": parse(question.raw)}
        except BadDockerfile as error:
            said = {"line": error.line, "why": error.why}
        channel.write(frames.Frame(frames.VALUE, question.id, json.dumps(said, ensure_ascii=False).encode()))
