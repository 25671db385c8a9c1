"""What a worker counts, in a registry of its own, and a sandbox that is watched from outside; decides nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.metrics import BellCounts, Bells, build_info, disk_gauge
from sandbox.pool import Pool
from sandbox.types import (
    Box,
    BuildLimits,
    Image,
    Job,
    Limits,
    RunResult,
    Sandbox,
    SandboxError,
    Service,
    never,
)

SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
GIVEN_BACK = ("stopped", "lost", "engine", "database", "storage", "challenge", "internal")
"""Why a worker gives a judging back: it stops, it lost the claim, or what failed."""


class WorkerMetrics:
    """Everything one worker process counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        to = self.registry
        build_info(to)
        self.disk_used = disk_gauge(to)
        self.slots = Gauge("assay_worker_slots", "Judgings this worker may hold at once", registry=to)
        self.busy = Gauge("assay_worker_slots_busy", "Judgings this worker holds", registry=to)
        self.claims = Counter("assay_claims", "Judgings claimed", registry=to)
        self.verdicts = Counter("assay_verdicts", "Verdicts committed", ["verdict"], registry=to)
        self.stale = Counter("assay_stale_commits", "Verdicts that came too late: the claim was another's", registry=to)
        self.given_back = Counter("assay_given_back", "Judgings given back without a verdict", ["reason"], registry=to)
        self.expired = Counter("assay_leases_expired", "Claims of dead workers found by this sweep", registry=to)
        self.reaped = Counter("assay_leftovers_removed", "Containers and builds nobody owned", registry=to)
        self.waited = Histogram("assay_judging_wait_seconds", "From receipt to claim", buckets=SECONDS, registry=to)
        self.took = Histogram("assay_judging_seconds", "From claim to verdict", buckets=SECONDS, registry=to)
        self.starts = Counter("assay_box_starts", "Boxes, services and builds begun", ["verb"], registry=to)
        self.engine_errors = Counter(
            "assay_engine_errors", "Boxes, services and builds that the engine failed", ["verb"], registry=to
        )
        self.box_seconds = Histogram(
            "assay_box_seconds",
            "Of one call: open and serve until it is ready, run and build to the end",
            ["verb"],
            buckets=SECONDS,
            registry=to,
        )
        for verb in ("run", "open", "build", "serve"):
            self.starts.labels(verb)
            self.engine_errors.labels(verb)
        for reason in GIVEN_BACK:
            self.given_back.labels(reason)

    def count_bell(self, bell: Bells) -> None:
        """Show how often this bell was rung."""
        self.registry.register(BellCounts(bell))

    def count_pool(self, pool: Pool[Any]) -> None:
        """Show how many boxes wait, and how often one did when it was needed."""
        self.registry.register(PoolCounts(pool))

    @contextmanager
    def watching(self, verb: str) -> Iterator[None]:
        """Counts one call of the sandbox."""
        begin = time.monotonic()
        self.starts.labels(verb).inc()
        try:
            yield
        except SandboxError:
            self.engine_errors.labels(verb).inc()
            raise
        else:
            self.box_seconds.labels(verb).observe(time.monotonic() - begin)


class PoolCounts(Collector):
    """Reads a pool when it is scraped."""

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("assay_boxes_waiting", "Boxes made ahead that wait", value=self._pool.waiting())
        asked = CounterMetricFamily("assay_boxes_asked", "Boxes needed, by whether one waited", labels=["waited"])
        asked.add_metric(["yes"], self._pool.taken)
        asked.add_metric(["no"], self._pool.missed)
        yield asked


class Watched:
    """The same sandbox, with its calls counted."""

    def __init__(self, sandbox: Sandbox, metrics: WorkerMetrics) -> None:
        self._sandbox = sandbox
        self._metrics = metrics

    def run(self, job: Job, abandoned: Callable[[], bool] = never) -> RunResult:
        with self._metrics.watching("run"):
            return self._sandbox.run(job, abandoned)

    def open(self, job: Job, abandoned: Callable[[], bool] = never) -> Box:
        with self._metrics.watching("open"):
            return self._sandbox.open(job, abandoned)

    def build(
        self,
        files: Mapping[str, bytes],
        limits: BuildLimits,
        *,
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> Image:
        with self._metrics.watching("build"):
            return self._sandbox.build(files, limits, labels=labels, abandoned=abandoned)

    def serve(
        self,
        image: Image,
        *,
        limits: Limits,
        files: Mapping[str, bytes],
        labels: Mapping[str, str],
        abandoned: Callable[[], bool] = never,
    ) -> Service:
        with self._metrics.watching("serve"):
            return self._sandbox.serve(image, limits=limits, files=files, labels=labels, abandoned=abandoned)
