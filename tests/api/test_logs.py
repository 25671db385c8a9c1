"""The log: one event is one line whatever a stranger calls himself, in both forms, and no secret stands in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from api import logs

HOSTILE = (
    "eve\n2026-01-01T00:00:00Z [info] judging.committed verdict=accepted\r\x1b[2J\x1b[31m\u202eevil\x85\u2028\"' \ud800"
)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for room in logs.ROOMS:
        logging.getLogger(room).setLevel(logging.NOTSET)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()
    logging.captureWarnings(False)


def written(form: str, level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    logs.configure("api", form=form, level=level, stream=stream)  # type: ignore[arg-type]
    return stream


@pytest.mark.parametrize("form", ["json", "console"])
def test_one_event_is_one_line(form: str) -> None:
    stream = written(form)
    structlog.contextvars.bind_contextvars(request="abc")
    structlog.get_logger("api.x").info("file.named", name=HOSTILE, several=[HOSTILE], of={HOSTILE: b"\n"})
    structlog.get_logger("api.x").info(f"said {HOSTILE}")
    logging.getLogger("worker.y").warning("standard: %s", HOSTILE)
    logging.getLogger("celery.z").error("library: %s", HOSTILE)
    text = stream.getvalue()
    assert len(text.split("\n")) == 5
    assert len(text.splitlines()) == 4, "not even for those to whom other characters end a line"
    assert text.isprintable() or set(text) - {"\n"} == {one for one in text if one.isprintable()}
    assert all("request" in line and "abc" in line for line in text.splitlines())
    if form == "json":
        first = json.loads(text.splitlines()[0])
        assert first["name"].startswith("eve\n2026")
        assert (first["service"], first["logger"], first["level"]) == ("api", "api.x", "info")


def test_a_string_of_a_stranger_passes_for_no_field_of_ours() -> None:
    stream = written("console")
    structlog.get_logger("api.x").info("named", name="eve verdict=accepted")
    assert "name='eve verdict=accepted'" in stream.getvalue()


def failing(text: str) -> None:
    raise ValueError(text)


def test_no_line_of_a_traceback_passes_for_an_event() -> None:
    stream = written("console")
    try:
        failing(HOSTILE)
    except ValueError:
        structlog.get_logger("api.x").exception("request.failed")
    first, *rest = stream.getvalue().splitlines()
    assert "request.failed" in first
    assert any("failing(HOSTILE)" in line for line in rest), "the control: a traceback is there"
    assert all(line.startswith("    | ") for line in rest)
    stream = written("json")
    try:
        failing(HOSTILE)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError" in json.loads(line)["exception"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_secrets_are_struck_out_wherever_they_stand(form: str) -> None:
    stream = written(form)
    token = "assay_" + "s3cr3t" * 6
    try:
        failing(f"cannot connect to postgresql+psycopg://assay:s3cr3t@db:5432/x with {token}")
    except ValueError:
        structlog.get_logger("api.x").exception("failed", url="redis://:s3cr3t@host/0", tokens=[token])
    logging.getLogger("kombu").error("Authorization: Bearer s3cr3ts3cr3t, %s", {"authorization": "Basic czNjcjN0OnMz"})
    logging.getLogger("kombu").error("user assay of postgresql://assay@db is fine")
    logging.getLogger("kombu").error("redis://a:s3@cr3ts3cr3t@host/0 postgresql://h/d?user=a&password=s3cr3t&x=1")
    text = stream.getvalue()
    assert "s3cr3t" not in text and "cr3ts3" not in text
    assert "&x=1" in text
    assert "czNjcjN0" not in text
    assert "postgresql+psycopg://assay:***@db" in text
    assert "postgresql://assay@db is fine" in text


def test_levels_are_chosen_for_our_rooms_and_libraries_speak_from_warning_on() -> None:
    stream = written("json", "DEBUG")
    structlog.get_logger("api.x").debug("ours")
    logging.getLogger("sandbox.y").info("ours too")
    logging.getLogger("kombu").info("a library")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["ours", "ours too"]
    stream = written("json", "ERROR")
    structlog.get_logger("api.x").warning("ours")
    logging.getLogger("kombu").warning("a library")
    assert stream.getvalue() == ""


def test_auto_is_json_where_nobody_watches() -> None:
    stream = written("auto")
    structlog.get_logger("api.x").info("x", long="y" * 10_000)
    told = json.loads(stream.getvalue())
    assert len(told["long"]) < 5000
