"""The documents that must not fall behind the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.metrics import ApiMetrics
from api.settings import Settings
from api.store import Store
from tests.databases import Databases
from worker.metrics import WorkerMetrics

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_every_setting_is_documented_and_no_other() -> None:
    table = (ROOT / "docs" / "operations.md").read_text().split("## Settings")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(Settings.model_fields)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_catalogue_is_what_the_challenges_say() -> None:
    """If it is not: `.venv/bin/python scripts/catalogue.py > docs/catalogue.md`."""
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "catalogue.py"], capture_output=True, text=True, check=True
    )
    assert (ROOT / "docs" / "catalogue.md").read_text() == made.stdout


def test_every_alert_counts_what_there_is_and_has_its_page(sqlite: Databases) -> None:
    rules = (ROOT / "deploy" / "alerts.yml").read_text()
    names = re.findall(r"- alert: (\w+)", rules)
    assert names == re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert [f"docs/runbook.md#{name.lower()}" for name in names] == re.findall(r'runbook: "([^"]+)"', rules)
    store = Store(sqlite.new())
    there = set()
    for registry in (ApiMetrics(store, lambda: 0.0).registry, WorkerMetrics().registry):
        there |= {sample.name for family in registry.collect() for sample in family.samples}
    there |= {f"assay_bell_{what}_total" for what in ("rung", "failed")}  # those of a bell that is there
    used = set(re.findall(r"assay_\w+", " ".join(re.findall(r"expr: (.*)", rules))))
    assert used
    store.close()
    assert used - there <= {"assay_verdicts_total", "assay_engine_errors_total"}, "these appear with their first label"
    documented = (ROOT / "docs" / "operations.md").read_text()
    assert [name for name in used if f"`{name}" not in documented] == []


def test_pictures_are_small_and_shown() -> None:
    shown = "".join(page.read_text() for page in PAGES)
    sizes = {picture.name: picture.stat().st_size for picture in (ROOT / "docs" / "images").iterdir()}
    assert [name for name in sizes if f"images/{name}" not in shown] == []
    assert max(sizes.values()) < 200 * 1024
    assert sum(sizes.values()) < 1.5 * 1024 * 1024
