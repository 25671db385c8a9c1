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


def grades(house: House, **params: str) -> list[list[str]]:
    answer = house.get("/competitions/cup/grades.csv", "admin", params=params)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text)))


def test_grades_as_gradebooks_take_them(house: House) -> None:
    roster = "name,email,team,cohort\nann,ann@x.org,,=north\n=cmd(),c@x.org,,=north\n"
    body = {"title": "Cup", "challenges": [{"slug": "alpha", "points": 50}, {"slug": "beta"}], "roster": roster}
    made = house.request("PUT", "/api/v1/competitions/cup", "admin", json=body | {"cohorts": [{"name": "=north"}]})
    assert made.status_code == 200, made.text
    house.submitted("ann", "alpha")
    house.judge(report(80))
    assert grades(house) == [
        ["Full name", "Email address", "Group", "Team", "Alpha", "Beta", "Total"],
        ["'=cmd()", "c@x.org", "'=north", "'=cmd()", "", "", "0.0"],
        ["ann", "ann@x.org", "'=north", "ann", "40.0", "", "40.0"],
        ["ben", "", "", "ben", "", "", "0.0"],
    ]
    canvas = grades(house, format="canvas")
    assert canvas[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Alpha", "Beta", "Total"]
    assert canvas[1][5:] == ["50", "200", "250"]
    assert canvas[3] == ["ann", "", "", "ann@x.org", "'=north", "40.0", "", "40.0"]
    refused(house.get("/competitions/cup/grades.csv?format=excel", "admin"), 422, "invalid_request")


def test_a_history_of_others_needs_names_on_the_boards(house: House) -> None:
    house.submitted("ann", "alpha")
    house.judge(report(80))
    mine = house.get("/leaderboards/cup/history", "ann").json()
    assert (mine["entry"], mine["days"][-1]["rank"], mine["days"][-1]["points"]) == ("ann", 1, 80)
    assert house.get("/leaderboards/cup/history?entry=ann", "ben").json() == mine
    house.submitted("ben", "alpha")
    house.judge(report(90))
    assert house.get("/leaderboards/cup/history", "ann").json()["days"][-1]["rank"] == 2, "kept no longer than it is so"
    body = {"title": "Cup", "challenges": [{"slug": name} for name in ("alpha", "beta", "gamma")], "named": 1}
    assert house.request("PUT", "/api/v1/competitions/cup", "admin", json=body).status_code == 200
    refused(house.get("/leaderboards/cup/history?entry=ann", "ben"), 403, "forbidden")
    assert house.get("/leaderboards/cup/history?entry=ann", "admin").status_code == 200
    assert house.get("/leaderboards/cup/history", "ann").status_code == 200
    refused(house.get("/leaderboards/cup/history?entry=nobody", "admin"), 403, "not_entered")
    refused(house.get("/leaderboards/cup/history", "admin"), 403, "not_entered")


def test_a_profile_says_what_it_stands_on(house: House) -> None:
    house.submitted("ann", "alpha")
    house.judge(report(80))
    found = house.get("/people/me/profile", "ann").json()
    axis = next(one for one in found["axes"] if one["skill"] == "programming")
    assert [(one["challenge"], one["score"], one["passed"]) for one in axis["evidence"]] == [("alpha", 80, True)]
    assert axis["value"] == round(100 * (0.8 * 100 + 60) / 300, 1)
    assert found["formula"] == "1"
    other = house.get(f"/people/{house.ids['ann']}/profile", "admin").json()
    assert other["axes"][0]["evidence"] == found["axes"][0]["evidence"]
    refused(house.get("/people/999/profile", "admin"), 404, "not_found")
