"""`assay audit`: the invariants of docs/operations.md, for an operator; looks at no row itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from api.blobs import Blobs
from api.settings import Settings
from api.store import Store, invariants
from sandbox.containers import DockerSandbox
from sandbox.images.build import Pinned
from sandbox.types import SandboxError
from worker.host import AnotherWorker, own_host

ANSWER_SECONDS = 1.0
TITLES = {
    **invariants.TITLES,
    "I4": "nothing is left behind on this host",
    "I7": "the api answers, and in time",
}


@dataclass(frozen=True)
class Checked:
    """One invariant: what breaks it, or why it was not looked at."""

    invariant: str
    title: str
    breaches: list[invariants.Breach]
    skipped: str = ""


def examine(settings: Settings, url: str | None, on_checked: Callable[[Checked], None]) -> list[Checked]:
    """All invariants in order, each told as soon as it is known. Raises what the database raises."""
    store = Store(settings.database)
    try:
        hidden = Blobs(settings.hidden_dir).intact if settings.hidden_dir.is_dir() else None
        rows = invariants.audit(store, Blobs(settings.blobs_dir).intact, hidden)
    finally:
        store.close()
    found = []
    for name in sorted(TITLES, key=lambda one: int(one[1:])):
        if name == "I4":
            one = _left_behind(settings)
        elif name == "I7":
            one = _answers(url)
        else:
            one = Checked(name, TITLES[name], rows[name])
        on_checked(one)
        found.append(one)
    return found


def _left_behind(settings: Settings) -> Checked:
    """Containers and builds of this installation, where no worker runs that could still need them."""
    title = TITLES["I4"]
    try:
        host = own_host(settings.worker_lock)
    except AnotherWorker:
        return Checked("I4", title, [], "a worker runs on this host, and removes what belongs to nobody")
    try:
        sandbox = DockerSandbox(instance=settings.instance, image_of=Pinned(), oci_runtime=settings.runtime)
        try:
            left = [*sandbox.leftovers(), *(f"build {one}" for one in sorted(sandbox.leftover_builds()))]
        finally:
            sandbox.close()
    except SandboxError as error:
        return Checked("I4", title, [], f"the engine cannot be asked: {error}")
    finally:
        host.close()
    return Checked("I4", title, [invariants.Breach("I4", one, "belongs to no worker") for one in left])


def _answers(url: str | None) -> Checked:
    title = TITLES["I7"]
    if url is None:
        return Checked("I7", title, [], "no --url was given")
    begun = time.monotonic()
    try:
        status = httpx.get(f"{url.rstrip('/')}/readyz", timeout=5 * ANSWER_SECONDS).status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Checked("I7", title, [invariants.Breach("I7", url, f"no answer: {error}")])
    took = time.monotonic() - begun
    wrong = []
    if status != httpx.codes.OK:
        wrong.append(invariants.Breach("I7", url, f"/readyz answers {status}"))
    if took > ANSWER_SECONDS:
        wrong.append(invariants.Breach("I7", url, f"/readyz took {took:.1f} s"))
    return Checked("I7", title, wrong)
