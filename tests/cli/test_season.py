"""The file of a season: what it says reaches the judge, and what is wrong with it is said with its place."""

from __future__ import annotations

import csv
import functools
import io
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from challenges.loader import builtin_root, load_all
from cli.client import season, verbs
from cli.client.api import Api
from cli.errors import CliError
from tests.api.house import House, built
from tests.cli.conftest import Assay

ROOT = Path(__file__).parents[2]
YEAR = datetime.now(UTC).year + 1
GOOD = f"""
title = "Spring"
time_zone = "Europe/Berlin"
opens = {YEAR}-03-01T09:00:00
closes = {YEAR}-05-01T09:00:00
per_day = 4
challenges = ["gamma"]
[[weeks]]
title = "One"
opens = {YEAR}-03-01T09:00:00
closes = {YEAR}-03-08T09:00:00
challenges = ["alpha", {{slug = "beta", points = 150}}]
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An administrator is at the terminal."""
    with built(tmp_path) as found:
        monkeypatch.setattr(verbs, "Api", functools.partial(Api, transport=found.client._transport))
        monkeypatch.setenv("ASSAY_TOKEN", found.tokens["admin"])
        yield found


def test_it_shows_asks_changes_and_then_has_nothing_to_do(house: House, assay: Assay) -> None:
    Path("spring.toml").write_text(GOOD)
    planned = assay("competition", "apply", "spring.toml", "--dry-run")
    assert planned.exit_code == 0
    assert "spring is made" in planned.stdout
    assert house.get("/competitions/spring").status_code == 404
    assert assay("competition", "apply", "spring.toml", input="n\n").exit_code == 1
    assert house.get("/competitions/spring").status_code == 404
    assert "spring is changed." in assay("competition", "apply", "spring.toml", input="y\n").stdout
    found = house.get("/competitions/spring").json()
    assert found["opens_at"] == f"{YEAR}-03-01T08:00:00Z"
    assert found["closes_at"] == f"{YEAR}-05-01T07:00:00Z", "in summer time"
    assert (found["per_day"], found["time_zone"]) == (4, "Europe/Berlin")
    told = [(one["slug"], one["points"], one["week"]) for one in found["challenges"]]
    assert told[1:] == [("alpha", told[1][1], "One"), ("beta", 150, "One")]
    assert assay("competition", "apply", "spring.toml", "--yes").stdout == "spring is so already.\n"


RULES = f"""
late = [0.8, 0.5]
counts = "last"
freeze = {YEAR}-04-30T09:00:00
private = false
team_size = 2
named = 10
step = 0.5
feedback = "F1"
organisers = ["ann"]
join = true
cohorts = [{{name = "north", staff = ["ben"]}}]
roster = "people.csv"
"""


def test_rules_staff_and_roster_are_put_in_force_with_it(house: House, assay: Assay) -> None:
    Path("spring.toml").write_text(RULES + GOOD)
    Path("people.csv").write_text("name,email,team,cohort\ncy,cy@x.org,Owls,north\ndi,di@x,Owls,north\n")
    refused = assay("competition", "apply", "spring.toml", "--yes")
    assert refused.exit_code == 1
    assert "roster line 3: 'di@x' is no e-mail address." in refused.stderr
    assert house.get("/competitions/spring").status_code == 404, "nothing is half applied"
    Path("people.csv").write_text("name,email,team,cohort\ncy,cy@x.org,Owls,north\ndi,di@x.org,Owls,north\n")
    assert "di is entered in team Owls" in assay("competition", "apply", "spring.toml", "--yes").stdout
    assert assay("competition", "apply", "spring.toml", "--yes").stdout == "spring is so already.\n"
    found = house.get("/competitions/spring").json()
    told = {key: found[key] for key in ("late", "counts", "freeze_at", "private", "team_size", "named", "step")}
    assert told == {
        "late": [0.8, 0.5], "counts": "last", "freeze_at": f"{YEAR}-04-30T07:00:00Z", "private": False,
        "team_size": 2, "named": 10, "step": 0.5,
    }  # fmt: skip
    assert (found["feedback"], found["cohorts"], found["entries"]) == ("F1", ["north"], 1)
    assert len(house.get("/competitions/spring/join-code", "ann").json()["join_code"]) == 10
    roster = house.get("/competitions/spring/roster", "ann").json()
    assert [(one["name"], one["entry"], one["can_sign_in"]) for one in roster["members"]] == [
        ("cy", "Owls", False),
        ("di", "Owls", False),
    ]
    assert (roster["organisers"], roster["cohorts"]) == (["ann"], {"north": ["ben"]})


def test_links_are_for_those_who_cannot_sign_in_yet(house: House, assay: Assay) -> None:
    Path("spring.toml").write_text('roster = "people.csv"\n' + GOOD)
    Path("people.csv").write_text("name,email\nann,\ncy,cy@x.org\n=di,di@x.org\n")
    assert assay("competition", "apply", "spring.toml", "--yes").exit_code == 0
    made = assay("competition", "links", "spring")
    assert made.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(made.stdout)))
    assert [(one["name"], one["email"]) for one in rows] == [("'=di", "di@x.org"), ("cy", "cy@x.org")]
    assert all("/welcome#" in one["link"] for one in rows)
    secret = rows[1]["link"].partition("#")[2]
    form = {"code": secret, "password": "a long password"}
    assert house.client.post("/welcome", data=form, headers={"Origin": "http://testserver"}).status_code == 200
    assert [one["can_sign_in"] for one in house.get("/competitions/spring/roster", "admin").json()["members"]] == [
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("title = \"Spring\"\n", ""), "title is missing"),
        (("Europe/Berlin", "Europe/Atlantis"), "time_zone: 'Europe/Atlantis' is none"),
        (("per_day = 4", "per_day = 0"), "per_day is a whole number from 1"),
        (("per_day = 4", "quota = 4"), "'quota' is not known"),
        (('title = "One"\n', ""), "week 1: title is missing"),
        ((f"closes = {YEAR}-03-08T09:00:00", 'closes = "soon"'), "week 1: closes is a date with a time"),
        (('["alpha", {slug = "beta", points = 150}]', "[7]"), "week 1: a challenge is"),
        (('["alpha", {slug = "beta", points = 150}]', "[]"), "week 1: it has no challenges"),
        (('title = "Spring"', "title = Spring"), "line 2"),
        (("per_day = 4", 'roster = "nobody.csv"'), "nobody.csv: No such file"),
        (("per_day = 4", 'cohorts = ["north"]'), "cohorts: a cohort is"),
        (("per_day = 4", "team_size = 0"), "team_size is a whole number from 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    file = tmp_path / "spring.toml"
    assert change[0] in GOOD
    file.write_text(GOOD.replace(*change))
    with pytest.raises(CliError) as refused:
        season.read(file)
    assert said in str(refused.value)


def test_a_moment_that_the_clocks_leave_out_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "spring.toml"
    file.write_text('title = "S"\ntime_zone = "Europe/Berlin"\nopens = 2027-03-28T02:30:00\nchallenges = ["alpha"]\n')
    with pytest.raises(CliError) as refused:
        season.read(file)
    assert "no such moment" in str(refused.value)


def test_what_the_judge_refuses_is_one_sentence(house: House, assay: Assay) -> None:
    Path("spring.toml").write_text(GOOD.replace('"alpha"', '"nothing"'))
    result = assay("competition", "apply", "spring.toml", "--yes")
    assert result.exit_code == 1
    assert "There is no challenge nothing." in result.stderr
    assert house.get("/competitions/spring").status_code == 404


def test_the_bootcamp_that_ships_is_a_season_of_every_challenge_there_is(tmp_path: Path, house: House) -> None:
    text = (builtin_root() / "bootcamp.toml").read_text()
    slug, rules = season.read(builtin_root() / "bootcamp.toml")
    assert slug == "bootcamp"
    assert {one["slug"] for one in rules["challenges"]} == set(load_all([builtin_root()]))
    assert len({one["week"] for one in rules["challenges"]}) == 8
    weeks = tomllib.loads(text)["weeks"]
    assert all(one["opens"] == before["closes"] for before, one in pairwise(weeks))
    names = ["alpha", "beta", "gamma"]
    places = [one | {"slug": name} for one, name in zip(rules["challenges"][::9], names, strict=False)]
    moved = {"opens_at": None, "closes_at": None, "week": None}  # its dates pass, and those challenges are not here
    answer = house.request(
        "PUT",
        "/api/v1/competitions/bootcamp",
        "admin",
        json=rules | {"opens_at": None, "closes_at": None, "challenges": [one | moved for one in places]},
    )
    assert answer.status_code == 200, answer.text
