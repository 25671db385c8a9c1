"""The sweeper's housekeeping: files of which no submission came go, all others stay."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from api.blobs import Blobs
from api.store import builds
from api.sweeper import Sweeper
from tests.installation import DOUBLE, Installation, wait_for


class NoBell:
    """Nobody is called."""

    def ring(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


@pytest.mark.fault("F10")
def test_files_without_a_submission_go_and_all_others_stay(tmp_path: Path) -> None:
    at = Installation(tmp_path / "data", sweep_seconds=0.05)
    at.submit(DOUBLE)
    public = at.blobs.put([b"public data"])
    hidden = Blobs(at.settings.hidden_dir).put([b"hidden data"])
    builds.record(at.store, "toy-call", at.challenges["toy-call"].version, 0, public, hidden)
    orphan = at.blobs.put([b"an upload whose sender was killed before the commit"])
    for path in at.blobs.root.glob("??/*"):
        os.utime(path, (time.time() - 7200,) * 2)
    young = at.blobs.put([b"an upload that will be committed in a moment"])
    sweeper = Sweeper(at.settings, at.store, at.blobs, NoBell())
    sweeper.start()
    try:
        wait_for(lambda: not at.blobs.has(orphan), "the orphan to go")
    finally:
        sweeper.stop()
    assert at.blobs.has(young)
    assert at.blobs.has(public)
    at.audit()
    at.store.close()
