"""How Docker's builder splits and expands words, told once more and slowly: the tests compare our reader with it.

Written after the state machines of the builder's own `parseWords` and `ProcessWord`, not after ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def parse_words(text: str) -> list[str]:
    """Words with their quotes, as the builder's parser splits ENV, LABEL and ARG."""
    words: list[str] = []
    phase, quote, word, blank_ok = "spaces", "", "", False
    at = 0
    while at <= len(text):
        char = text[at] if at < len(text) else ""
        if phase == "spaces":
            if not char:
                break
            if char.isspace():
                at += 1
                continue
            phase = "word"
        if not char:
            if blank_ok or word:
                words.append(word)
            break
        if phase == "word":
            if char.isspace():
                phase = "spaces"
                if blank_ok or word:
                    words.append(word)
                word, blank_ok = "", False
                at += 1
                continue
            if char in "'\"":
                quote, blank_ok, phase = char, True, "quote"
            if char == "\\":
                if at + 1 == len(text):
                    at += 1
                    continue
                word += char
                at += 1
                char = text[at]
            word += char
        else:
            if char == quote:
                phase = "word"
            if char == "\\" and quote != "'":
                if at + 1 == len(text):
                    phase = "word"
                    at += 1
                    continue
                word += char
                at += 1
                char = text[at]
            word += char
        at += 1
    return words


def process_word(word: str, env: Mapping[str, str]) -> str:
    """A word without quotes and with its variables, as the builder's lexer makes it. Raises ValueError."""
    out, at = "", 0
    while at < len(word):
        char = word[at]
        if char == "'":
            end = word.index("'", at + 1)
            out += word[at + 1 : end]
            at = end + 1
        elif char == '"':
            at += 1
            while word[at : at + 1] != '"':
                if at >= len(word):
                    raise ValueError("no closing quote")
                if word[at] == "$":
                    value, at = _dollar(word, at, env)
                    out += value
                    continue
                if word[at] == "\\" and word[at + 1 : at + 2] in ('"', "$", "\\"):
                    at += 1
                out += word[at]
                at += 1
            at += 1
        elif char == "$":
            value, at = _dollar(word, at, env)
            out += value
        elif char == "\\":
            out += word[at + 1 : at + 2]
            at += 2
        else:
            out += char
            at += 1
    return out


def _dollar(word: str, at: int, env: Mapping[str, str]) -> tuple[str, int]:
    at += 1
    braced = word[at : at + 1] == "{"
    at += braced
    name = ""
    while at < len(word) and (word[at].isalnum() or word[at] == "_"):
        name += word[at]
        at += 1
    if braced:
        if word[at : at + 1] != "}":
            raise ValueError("not the plain form")
        return env.get(name, ""), at + 1
    return (env.get(name, "") if name else "$"), at


@dataclass
class Built:
    """A stage as the builder ends up with it."""

    image: str
    name: str
    labels: dict[str, str] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)


def read(text: bytes) -> list[Built]:
    """The stages of a rendered Dockerfile, its words filled in as the builder does."""
    stages: list[Built] = []
    env: dict[str, str] = {}
    for line in text.decode().splitlines():
        assert not line.endswith("\\")
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.split(" ")
            stages.append(Built(image, name))
            env = {}
            continue
        stages[-1].steps.append(_step(word, rest, env))
    return stages


def _step(word: str, rest: str, env: dict[str, str]) -> dict[str, Any]:
    if word in ("ENV", "LABEL", "ARG"):
        parts = [one.split("=", 1) for one in parse_words(rest)]
        pairs = [[process_word(name, env), process_word(value, env)] for name, value in parts]
        if word == "ENV":
            env.update((name, value) for name, value in pairs)
        return {"op": word.lower(), "pairs": pairs}
    if word in ("CMD", "ENTRYPOINT", "RUN"):
        return {"op": word.lower(), "argv": json.loads(rest)}
    if word == "COPY":
        found = re.fullmatch(r"(?:--from=(\S+) )?(?:--chown=(\S+) )?(\[.*\])", rest)
        assert found
        *sources, target = (process_word(one, env) for one in json.loads(found[3]))
        return {"op": "copy", "from": found[1], "sources": sources, "target": target, "owner": found[2] or ""}
    if word == "EXPOSE":
        return {"op": "expose", "ports": [process_word(one, env) for one in rest.split()]}
    key = {"WORKDIR": "path", "USER": "user"}[word]
    return {"op": word.lower(), key: process_word(rest, env)}
