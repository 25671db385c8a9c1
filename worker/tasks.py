"""The Celery app and its one task, and the one place where a worker's parts are put together."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import celery.signals
import structlog
from celery import Celery
from celery.platforms import SecurityWarning
from sqlalchemy.exc import SQLAlchemyError

from api import disk, logs
from api.blobs import Blobs
from api.metrics import exposed
from api.queue import TASK, Bell, celery_config
from api.settings import Settings
from api.store import Store, builds
from challenges.loader import Challenge, builtin_root, load_all
from sandbox import fitness
from sandbox.builds import SLIM, WHEELHOUSE
from sandbox.containers import DockerSandbox
from sandbox.images.build import Pinned, provide
from sandbox.selftest import RUNTIME, Finding, State, answer
from sandbox.types import Abandoned, SandboxError, Unfit
from worker.comparing import Comparer
from worker.graders import GraderFault, Graders
from worker.grading import Grading
from worker.host import Host, own_host
from worker.metrics import Watched, WorkerMetrics
from worker.prepare import Preparer, read_secret
from worker.reaper import Reaper
from worker.runtimes import Runtimes
from worker.slots import Slots, outline

PREPARE_SECONDS = 5.0
"""How often a worker looks for challenges that a competition has come to need."""

log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """Everything one worker process holds."""

    slots: Slots
    reaper: Reaper
    graders: Graders
    sandbox: DockerSandbox
    store: Store
    host: Host
    challenges: dict[str, Challenge]
    preparer: Preparer
    metrics: WorkerMetrics
    images: Pinned
    unfit: Unfit | None = None
    """Why it ended itself."""

    def prove(self, settings: Settings, abandoned: Callable[[], bool]) -> None:
        """See in real boxes that this machine keeps its promises. Raises Unfit with every cause, and Abandoned."""
        begun = time.monotonic()
        log.info("selftest.started", runtime=settings.runtime)
        services = settings.builds != "off"
        runtimes = {RUNTIME}  # those of single challenges are made on first need
        if services and any(one.build for one in self.challenges.values()):
            runtimes |= {SLIM, WHEELHOUSE}
        findings = fitness.examine(
            instance=settings.instance,
            image_of=self.images,
            on_finding=_tell,
            oci_runtime=settings.runtime,
            runtimes=sorted(runtimes),
            services=services,
            abandoned=abandoned,
        )
        if causes := [f"{one.name}: {one.detail}" for one in findings if one.refuses]:
            raise Unfit(f"this machine cannot judge ({'; '.join(causes)})")
        log.info("selftest.passed", findings=len(findings), seconds=round(time.monotonic() - begun, 1))

    def end(self, why: Unfit) -> None:
        """Have this process stop in good order; `run` then raises `why`."""
        self.unfit = self.unfit or why
        os.kill(os.getpid(), signal.SIGTERM)

    def start(self, bell_works: Callable[[], bool]) -> None:
        """Reap, prepare what competitions need, and begin to claim."""
        self.reaper.start()
        self.slots.start(bell_works)
        threading.Thread(target=self._prepare_ahead, name="prepare", daemon=True).start()

    def close(self) -> None:
        """Give back what is not done and leave no container behind."""
        self.slots.stop()
        self.reaper.stop()
        self.graders.close()
        self.sandbox.close()
        self.store.close()
        self.host.close()

    def _prepare_ahead(self) -> None:
        """Have the data of what competitions need ready before somebody asks for them."""
        tried: set[str] = set()
        while not self.slots.stopping:
            try:
                wanted = builds.wanted(self.store) & self.challenges.keys() - tried
            except SQLAlchemyError as error:
                log.warning("challenges.not_asked_for", error=type(error).__name__)
                wanted = set()
            for slug in sorted(wanted):
                if not self.slots.stopping and self._prepare(self.challenges[slug]):
                    tried.add(slug)
            self.slots.rest(PREPARE_SECONDS)

    def _prepare(self, challenge: Challenge) -> bool:
        """Whether another try would end the same way."""
        try:
            self.preparer.prepared(challenge)
        except GraderFault as error:  # the author's
            log.error("challenge.not_prepared", challenge=challenge.slug, error=outline(str(error)))
        except Unfit as error:
            self.slots.end(error)
        except (SandboxError, SQLAlchemyError, OSError) as error:
            if not self.slots.stopping:
                log.error("challenge.not_prepared", challenge=challenge.slug, error=str(error))
            return False
        return True


def assemble(settings: Settings) -> Worker:
    """A worker, not yet started. Raises AnotherWorker, ChallengeError, SandboxError."""
    settings.prepare()
    host = own_host(settings.worker_lock)
    images = Pinned()
    sandbox = DockerSandbox(
        instance=settings.instance,
        image_of=images,
        builds=settings.builds,
        oci_runtime=settings.runtime,
        warm_mb=settings.warm_mb,
    )
    store = Store(settings.database, pool_size=settings.slots_in_force + 4)
    store.migrate()
    challenges = load_all([builtin_root(), *settings.challenges])
    metrics = WorkerMetrics()
    if sandbox.pool is not None:
        metrics.count_pool(sandbox.pool)
    watched = Watched(sandbox, metrics)
    graders = Graders(watched)
    grading = Grading(watched, graders)
    bell = Bell(settings.broker, instance=settings.instance)
    metrics.count_bell(bell)
    uploads, hidden = Blobs(settings.blobs_dir), Blobs(settings.hidden_dir)
    runtimes = Runtimes(challenges, images, _make if settings.make_images else None)
    preparer = Preparer(store, uploads, hidden, read_secret(settings.secret_file), grading)
    comparer = Comparer(store, uploads, challenges, watched, partial(_have, images, settings.make_images))
    slots = Slots(
        name=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        settings=settings,
        store=store,
        uploads=uploads,
        challenges=challenges,
        grading=grading,
        preparer=preparer,
        runtimes=runtimes,
        ring=bell.ring,
        metrics=metrics,
        on_unfit=lambda why: worker.end(why),
        disk_used=lambda: disk.used_percent(settings.data),
        probe=lambda abandoned: answer(sandbox, abandoned=abandoned),
        idle=comparer.once,
    )
    reaper = Reaper(sandbox, metrics.reaped.inc)
    worker = Worker(slots, reaper, graders, sandbox, store, host, challenges, preparer, metrics, images)
    return worker


def _have(images: Callable[[str], str], make: bool, runtime: str) -> None:
    """Sees to it that there is an image of a runtime. Raises SandboxError."""
    try:
        images(runtime)
    except SandboxError:
        if not make:
            raise
        _make(runtime)


def _make(runtime: str) -> None:
    """Make the image of a runtime, as `assay images build` does. Raises SandboxError."""
    provide(runtime, say=lambda line: log.debug("runtime.phase", said=line.strip()))


def _tell(finding: Finding) -> None:
    say = {State.OK: log.debug, State.WARNING: log.warning, State.REFUSAL: log.error}[finding.state]
    say(f"selftest.{finding.state}", check=finding.name, detail=finding.detail)


def celery_app(settings: Settings, worker: Worker) -> Celery:
    """The Celery app whose one task says that there is work."""
    app = Celery("assay")
    app.conf.update(celery_config(settings.broker, producer=False, instance=settings.instance))

    @app.task(name=TASK)
    def work(*_: Any) -> None:
        worker.slots.work()

    return app


def run(settings: Settings) -> None:
    """Prove that this machine can judge, then work until SIGTERM or SIGINT. Without a broker the worker polls.

    Raises what `assemble` raises, and Unfit when this machine cannot judge, now or later.
    """
    logs.configure("worker", form=settings.log_format, level=settings.log_level)
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    worker = assemble(settings)
    try:
        with suppress(Abandoned):
            worker.prove(settings, stop.is_set)
        if stop.is_set():
            return
        with exposed(worker.metrics.registry, settings.metrics_host, settings.worker_metrics_port):
            if settings.broker_url:
                for number, handler in before.items():  # Celery has its own
                    signal.signal(number, handler)
                _run_celery(settings, worker)
            else:
                worker.start(lambda: False)
                stop.wait()
    finally:
        worker.close()
    if worker.unfit is not None:
        raise worker.unfit


def _run_celery(settings: Settings, worker: Worker) -> None:
    app = celery_app(settings, worker)

    def bell_works() -> bool:
        """Whether the broker answers; asked before each pause of a poll."""
        with app.connection_for_write() as connection:
            try:
                connection.ensure_connection(max_retries=1, timeout=1)
            except (OSError, *connection.connection_errors):
                return False
            return True

    # who holds the Engine's socket is root in any case; SECURITY.md says what follows from that
    warnings.filterwarnings("ignore", category=SecurityWarning)
    # polling begins before the broker is reached, so that a backlog drains with the broker off
    worker.start(bell_works)
    celery.signals.worker_shutting_down.connect(lambda **_: worker.slots.refuse(settings.drain_seconds), weak=False)
    celery.signals.setup_logging.connect(lambda **_: None, weak=False)  # it is set up
    slots = settings.slots_in_force
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")
    app.worker_main(["--quiet", "worker", "--pool=threads", f"--concurrency={slots}", *quiet])
