"""What a name may be: of people, teams and titles, and the short ones in addresses; knows nobody."""

import re
import unicodedata
from typing import Annotated

from fastapi import Path

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"
PathSlug = Annotated[str, Path(pattern=SLUG, max_length=64)]
MAX_NAME = 64
MAX_EMAIL = 254
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


def plain(text: str) -> str:
    """Text that reads the same everywhere: composed, without control, format or surrounding space characters.

    Raises ValueError.
    """
    text = unicodedata.normalize("NFC", text)
    if not text.isprintable() or text != text.strip() or "  " in text:
        raise ValueError("only printable characters and single spaces")
    return text


def prose(text: str) -> str:
    """Some lines of text, composed, without characters that hide or turn others. Raises ValueError."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if not text or not all(char in "\n\t" or char.isprintable() for char in text):
        raise ValueError("text, in printable characters, lines and tabs")
    return text


def email(text: str) -> str:
    """An address as mail programs take it, in small letters. Raises ValueError."""
    if len(text) > MAX_EMAIL or not _EMAIL.fullmatch(text) or ".." in text:
        raise ValueError(f"{text[:80]!r} is no e-mail address")
    return text.lower()
