"""Stand-ins for gradings and data, so that a test is about the queue: no box runs, everything is right in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from challenges.kit.score import Score
from challenges.loader import Challenge
from worker.graders import Prepared
from worker.judge import Facts, Outcome, Scored


class Scripted:
    """Acts as `act` says, and then scores 100."""

    def act(self, source: bytes, abandoned: Callable[[], bool]) -> None:
        """What happens while this submission is graded."""

    def grade(
        self,
        challenge: Challenge,
        prepared: Prepared,
        files: Mapping[str, bytes],
        *,
        labels: Mapping[str, str],
        stage: Callable[[str], None],
        abandoned: Callable[[], bool],
        sample: bool = False,
    ) -> tuple[Outcome, Facts]:
        """As `Grading.grade`."""
        stage("running")
        self.act(files[challenge.submit], abandoned)
        return Scored(Score.of(challenge.groups, {group.name: True for group in challenge.groups})), Facts()


class Ready:
    """Data that are always there, or a generate that always fails."""

    def __init__(self, fault: Exception | None = None) -> None:
        self._fault = fault

    def prepared(self, challenge: Challenge) -> Prepared:
        """As `Preparer.prepared`."""
        if self._fault:
            raise self._fault
        return Prepared(challenge.version, b"")
