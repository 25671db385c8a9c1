"""A submission's own files as its owner's page shows them: text within bounds, the rest by name; knows no route."""

from collections.abc import Mapping
from dataclasses import dataclass

MAX_FILE = 64 * 1024
"""Bytes of a file that is shown; a larger one is for the download."""
MAX_ALL = 256 * 1024
"""Bytes that are shown of all files together."""


@dataclass(frozen=True)
class Shown:
    """One file; `text` is None where it is not shown, and `why` then says the reason."""

    name: str
    size: int
    text: str | None
    why: str = ""

    @property
    def numbers(self) -> str:
        """The numbers of its lines, one a line."""
        return "\n".join(str(number) for number in range(1, (self.text or "").count("\n") + 2))


def shown(files: Mapping[str, bytes], first: str) -> list[Shown]:
    """The files by name, the one called `first` before all others."""
    found, left = [], MAX_ALL
    for name in sorted(files, key=lambda one: (one != first, one)):
        content = files[name]
        one = _one(name, content, left)
        left -= len(content) if one.text is not None else 0
        found.append(one)
    return found


def _one(name: str, content: bytes, left: int) -> Shown:
    if len(content) > MAX_FILE:
        return Shown(name, len(content), None, "too large to show")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Shown(name, len(content), None, "not text")
    if "\x00" in text:
        return Shown(name, len(content), None, "not text")
    if len(content) > left:
        return Shown(name, len(content), None, "more than this page shows")
    return Shown(name, len(content), text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n"))
