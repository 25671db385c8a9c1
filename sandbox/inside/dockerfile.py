"""Reads a Dockerfile by a strict grammar into a plan of plain data, inside a box; knows no engine and no upload.

A subset of Docker's own language: what is accepted means the same there, and whatever is beyond is refused with its line.
Variables are expanded here, so nothing in a plan is expanded again. docs/dockerfile.md tells participants about it.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from socket import socket
from typing import Any

from sandbox.inside import frames
from sandbox.inside.channel import Channel
from sandbox.inside.frames import Frame

MAX_BYTES = 64 * 1024
MAX_INSTRUCTIONS = 64
MAX_STAGES = 8
MAX_TEXT = 4096
BASES = {
    prefix + name: "python"
    for prefix in ("", "docker.io/library/")
    for name in ("python:3.11-slim", "python:3.11-slim-bookworm")
}
"""What FROM may name, and what it is here."""
BASE_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
PIP_LINE = "RUN pip install --no-index --only-binary=:all: -r requirements.txt"
"""The one kind of RUN that every judge with builds takes."""

SOURCE = re.compile(r"\.|(?:\./)?[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*/?")
STAGE_SOURCE = re.compile(r"\.|/|/?[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_.][A-Za-z0-9._-]*)*/?")
PATH = re.compile(r"/|(?:/[A-Za-z0-9_.][A-Za-z0-9._-]*)+/?")
RELATIVE = re.compile(r"\./?|(?:\./)?[A-Za-z0-9_.][A-Za-z0-9._-]*(?:/[A-Za-z0-9_.][A-Za-z0-9._-]*)*/?")
OWNER = re.compile(r"[0-9]{1,6}(?::[0-9]{1,6})?")
USER = re.compile(r"(?:[0-9]{1,6}|[a-z_][a-z0-9_-]{0,31})(?::(?:[0-9]{1,6}|[a-z_][a-z0-9_-]{0,31}))?")
PORT = re.compile(r"[0-9]{1,5}(?:/(?:tcp|udp))?")
STAGE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
LABEL_NAME = re.compile(r"(?!assay\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
KERNEL_FOLDERS = ("proc", "sys", "dev")

_DIRECTIVE = re.compile(r"#\s*(syntax|escape|check)\s*=", re.IGNORECASE)
_CONTINUED = re.compile(r"\\[ \t]*$")
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_SHELL = frozenset("&;|<>()$`\\\"'*?[]{}#~!\n")
_REFUSED = {
    "ADD": "ADD is not accepted: use COPY",
    "ONBUILD": "ONBUILD is not accepted",
    "VOLUME": "VOLUME is not accepted: a service has /tmp to write to and nothing else",
    "STOPSIGNAL": "STOPSIGNAL is not accepted: a service is ended by SIGTERM",
    "SHELL": "SHELL is not accepted",
    "MAINTAINER": "MAINTAINER is not accepted: use LABEL",
}
INSTRUCTIONS = (
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "RUN",
    "USER",
    "WORKDIR",
)
"""What is accepted; docs/dockerfile.md has a row for each."""


class BadDockerfile(Exception):
    """The participant's: not a Dockerfile this grammar accepts."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


@dataclass
class Scope:
    """One stage while it is read."""

    line: int
    name: str
    base: str | int
    environment: dict[str, str]
    workdir: str = "/"
    starts: bool = False
    arguments: dict[str, str] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)

    def look_up(self, name: str) -> str | None:
        """The value of a variable: ENV goes before ARG."""
        return self.environment.get(name, self.arguments.get(name))


def parse(text: bytes) -> dict[str, Any]:
    """The plan of a Dockerfile: {"stages": [{"line", "name", "base", "steps"}]}; the last stage is the image.

    Raises:
        BadDockerfile: anything the grammar does not accept.
    """
    stages: list[Scope] = []
    line = 1
    for count, (line, word, rest) in enumerate(_instructions(text), 1):
        if count > MAX_INSTRUCTIONS:
            raise BadDockerfile(line, f"more than {MAX_INSTRUCTIONS} instructions")
        if word in _REFUSED:
            raise BadDockerfile(line, _REFUSED[word])
        if word not in INSTRUCTIONS:
            raise BadDockerfile(line, f"unknown instruction {word[:50]!r}")
        if word == "FROM":
            stages.append(_from(line, rest, stages))
            if len(stages) > MAX_STAGES:
                raise BadDockerfile(line, f"more than {MAX_STAGES} stages")
            continue
        if not stages:
            raise BadDockerfile(line, f"{word} stands before the first FROM")
        step = _READERS[word](line, rest, stages[-1], stages)
        if step is not None:
            stages[-1].steps.append({"line": line, **step})
    if not stages:
        raise BadDockerfile(1, "there is no FROM")
    if not stages[-1].starts:
        raise BadDockerfile(line, "nothing to start: the last stage has neither CMD nor ENTRYPOINT")
    return {"stages": [{"line": one.line, "name": one.name, "base": one.base, "steps": one.steps} for one in stages]}


def _instructions(text: bytes) -> list[tuple[int, str, str]]:
    """(line, instruction in capitals, its rest) with continued lines joined and comments dropped."""
    found = []
    lines = _lines(text)
    at = 0
    for number, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if _DIRECTIVE.match(line.strip()):
            raise BadDockerfile(number + 1, "parser directives such as `# syntax=` are not accepted")
    while at < len(lines):
        begin, line = at + 1, lines[at].lstrip()
        at += 1
        if not line.strip() or line.startswith("#"):
            continue
        parts = []
        while _CONTINUED.search(line):
            if re.search(r"\\\\[ \t]*$", line):
                raise BadDockerfile(at, "a line may not end with two backslashes")
            parts.append(_CONTINUED.sub("", line))
            while at < len(lines) and lines[at].lstrip().startswith("#"):
                at += 1  # as Docker does
            if at == len(lines) or not lines[at].strip():
                raise BadDockerfile(at, "the line is continued, but nothing follows it")
            line = lines[at]
            at += 1
        whole = "".join([*parts, line]).strip()
        word, _, rest = whole.replace("\t", " ").partition(" ") if "\t" in whole[:20] else whole.partition(" ")
        found.append((begin, word.upper(), rest.strip()))
    return found


def _lines(text: bytes) -> list[str]:
    if len(text) > MAX_BYTES:
        raise BadDockerfile(1, f"a Dockerfile has at most {MAX_BYTES // 1024} KB")
    try:
        lines = text.decode().replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        raise BadDockerfile(text[: _bad_byte(text)].count(b"\n") + 1, "not UTF-8 text") from None
    for number, line in enumerate(lines, 1):
        if not line.replace("\t", " ").isprintable():
            raise BadDockerfile(number, "holds a character that cannot be printed")
    return lines


def _bad_byte(text: bytes) -> int:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return len(text)


def _from(line: int, rest: str, stages: list[Scope]) -> Scope:
    words = rest.split()
    if words and words[0].startswith("--"):
        raise BadDockerfile(line, "FROM takes no flags here")
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
        raise BadDockerfile(line, "write FROM image, or FROM image AS name")
    name = words[2].lower() if len(words) == 3 else ""
    if name and (STAGE.fullmatch(name) is None or name in (one.name for one in stages)):
        raise BadDockerfile(line, f"{name[:64]!r} cannot be the name of a stage, or is one already")
    image = words[0]
    for index, above in enumerate(stages):
        if above.name and above.name == image.lower():
            return Scope(line, name, index, dict(above.environment), above.workdir, above.starts)
    if image not in BASES:
        raise BadDockerfile(
            line, f"FROM {image[:100]} is not on the list: {', '.join(BASES)}, or an earlier stage's name"
        )
    return Scope(line, name, BASES[image], dict(BASE_ENVIRONMENT))


def _expanded(line: int, text: str, scope: Scope) -> str:
    """Plain text without quotes, its variables replaced."""
    if any(one in text for one in "\\\"'`"):
        raise BadDockerfile(line, "quotes and backslashes are accepted in ENV, LABEL and ARG only")
    return _replaced(line, text, scope)


def _replaced(line: int, text: str, scope: Scope) -> str:
    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        known = scope.look_up(name)
        if known is None:
            raise BadDockerfile(line, f"the variable {name[:50]} has no value here")
        return known

    done = _VARIABLE.sub(value, text)
    if "$" in _VARIABLE.sub("", text):
        raise BadDockerfile(line, "a $ that is not $NAME or ${NAME}")
    if len(done) > MAX_TEXT:
        raise BadDockerfile(line, f"a text has at most {MAX_TEXT} characters")
    return done


def _value(line: int, text: str, scope: Scope) -> str:
    """A value with its quotes taken off, as the builder does it: no variables in single quotes, \\" \\$ \\\\ in double."""
    out = []
    at = 0
    while at < len(text):
        if text[at] == "'":
            end = text.find("'", at + 1)
            if end < 0 or "\\" in text[at:end]:
                raise BadDockerfile(line, "a single quote that does not end, or a backslash in it")
            out.append(text[at + 1 : end])
            at = end + 1
        elif text[at] == '"':
            end = _closing(line, text, at + 1)
            # what was escaped is put aside while variables are replaced
            for number, part in enumerate(re.split(r'\\(["$\\])', text[at + 1 : end])):
                if number % 2 == 0 and "\\" in part:
                    raise BadDockerfile(line, 'in double quotes a backslash stands before ", $ or \\ only')
                out.append(part if number % 2 else _replaced(line, part, scope))
            at = end + 1
        else:
            plain = re.match(r"[^'\"]*", text[at:])
            assert plain is not None
            if "\\" in plain[0]:
                raise BadDockerfile(line, "a backslash outside double quotes; put the value in quotes")
            out.append(_replaced(line, plain[0], scope))
            at += len(plain[0])
    done = "".join(out)
    if len(done) > MAX_TEXT:
        raise BadDockerfile(line, f"a text has at most {MAX_TEXT} characters")
    return done


def _closing(line: int, text: str, at: int) -> int:
    while at < len(text):
        if text[at] == '"':
            return at
        at += 2 if text[at] == "\\" else 1
    raise BadDockerfile(line, "a double quote that does not end")


def _words(line: int, text: str) -> list[str]:
    """Split at blanks outside quotes; quotes and escapes stay."""
    found = re.findall(r"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|[^\s'"])+""", text)
    if "".join(found) != re.sub(r"\s", "", text) and sum(map(len, found)) != len(_outside(text)):
        raise BadDockerfile(line, "a quote that does not end")
    return found


def _outside(text: str) -> str:
    """The text without the blanks between its words."""
    return "".join(re.split(r"""\s+(?=(?:[^'"]|'[^']*'|"(?:[^"\\]|\\.)*")*$)""", text))


def _pairs(line: int, rest: str, scope: Scope, name: re.Pattern[str]) -> list[list[str]]:
    found = []
    for word in _words(line, rest):
        key, equals, value = word.partition("=")
        if not equals:
            raise BadDockerfile(line, 'write NAME=value, with quotes around what has blanks: NAME="a b"')
        if name.fullmatch(key) is None:
            raise BadDockerfile(line, f"{key[:100]!r} cannot be a name here")
        found.append([key, _value(line, value, scope)])
    if not found:
        raise BadDockerfile(line, "write NAME=value")
    return found


def _argv(line: int, rest: str, what: str) -> list[str]:
    try:
        argv = json.loads(rest)
    except (ValueError, RecursionError):
        argv = None
    if not isinstance(argv, list) or not argv or not all(isinstance(one, str) for one in argv):
        raise BadDockerfile(line, f'write the JSON form: {what} ["python", "app.py"]')
    if not argv[0] or len(argv) > 100 or not all(len(one) <= MAX_TEXT and one.isprintable() for one in argv):
        raise BadDockerfile(line, f"{what}: an empty program, or an argument that is too long or cannot be printed")
    return argv


def _path(line: int, text: str, scope: Scope) -> str:
    """An absolute path as the builder makes it of one that may be relative to WORKDIR; a slash at its end stays."""
    if RELATIVE.fullmatch(text):
        inner = text.removeprefix("./") if text not in (".", "./") else ""
        end = "/" if text in (".", "./") else ""
        text = scope.workdir.rstrip("/") + "/" + inner + (end if inner else "")
    if PATH.fullmatch(text) is None or any(part in (".", "..") for part in text.split("/")):
        raise BadDockerfile(line, f"{text[:100]!r} is not a plain path: letters, digits, `.`, `_`, `-` and no `..`")
    if text.split("/")[1] in KERNEL_FOLDERS:
        raise BadDockerfile(line, f"{text[:100]!r} lies in a folder of the kernel")
    return text


def _copy(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    origin: int | None = None
    owner = ""
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        rest = rest.lstrip()
        key, equals, value = flag.partition("=")
        if key == "--from" and equals and origin is None:
            origin = _stage(line, value, stages)
        elif key == "--chown" and OWNER.fullmatch(value) and not owner:
            owner = value
        else:
            raise BadDockerfile(line, f"COPY takes --from=STAGE and a numeric --chown=UID[:GID], not {flag[:100]}")
    given = _argv(line, rest, "COPY") if rest.startswith("[") else rest.split()
    if len(given) < 2:
        raise BadDockerfile(line, "COPY needs a source and a target")
    *sources, target = [_expanded(line, one, scope) for one in given]
    for one in sources:
        fits = SOURCE if origin is None else STAGE_SOURCE
        if fits.fullmatch(one) is None or ".." in one.split("/"):
            raise BadDockerfile(
                line,
                f"COPY {one[:100]!r}: name files and folders of your upload one by one; no patterns, no `..`, no `/` first",
            )
    path = _path(line, target, scope)
    if len(sources) > 1 and not path.endswith("/"):
        raise BadDockerfile(line, "with several sources the target of COPY must end with /")
    return {"op": "copy", "from": origin, "sources": sources, "target": path, "owner": owner}


def _stage(line: int, name: str, stages: list[Scope]) -> int:
    for index, one in enumerate(stages[:-1]):
        if name.lower() == one.name or name == str(index):
            return index
    raise BadDockerfile(line, f"COPY --from={name[:100]}: there is no earlier stage of that name or number")


def _workdir(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    path = _path(line, _expanded(line, rest, scope), scope)
    scope.workdir = path.rstrip("/") or "/"
    return {"op": "workdir", "path": scope.workdir}


def _env(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    pairs = _pairs(line, rest, scope, ENV_NAME)
    scope.environment.update(dict(map(tuple, pairs)))  # type: ignore[arg-type]
    return {"op": "env", "pairs": pairs}


def _label(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    return {"op": "label", "pairs": _pairs(line, rest, scope, LABEL_NAME)}


def _arg(line: int, rest: str, scope: Scope, stages: list[Scope]) -> None:
    if len(_words(line, rest)) != 1:
        raise BadDockerfile(line, "write ARG NAME=value")
    if "=" in rest:
        scope.arguments.update(dict(map(tuple, _pairs(line, rest, scope, ENV_NAME))))  # type: ignore[arg-type]
    elif ENV_NAME.fullmatch(rest) is None:
        raise BadDockerfile(line, "write ARG NAME=value")


def _user(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    user = _expanded(line, rest, scope)
    if USER.fullmatch(user) is None:
        raise BadDockerfile(line, "USER is a number or a plain name, such as 10001 or 10001:10001")
    return {"op": "user", "user": user}


def _expose(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    ports = _expanded(line, rest, scope).split()
    if not ports or not all(PORT.fullmatch(one) and 0 < int(one.split("/")[0]) < 65536 for one in ports):
        raise BadDockerfile(line, "EXPOSE takes ports such as 8080 or 8080/tcp")
    return {"op": "expose", "ports": ports}


def _cmd(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    scope.starts = True
    return {"op": "cmd", "argv": _argv(line, rest, "CMD")}


def _entrypoint(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    scope.starts = True
    return {"op": "entrypoint", "argv": _argv(line, rest, "ENTRYPOINT")}


def _healthcheck(line: int, rest: str, scope: Scope, stages: list[Scope]) -> None:
    if rest.upper() != "NONE" and re.fullmatch(r"(--[a-z-]+=[0-9a-z.]+\s+)*CMD\s.+", rest, re.IGNORECASE) is None:
        raise BadDockerfile(line, "write HEALTHCHECK NONE, or HEALTHCHECK CMD and what to run; the judge leaves it out")


def _run(line: int, rest: str, scope: Scope, stages: list[Scope]) -> dict[str, Any]:
    if rest.startswith("--"):
        raise BadDockerfile(line, "RUN takes no flags here")
    if not rest or len(rest) > MAX_TEXT or "<<" in rest:
        raise BadDockerfile(line, "RUN needs a command, without a heredoc")
    argv = _argv(line, rest, "RUN") if rest.startswith("[") else ["/bin/sh", "-c", rest]
    words = argv if rest.startswith("[") else [] if _SHELL & set(rest) - set() - {":"} else shlex.split(rest)
    requirements = _pip(words)
    if requirements is None:
        return {"op": "run", "argv": argv}
    return {"op": "install", "requirements": _path(line, requirements, scope)}


def _pip(words: list[str]) -> str | None:
    """The requirements file of `pip install` from the wheelhouse; None for any other command."""
    for head in (["pip"], ["pip3"], ["python", "-m", "pip"], ["python3", "-m", "pip"]):
        if words[: len(head) + 1] == [*head, "install"]:
            words = words[len(head) + 1 :]
            break
    else:
        return None
    seen: set[str] = set()
    requirements: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in ("--only-binary", "--find-links", "-r", "--requirement"):
            value = value if equals else next(rest, "")
            if name in ("-r", "--requirement"):
                requirements.append(value)
            elif value != {"--only-binary": ":all:", "--find-links": "/wheels"}[name]:
                return None
            seen.add(name)
        elif word in ("--no-index", "--no-cache-dir", "--quiet", "-q", "--disable-pip-version-check"):
            seen.add(word)
        else:
            return None
    fits = {"--no-index", "--only-binary"} <= seen and len(requirements) == 1
    return requirements[0] if fits else None


_READERS = {
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "RUN": _run,
    "USER": _user,
    "WORKDIR": _workdir,
}


def main(sock: socket) -> None:
    """Read the one Dockerfile that is asked about and answer with its plan, or with the line and what is wrong there."""
    channel = Channel(sock)
    asked = channel.read()
    told: dict[str, Any]
    try:
        told = {"plan": parse(asked.raw)}
    except BadDockerfile as error:
        told = {"line": error.line, "why": error.why}
    channel.write(Frame(frames.VALUE, asked.id, json.dumps(told).encode()))
