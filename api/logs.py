"""How every process of ours writes its log: an event is a line, and no secret stands in it; knows no event."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog
from structlog.contextvars import merge_contextvars
from structlog.typing import EventDict, Processor

ROOMS = ("api", "bench", "challenges", "cli", "sandbox", "worker")
"""Loggers that speak from the level chosen on; libraries from WARNING on."""
MOST = 4000
"""Characters of one value; what is longer is cut."""
_SECRETS = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/@:]*):[^\s/]*@"), r"\1:***@"),  # a password in an address
    (re.compile(r"(?i)\b(password|passwd|pwd)=[^\s&'\"]+"), r"\1=***"),
    (re.compile(r"\bassay_[A-Za-z0-9_-]{20,}"), "assay_***"),
    (re.compile(r"(?i)\b(basic|bearer) [A-Za-z0-9+/=._~-]{8,}"), r"\1 ***"),
)


def configure(
    service: str, *, form: Literal["auto", "json", "console"], level: str, stream: TextIO | None = None
) -> None:
    """Sends what structlog and the standard library's loggers say to `stream` (standard error); may be called again.

    "auto" is console where a person watches, else json. `service` stands in every line.
    """
    to = stream or sys.stderr
    person = to.isatty() if form == "auto" else form == "console"

    def name_service(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {"service": service, **event}

    shared: list[Processor] = [
        merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.format_exc_info,
        name_service,
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _without_secrets]
    if person:
        last += [
            _one_line,
            structlog.dev.ConsoleRenderer(
                colors=to.isatty(), pad_event_to=0, pad_level=False, repr_native_str=True, sort_keys=False
            ),
        ]
    else:
        last.append(structlog.processors.JSONRenderer())  # ASCII only: nothing of a stranger's can break the line
    handler = logging.StreamHandler(to)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(logging.WARNING, logging.getLevelName(level)))
    for room in ROOMS:
        logging.getLogger(room).setLevel(level)
    logging.captureWarnings(True)


def _without_secrets(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Strikes out what a caller forgot, passwords in addresses and tokens of ours, wherever they stand."""
    return {name: _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    if isinstance(value, MutableMapping):
        return {str(name): _clean(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(one) for one in value]
    text = value if isinstance(value, str) else str(value)
    for secret, instead in _SECRETS:
        text = secret.sub(instead, text)
    return text if len(text) <= MOST else f"{text[: MOST // 2]} [...] {text[-MOST // 2 :]}"


def _one_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """For the console, which quotes values but not these: no event looks like two, and only we colour a terminal.

    The lines of a traceback stand indented behind a bar, so that none passes for an event.
    """
    event["event"] = _printable(str(event.get("event", "")))
    if "exception" in event:
        lines = str(event["exception"]).splitlines()
        event["exception"] = "\n".join(f"    | {_printable(line)}" for line in lines)
    return event


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
