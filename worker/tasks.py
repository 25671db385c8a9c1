"""The Celery app and its one task, and the one place where a worker's parts are put together."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

import celery.signals
import structlog
from celery import Celery
from celery.platforms import SecurityWarning

from api import logs
from api.blobs import Blobs
from api.metrics import exposed
from api.queue import TASK, Bell, celery_config
from api.settings import Settings
from api.store import Store
from challenges.loader import Challenge, builtin_root, load_all
from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from sandbox.types import SandboxError
from worker.graders import GraderFault, Graders
from worker.grading import Grading
from worker.metrics import Watched, WorkerMetrics
from worker.prepare import Preparer, read_secret
from worker.reaper import Reaper, own_host
from worker.slots import Slots, outline

log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """Everything one worker process holds."""

    slots: Slots
    reaper: Reaper
    graders: Graders
    sandbox: DockerSandbox
    store: Store
    host: IO[str]
    challenges: dict[str, Challenge]
    preparer: Preparer
    metrics: WorkerMetrics

    def start(self, bell_works: Callable[[], bool]) -> None:
        """Reap, prepare what is not prepared, and begin to claim."""
        self.reaper.start()
        self.slots.start(bell_works)
        threading.Thread(target=self._prepare_all, name="prepare", daemon=True).start()

    def close(self) -> None:
        """Give back what is not done and leave no container behind."""
        self.slots.stop()
        self.reaper.stop()
        self.graders.close()
        self.sandbox.close()
        self.store.close()
        self.host.close()

    def _prepare_all(self) -> None:
        for challenge in self.challenges.values():
            try:
                self.preparer.prepared(challenge)
            except (GraderFault, SandboxError) as error:
                if self.slots.stopping:
                    return
                told = outline(str(error)) if isinstance(error, GraderFault) else str(error)
                log.error("challenge.not_prepared", challenge=challenge.slug, error=told)


def assemble(settings: Settings) -> Worker:
    """A worker, not yet started. Raises AnotherWorker, ChallengeError, SandboxError."""
    settings.prepare()
    host = own_host(settings.data / "worker.lock")
    sandbox = DockerSandbox(
        instance=settings.instance, image_of=cache(resolve), builds=settings.builds, warm_mb=settings.warm_mb
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
    preparer = Preparer(store, uploads, hidden, read_secret(settings.secret_file), grading)
    slots = Slots(
        name=f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}",
        settings=settings,
        store=store,
        uploads=uploads,
        challenges=challenges,
        grading=grading,
        preparer=preparer,
        ring=bell.ring,
        metrics=metrics,
    )
    reaper = Reaper(sandbox, metrics.reaped.inc)
    return Worker(slots, reaper, graders, sandbox, store, host, challenges, preparer, metrics)


def celery_app(settings: Settings, worker: Worker) -> Celery:
    """The Celery app whose one task says that there is work."""
    app = Celery("assay")
    app.conf.update(celery_config(settings.broker, producer=False, instance=settings.instance))

    @app.task(name=TASK)
    def work(*_: Any) -> None:
        worker.slots.work()

    return app


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT. Without a broker the worker polls. Raises what `assemble` raises."""
    logs.configure("worker", form=settings.log_format, level=settings.log_level)
    worker = assemble(settings)
    try:
        with exposed(worker.metrics.registry, settings.metrics_host, settings.worker_metrics_port):
            if settings.broker_url:
                _run_celery(settings, worker)
            else:
                stop = threading.Event()
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, lambda *_: stop.set())
                worker.start(lambda: False)
                stop.wait()
    finally:
        worker.close()


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
    celery.signals.worker_shutting_down.connect(lambda **_: worker.slots.refuse(), weak=False)
    celery.signals.setup_logging.connect(lambda **_: None, weak=False)  # it is set up
    slots = settings.slots_in_force
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")
    app.worker_main(["--quiet", "worker", "--pool=threads", f"--concurrency={slots}", *quiet])
