"""A board as CSV: every line of it, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io

import pytest

from tests.api.house import House, refused
from tests.store.world import report


def rows(house: House, query: str = "") -> list[dict[str, str]]:
    answer = house.get(f"/leaderboards/cup/export.csv{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_it_is_the_board_that_json_gives(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.leaderboards.EXPORT_ROWS", 2)
    for name, points in (("=cmd|' /C calc'!A0", 80), ('comma, "quote"', 60), ("-2+3", 60)):
        house.person(name, "cup")
        house.submitted(name, "beta")
        house.judge(report(points))
    shown = house.get("/leaderboards/cup").json()["rows"]
    found = rows(house)
    assert [one["name"].removeprefix("'") for one in found] == [one["name"] for one in shown]
    assert [one["name"][0] for one in found[:3]] == ["'", "c", "'"]
    assert [one["rank"] for one in found] == ["1", "2", "2", "", ""]
    assert [float(one["points"]) for one in found[:3]] == [one["points"] for one in shown[:3]]
    assert [one["beta"] for one in found] == [one["points"] for one in found]
    assert "beta" not in rows(house, "?challenge=beta")[0]


def test_what_is_unknown(house: House) -> None:
    refused(house.get("/leaderboards/nowhere/export.csv"), 404, "unknown_competition")
    refused(house.get("/leaderboards/cup/export.csv?challenge=nothing"), 404, "unknown_challenge")
