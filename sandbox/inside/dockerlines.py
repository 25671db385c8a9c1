"""Lines, words and variables of a Dockerfile as Docker's builder reads them; knows no instruction.

A strict subset: where builders differ, or a line says something else than it seems to, the text is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

MAX_BYTES = 64 * 1024
MAX_INSTRUCTION = 16_000
MAX_VALUE = 4_096
"""Characters of one word after its variables have been filled in."""

BLANK = " \t"
NAME = r"[A-Za-z_][A-Za-z0-9_]{0,99}"
_DIRECTIVE = re.compile(r"#[ \t]*(syntax|escape|check)[ \t]*=", re.IGNORECASE)
_VARIABLE = re.compile(rf"\$(?:\{{({NAME})\}}|({NAME}))")
_INVISIBLE = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"])


class BadDockerfile(ValueError):
    """What its author can mend: the line, and one sentence."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


class Unfit(ValueError):
    """The sentence alone, raised where the line is not known."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: the line it begins in, its word in capitals, and all that follows it on joined lines."""

    line: int
    word: str
    rest: str


def invisible(text: str, allowed: str = BLANK) -> str:
    """The first character that is neither a visible one nor allowed; empty if there is none."""
    for char in text:
        if char not in allowed and unicodedata.category(char) in _INVISIBLE:
            return char
    return ""


def instructions(data: bytes) -> list[Instruction]:
    """The instructions of a file. Raises BadDockerfile."""
    found: list[Instruction] = []
    parts: list[str] = []
    start = 0
    for number, line in enumerate(_lines(data), start=1):
        if line.lstrip(BLANK).startswith("#"):
            if not found and not parts and _DIRECTIVE.match(line.lstrip(BLANK)):
                raise BadDockerfile(number, "directives such as `# syntax=` are not known here; leave this line out")
            continue
        if not line.strip(BLANK):
            if parts:
                raise BadDockerfile(number, "an empty line inside an instruction; the line above ends with a backslash")
            continue
        start = start if parts else number
        body = line.rstrip(BLANK)
        if body.endswith("\\\\"):
            raise BadDockerfile(number, "a line may not end with two backslashes")
        if body.endswith("\\"):
            parts.append(body[:-1])
            continue
        found.append(_instruction(start, "".join([*parts, line])))
        parts = []
    if parts:
        raise BadDockerfile(start, "the file ends inside this instruction; its last line ends with a backslash")
    return found


def _lines(data: bytes) -> list[str]:
    if len(data) > MAX_BYTES:
        raise BadDockerfile(1, f"the file is larger than {MAX_BYTES // 1024} KB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise BadDockerfile(data.count(b"\n", 0, error.start) + 1, "the file is not UTF-8 text") from error
    lines = text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        char = invisible(line)
        if char:
            raise BadDockerfile(number, f"a character that cannot be seen, U+{ord(char):04X}; leave it out")
    return lines


def _instruction(line: int, text: str) -> Instruction:
    if len(text) > MAX_INSTRUCTION:
        raise BadDockerfile(line, f"an instruction may have {MAX_INSTRUCTION} characters at most")
    word, *rest = re.split(f"[{BLANK}]+", text.strip(BLANK), maxsplit=1)
    if not word:
        raise BadDockerfile(line, "a backslash with no instruction before it")
    return Instruction(line, word.upper() if word.isascii() else word, "".join(rest))


def words(text: str) -> list[str]:
    """The words of NAME=VALUE instructions: split at blanks outside quotes, which stay. Raises Unfit."""
    found: list[str] = []
    word = quote = ""
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char in BLANK and not quote:
            if word:
                found.append(word)
            word = ""
            continue
        word += char
        if char == "\\" and quote != "'":
            word += text[at : at + 1]
            at += 1
        elif char == quote:
            quote = ""
        elif char in "'\"" and not quote:
            quote = char
    if quote:
        raise Unfit(f"a {quote} is opened and not closed")
    return [*found, word] if word else found


def expand(word: str, variables: Mapping[str, str]) -> str:
    """A word without its quotes and backslashes, and with its variables filled in. Raises Unfit."""
    out: list[str] = []
    quoted = False
    at = 0
    while at < len(word):
        char = word[at]
        piece, size = char, 1
        if char == "'" and not quoted:
            end = word.find("'", at + 1)
            if end < 0:
                raise Unfit("a ' is opened and not closed")
            piece, size = word[at + 1 : end], end + 1 - at
        elif char == '"':
            quoted = not quoted
            piece = ""
        elif char == "\\":
            piece, size = _escaped(word[at + 1 : at + 2], quoted)
        elif char == "$":
            piece, size = _variable(word, at, variables)
        out.append(piece)
        at += size
    if quoted:
        raise Unfit('a " is opened and not closed')
    text = "".join(out)
    if len(text) > MAX_VALUE:
        raise Unfit(f"a word may have {MAX_VALUE} characters at most, with its variables filled in")
    return text


def _escaped(char: str, quoted: bool) -> tuple[str, int]:
    """What a backslash before this character gives, and how many characters are used up."""
    if not char:
        raise Unfit("a backslash with nothing after it")
    if quoted and char not in '"$\\':
        return "\\", 1  # between double quotes it is a character like any other
    return char, 2


def _variable(word: str, at: int, variables: Mapping[str, str]) -> tuple[str, int]:
    found = _VARIABLE.match(word, at)
    if found is None:
        if word.startswith("${", at):
            raise Unfit("of ${...} only ${NAME} is known here")
        raise Unfit("a $ with no name after it; write \\$ for a dollar sign")
    if not found[1] and not word[found.end() : found.end() + 1].isascii():
        raise Unfit(f"write ${{{found[2]}}}: it is not clear where this name ends")
    name = found[1] or found[2]
    if name not in variables:
        raise Unfit(f"${name} has no value; set it before, with ENV or with ARG NAME=VALUE, in this stage")
    return variables[name], found.end() - at
