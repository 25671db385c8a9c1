"""A small installation for tests: a data folder, a database with people and a competition, and real worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import col, select

from api.blobs import Blobs, pack
from api.settings import Settings
from api.store import Store, accept, competitions, invariants, people, seasons
from api.store.tables import Attempt, Judging, Kind, Role, VerdictRow
from challenges.loader import Challenge, builtin_root, load_all

TOYS = Path(__file__).parent / "toys"
QUICK: dict[str, Any] = {
    "lease_seconds": 4,
    "fence_seconds": 2.5,
    "renew_seconds": 0.8,
    "sweep_seconds": 0.5,
    "retry_base_seconds": 0.1,
    "poll_seconds": 60,
    "poll_without_broker_seconds": 0.3,
    "slots": 2,
    "builds": "wheels",
    "warm_memory_percent": 0,
}
"""The same rules on a shorter clock; polling is so slow that with a broker only the bell explains a quick verdict.

No boxes are made ahead, so that every container is one of a judging.
"""

DOUBLE = "def double(x): return 2 * x"
SLOW = "import time\ntime.sleep(2)\ndef double(x): return 2 * x"
T = TypeVar("T")


def wait_for(look: Callable[[], T], what: str, seconds: float = 40) -> T:
    """The first true answer of `look`. Fails with `what` was waited for."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"waited {seconds} s in vain for {what}"
        time.sleep(0.1)
    return found


def host_processes(marker: str) -> list[int]:
    """Processes of this host with this argument."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if marker.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@cache
def _migrated() -> bytes:
    """An SQLite database with all tables and nothing in them: the migrations, a second or more, run once a process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "assay.db"
        store = Store(f"sqlite:///{file}")
        store.migrate()
        store.close()
        return file.read_bytes()


class Installation:
    """The toys as a competition, one person `ada` with an entry, and what the database says about submissions.

    `base`, `slug`, `title` and `names` make it another competition of other challenges and people; `clock` stands for
    that of the database.
    """

    def __init__(
        self,
        data: Path,
        *,
        base: Mapping[str, Challenge] | None = None,
        slug: str = "toys",
        title: str = "Toys",
        names: Sequence[str] = ("ada",),
        clock: Callable[[], datetime] | None = None,
        **settings: Any,
    ) -> None:
        roots = {TOYS, *(one.folder.parent.parent for one in (base or {}).values())} - {builtin_root()}
        self.settings = Settings(data=data, challenges=sorted(roots), **{**QUICK, **settings})
        self.settings.prepare()
        self.slug = slug
        if not self.settings.database_url:
            (data / "assay.db").write_bytes(_migrated())
        self.store = Store(self.settings.database, clock=clock)
        self.store.migrate()
        self.blobs = Blobs(self.settings.blobs_dir)
        self.challenges = load_all([TOYS]) if base is None else dict(base)
        people.ensure_admin(self.store, lambda _: None)
        places = [competitions.ChallengePlace(c.slug, c.points, c.version) for c in self.challenges.values()]
        seasons.create(self.store, slug=slug, title=title, opens_at=None, closes_at=None, challenges=places, by=1)
        self.people: dict[str, int] = {}
        for name in names:
            self.join(name)

    def join(self, name: str) -> None:
        """A new person with an entry."""
        self.people[name] = people.create_person(self.store, name, Role.participant, by=1).id
        competitions.add_entry(self.store, self.slug, name, by=1)

    def submit(
        self,
        source: str = DOUBLE,
        *,
        challenge: str = "toy-call",
        person: str = "ada",
        files: Mapping[str, bytes] | None = None,
        kind: Kind = Kind.scored,
    ) -> str:
        """Accept a submission as the API does; its id."""
        given = files or {"solution.py": source.encode()}
        data = pack(given)
        offer = accept.Offer(
            person_id=self.people[person],
            challenge=challenge,
            version=self.challenges[challenge].version,
            competition=self.slug,
            digest=self.blobs.put([data]),
            size=len(data),
            files=sorted(given),
            kind=kind,
        )
        return str(accept.accept(self.store, offer)["id"])

    def judging(self, submission: str) -> Judging:
        """The judging of a submission that counts, as it stands."""
        with self.store.read() as session:
            return session.exec(select(Judging).where(Judging.submission_id == submission, Judging.effective)).one()

    def verdicts(self, submission: str) -> list[VerdictRow]:
        """Every verdict of a submission that counts; there must never be two."""
        with self.store.read() as session:
            query = select(VerdictRow).join(Judging).where(Judging.submission_id == submission, Judging.effective)
            return list(session.exec(query))

    def attempts(self, submission: str) -> list[Attempt]:
        """The attempts of a submission, in order."""
        with self.store.read() as session:
            query = select(Attempt).join(Judging).where(Judging.submission_id == submission).order_by(col(Attempt.id))
            return list(session.exec(query))

    def wait(self, submission: str, seconds: float = 40) -> str:
        """The one verdict of a submission."""
        found = wait_for(lambda: self.verdicts(submission), f"the verdict of {submission}", seconds)
        assert len(found) == 1
        return str(found[0].verdict)

    def audit(self) -> None:
        """Whatever a test has killed: nothing is lost, judged twice, or told wrongly."""
        hidden = Blobs(self.settings.hidden_dir).intact if self.settings.hidden_dir.is_dir() else None
        found = [one for listed in invariants.audit(self.store, self.blobs.intact, hidden).values() for one in listed]
        assert not found, found

    @contextmanager
    def worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """A real worker process; ended in good order, or found dead as the test left it."""
        process = start_worker(self.settings)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(30)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that give a process these settings."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    for name, between in (("challenges", os.pathsep), ("trusted_proxies", ",")):
        if name in given:
            given[name] = between.join(given[name])
    return {**os.environ, **{f"ASSAY_{name.upper()}": str(value) for name, value in given.items()}}


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    """Start a worker with these settings; its log goes to the data folder."""
    code = "from api.settings import Settings; from worker.tasks import run; run(Settings())"
    with (settings.data / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", code], env=environment(settings), stdout=log, stderr=subprocess.STDOUT
        )
