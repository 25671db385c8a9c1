"""Claims judgings for this host's free slots, keeps their leases, and commits; knows no Celery and no Docker."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

import structlog
from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bound_contextvars

from api import disk
from api.blobs import BadPack, Blobs, unpack
from api.settings import Settings
from api.store import Store, judgings, sweep, workers
from api.store.judgings import Claim
from challenges.loader import Challenge
from challenges.report import MAX_LOG, Report
from sandbox.types import Abandoned, RunResult, SandboxError, Unfit
from worker.graders import GraderFault
from worker.grading import Grading
from worker.judge import Facts, GraderFailed, Outcome, judge
from worker.listening import printed
from worker.metrics import WorkerMetrics
from worker.prepare import Preparer
from worker.results import Result, Results
from worker.runtimes import Runtimes

log = structlog.get_logger(__name__)

PLACE = re.compile(r'^ +File "challenge/[^"\n]*", line (\d+)', re.MULTILINE)
KIND = re.compile(r"^([A-Za-z_][A-Za-z0-9_.]*(?:Error|Exception|Fault|Interrupt))\b", re.MULTILINE)
ENGINE = "The judge's engine does not run programs; its operator has been told."
AGAIN_SECONDS = 1.0
"""After a thread has died of an error nobody foresaw, until it begins again."""
BACKSTOP_SECONDS = 90.0
"""Beyond the limits of submission and grader together, a slot gives up and the engine is at fault."""


@dataclass
class Holding:
    """A claim this process is working on."""

    claim: Claim
    deadline: float = float("inf")
    """On the monotonic clock."""
    begun: float = field(default_factory=time.monotonic)
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
        runtimes: Runtimes,
        ring: Callable[[], None],
        metrics: WorkerMetrics | None = None,
        on_unfit: Callable[[Unfit], None] = lambda _: None,
        disk_used: Callable[[], float] = lambda: 0.0,
        probe: Callable[[Callable[[], bool]], None] = lambda _: None,
        idle: Callable[[Callable[[], bool]], bool] = lambda _: False,
    ) -> None:
        """`on_unfit` hears why nothing can be judged here any more; by then nothing more is claimed. `disk_used` gives
        the percentage of the disk that is used. `probe` sees that the engine runs a program, unless abandoned, and
        raises SandboxError or Abandoned. `idle` does something else with a slot that has nothing to judge, unless
        abandoned, and says whether there was something to do.
        """
        self.name = name
        self._settings = settings
        self._store = store
        self._uploads = uploads
        self._challenges = challenges
        self._grading = grading
        self._preparer = preparer
        self._runtimes = runtimes
        self._ring = ring
        self._metrics = metrics or WorkerMetrics()
        self._on_unfit = on_unfit
        self._disk_used = disk_used
        self._full = False
        self._probe = probe
        self._idle = idle
        self._probing = threading.Lock()
        self._doubtful = False
        """Whether the engine has failed a judging and not run a program since."""
        self._away = False
        """Whether it has not run the last one it was given, and that was said."""
        self._metrics.slots.set(settings.slots_in_force)
        self._free = threading.Semaphore(settings.slots_in_force)
        self._stopping = threading.Event()
        self._abandon_at = float("inf")
        """On the monotonic clock, what is still running then is given back."""
        self._lock = threading.Lock()
        self._held: dict[int, Holding] = {}
        self._results = Results(settings.data / "results")
        self._threads: list[threading.Thread] = []

    def start(self, bell_works: Callable[[], bool]) -> None:
        """Say that this worker is there, and begin to renew, sweep and poll."""
        workers.heartbeat(self._store, self.name, self._settings.slots_in_force)
        log.info("worker.started", worker=self.name, slots=self._settings.slots_in_force)
        self._touch()
        for loop in (self._commit_kept, self._renew_forever, self._sweep_forever, self._equip):
            self._thread(loop.__name__, loop)
        for n in range(self._settings.slots_in_force):
            self._thread(f"poll-{n}", lambda: self._poll_forever(bell_works))

    @property
    def stopping(self) -> bool:
        """Whether this worker was told to claim nothing more."""
        return self._stopping.is_set()

    def refuse(self, drain_seconds: float = 0.0) -> None:
        """Claim nothing more, let what is running end for so long, and then abandon it, so that it is given back."""
        self._abandon_at = min(self._abandon_at, time.monotonic() + drain_seconds)
        self._stopping.set()

    def rest(self, seconds: float) -> None:
        """Wait so long, or until this worker is told to claim nothing more."""
        self._stopping.wait(seconds)

    def end(self, why: Unfit) -> None:
        """This machine cannot judge any more: refuse, and say why."""
        if not self.stopping:
            log.error("worker.unfit", error=str(why))
        self.refuse()
        self._on_unfit(why)

    def stop(self) -> None:
        """Claim nothing more, give everything back that is not done when the drain is over, and return when it is."""
        self.refuse(self._settings.drain_seconds)
        for thread in self._threads:
            thread.join()
        while self._held:
            time.sleep(0.05)
        try:
            workers.leave(self._store, self.name)
        except SQLAlchemyError as error:
            log.warning("worker.not_signed_off", error=type(error).__name__)
        log.info("worker.stopped", worker=self.name)

    def work(self) -> int:
        """Judge one after another until nothing is runnable or no slot is free; the number of judgings handled."""
        done = 0
        while not self._stopping.is_set() and not self._obstacle() and self._free.acquire(blocking=False):
            try:
                claim = judgings.claim(
                    self._store,
                    worker=self.name,
                    lease_seconds=self._settings.lease_seconds,
                    without=self._runtimes.lacking().keys(),
                    slots=self._settings.slots_in_force,
                )
                if claim is None:
                    if self._idle(lambda: self._stopping.is_set()):
                        continue
                    return done
                self._handle(Holding(claim))
                done += 1
            finally:
                self._free.release()
        return done

    def _obstacle(self) -> str:
        """Why nothing may be claimed here just now, for those who wait; empty if nothing is in the way."""
        return disk.FULL if not self._has_room() else ENGINE if not self._engine_runs() else ""

    def _engine_runs(self) -> bool:
        """Whether the engine runs programs, as far as one knows; one that has failed must show that it does.

        So an outage costs what waits nothing: no claim is spent on it.
        """
        if not self._doubtful:
            return True
        if not self._probing.acquire(blocking=False):  # another thread is about to know
            return False
        try:
            self._probe(self._stopping.is_set)
        except Abandoned:
            return False
        except Unfit as error:
            self.end(error)
            return False
        except SandboxError as error:
            if not self._away:
                log.error("engine.away", error=str(error))
            self._away = True
            return False
        finally:
            self._probing.release()
        self._doubtful = self._away = False
        log.info("engine.back")
        return True

    def _has_room(self) -> bool:
        """Whether the disk has room for more work; what runs already may end."""
        try:
            used = self._disk_used()
        except OSError as error:
            log.error("disk.not_measured", error=error.strerror)
            return False
        self._metrics.disk_used.set(used)
        full = used >= self._settings.disk_claim_percent
        if full and not self._full:
            log.error("disk.full", used_percent=round(used, 1))
        elif self._full and not full:
            log.info("disk.has_room", used_percent=round(used, 1))
        self._full = full
        return not full

    def _handle(self, holding: Holding) -> None:
        claim = holding.claim
        with (
            # lines of graders and sandbox in this thread carry them too
            bound_contextvars(
                submission=claim.submission_id, judging=claim.judging_id, epoch=claim.epoch, attempt=claim.attempts
            ),
            self._metrics.busy.track_inprogress(),
        ):
            self._metrics.claims.inc()
            self._metrics.waited.observe(claim.waited_seconds)
            log.info("judging.claimed", challenge=claim.challenge, waited=round(claim.waited_seconds, 3))
            self._work_on(holding)

    def _work_on(self, holding: Holding) -> None:
        claim = holding.claim
        with self._lock:
            self._held[claim.judging_id] = holding
        try:
            report, evidence = self._judged(holding)
        except Abandoned:
            stopped = self._stopping.is_set()
            log.info("judging.abandoned", why="the worker stops" if stopped else "the claim was lost")
            self._give_back(
                claim,
                "stopped" if stopped else "lost",
                "the worker stopped" if stopped else "the claim was lost",
                0.0,
            )
        except Unfit as error:
            self.end(error)
            self._give_back(claim, _class(error), str(error), 0.0)
        except (SandboxError, BadPack, OSError, SQLAlchemyError, LookupError) as error:
            log.error("judging.failed", error=type(error).__name__, detail=_told(error))
            self._doubtful = self._doubtful or isinstance(error, SandboxError)
            self._give_back(claim, _class(error), f"{type(error).__name__}: {error}", self._delay(claim))
        except Exception as error:
            log.exception("judging.failed", error=type(error).__name__)
            self._give_back(claim, "internal", f"internal error: {type(error).__name__}", self._delay(claim))
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
        heard: list[RunResult] = []
        try:
            prepared = self._preparer.prepared(challenge)
        except GraderFault as error:
            outcome = GraderFailed(f"generate failed: {error}")
        else:
            grading = self._grading.listening(heard) if claim.dry else self._grading
            outcome, facts = grading.grade(
                challenge,
                prepared,
                files,
                labels={"assay.judging": str(claim.judging_id), "assay.epoch": str(claim.epoch)},
                stage=lambda stage: self._tell(holding, stage),
                abandoned=lambda: self._abandoned(holding),
                sample=claim.dry,
            )
        lines = files.get(challenge.submit, b"").count(b"\n") + 1
        report = judge(outcome, facts, limits, pass_mark=challenge.pass_mark, lines=lines)
        if heard:
            report = replace(report, output=printed(heard, MAX_LOG))
        evidence: dict[str, object] = {"version": challenge.version, "worker": self.name, "facts": asdict(facts)}
        if isinstance(outcome, GraderFailed):
            log.error("judging.grader_failed", challenge=challenge.slug, error=outline(outcome.detail))
            evidence["detail"] = outcome.detail
        return report, evidence

    def _abandoned(self, holding: Holding) -> bool:
        now = time.monotonic()
        if now > holding.deadline:
            raise SandboxError("the judging took longer than all its limits together")
        fenced = now - holding.renewed > self._settings.fence_seconds
        return holding.lost or fenced or now >= self._abandon_at

    def _tell(self, holding: Holding, stage: str) -> None:
        log.info("judging.stage", stage=stage)
        if not judgings.set_stage(self._store, holding.claim, stage):
            holding.lost = True
            raise Abandoned

    def _commit(self, holding: Holding, report: Report, evidence: dict[str, object]) -> None:
        """Commit until the answer is known; while the database is away the result is kept on disk.

        Whether the claim is still ours only the database can say, and does: a lease that nobody has ended yet is good.
        """
        claim = holding.claim
        step = self._challenges[claim.challenge].ladder_step
        pause = 0.1
        kept = False
        while True:
            try:
                version = str(evidence["version"])
                ours = judgings.commit(self._store, claim, report, evidence=evidence, step=step, version=version)
                break
            except SQLAlchemyError as error:
                if not kept:
                    log.warning("judging.kept", error=type(error).__name__)
                    kept = self._keep(Result(claim, report.as_json(), evidence, step))
                if self.stopping:
                    log.error("judging.not_committed", error=type(error).__name__, kept=kept)
                    return
            time.sleep(pause)
            pause = min(2.0, 2 * pause)
        if kept:
            self._drop(claim)
        took = time.monotonic() - holding.begun
        if ours:
            self._metrics.verdicts.labels(report.verdict.value).inc()
            self._metrics.took.observe(took)
            waited = round(claim.waited_seconds, 3)
            log.info("judging.committed", verdict=report.verdict.value, waited=waited, took=round(took, 3))
        else:
            self._metrics.stale.inc()
            log.warning("judging.stale", verdict=report.verdict.value, took=round(took, 3))
        self._ring_if_more()

    def _keep(self, result: Result) -> bool:
        try:
            self._results.keep(result)
        except OSError as error:
            log.error("result.not_kept", error=error.strerror)
            return False
        return True

    def _drop(self, claim: Claim) -> None:
        try:
            self._results.drop(claim)
        except OSError as error:
            log.error("result.not_dropped", error=error.strerror)

    def _commit_kept(self) -> None:
        """Commit what an earlier process of this host had judged when the database was away; some may be too late."""
        while not self.stopping:
            try:
                for one in self._results.kept():
                    report = Report.from_json(one.report)
                    version = str(one.evidence["version"])
                    ours = judgings.commit(
                        self._store, one.claim, report, evidence=one.evidence, step=one.step, version=version
                    )
                    log.info("judging.committed_late", judging=one.claim.judging_id, ours=ours)
                    self._drop(one.claim)
                return
            except SQLAlchemyError as error:
                log.warning("judging.not_committed", error=type(error).__name__, kept=True)
            except OSError as error:
                log.error("result.not_read", error=error.strerror)
                return
            self.rest(self._settings.sweep_seconds)

    def _ring_if_more(self) -> None:
        try:
            if judgings.runnable(self._store):
                self._ring()
        except SQLAlchemyError as error:
            log.warning("queue.not_read", error=type(error).__name__)

    def _give_back(self, claim: Claim, kind: str, reason: str, delay: float) -> None:
        try:
            ours = judgings.give_back(
                self._store,
                claim,
                reason=reason,
                delay_seconds=delay,
                max_strikes=self._settings.max_strikes,
                max_attempts=self._settings.max_attempts,
            )
        except SQLAlchemyError as error:
            log.error("judging.not_given_back", error=type(error).__name__)  # its lease will run out
            return
        if not ours:
            log.warning("judging.stale", given_back=kind)
            return
        self._metrics.given_back.labels(kind).inc()
        over = claim.attempts >= self._settings.max_attempts or claim.strikes >= self._settings.max_strikes
        if over:
            self._metrics.verdicts.labels("judge_error").inc()
        log.warning("judging.given_back", reason=kind, ends="judge_error" if over else "queued", delay=round(delay, 1))

    def _delay(self, claim: Claim) -> float:
        return float(self._settings.retry_base_seconds * 2 ** min(claim.attempts, 6))

    def _thread(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._replaced, args=(name, target), name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _replaced(self, name: str, target: Callable[[], None]) -> None:
        """Run it until it ends by itself: without its threads a worker lives and does nothing."""
        while True:
            try:
                return target()
            except Exception as error:
                log.exception("worker.thread_died", task=name, error=type(error).__name__)
            time.sleep(AGAIN_SECONDS)

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
                log.warning("leases.not_renewed", error=type(error).__name__)
                continue
            self._touch()
            for id, one in held.items():
                if id in ours:
                    one.renewed = asked
                else:
                    one.lost = True
            end = time.monotonic() + self._settings.renew_seconds
            while over and self._held and time.monotonic() < end:
                time.sleep(0.1)

    def _touch(self) -> None:
        """Show a health check that the database took the heartbeat."""
        try:
            self._settings.alive_file.touch()
        except OSError as error:
            log.warning("alive_file.not_touched", error=error.strerror)

    def _sweep_forever(self) -> None:
        settings = self._settings
        sweeps = sweep.Sweeps(
            self._store,
            lease_seconds=settings.lease_seconds,
            renew_seconds=settings.renew_seconds,
            retry_base_seconds=settings.retry_base_seconds,
            max_strikes=settings.max_strikes,
            max_attempts=settings.max_attempts,
            ring=self._ring,
        )
        while not self._stopping.wait(settings.sweep_seconds * random.uniform(0.8, 1.2)):
            try:
                counts = sweeps.once()
            except SQLAlchemyError as error:
                log.warning("sweep.failed", error=type(error).__name__)
            else:
                self._metrics.expired.inc(counts.expired)

    def _equip(self) -> None:
        """Say what cannot be judged here and why, and have made what somebody waits for."""
        said: dict[str, str] = {}
        while True:
            try:
                self._runtimes.look()
                missing = self._runtimes.lacking()
                obstacle = self._obstacle()
                lacking = dict.fromkeys(self._challenges, obstacle) if obstacle else missing
                if lacking != said:
                    info = {workers.LACKS: lacking}
                    workers.heartbeat(self._store, self.name, self._settings.slots_in_force, info=info)
                    said = lacking
                    self._ring_if_more()
                if missing:
                    self._runtimes.need(judgings.waiting(self._store, missing.keys()))
            except SQLAlchemyError as error:
                log.warning("runtimes.not_told", error=type(error).__name__)
            if self._stopping.wait(self._settings.sweep_seconds):
                return

    def _poll_forever(self, bell_works: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            try:
                self.work()
            except SQLAlchemyError as error:
                log.warning("queue.not_claimed", error=type(error).__name__)
            settings = self._settings
            pause = settings.poll_seconds if bell_works() else settings.poll_without_broker_seconds
            self._stopping.wait(pause * random.uniform(0.8, 1.2))


def outline(detail: str) -> str:
    """What failed in a grader and where: the kind of error and its line, not its text, which may hold hidden data."""
    place = PLACE.findall(detail)
    kind = KIND.findall(detail)
    return (
        f"{kind[-1] if kind else 'failed'}{f' in line {place[-1]}' if place else ''}; see the evidence of the attempt"
    )


def _class(error: Exception) -> str:
    for kind, name in ((SandboxError, "engine"), (SQLAlchemyError, "database"), (LookupError, "challenge")):
        if isinstance(error, kind):
            return name
    return "storage"


def _told(error: Exception) -> str:
    """The text of an error, but for the database's, which would quote what it was asked to store."""
    return str(getattr(error, "orig", "") or type(error).__name__ if isinstance(error, SQLAlchemyError) else error)
