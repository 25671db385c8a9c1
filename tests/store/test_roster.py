"""The roster: a table of people, read strictly and put in force as a whole, with every change told first."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import Problem
from api.store import competitions, leaderboards, roster, seasons, staff, standings
from api.store.roster import Row, Wrong
from tests.store.test_rules import put, season
from tests.store.world import World


def wrong(text: str) -> str:
    with pytest.raises(Wrong) as refused:
        roster.parse(text)
    return str(refused.value)


def test_what_a_roster_looks_like() -> None:
    text = "\N{BOM}Name,E-mail\n".replace("E-mail", "email") + '"Ada, Countess",ADA@Example.org\n\nben,\n'
    assert roster.parse(text) == [Row(2, "Ada, Countess", "ada@example.org"), Row(4, "ben")]
    assert roster.parse("team;name;cohort\nOwls;cy;north\n") == [Row(2, "cy", None, "Owls", "north")]
    assert roster.parse("name\n") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "roster line 0: the columns are name"),
        ("nome\nann\n", "roster line 1: the columns are name and, if wanted, email, team, cohort; not 'nome'."),
        ("name,name\na,b\n", "roster line 1: the columns are"),
        ("name,email\nann,a@b.org\nben,a@b.org\n", "roster line 3: email a@b.org stands on line 2 already."),
        ("name,email\nann,A@b.org\nben,a@B.org\n", "roster line 3: email a@b.org stands on line 2 already."),
        ("name\nann\nben\nann\n", "roster line 4: name ann stands on line 2 already."),
        ("name,email\nann,ann at home\n", "roster line 2: 'ann at home' is no e-mail address."),
        ("name,email\nann,ann@home\n", "roster line 2: 'ann@home' is no e-mail address."),
        ("name,email\nann,a..b@c.org\n", "roster line 2: 'a..b@c.org' is no e-mail address."),
        ("name,email\nann,a@b.org,x\n", "roster line 2: it has 3 cells, the heading 2."),
        ("name,email\n,a@b.org\n", "roster line 2: the name is missing."),
        ("name\na\N{RIGHT-TO-LEFT OVERRIDE}b\n", "roster line 2: name 'a\\u202eb': only printable characters"),
        ("name\n" + "x" * 65 + "\n", "roster line 2: name is longer than 64 characters."),
        ("name,team\nann,ben\nben,\n", "roster line 2: team ben is called like the person on line 3."),
        ("name,team,cohort\nann,O,n\nben,O,s\n", "roster line 3: team O is in cohort n on line 2."),
        ('name\n"ann\n', "roster line 2: unexpected end of data."),
        ("name\n" + "".join(f"p{n}\n" for n in range(5001)), "roster line 5002: a roster has at most 5000 rows."),
    ],
)
def test_what_is_none_is_refused_with_its_line(text: str, said: str) -> None:
    assert wrong(text).startswith(said.replace("line 0", "line 1"))


def test_every_error_is_named_up_to_a_number() -> None:
    told = wrong("name,email\n" + "".join(f"p{n},broken\n" for n in range(30)))
    assert told.count("roster line") == 20
    assert told.endswith("And 10 more.")


@given(st.text(max_size=200))
def test_whatever_is_sent_it_is_rows_or_a_refusal(text: str) -> None:
    for given_text in (text, "name,email\n" + text):
        with suppress(Wrong):
            assert all(isinstance(row, Row) for row in roster.parse(given_text))


def people(world: World) -> dict[str, str]:
    number = competitions.number(world.store, "season")
    return {one.name: one.entry for one in roster.listed(world.store, number)}


def again(world: World, wanted: seasons.Wanted, text: str, **more: Any) -> list[str]:
    values = {**vars(wanted), "roster": roster.parse(text)} | {k: v for k, v in more.items() if k not in FLAGS}
    return put(world, seasons.Wanted(**values), **{k: v for k, v in more.items() if k in FLAGS})


FLAGS = ("dry_run", "by_admin")


def test_it_is_told_before_it_is_done_and_done_once(world: World) -> None:
    wanted = season(world, "ann,Owls\nben,\n", "name,team", team_size=2)
    text = "name,email,team\nann,ann@x.org,Owls\nben,,Owls\ncy,,\n"
    planned = again(world, wanted, text, dry_run=True)
    assert people(world) == {"ann": "Owls", "ben": "ben"}
    assert again(world, wanted, text) == planned
    assert planned == [
        "ann: email none -> ann@x.org",
        "ben moves from ben to Owls",
        "cy is made",
        "cy is entered",
        "ben is taken out: nobody is left in it",
    ]
    assert people(world) == {"ann": "Owls", "ben": "Owls", "cy": "cy"}
    assert again(world, wanted, text) == []
    assert again(world, wanted, "name\ncy\n") == [], "who is not in it stays"
    assert {row.entry for row in leaderboards.board(world.store, "season").rows} == {"Owls", "cy"}
    assert standings.differences(world.store) == []


def refusal(world: World, wanted: seasons.Wanted, text: str, **more: Any) -> str:
    before = people(world)
    with pytest.raises(Problem) as refused:
        again(world, wanted, text, **more)
    assert refused.value.code.code == "invalid_request"
    assert people(world) == before, "nothing is half applied"
    return refused.value.detail


def test_what_the_competition_does_not_allow(world: World) -> None:
    wanted = season(world, "ann,Owls\nben,Owls\ncy,\n", "name,team", team_size=2, organisers=["admin"])
    assert refusal(world, wanted, "name,team\ndi,\neve,Owls\n") == (
        "roster line 3: team Owls would have 3 members, and 2 is the most."
    )
    assert refusal(world, wanted, "name,cohort\ndi,north\n") == "roster line 2: there is no cohort north."
    assert refusal(world, wanted, "name\nadmin\n") == "roster line 2: admin is staff here, and cannot take part."
    world.submit("ann", "alpha", competition="season")
    for who in ("ann", "ben"):
        assert refusal(world, wanted, f"name,team\n{who},\n") == (
            f"roster line 2: {who} stays in Owls, which has handed something in already."
        )
    again(world, wanted, "name,email\ncy,cy@x.org\n")
    assert refusal(world, wanted, "name,email\ndi,cy@x.org\n") == (
        "roster line 2: cy@x.org is the address of cy already."
    )


def test_an_organiser_takes_nobody_by_their_name(world: World) -> None:
    wanted = season(world, "ann\n")
    world.person("zoe", "cup")
    told = refusal(world, wanted, "name\nzoe\n", by_admin=False)
    assert told == "roster line 2: somebody is called zoe already; let them join by the code, or use another name."
    assert again(world, wanted, "name\nyan\n", by_admin=False) == ["yan is made", "yan is entered"]
    assert again(world, wanted, "name\nzoe\n") == ["zoe is entered"], "the control: an administrator may"


def test_who_organises_takes_part_by_no_way(world: World) -> None:
    world.person("grace", "cup")
    season(world, "ann\n", organisers=["grace"])
    join = competitions.new_join_code(world.store, "season", by=world.ids["staff"])
    for enter in (
        lambda: competitions.join(world.store, join, world.ids["grace"]),
        lambda: competitions.add_entry(world.store, "season", "grace", by=world.ids["staff"]),
    ):
        with pytest.raises(Problem) as refused:
            enter()
        assert refused.value.code.code == "forbidden"


def test_staff_and_cohorts(world: World) -> None:
    world.person("grace", "cup")
    wanted = season(world, "ann,north\n", "name,cohort", cohorts={"north": ["grace"]}, organisers=["grace"])
    assert staff.duty(world.store, "season", world.ids["grace"]) == staff.Duty(True, (1,))
    assert not staff.duty(world.store, "season", world.ids["ann"])
    assert not staff.duty(world.store, "cup", world.ids["grace"])
    for change, said in (
        ({"cohorts": {}}, "cohort north cannot be taken out: there are entries in it."),
        ({"cohorts": {"north": ["nobody"]}}, "cohort north: staff: nobody is called nobody."),
        ({"organisers": ["ann"]}, "organisers: ann takes part, and cannot be staff."),
    ):
        assert refusal(world, wanted, "name\n", **change) == said
    with pytest.raises(Problem) as refused:
        put(world, seasons.Wanted(**{**vars(wanted), "organisers": []}), by_admin=False)
    assert refused.value.code.code == "forbidden"
    changed = put(world, seasons.Wanted(**{**vars(wanted), "cohorts": {"north": [], "south": ["grace"]}}))
    assert changed == [
        "cohort north: staff grace -> none",
        "cohort south is made",
        "cohort south: staff none -> grace",
    ]
    assert staff.organised(world.store, world.ids["grace"]) == ["season"]
