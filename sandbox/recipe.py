"""Turns a plan into the Dockerfile that is really built; believes nothing of the plan, which comes out of a box.

Every FROM is an image of ours by its ID, or a stage above, and our labels follow it, so that whatever a broken build
leaves can be found. Nothing is left that the builder could expand. An install splits its stage: the installer runs in a
stage of its own that holds the requirements and no other file of the participant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.inside import dockerfile as grammar

INSTALL = 'RUN ["/usr/bin/python3", "-I", "/install.py"]'
IMAGE = re.compile(r"sha256:[0-9a-f]{64}")


class BadPlan(Exception):
    """The participant's, or a plan that no Dockerfile gives."""


@dataclass(frozen=True)
class Step:
    """One instruction of the rendered file, and the line of the participant's that it stands for."""

    text: str
    line: int | None = None


@dataclass(frozen=True)
class Recipe:
    """A Dockerfile as it is built."""

    text: bytes
    steps: tuple[Step, ...]


def render(plan: object, *, base: str, wheelhouse: str, labels: Mapping[str, str], any_run: bool) -> Recipe:
    """The Dockerfile of a plan on the image `base`; without `any_run` only the wheelhouse's installer runs.

    Raises:
        BadPlan: a RUN that is not allowed, or a plan that is not one.
    """
    if not IMAGE.fullmatch(base) or not IMAGE.fullmatch(wheelhouse):
        raise ValueError("images are named by their ID")
    try:
        return _Rendering(base, wheelhouse, labels, any_run).of(plan)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise BadPlan("the Dockerfile could not be read") from error


class _Rendering:
    def __init__(self, base: str, wheelhouse: str, labels: Mapping[str, str], any_run: bool) -> None:
        self._base = base
        self._wheelhouse = wheelhouse
        self._labels = "LABEL " + " ".join(f"{_word(key)}={_quoted(value)}" for key, value in sorted(labels.items()))
        self._any_run = any_run
        self._steps: list[Step] = []
        self._stages: list[str] = []
        """The rendered name of each stage of the plan that is done."""

    def of(self, plan: Any) -> Recipe:
        stages = plan["stages"]
        if not isinstance(stages, list) or not 1 <= len(stages) <= grammar.MAX_STAGES:
            raise ValueError
        for number, stage in enumerate(stages):
            self._stage(number, stage)
        if len(self._steps) > 8 * grammar.MAX_INSTRUCTIONS:
            raise ValueError
        text = "\n".join(step.text for step in self._steps) + "\n"
        return Recipe(text.encode(), tuple(self._steps))

    def _stage(self, number: int, stage: Any) -> None:
        origin = self._base if stage["base"] == "python" else self._above(stage["base"])
        name = self._begin(origin, f"s{number}", _line(stage["line"]))
        last = []
        for step in stage["steps"]:
            line = _line(step["line"])
            if step["op"] == "install":
                installed = f"i{len(self._steps)}"
                requirements = _fits(grammar.PATH, step["requirements"])
                self._begin(self._wheelhouse, installed, None)
                self._say(f"COPY --from={name} {_json([requirements, '/requirements.txt'])}", None)
                self._say(INSTALL, line)
                name = self._begin(name, f"s{number}x{len(self._steps)}", None)
                self._say(f"COPY --from={installed} {_json(['/installed/', '/'])}", None)
            elif step["op"] in ("cmd", "entrypoint"):
                last.append(Step(f"{step['op'].upper()} {_json(_argv(step['argv']))}", line))
            else:
                self._say(self._plain(step, line), line)
        # behind every split: an ENTRYPOINT takes away the CMD of the stage above it
        self._steps += last
        self._stages.append(name)

    def _begin(self, origin: str, name: str, line: int | None) -> str:
        self._say(f"FROM {origin} AS {name}", line)
        self._say(self._labels, None)
        return name

    def _say(self, text: str, line: int | None) -> None:
        if "\n" in text or "\r" in text:
            raise ValueError
        self._steps.append(Step(text, line))

    def _above(self, index: object) -> str:
        if type(index) is not int or not 0 <= index < len(self._stages):
            raise ValueError
        return self._stages[index]

    def _plain(self, step: Any, line: int) -> str:
        op = step["op"]
        if op == "run":
            argv = _argv(step["argv"])
            if not self._any_run:
                raise BadPlan(
                    f"Dockerfile, line {line}: this judge runs nothing while it builds but the installer of its packages:"
                    f" {grammar.PIP_LINE}"
                )
            return f"RUN {_json(argv)}"
        if op == "copy":
            return self._copy(step)
        return _CONFIG[op](step)

    def _copy(self, step: Any) -> str:
        flags = ""
        fits = grammar.SOURCE
        if step["from"] is not None:
            flags, fits = f"--from={self._above(step['from'])} ", grammar.STAGE_SOURCE
        if step["owner"]:
            flags += f"--chown={_fits(grammar.OWNER, step['owner'])} "
        sources = [_fits(fits, one) for one in step["sources"]]
        if not sources or any(".." in one.split("/") for one in sources):
            raise ValueError
        return f"COPY {flags}{_json([*sources, _path(step['target'])])}"


_CONFIG: Mapping[str, Callable[[Any], str]] = {
    "workdir": lambda step: f"WORKDIR {_path(step['path'])}",
    "env": lambda step: f"ENV {_pairs(grammar.ENV_NAME, step['pairs'])}",
    "label": lambda step: f"LABEL {_pairs(grammar.LABEL_NAME, step['pairs'])}",
    "user": lambda step: f"USER {_fits(grammar.USER, step['user'])}",
    "expose": lambda step: f"EXPOSE {' '.join(_fits(grammar.PORT, one) for one in step['ports'])}",
}


def _fits(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise ValueError
    return value


def _path(value: object) -> str:
    path = _fits(grammar.PATH, value)
    if any(part in (".", "..") for part in path.split("/")) or path.split("/")[1] in grammar.KERNEL_FOLDERS:
        raise ValueError
    return path


def _line(value: object) -> int:
    if type(value) is not int or not 0 < value <= grammar.MAX_BYTES:
        raise ValueError
    return value


def _argv(value: object) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= 100:
        raise ValueError
    return [_text(one) for one in value]


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > grammar.MAX_TEXT or not value.replace("\t", " ").isprintable():
        raise ValueError
    return value


def _pairs(name: re.Pattern[str], pairs: Any) -> str:
    if not isinstance(pairs, list) or not pairs:
        raise ValueError
    return " ".join(f"{_fits(name, key)}={_quoted(_text(value))}" for key, value in pairs)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def _word(key: str) -> str:
    return _fits(re.compile(r"[a-z0-9.-]+"), key)


def _json(values: list[str]) -> str:
    return json.dumps(values)
