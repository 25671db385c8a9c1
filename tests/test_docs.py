"""The documents that must not fall behind the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.settings import Settings

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


def test_pictures_are_small_and_shown() -> None:
    shown = "".join(page.read_text() for page in PAGES)
    sizes = {picture.name: picture.stat().st_size for picture in (ROOT / "docs" / "images").iterdir()}
    assert [name for name in sizes if f"images/{name}" not in shown] == []
    assert max(sizes.values()) < 200 * 1024
    assert sum(sizes.values()) < 1.5 * 1024 * 1024
