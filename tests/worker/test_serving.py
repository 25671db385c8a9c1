"""A Dockerfile with its context, from upload to verdict: each way a build or a service can end has its one word."""

from __future__ import annotations

from pathlib import Path

import pytest

from challenges.loader import Challenge, solutions
from challenges.report import Verdict
from tests.worker.conftest import SEEDS, Judged, judge_files
from worker.graders import Prepared
from worker.grading import Grading

HEAD = "import http.server, os, signal, sys, time\n"
SERVE = """
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        BODY
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open("/word/word.txt", "rb").read())
http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""
WRITES = 'FROM python:3.11-slim\nCOPY app.py /app/\nLINE\nCMD ["python", "/app/app.py"]\n'


@pytest.fixture(scope="module")
def judged(grading: Grading, challenges: dict[str, Challenge]) -> object:
    challenge = challenges["toy-serve"]
    public, hidden = grading.generate(challenge, SEEDS[0])
    prepared = Prepared(f"{challenge.version}|serving", SEEDS[0], public, hidden)

    def go(app: str, line: str = "", **more: bytes) -> Judged:
        files = {"Dockerfile": WRITES.replace("LINE", line).encode(), "app.py": (HEAD + app).encode(), **more}
        return judge_files(grading, challenge, prepared, files)

    return go


def test_the_toys_solutions(grading: Grading, challenges: dict[str, Challenge]) -> None:
    challenge = challenges["toy-serve"]
    public, hidden = grading.generate(challenge, SEEDS[1])
    prepared = Prepared(f"{challenge.version}|toys", SEEDS[1], public, hidden)
    for one in solutions(challenge):
        found = judge_files(grading, challenge, prepared, one.files)
        assert one.expected in (None, found.report.verdict), (one.name, found)


CASES = {
    "says its word": (SERVE.replace("BODY", "pass"), Verdict.accepted),
    "wrong port": (SERVE.replace("BODY", "pass").replace("8080", "8000"), Verdict.wrong_answer),
    "never listens": ("time.sleep(100)", Verdict.time_limit),
    "dies at once": ("sys.exit(0)", Verdict.runtime_error),
    "dies when asked": (SERVE.replace("BODY", "os._exit(0)"), Verdict.runtime_error),
    "needs too much": ("x = bytearray(1 << 30)\ntime.sleep(100)", Verdict.memory_limit),
    "floods": ("while True: os.write(1, b'x' * 65536)", Verdict.output_limit),
    "spins": ("while True: pass", Verdict.time_limit),
    "pretends": ("os.write(1, b'AC score 100'); os.kill(1, 9); os._exit(137)", Verdict.runtime_error),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_service_does_has_a_verdict(judged: object, name: str) -> None:
    app, verdict = CASES[name]
    assert callable(judged)
    found = judged(app)
    assert found.report.verdict == verdict, found
    assert not found.report.build_log


def test_a_build_that_fails_tells_why_and_shows_its_log(judged: object) -> None:
    assert callable(judged)
    refused = judged("pass", "RUN curl http://192.0.2.1/x")
    assert refused.report.verdict == "build_error"
    assert "Dockerfile, line 3" in refused.report.message
    line = "COPY requirements.txt /\nRUN pip install --no-index --only-binary=:all: -r /requirements.txt"
    missing = judged("pass", line, **{"requirements.txt": b"no-such-package\n"})
    assert missing.report.verdict == "build_error"
    assert "no-such-package" in missing.report.build_log
    assert str(Path.home()) not in missing.report.build_log
    nothing = judged("pass", 'ENTRYPOINT ["/no/such/program"]')
    assert nothing.report.verdict == "build_error"
    assert "/no/such/program" in nothing.report.message
