"""Claims judgings for this host's free slots, keeps their leases, and commits; knows no Celery and no Docker."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from api.blobs import BadPack, Blobs, unpack
from api.settings import Settings
from api.store import Store, judgings, sweep, workers
from api.store.judgings import Claim
from challenges.loader import Challenge
from challenges.report import Report
from sandbox.types import Abandoned, SandboxError
from worker.graders import GraderFault
from worker.grading import Grading
from worker.judge import Facts, GraderFailed, Outcome, judge
from worker.prepare import Preparer

log = logging.getLogger(__name__)

BACKSTOP_SECONDS = 90.0
"""Beyond the limits of submission and grader together, a slot gives up and the engine is at fault."""


@dataclass
class Holding:
    """A claim this process is working on."""

    claim: Claim
    deadline: float = float("inf")
    """On the monotonic clock."""
    renewed: float = field(default_factory=time.monotonic)
    lost: bool = False


class Slots:
    """The slots of one worker process. Any thread may call `work` at any time; it does nothing when all are busy."""

    def __init__(
        self,
        *,
        name: str,
        settings: Settings,
        store: Store,
        uploads: Blobs,
        challenges: Mapping[str, Challenge],
        grading: Grading,
        preparer: Preparer,
        ring: Callable[[], None],
    ) -> None:
        self.name = name
        self._settings = settings
        self._store = store
        self._uploads = uploads
        self._challenges = challenges
        self._grading = grading
        self._preparer = preparer
        self._ring = ring
        self._free = threading.Semaphore(settings.slots_in_force)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._held: dict[int, Holding] = {}
        self._threads: list[threading.Thread] = []

    def start(self, bell_works: Callable[[], bool]) -> None:
        """Say that this worker is there, and begin to renew, sweep and poll."""
        workers.heartbeat(self._store, self.name, self._settings.slots_in_force)
        self._touch()
        for loop in (self._renew_forever, self._sweep_forever):
            self._thread(loop.__name__, loop)
        for n in range(self._settings.slots_in_force):
            self._thread(f"poll-{n}", lambda: self._poll_forever(bell_works))

    def refuse(self) -> None:
        """Claim nothing more and abandon what is running, so that it is given back."""
        self._stopping.set()

    def stop(self) -> None:
        """Claim nothing more, give everything back that is not done, and return when it is."""
        self.refuse()
        for thread in self._threads:
            thread.join()
        while self._held:
            time.sleep(0.05)
        try:
            workers.leave(self._store, self.name)
        except SQLAlchemyError as error:
            log.warning("the worker could not sign off: %s", error)

    def work(self) -> int:
        """Judge one after another until nothing is runnable or no slot is free; the number of judgings handled."""
        done = 0
        while not self._stopping.is_set() and self._free.acquire(blocking=False):
            try:
                claim = judgings.claim(self._store, worker=self.name, lease_seconds=self._settings.lease_seconds)
                if claim is None:
                    return done
                self._handle(Holding(claim))
                done += 1
            finally:
                self._free.release()
        return done

    def _handle(self, holding: Holding) -> None:
        claim = holding.claim
        with self._lock:
            self._held[claim.judging_id] = holding
        try:
            report, evidence = self._judged(holding)
        except Abandoned:
            self._give_back(claim, "the worker stopped" if self._stopping.is_set() else "the claim was lost", 0.0)
        except (SandboxError, BadPack, OSError, SQLAlchemyError, LookupError) as error:
            log.error("judging %d: %s", claim.judging_id, error)
            self._give_back(claim, f"{type(error).__name__}: {error}", self._delay(claim))
        except Exception as error:
            log.exception("judging %d: an error nobody foresaw", claim.judging_id)
            self._give_back(claim, f"internal error: {type(error).__name__}", self._delay(claim))
        else:
            self._commit(holding, report, evidence)
        finally:
            with self._lock:
                del self._held[claim.judging_id]

    def _judged(self, holding: Holding) -> tuple[Report, dict[str, object]]:
        claim = holding.claim
        challenge = self._challenges.get(claim.challenge)
        if challenge is None:
            raise LookupError(f"this worker does not have the challenge {claim.challenge}")
        files = unpack(self._uploads.get(claim.digest))
        limits, most = challenge.limits, challenge.grader_limits.wall_seconds
        building = challenge.build.seconds if challenge.build else 0.0
        holding.deadline = time.monotonic() + limits.wall_seconds + building + most + BACKSTOP_SECONDS
        outcome: Outcome
        facts = Facts()
        try:
            prepared = self._preparer.prepared(challenge)
        except GraderFault as error:
            outcome = GraderFailed(f"generate failed: {error}")
        else:
            outcome, facts = self._grading.grade(
                challenge,
                prepared,
                files,
                labels={"assay.judging": str(claim.judging_id), "assay.epoch": str(claim.epoch)},
                stage=lambda stage: self._tell(holding, stage),
                abandoned=lambda: self._abandoned(holding),
            )
        lines = files.get(challenge.submit, b"").count(b"\n") + 1
        report = judge(outcome, facts, limits, pass_mark=challenge.pass_mark, lines=lines)
        evidence: dict[str, object] = {"version": challenge.version, "worker": self.name, "facts": asdict(facts)}
        if isinstance(outcome, GraderFailed):
            log.error("judging %d of %s: the grader failed: %s", claim.judging_id, challenge.slug, outcome.detail)
            evidence["detail"] = outcome.detail
        return report, evidence

    def _abandoned(self, holding: Holding) -> bool:
        now = time.monotonic()
        if now > holding.deadline:
            raise SandboxError("the judging took longer than all its limits together")
        fenced = now - holding.renewed > self._settings.fence_seconds
        return holding.lost or fenced or self._stopping.is_set()

    def _tell(self, holding: Holding, stage: str) -> None:
        if not judgings.set_stage(self._store, holding.claim, stage):
            holding.lost = True
            raise Abandoned

    def _commit(self, holding: Holding, report: Report, evidence: dict[str, object]) -> None:
        """Commit until the answer is known or the lease cannot be ours any more."""
        claim = holding.claim
        pause = 0.1
        while True:
            try:
                if not judgings.commit(self._store, claim, report, evidence=evidence):
                    log.warning("judging %d: stale attempt, epoch %d", claim.judging_id, claim.epoch)
                break
            except SQLAlchemyError as error:
                if time.monotonic() - holding.renewed > self._settings.lease_seconds:
                    log.error("judging %d: the verdict could not be written: %s", claim.judging_id, error)
                    return
            time.sleep(pause)
            pause = min(2.0, 2 * pause)
        self._ring_if_more()

    def _ring_if_more(self) -> None:
        try:
            if judgings.runnable(self._store):
                self._ring()
        except SQLAlchemyError as error:
            log.warning("the queue could not be read: %s", error)

    def _give_back(self, claim: Claim, reason: str, delay: float) -> None:
        try:
            judgings.give_back(
                self._store,
                claim,
                reason=reason,
                delay_seconds=delay,
                max_strikes=self._settings.max_strikes,
                max_attempts=self._settings.max_attempts,
            )
        except SQLAlchemyError as error:
            log.error("judging %d could not be given back; its lease will run out: %s", claim.judging_id, error)

    def _delay(self, claim: Claim) -> float:
        return float(self._settings.retry_base_seconds * 2 ** min(claim.attempts, 6))

    def _thread(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _renew_forever(self) -> None:
        while True:
            over = self._stopping.wait(self._settings.renew_seconds)
            with self._lock:
                held = dict(self._held)
            if over and not held:
                return
            try:
                asked = time.monotonic()
                pairs = [(id, one.claim.epoch) for id, one in held.items()]
                ours = judgings.renew(
                    self._store, worker=self.name, held=pairs, lease_seconds=self._settings.lease_seconds
                )
            except SQLAlchemyError as error:
                log.warning("the leases could not be renewed: %s", error)
                continue
            self._touch()
            for id, one in held.items():
                if id in ours:
                    one.renewed = asked
                else:
                    one.lost = True
            if over:
                time.sleep(0.1)

    def _touch(self) -> None:
        """Show a health check that the database took the heartbeat."""
        try:
            self._settings.alive_file.touch()
        except OSError as error:
            log.warning("%s cannot be touched: %s", self._settings.alive_file, error)

    def _sweep_forever(self) -> None:
        settings = self._settings
        while not self._stopping.wait(settings.sweep_seconds * random.uniform(0.8, 1.2)):
            try:
                sweep.sweep(
                    self._store,
                    retry_base_seconds=settings.retry_base_seconds,
                    max_strikes=settings.max_strikes,
                    max_attempts=settings.max_attempts,
                    ring=self._ring,
                )
            except SQLAlchemyError as error:
                log.warning("the sweep failed: %s", error)

    def _poll_forever(self, bell_works: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            try:
                self.work()
            except SQLAlchemyError as error:
                log.warning("nothing could be claimed: %s", error)
            settings = self._settings
            pause = settings.poll_seconds if bell_works() else settings.poll_without_broker_seconds
            self._stopping.wait(pause * random.uniform(0.8, 1.2))
