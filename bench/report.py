"""Rows of figures, each beside its baseline, and the one file they are written to; measures nothing."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Row:
    """One figure. Its name is fixed for good, so that results can be compared over time."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    """The same measured the plain way, in the same run; None where this is such a way itself."""
    baseline_is: str = ""

    @property
    def ratio(self) -> float | None:
        """Value / baseline: what survives a slow or noisy machine better than either."""
        return self.value / self.baseline if self.baseline else None

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        found = {**asdict(self), "value": _short(self.value)}
        if self.baseline is None:
            del found["baseline"], found["baseline_is"]
            return found
        return {**found, "baseline": _short(self.baseline), "ratio": _short(self.ratio or 0.0)}


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank: a value that was seen."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def say(text: str) -> None:
    """Progress."""
    print(text, flush=True)


def machine(engine: dict[str, Any]) -> dict[str, Any]:
    """What the figures were measured on; `engine` is the Docker Engine's own word."""
    cpu = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = [int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "cpu": cpu[0] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory[0] / 2**20, 1) if memory else 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "engine": engine.get("Version", ""),
        "load": [round(one, 2) for one in os.getloadavg()],
        "commit": commit.stdout.strip(),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write(path: Path, rows: Sequence[Row], about: dict[str, Any], *, quick: bool) -> None:
    """The whole file anew."""
    document = {"machine": about, "quick": quick, "rows": [row.document() for row in rows]}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def table(rows: Sequence[Row]) -> str:
    """The rows for a person."""
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        line = f"{row.name:{width}}  {_short(row.value):>9} {row.unit:3}"
        if row.ratio is not None:
            line += f"  = {row.ratio:5.2f} x {row.baseline_is} ({_short(row.baseline or 0.0)})"
        lines.append(line)
    return "\n".join(lines)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
