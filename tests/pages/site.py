"""A served installation for browser tests: a real uvicorn on loopback, people with tokens, and a worker's hands."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from api.app import create_app
from api.pages.boards import Boards
from api.pages.visitor import PLAIN_COOKIE
from api.serve import Server, server
from api.store import competitions, judgings, people, sessions, submissions
from api.store.tables import Role, Scope, Staff
from challenges.kit.score import Check, Score
from challenges.loader import Challenge
from challenges.report import Report, Resources, Verdict
from tests.api.house import FakeBell
from tests.installation import Installation, wait_for

SOLUTION = b"def double(x): return 2 * x\n"


def chromium() -> str:
    """The browser of the tests; they fail without one, for a page nobody looked at is not tested."""
    found = shutil.which("chromium")
    assert found, "These tests need the program chromium (Debian's package of that name); none is on the PATH."
    return found


def report(points: float, message: str = "", hint: str = "look at small numbers") -> Report:
    """A verdict with this score, accepted from 70."""
    checks = (
        Check("small", points / 100, 40.0, True, hint, points >= 70),
        Check("quick", 1.0, 60.0, False, "it has to be quick", True),
    )
    verdict = Verdict.accepted if points >= 70 else Verdict.wrong_answer
    return Report(verdict, Score(points, points, checks), checks, message, Resources(0.213, 0.47, 61.3))


class Site(Installation):
    """An installation whose api answers at `url`; `tokens` holds a token by the name of a person."""

    def __init__(self, data: Path, challenges: dict[str, Challenge] | None = None, **settings: Any) -> None:
        self.tokens: dict[str, str] = {}
        super().__init__(data, **{"port": 0, "live_poll_seconds": 0.05, **settings})
        self.challenges |= challenges or {}
        self.url = ""
        self._server: Server | None = None

    @property
    def boards(self) -> Boards:
        assert self._server is not None
        boards = self._server.config.app.state.boards  # type: ignore[union-attr]
        assert isinstance(boards, Boards)
        return boards

    def join(self, name: str) -> None:
        """A new person with an entry and a token."""
        super().join(name)
        scopes = [Scope.read, Scope.submit]
        _, self.tokens[name] = people.create_token(self.store, self.people[name], "test", scopes, by=1)

    def organiser(self, name: str) -> None:
        """A new person who organises the competition."""
        self.people[name] = people.create_person(self.store, name, Role.participant, by=1).id
        with self.store.write() as session:
            number = competitions.by_slug(session, self.slug).id
            session.add(Staff(competition_id=number or 0, person_id=self.people[name]))

    def cookie(self, person: str) -> dict[str, str]:
        """The cookie of a browser in which this person has just signed in."""
        return {PLAIN_COOKIE: sessions.begin(self.store, self.people[person], seconds=3600)}

    def post(
        self, person: str, challenge: str = "toy-call", content: bytes = SOLUTION, name: str = "solution.py"
    ) -> str:
        """Submit over REST; the id."""
        answer = httpx.post(
            f"{self.url}/api/v1/submissions",
            headers={"Authorization": f"Bearer {self.tokens[person]}"},
            data={"challenge": challenge},
            files={"file": (name, content)},
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def cancel(self, submission: str, person: str) -> None:
        """The person takes a submission back."""
        submissions.cancel(self.store, submission, owner=self.people[person], by=self.people[person])

    def judge(self, result: Report) -> str:
        """What a worker would do: claim the next submission and commit this report; the submission's id."""
        claim = judgings.claim(self.store, worker="w", lease_seconds=45)
        assert claim is not None
        assert judgings.commit(self.store, claim, result, evidence={})
        return claim.submission_id

    def score(self, person: str, points: float, challenge: str = "toy-call") -> str:
        """A submission that is accepted by the API and gets these points; its id."""
        made = self.post(person, challenge)
        assert self.judge(report(points)) == made
        return made

    def start(self) -> None:
        """Serve, on a free port the first time and on the same one after a stop."""
        settings = self.settings.model_copy(update={"port": int(self.url.rpartition(":")[2] or 0)})
        running = self._server = server(settings, create_app(settings, FakeBell(), self.challenges))
        self._thread = threading.Thread(target=running.run, name="uvicorn")
        self._thread.start()
        wait_for(lambda: running.started or not self._thread.is_alive(), "the server", 20)
        self.url = f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """Stop serving, in good order."""
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join(20)
            assert not self._thread.is_alive(), "the server did not stop"


@contextmanager
def served(data: Path, **more: Any) -> Iterator[Site]:
    """A site that answers."""
    site = Site(data, **more)
    site.start()
    try:
        yield site
    finally:
        site.stop()
