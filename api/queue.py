"""Rings the bell: tells the workers by a task NAME that there is work; knows neither the task nor what work there is.

The database is the queue. A message that is lost costs a few seconds, so nothing here ever blocks a caller or fails it.
"""

import threading
from typing import Any

import structlog
from celery import Celery

TASK = "assay.work"
QUIET_SECONDS = 1.0
"""After a failure the bell rests for so long: a broker that is down is not asked for every submission."""

log = structlog.get_logger(__name__)


def celery_config(broker_url: str, *, producer: bool, instance: str = "assay") -> dict[str, Any]:
    """The one place for Celery's settings; `producer` is the api's side, which must give up quickly.

    `instance` keeps installations that share a server apart.
    """
    socket_seconds, connect_seconds = (1, 1) if producer else (5, 2)
    return {
        "broker_url": broker_url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_retry": not producer,
        "broker_connection_max_retries": 0 if producer else None,  # None: for ever
        "broker_connection_timeout": connect_seconds,
        "broker_pool_limit": 10,
        "broker_transport_options": {
            "visibility_timeout": 900,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_timeout": socket_seconds,
            "socket_connect_timeout": connect_seconds,
            "socket_keepalive": True,
            "retry_on_timeout": not producer,
            "health_check_interval": 25,
            "global_keyprefix": f"{instance}:",
            "client_name": f"assay-{'api' if producer else 'worker'}",
        },
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": False,
        "task_retry_on_worker_lost": False,
        "task_publish_retry": not producer,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_default_queue": "assay",
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_soft_shutdown_timeout": 0,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
    }


class Bell:
    """Rings in a thread of its own. Rings that come while one is on its way are one ring: there is work, it says."""

    def __init__(self, broker_url: str, *, instance: str = "assay") -> None:
        self.rung = 0
        self.failed = 0
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._start = threading.Lock()
        self._celery: Celery | None = None
        if broker_url:
            self._celery = Celery("assay-bell", set_as_current=False)
            self._celery.conf.update(celery_config(broker_url, producer=True, instance=instance))

    def ring(self) -> None:
        """Says that there is work. Returns at once; without a broker nobody hears it."""
        if self._celery is None or self._closed.is_set():
            return
        with self._start:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(self._celery,), name="bell", daemon=True)
                self._thread.start()
        self._wanted.set()

    def close(self) -> None:
        """Stops the thread; a ring that is on its way may be lost."""
        self._closed.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(timeout=3)
        if self._celery is not None:
            self._celery.close()

    def _run(self, celery: Celery) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._closed.is_set():
                return
            try:
                celery.send_task(TASK, ignore_result=True, retry=False)
            except Exception as error:  # noqa: BLE001 - whatever the broker does, the submission is safe
                self.failed += 1
                log.warning("bell.failed", error=type(error).__name__, failed=self.failed)
                self._closed.wait(QUIET_SECONDS)
            else:
                self.rung += 1
