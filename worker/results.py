"""Keeps results on this host's disk while the database cannot take them; knows neither judging nor database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from api.settings import write_private
from api.store.judgings import Claim

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Result:
    """What `judgings.commit` takes, as plain data."""

    claim: Claim
    report: dict[str, Any]
    evidence: dict[str, Any]
    step: float | None


_RESULT = TypeAdapter(Result)


class Results:
    """One file a result, named by judging and epoch, so that a claim has one at the most."""

    def __init__(self, folder: Path) -> None:
        """The folder is made on first need, for this user only."""
        self._folder = folder

    def keep(self, result: Result) -> None:
        """Writes it so that it survives a power cut. Raises OSError."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        write_private(self._path(result.claim), json.dumps(_RESULT.dump_python(result, mode="json")))

    def drop(self, claim: Claim) -> None:
        """Forgets the result of this claim, if there is one. Raises OSError."""
        self._path(claim).unlink(missing_ok=True)

    def kept(self) -> Iterator[Result]:
        """Those that are there; what cannot be read is said and removed: its judging is done again. Raises OSError."""
        if not self._folder.is_dir():
            return
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield _RESULT.validate_json(path.read_bytes())
            except ValidationError:
                log.error("result.unreadable", file=path.name)
                path.unlink()

    def _path(self, claim: Claim) -> Path:
        return self._folder / f"{claim.judging_id}-{claim.epoch}.json"
