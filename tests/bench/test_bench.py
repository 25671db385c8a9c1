"""`make bench` works and keeps its names: each part for real, as short as can be (the figures mean nothing then)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.report import Row, percentile

ROOT = Path(__file__).parents[2]
NAMES = {
    "sandbox": {
        f"sandbox.trivial.{level}.{figure}"
        for level in ("docker_run", "fresh_cold", "fresh_warm", "bare")
        for figure in ("p50_ms", "p95_ms", "cpu_ms")
    }
    | {
        f"sandbox.sklearn.sustained.{figure}"
        for figure in ("runs_per_second", "machine_cpu_percent", "from_the_pool_percent")
    },
    "judge": {
        "judge.idle.p50_ms",
        "judge.idle.p95_ms",
        "judge.idle.small.p50_ms",
        "judge.idle.small.p95_ms",
        "judge.saturated.verdicts_per_second",
        "judge.idle_cpu_percent",
    },
    "board": {
        f"board.100.{name}" for name in ("page_p50_ms", "page_p99_ms", "json_p50_ms", "json_p99_ms", "verdict_ms")
    },
    "queue": {"queue.sqlite.claims_per_second", "queue.postgres.claims_per_second", "queue.sqlite.recovery_s"},
}


def measured(tmp_path: Path, part: str) -> dict[str, Any]:
    output = tmp_path / "results.json"
    command = [sys.executable, "-m", "bench", "--quick", f"--only={part}", f"--output={output}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in NAMES[part]:
        assert name in done.stdout
    found: dict[str, Any] = json.loads(output.read_text())
    return found


@pytest.mark.timeout(450)
@pytest.mark.parametrize("part", sorted(NAMES))
def test_a_part_gives_its_rows_each_beside_a_baseline(tmp_path: Path, part: str) -> None:
    document = measured(tmp_path, part)
    assert document["quick"] is True
    assert document["machine"]["cores"] >= 1
    assert document["machine"]["engine"]
    rows = {row["name"]: row for row in document["rows"]}
    assert set(rows) == NAMES[part]
    assert len(rows) == len(document["rows"])
    for name, row in rows.items():
        resting = name.endswith(("idle_cpu_percent", "from_the_pool_percent"))  # of a short look it may be nothing
        assert row["value"] > 0 or resting, row
        assert row["unit"] in ("ms", "s", "1/s", "%")
        if ".docker_run." in name or resting:
            continue  # the baseline of others, and one that may be nothing
        assert row["ratio"] == pytest.approx(row["value"] / row["baseline"], rel=0.01)
        assert row["baseline_is"]


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert [percentile(values, one) for one in (0, 1, 50, 95, 100)] == [1, 1, 50, 95, 100]
    assert percentile([7.0], 95) == 7.0
    assert percentile([1.0, 2.0], 50) == 1.0


def test_a_row_without_baseline_has_no_ratio() -> None:
    assert Row("x", 2.0, "ms").document() == {"name": "x", "value": 2.0, "unit": "ms"}
    assert Row("x", 3.0, "ms", 2.0, "y").document()["ratio"] == 1.5
