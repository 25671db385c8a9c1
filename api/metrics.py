"""What is counted and how Prometheus reads it, on a port of its own that strangers do not reach; decides nothing."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.store import Store
from api.store.judgings import oldest_runnable_age
from api.store.status import Status, status

DATABASE_SECONDS = 2.0
"""The most a scrape waits for the database."""
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

log = structlog.get_logger(__name__)


class Bells(Protocol):
    """A bell that counts."""

    rung: int
    failed: int


class ApiMetrics:
    """Everything one api counts, in a registry of its own: several may live in one process."""

    def __init__(self, store: Store, disk_used: Callable[[], float]) -> None:
        """`disk_used` gives the percentage of the data folder's disk that is used."""
        self.registry = CollectorRegistry()
        build_info(self.registry)
        disk_gauge(self.registry).set_function(disk_used)
        self.requests = Counter(
            "assay_http_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "assay_http_request_seconds",
            "From a request's head to the head of its answer",
            ["route"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
            registry=self.registry,
        )
        self.expired = Counter(
            "assay_leases_expired", "Claims of dead workers found by this sweep", registry=self.registry
        )
        self.registry.register(QueueCollector(store))

    def count_bell(self, bell: Bells) -> None:
        """Show how often this bell was rung."""
        self.registry.register(BellCounts(bell))


def build_info(registry: CollectorRegistry) -> None:
    """The version that runs, as a label."""
    gauge = Gauge("assay_build_info", "Always 1; the version is the label", ["version"], registry=registry)
    gauge.labels(version("assay")).set(1)


def disk_gauge(registry: CollectorRegistry) -> Gauge:
    """How full the data folder's disk is."""
    return Gauge("assay_disk_used_percent", "Of the data folder's disk, space or files", registry=registry)


class BellCounts(Collector):
    """Reads a bell when it is scraped."""

    def __init__(self, bell: Bells) -> None:
        self._bell = bell

    def collect(self) -> Iterator[Metric]:
        yield CounterMetricFamily("assay_bell_rung", "Messages sent to the workers", value=self._bell.rung)
        yield CounterMetricFamily("assay_bell_failed", "Messages the broker did not take", value=self._bell.failed)


class QueueCollector(Collector):
    """Reads the queue from the database when it is scraped; one that is away or slow is `assay_database_up 0`."""

    def __init__(self, store: Store, *, seconds: float = DATABASE_SECONDS) -> None:
        self._store = store
        self._seconds = seconds
        self._lock = threading.Lock()
        self._asking: threading.Thread | None = None

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry need not ask the database when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        found = self._ask()
        yield GaugeMetricFamily("assay_database_up", "Whether the database answered", value=found is not None)
        if found is None:
            return
        now, age = found
        slots = sum(worker.slots for worker in now.workers if worker.live)
        free = max(0, slots - now.running)
        oldest = "Since the oldest judging that could run now was received"
        yield GaugeMetricFamily("assay_queue_oldest_seconds", oldest, value=age)
        yield GaugeMetricFamily("assay_queued", "Judgings that wait", value=now.queued)
        yield GaugeMetricFamily("assay_running", "Judgings that run", value=now.running)
        yield GaugeMetricFamily("assay_workers", "Workers that live", value=sum(one.live for one in now.workers))
        yield GaugeMetricFamily("assay_slots", "Slots of workers that live", value=slots)
        yield GaugeMetricFamily("assay_slots_free", "Those that hold nothing", value=free)

    def _ask(self) -> tuple[Status, float] | None:
        """The queue and the age of what is runnable; None if nobody answers in time. What hangs is not asked twice."""
        answer: list[tuple[Status, float]] = []

        def ask() -> None:
            try:
                answer.append((status(self._store), oldest_runnable_age(self._store)))
            except Exception as error:  # noqa: BLE001 - whatever fails, the scrape goes on and says so
                log.warning("metrics.database_away", error=type(error).__name__)

        with self._lock:
            if self._asking is not None and self._asking.is_alive():
                return None
            thread = self._asking = threading.Thread(target=ask, name="metrics", daemon=True)
            thread.start()
        thread.join(self._seconds)
        return answer[0] if answer else None


@contextmanager
def exposed(registry: CollectorRegistry, host: str, port: int) -> Iterator[None]:
    """Answers scrapes at this address meanwhile; 0 is off. Raises OSError when the port is taken."""
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        raise OSError(f"metrics cannot be shown at {host}, port {port}: {error.strerror}") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Observed:
    """ASGI middleware around everything: a request has an id, an end and a place in the counts; knows no route."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics, *, prefix: str) -> None:
        """`prefix` is where routers hang whose routes name their own part of the path only."""
        self._app = app
        self._metrics = metrics
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)  # what a client calls its request is its own business
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=request_id)
        begin = time.monotonic()
        code = 0

        async def sent(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
                self._count(scope, code, time.monotonic() - begin)
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            if not code:  # the client has gone, or nothing was answered
                self._count(scope, 0, time.monotonic() - begin)

    def _count(self, scope: Scope, code: int, seconds: float) -> None:
        # A template, never a path: strangers choose paths, and each label value is kept for good.
        route = str(getattr(scope.get("route"), "path", "none"))
        if route != "none" and scope["path"].startswith(f"{self._prefix}/") and not route.startswith(self._prefix):
            route = self._prefix + route
        method = scope["method"] if scope["method"] in METHODS else "other"
        status_class = f"{code // 100}xx" if code else "none"
        self._metrics.requests.labels(method, route, status_class).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        log.debug("request.answered", method=method, route=route, status=code, seconds=round(seconds, 4))
