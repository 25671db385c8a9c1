"""From data to HTML: the templates, how values are written, and the headers of every page; knows no route."""

import hashlib
import unicodedata
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.pages.visitor import Visit

HERE = Path(__file__).parent
STATIC = HERE / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all a browser hides from us that our own forms are ours
    "Cache-Control": "no-cache",
    "Vary": "Cookie",
}
PRIVATE = {"Cache-Control": "no-store"}
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that change how others read (right-to-left overrides) or that no encoding takes."""


def fragment(template: str, **values: Any) -> str:
    """A piece of a page."""
    return _templates.get_template(template).render(values)


def page(
    template: str, visit: Visit, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A whole page, with the headers that keep foreign scripts, styles and frames out of it, and other caches too
    where somebody is signed in: their name stands on it.
    """
    kept = PRIVATE if visit.principal else {}
    return HTMLResponse(fragment(template, visit=visit, **values), status, {**HEADERS, **kept, **(headers or {})})


def visible(text: str) -> str:
    """The text with every character that would hide or turn others written out as its number."""
    return "".join(
        f"[U+{ord(char):04X}]" if char not in "\n\t" and unicodedata.category(char) in INVISIBLE else char
        for char in text
    )


def number(value: float) -> str:
    """At most two decimals, and none that say nothing: 1,250 or 33.33."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def moment(when: datetime) -> Markup:
    """A point in time; what stands there is UTC, and the script of the page makes the viewer's words of it."""
    utc = when.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(utc.isoformat(), f"{utc:%d %b %Y, %H:%M} UTC")


def size(count: int) -> str:
    """Bytes in the unit that suits them."""
    if count < 1024:
        return f"{count} bytes"
    kib = count / 1024
    return f"{kib:.1f} KiB" if kib < 1024 else f"{kib / 1024:.1f} MiB"


def duration(seconds: float) -> str:
    """A length of time in the two units that suit it: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{number(round(seconds, 1))} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def words(name: str) -> str:
    """A name of the program as people read it: memory_limit, deep-learning."""
    return name.replace("_", " ").replace("-", " ")


@cache
def static(name: str) -> str:
    """Where a browser gets one of our files; the address changes with the content, so it may be kept for good."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static
    environment.filters.update(visible=visible, number=number, moment=moment, size=size, duration=duration, words=words)
    return environment


_templates = _environment()
