"""A whole season over REST alone, with a clock that is moved: 30 people in 10 teams, eight weeks, and all that happens.

At its end every board equals one that is computed here, from the JSON export, by a few lines that share no code with
the judge's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.store import Store, invariants
from challenges.kit.score import Check, Score
from challenges.report import Report, Verdict
from tests.api.house import V1, FakeBell, House, challenge
from tests.databases import Databases
from tests.store.world import Clock

BEGIN = datetime(2027, 3, 1, 8, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
WEEKS = 8
SLUGS = [f"{kind}-{week}" for week in range(1, WEEKS + 1) for kind in ("easy", "hard")]
CHALLENGES = {slug: challenge(slug, level=1 if slug.startswith("easy") else 2) for slug in SLUGS}
TEAMS = [f"Team {number}" for number in range(1, 11)]
PEOPLE = [f"person-{number}" for number in range(1, 31)]
COHORTS = {"north": "nora", "south": "sam"}


@pytest.fixture
def season(tmp_path: Path, databases: Databases) -> Iterator[House]:
    clock = Clock()
    clock.now = BEGIN - DAY
    limits = ("submissions_per_minute", "requests_per_minute", "anonymous_per_minute")
    given: dict[str, Any] = dict.fromkeys(limits, 1_000_000)
    settings = Settings(data=tmp_path / "data", database_url=databases.new(), live_poll_seconds=0.02, **given)
    store = Store(settings.database, clock=clock)
    app = create_app(settings, bell=FakeBell(), challenges=CHALLENGES, store=store)
    with TestClient(app, raise_server_exceptions=False) as client:
        house = House(app, client, FakeBell())
        house.tokens["admin"] = (tmp_path / "data" / "admin-token").read_text().strip()
        house.clock = clock  # type: ignore[attr-defined]
        yield house


def rules() -> dict[str, Any]:
    """The season as one would write it."""
    rows = [
        f"{name},{name}@example.org,{TEAMS[number % 10]},{'north' if number % 10 < 5 else 'south'}"
        for number, name in enumerate(PEOPLE)
    ]
    return {
        "title": "Season",
        "opens_at": BEGIN.isoformat(),
        "closes_at": (BEGIN + WEEKS * WEEK).isoformat(),
        "time_zone": "Europe/Berlin",
        "per_day": 3,
        "late": [0.8, 0.5],
        "freeze_at": (BEGIN + WEEKS * WEEK - DAY).isoformat(),
        "team_size": 3,
        "organisers": ["olga"],
        "cohorts": [{"name": name, "staff": [who]} for name, who in COHORTS.items()],
        "roster": "\n".join(["name,email,team,cohort", *rows]),
        "challenges": [
            {
                "slug": slug,
                "week": f"Week {number // 2 + 1}",
                "opens_at": (BEGIN + number // 2 * WEEK).isoformat(),
                "closes_at": (BEGIN + (number // 2 + 1) * WEEK).isoformat(),
            }
            for number, slug in enumerate(SLUGS)
        ],
    }


def put(house: House, who: str, body: dict[str, Any], **params: Any) -> Any:
    answer = house.request("PUT", f"{V1}/competitions/season", who, json=body, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["changes"]


def good(house: House, method: str, path: str, who: str, **more: Any) -> Any:
    answer = house.request(method, V1 + path, who, **more)
    assert answer.status_code < 300, (method, path, answer.text)
    return answer.json() if answer.content else None


def at(house: House, moment: datetime) -> None:
    assert moment >= house.clock.now, "time does not go back"  # type: ignore[attr-defined]
    house.clock.now = moment  # type: ignore[attr-defined]


def hand_in(house: House, who: str, slug: str, **more: Any) -> Any:
    body = {"challenge": slug, "competition": "season", "files": {"solution.py": f"# {who} {slug}\n"}} | more
    return house.post("/submissions", who, json=body)


def scored(house: House, who: str, slug: str, points: float, private: float) -> str:
    answer = hand_in(house, who, slug)
    assert answer.status_code == 202, answer.text
    assert house.judge(told(points, private)) == answer.json()["id"]
    return str(answer.json()["id"])


def told(points: float, private: float) -> Report:
    checks = (Check("exact", points / 100, 1.0, False, "", points >= 70),)
    verdict = Verdict.accepted if points >= 70 else Verdict.wrong_answer
    return Report(verdict, Score(points, private, checks), checks)


def board(house: House, who: str | None = None, **params: Any) -> dict[str, tuple[int | None, float | None]]:
    found = house.get("/leaderboards/season", who, params=params).json()
    return {row["name"]: (row["rank"], row["points"]) for row in found["rows"]}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def recomputed(export: dict[str, Any], *, private: bool, before: datetime | None = None) -> dict[str, Any]:
    """Every board out of an export: points by board and entry. Boards are named "", by challenge, or by week."""
    places = {one["slug"]: one for one in export["challenges"]}
    best: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for one in export["submissions"]:
        counts = one["kind"] == "scored" and not one["voided"] and one["verdict"] not in (None, "judge_error")
        value = one["private_score"] if private else one["score"]
        if not counts or value is None or not (private or one["shown"]):
            continue
        received = moment(one["received_at"])
        if before is not None and received >= before:
            continue
        deadline = max(
            [moment(places[one["challenge"]]["closes_at"])]
            + [
                moment(given["closes_at"])
                for given in export["extensions"]
                if given["entry"] == one["entry"] and given["challenge"] in (None, one["challenge"])
            ]
        )
        credit = 1.0
        if received >= deadline:
            credit = export["competition"]["late"][(received - deadline) // timedelta(days=1)]
        score = round(value, 2)
        worth = places[one["challenge"]]["points"]
        points = Decimal(repr(round(worth * score * credit / 100, 2)))
        key = (one["entry"], one["challenge"])
        best[key] = max(best.get(key, (Decimal(-1), Decimal(0))), (points, Decimal(repr(score))))
    boards: dict[str, dict[str, Decimal]] = {}
    for (entry, slug), (points, _) in best.items():
        for name in ("", slug, places[slug]["week"]):
            rows = boards.setdefault(name, {})
            rows[entry] = rows.get(entry, Decimal(0)) + points
    cent = Decimal("0.01")
    return {
        name: {entry: points.quantize(cent, ROUND_HALF_EVEN) for entry, points in rows.items()}
        for name, rows in boards.items()
    }


def same_boards(house: House, who: str | None, computed: dict[str, Any]) -> None:
    """Overall, every challenge and every week, points and ranks, to the digit."""
    asked: list[tuple[str, dict[str, Any]]] = [("", {})] + [(slug, {"challenge": slug}) for slug in SLUGS]
    asked += [(f"Week {number}", {"week": number}) for number in range(1, WEEKS + 1)]
    for name, params in asked:
        shown = board(house, who, **params)
        wanted = computed.get(name, {})
        points = {entry: Decimal(repr(given)) for entry, (_, given) in shown.items() if given is not None}
        assert points == wanted, name
        for entry, given in wanted.items():
            rank = 1 + sum(other > given for other in wanted.values())
            assert shown[entry][0] == rank, (name, entry)
        assert list(points.values()) == sorted(points.values(), reverse=True)


def test_a_season_from_its_file_to_its_grades(season: House) -> None:
    house, random = season, Random(9)
    for who in ("olga", *COHORTS.values()):
        good(house, "POST", "/people", "admin", json={"name": who})
    house.ids |= {who: good(house, "GET", f"/people?name={who}", "admin")["id"] for who in ("olga", *COHORTS.values())}
    planned = put(house, "admin", rules(), dry_run=True)
    assert house.get("/competitions/season").status_code == 404
    assert put(house, "admin", rules()) == planned
    assert put(house, "admin", rules()) == [], "a second time there is nothing to do"
    for who in house.ids:
        _token(house, who, ["read", "submit", "organise"])

    # Joins: everybody gets a link from the organiser, and a token; one more person comes late by the join code's way.
    roster = good(house, "GET", "/competitions/season/roster", "olga")["members"]
    assert [one["can_sign_in"] for one in roster] == [False] * 30
    link = good(house, "POST", "/competitions/season/password-links", "olga", json={"person": "person-1"})
    secret = link["link"].partition("#")[2]
    form = {"code": secret, "password": "a long password"}
    welcome = house.client.post("/welcome", data=form, headers={"Origin": "http://testserver"}, follow_redirects=False)
    assert welcome.status_code == 303
    for one in roster:
        house.ids[one["name"]] = one["person_id"]
        _token(house, one["name"], ["read", "submit"])
    with_late = rules()["roster"] + "\nperson-31,person-31@example.org,,south\n"
    refusal = hand_in(house, "person-1", "easy-1")
    assert refusal.json()["code"] == "competition_not_begun"

    for week in range(WEEKS):
        begin = BEGIN + week * WEEK
        easy, hard = SLUGS[2 * week], SLUGS[2 * week + 1]
        at(house, begin)
        if week < WEEKS - 1:
            assert hand_in(house, "person-2", SLUGS[-1]).json()["code"] == "challenge_not_open"
        if week == 1:
            assert put(house, "olga", rules() | {"roster": with_late})[-2:] == [
                "person-31 is entered",
                "person-31 is in cohort south",
            ]
            house.ids["person-31"] = good(house, "GET", "/people?name=person-31", "admin")["id"]
            _token(house, "person-31", ["read", "submit"])
        if week > 0:
            _after_the_deadline(house, random, begin, week)
        _busy_days(house, random, begin, easy, hard, week)
        if week == 2:
            _quota_race(house, begin + 6 * DAY, easy)
        if week == 3:
            _announcement(house)
            _question(house)
        same_boards(house, "olga", recomputed(_export(house), private=False))
    at(house, BEGIN + WEEKS * WEEK)
    same_boards(house, "olga", recomputed(_export(house), private=True))

    # The last day was frozen: the boards still show the public scores of before, until the organiser thaws them.
    assert house.get("/leaderboards/season").json()["view"] == "frozen"
    same_boards(house, None, recomputed(_export(house), private=False, before=BEGIN + WEEKS * WEEK - DAY))
    assert board(house) != board(house, "olga")
    good(house, "POST", "/competitions/season/thaw", "olga")
    final = recomputed(_export(house), private=True)
    same_boards(house, None, final)
    assert board(house) == board(house, "olga")
    _after(house, final)


def _after_the_deadline(house: House, random: Random, deadline: datetime, week: int) -> None:
    """What happens in the first days of a week to the challenges of the week before."""
    easy, hard = SLUGS[2 * week - 2], SLUGS[2 * week - 1]
    _late_days(house, random, deadline, easy, hard)
    at(house, deadline + 2 * DAY)
    assert hand_in(house, "person-1", easy).json()["code"] == "challenge_closed"
    assert hand_in(house, "person-1", easy, kind="practice").status_code == 202
    house.judge(told(100, 100))
    if week == 4:
        _extension(house, hard, deadline + 2 * DAY)
    if week == 6:
        _void_and_rejudge(house, hard)


def _announcement(house: House) -> None:
    path, body = "/competitions/season/announcements", {"title": "Rooms", "text": "They moved."}
    said = good(house, "POST", path, "olga", json=body)
    assert good(house, "GET", path, "person-1")["announcements"] == [said]


def _token(house: House, who: str, scopes: list[str]) -> None:
    made = good(house, "POST", f"/people/{house.ids[who]}/tokens", "admin", json={"label": "x", "scopes": scopes})
    house.tokens[who] = made["token"]


def _export(house: House) -> dict[str, Any]:
    return dict(good(house, "GET", "/competitions/season/export", "olga"))


def _score(random: Random) -> tuple[float, float]:
    public = random.choice([0.0, 33.333, 50.0, 66.666, 70.0, 87.125, 99.995, 100.0])
    return public, max(0.0, min(100.0, public + random.choice([-12.345, 0.0, 4.444])))


def _busy_days(house: House, random: Random, begin: datetime, easy: str, hard: str, week: int) -> None:
    people = PEOPLE + (["person-31"] if week >= 1 else [])
    for hour in range(50, 7 * 24 - 1, 7):
        at(house, begin + timedelta(hours=hour))
        who = random.choice(people)
        answer = hand_in(house, who, random.choice([easy, hard]))
        if answer.status_code == 429:
            continue
        assert answer.status_code == 202, answer.text
        if random.random() < 0.1:  # a fault of the judge costs nothing
            house.judge(Report(Verdict.judge_error))
        else:
            house.judge(told(*_score(random)))
        if random.random() < 0.3:
            good(
                house,
                "POST",
                "/submissions",
                who,
                json={"challenge": easy, "competition": "season", "kind": "dry", "files": {"solution.py": "x = 1"}},
            )
            house.judge(told(100, 100))


def _quota_race(house: House, moment: datetime, slug: str) -> None:
    """One attempt is left to a team of three, who all press the button."""
    at(house, max(moment.replace(hour=20), house.clock.now))  # type: ignore[attr-defined]
    team = [PEOPLE[number] for number in (3, 13, 23)]
    left = {one["challenge"]: one["left"] for one in good(house, "GET", "/competitions/season/attempts", team[0])}[slug]
    for _ in range(left - 1):
        scored(house, team[0], slug, 10, 10)
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(lambda who: hand_in(house, who, slug).status_code, team * 3))
    assert sorted(answers) == [202] + [429] * 8
    house.judge(told(20, 20))


def _question(house: House) -> None:
    path = "/competitions/season/clarifications"
    asked = good(house, "POST", path, "person-1", json={"question": "Why?"})["id"]
    assert [one["id"] for one in good(house, "GET", path, "person-11")["clarifications"]] == [asked], "of the same team"
    assert good(house, "GET", path, "person-2")["clarifications"] == []
    assert good(house, "GET", path, "sam")["clarifications"] == [], "of another cohort"
    good(house, "PUT", f"{path}/{asked}/answer", "nora", json={"answer": "So.", "public": True})
    seen = good(house, "GET", path, "person-2")["clarifications"][0]
    assert (seen["answer"], seen["person"]) == ("So.", None)


def _late_days(house: House, random: Random, deadline: datetime, easy: str, hard: str) -> None:
    for hours, slug in ((1, easy), (23.99, hard), (24, easy), (47.99, hard)):
        at(house, deadline + timedelta(hours=hours))
        scored(house, random.choice(PEOPLE), slug, *_score(random))


def _extension(house: House, slug: str, now: datetime) -> None:
    """A team hands in late, and then gets an extension: nothing is taken any more, and the board says so at once."""
    before = {one["id"]: one for one in _export(house)["submissions"]}
    at(house, now)
    body = {"entry": "Team 5", "challenge": slug, "closes_at": (now + DAY).isoformat(), "reason": "A strike."}
    assert house.request("POST", f"{V1}/competitions/season/extensions", "sam", json=body).status_code == 403
    good(house, "POST", "/competitions/season/extensions", "nora", json=body)
    sent = scored(house, "person-5", slug, 97.5, 98.25)
    assert sent not in before
    assert good(house, "GET", f"/submissions/{sent}", "person-15")["credit"] == 1
    assert hand_in(house, "person-6", slug).json()["code"] == "challenge_closed"


def _void_and_rejudge(house: House, slug: str) -> None:
    sent = max(
        (one for one in _export(house)["submissions"] if one["challenge"] == slug and one["score"] is not None),
        key=lambda one: one["score"],
    )["id"]
    shown = board(house, challenge=slug)
    good(house, "PUT", f"/submissions/{sent}/void", "olga", json={"reason": "Copied."})
    assert board(house, challenge=slug) != shown
    good(house, "DELETE", f"/submissions/{sent}/void", "olga")
    assert board(house, challenge=slug) == shown
    good(house, "PUT", f"/submissions/{sent}/void", "olga", json={"reason": "Copied after all."})
    made = good(
        house,
        "POST",
        "/rejudgings",
        "olga",
        json={"competition": "season", "challenge": slug, "reason": "Ties were wrong."},
    )
    for _ in range(made["total"]):
        house.judge(told(61.5, 72.75))
    path = f"/rejudgings/{made['id']}"
    shown = board(house, challenge=slug)
    preview = good(house, "GET", f"{path}/preview", "olga")
    assert board(house, challenge=slug) == shown, "a look changes nothing"
    good(house, "POST", f"{path}/apply", "olga")
    moved = {one["entry"]: one["points_after"] for one in preview["moves"] if one["challenge"] == slug}
    now = board(house, challenge=slug)
    assert moved
    assert {entry: points for entry, (_, points) in now.items() if entry in moved} == moved


def _after(house: House, final: dict[str, Any]) -> None:
    assert hand_in(house, "person-1", "easy-8").json()["code"] == "competition_over"
    grades = house.get("/competitions/season/grades.csv", "olga").text.splitlines()
    assert len(grades) == 1 + 31
    by_person = {line.split(",")[0]: float(line.rsplit(",", 1)[1]) for line in grades[1:]}
    assert by_person["person-1"] == by_person["person-11"] == float(final[""].get("Team 1", 0))
    own = house.get("/competitions/season/grades.csv", "nora").text.splitlines()
    assert len(own) == 1 + 15
    days = good(house, "GET", "/leaderboards/season/history", "person-1")["days"]
    assert len(days) == WEEKS * 7 + 1
    assert (days[-1]["rank"], days[-1]["points"]) == board(house)["Team 1"]
    acts = good(house, "GET", "/competitions/season/audit?limit=200", "olga")["acts"]
    done = {"competition.create", "extension.grant", "submission.voided", "submission.restored", "rejudging.apply"}
    assert done | {"announcement.create", "competition.thaw"} <= {one["action"] for one in acts}
    found = invariants.audit(house.context.store, lambda _: True, None)
    assert not [breach for listed in found.values() for breach in listed]
