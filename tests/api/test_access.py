"""Who may do what: every route against every kind of caller, and tokens that are not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from httpx import Response

from api.pages.site import FOR_PROGRAMS
from tests.api.house import CHALLENGES, GOOD, V1, House, built, refused
from tests.databases import Databases

CALLERS = ("anonymous", "ann", "ben", "reader", "unscoped", "olga", "oscar", "nora", "sam", "mina", "admin")
"""ann owns what is asked for, ben does not; reader is ann with a token only for reading; unscoped is an administrator
whose token is not one for administration. olga organises the competition, oscar does with a token that is not one for
that; nora is staff of ann's cohort there, sam of another one.
mina organises another competition."""
ANYBODY = dict.fromkeys(CALLERS, 200)


def only_admin(status: int) -> dict[str, int]:
    return dict.fromkeys(CALLERS, 403) | {"anonymous": 401, "admin": status}


def organisers(status: int) -> dict[str, int]:
    return only_admin(status) | {"olga": status}


def staff(status: int, *, others_cohort: int | None = None) -> dict[str, int]:
    """Organisers, and staff of a cohort; `others_cohort` is what those of another one get."""
    return organisers(status) | {"nora": status, "sam": status if others_cohort is None else others_cohort}


def own(status: int, *, reader: int | None = None, seen: int = 404) -> dict[str, int]:
    """The owner and administrators may, and with `seen` who looks after them; for anybody else it does not exist."""
    return dict.fromkeys(CALLERS, 404) | {
        "anonymous": 401, "ann": status, "reader": status if reader is None else reader,
        "olga": seen, "nora": seen, "admin": status,
    }  # fmt: skip


def organisers_see(status: int) -> dict[str, int]:
    """What organisers may do to ann's submission: who may not even see it does not hear of it."""
    return own(403, seen=403) | {"reader": 403, "olga": status, "admin": status}


@dataclass(frozen=True)
class Rule:
    """What each caller gets; `make` prepares an object of ann's anew for each call and gives path and arguments."""

    expected: dict[str, int]
    make: Callable[[House], tuple[str, dict[str, Any]]]


def fixed(path: str, **arguments: Any) -> Callable[[House], tuple[str, dict[str, Any]]]:
    return lambda house: (path, arguments)


def fresh(body: dict[str, Any], field: str, path: str = "") -> Callable[[House], tuple[str, dict[str, Any]]]:
    """A body in which one field is new each time."""

    def make(house: House) -> tuple[str, dict[str, Any]]:
        house.ids["n"] = house.ids.get("n", 0) + 1
        return path, {"json": body | {field: f"new-{house.ids['n']}"}}

    return make


def submission(suffix: str = "") -> Callable[[House], tuple[str, dict[str, Any]]]:
    return lambda house: (f"{V1}/submissions/{house.submitted('ann')}{suffix}", {})


CUP: dict[str, Any] = {
    "title": "Cup",
    "closes_at": "2100-01-01T00:00:00Z",
    "challenges": [{"slug": name} for name in CHALLENGES],
    "organisers": ["olga", "oscar"],
    "cohorts": [{"name": "north", "staff": ["nora"]}, {"name": "south", "staff": ["sam"]}],
}


def extending(house: House) -> tuple[str, dict[str, Any]]:
    body = {"entry": "ann", "closes_at": "2100-01-02T00:00:00Z", "reason": "a test"}
    return f"{V1}/competitions/cup/extensions", {"json": body}


def extended(house: House) -> tuple[str, dict[str, Any]]:
    path, more = extending(house)
    made = house.post(path.removeprefix(V1), "admin", **more).json()["extensions"][0]
    return f"{path}/{made['id']}", {}


def announced(house: House) -> tuple[str, dict[str, Any]]:
    path = "/competitions/cup/announcements"
    made = house.post(path, "admin", json={"title": "T", "text": "x"}).json()
    return f"{V1}{path}/{made['id']}", {}


def asking(house: House) -> tuple[str, dict[str, Any]]:
    """A question, after those that wait have been answered: no more than some may wait."""
    path = "/competitions/cup/clarifications"
    for one in house.get(path, "admin").json()["clarifications"]:
        if one["answer"] is None:
            house.request("PUT", f"{V1}{path}/{one['id']}/answer", "admin", json={"answer": "Yes."})
    return f"{V1}{path}", {"json": {"question": "Why?"}}


def answering(house: House) -> tuple[str, dict[str, Any]]:
    path, more = asking(house)
    made = house.post(path.removeprefix(V1), "ann", **more).json()
    return f"{path}/{made['id']}/answer", {"json": {"answer": "Because."}}


def linked(house: House) -> tuple[str, dict[str, Any]]:
    house.ids["n"] = house.ids.get("n", 0) + 1
    name = f"p{house.ids['n']}"
    house.person(name, "cup")
    return f"{V1}/competitions/cup/password-links", {"json": {"person": name}}


def compared(house: House) -> tuple[str, dict[str, Any]]:
    path = "/competitions/cup/comparisons"
    made = house.post(path, "admin", json={"challenge": "alpha"}).json()
    return f"{V1}{path}/{made['id']}", {}


def voiding(house: House) -> tuple[str, dict[str, Any]]:
    path, more = submission("/void")(house)
    return path, more | {"json": {"reason": "a test"}}


def judged(suffix: str) -> Callable[[House], tuple[str, dict[str, Any]]]:
    def make(house: House) -> tuple[str, dict[str, Any]]:
        sent = house.submitted("ann", "beta")
        while house.judge() != sent:
            pass
        return f"{V1}/submissions/{sent}{suffix}", {}

    return make


def anns_token(house: House) -> tuple[str, dict[str, Any]]:
    body = {"label": "x", "scopes": ["read"]}
    made = house.post(f"/people/{house.ids['ann']}/tokens", "admin", json=body)
    return f"{V1}/tokens/{made.json()['id']}", {}


def rejudged() -> Callable[[House], tuple[str, dict[str, Any]]]:
    def make(house: House) -> tuple[str, dict[str, Any]]:
        judged("")(house)
        return f"{V1}/rejudgings", {"json": {"competition": "cup", "challenge": "beta", "reason": "a test"}}

    return make


def rejudging(suffix: str, *, judge: bool = False) -> Callable[[House], tuple[str, dict[str, Any]]]:
    def make(house: House) -> tuple[str, dict[str, Any]]:
        path, more = rejudged()(house)
        made = house.post(path.removeprefix(V1), "admin", **more).json()
        while judge and house.get(f"/rejudgings/{made['id']}", "admin").json()["judged"] < made["total"]:
            house.judge()
        return f"{V1}/rejudgings/{made['id']}{suffix}", {}

    return make


def somebody(house: House) -> tuple[str, dict[str, Any]]:
    house.ids["n"] = house.ids.get("n", 0) + 1
    name = f"p{house.ids['n']}"
    house.person(name)
    return f"{V1}/people/{house.ids[name]}", {}


def entry(house: House) -> tuple[str, dict[str, Any]]:
    house.ids["n"] = house.ids.get("n", 0) + 1
    house.person(f"p{house.ids['n']}")
    return f"{V1}/competitions/cup/entries", {"json": {"person": f"p{house.ids['n']}"}}


RULES: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): Rule(ANYBODY, fixed("/healthz")),
    ("GET", "/readyz"): Rule(ANYBODY, fixed("/readyz")),
    ("GET", f"{V1}/openapi.json"): Rule(ANYBODY, fixed(f"{V1}/openapi.json")),
    ("GET", f"{V1}/status"): Rule(ANYBODY, fixed(f"{V1}/status")),
    ("GET", f"{V1}/errors"): Rule(ANYBODY, fixed(f"{V1}/errors")),
    ("GET", f"{V1}/challenges"): Rule(ANYBODY, fixed(f"{V1}/challenges")),
    ("GET", f"{V1}/challenges/{{slug}}"): Rule(ANYBODY, fixed(f"{V1}/challenges/alpha")),
    ("GET", f"{V1}/challenges/{{slug}}/data"): Rule(ANYBODY, fixed(f"{V1}/challenges/alpha/data")),
    ("POST", f"{V1}/competitions/{{slug}}/extensions"): Rule(staff(201, others_cohort=403), extending),
    ("GET", f"{V1}/competitions/{{slug}}/extensions"): Rule(staff(200), fixed(f"{V1}/competitions/cup/extensions")),
    ("DELETE", f"{V1}/competitions/{{slug}}/extensions/{{extension_id}}"): Rule(
        staff(204, others_cohort=404), extended
    ),
    ("GET", f"{V1}/competitions/{{slug}}/roster"): Rule(staff(200), fixed(f"{V1}/competitions/cup/roster")),
    ("POST", f"{V1}/competitions/{{slug}}/thaw"): Rule(organisers(422), fixed(f"{V1}/competitions/cup/thaw")),
    ("POST", f"{V1}/competitions/{{slug}}/password-links"): Rule(organisers(201), linked),
    ("POST", f"{V1}/people/{{person_id}}/password-link"): Rule(
        only_admin(201), lambda house: (f"{V1}/people/{house.ids['ann']}/password-link", {})
    ),
    ("POST", f"{V1}/competitions/{{slug}}/comparisons"): Rule(
        organisers(202), fixed(f"{V1}/competitions/cup/comparisons", json={"challenge": "alpha"})
    ),
    ("GET", f"{V1}/competitions/{{slug}}/comparisons"): Rule(
        organisers(200), fixed(f"{V1}/competitions/cup/comparisons")
    ),
    ("GET", f"{V1}/competitions/{{slug}}/comparisons/{{comparison_id}}"): Rule(organisers(200), compared),
    ("GET", f"{V1}/competitions/{{slug}}/audit"): Rule(organisers(200), fixed(f"{V1}/competitions/cup/audit")),
    ("GET", f"{V1}/competitions/{{slug}}/export"): Rule(organisers(200), fixed(f"{V1}/competitions/cup/export")),
    ("GET", f"{V1}/competitions/{{slug}}/grades.csv"): Rule(staff(200), fixed(f"{V1}/competitions/cup/grades.csv")),
    ("POST", f"{V1}/competitions/{{slug}}/announcements"): Rule(
        organisers(201), fixed(f"{V1}/competitions/cup/announcements", json={"title": "T", "text": "x"})
    ),
    ("GET", f"{V1}/competitions/{{slug}}/announcements"): Rule(ANYBODY, fixed(f"{V1}/competitions/cup/announcements")),
    ("DELETE", f"{V1}/competitions/{{slug}}/announcements/{{announcement_id}}"): Rule(organisers(204), announced),
    ("POST", f"{V1}/competitions/{{slug}}/clarifications"): Rule(
        dict.fromkeys(CALLERS, 403) | {"anonymous": 401, "ann": 201, "ben": 201}, asking
    ),
    ("GET", f"{V1}/competitions/{{slug}}/clarifications"): Rule(
        ANYBODY | {"anonymous": 401}, fixed(f"{V1}/competitions/cup/clarifications")
    ),
    ("PUT", f"{V1}/competitions/{{slug}}/clarifications/{{clarification_id}}/answer"): Rule(
        staff(200, others_cohort=404), answering
    ),
    ("GET", f"{V1}/leaderboards/{{competition}}/history"): Rule(
        ANYBODY | {"anonymous": 401}, fixed(f"{V1}/leaderboards/cup/history?entry=ann")
    ),
    ("GET", f"{V1}/people/me/profile"): Rule(ANYBODY | {"anonymous": 401}, fixed(f"{V1}/people/me/profile")),
    ("GET", f"{V1}/people/{{person_id}}/profile"): Rule(
        only_admin(200), lambda house: (f"{V1}/people/{house.ids['ann']}/profile", {})
    ),
    ("GET", f"{V1}/audit"): Rule(only_admin(200), fixed(f"{V1}/audit")),
    ("PUT", f"{V1}/submissions/{{submission_id}}/void"): Rule(organisers_see(204), voiding),
    ("DELETE", f"{V1}/submissions/{{submission_id}}/void"): Rule(organisers_see(204), submission("/void")),
    ("GET", f"{V1}/leaderboards/{{competition}}/export.csv"): Rule(ANYBODY, fixed(f"{V1}/leaderboards/cup/export.csv")),
    ("POST", f"{V1}/rejudgings"): Rule(organisers(201), rejudged()),
    ("GET", f"{V1}/rejudgings"): Rule(organisers(200) | {"mina": 200}, fixed(f"{V1}/rejudgings")),
    ("GET", f"{V1}/rejudgings/{{rejudging_id}}"): Rule(organisers(200), rejudging("")),
    ("GET", f"{V1}/rejudgings/{{rejudging_id}}/preview"): Rule(organisers(200), rejudging("/preview")),
    ("POST", f"{V1}/rejudgings/{{rejudging_id}}/apply"): Rule(organisers(200), rejudging("/apply", judge=True)),
    ("POST", f"{V1}/rejudgings/{{rejudging_id}}/drop"): Rule(organisers(200), rejudging("/drop")),
    ("GET", f"{V1}/competitions"): Rule(ANYBODY, fixed(f"{V1}/competitions")),
    ("GET", f"{V1}/competitions/{{slug}}"): Rule(ANYBODY, fixed(f"{V1}/competitions/cup")),
    ("GET", f"{V1}/leaderboards/{{competition}}"): Rule(ANYBODY, fixed(f"{V1}/leaderboards/cup")),
    ("GET", f"{V1}/leaderboards/{{competition}}/events"): Rule(ANYBODY, fixed(f"{V1}/leaderboards/cup/events")),
    ("POST", f"{V1}/people"): Rule(only_admin(201), fresh({}, "name", f"{V1}/people")),
    ("GET", f"{V1}/people"): Rule(only_admin(200), fixed(f"{V1}/people?name=ann")),
    ("DELETE", f"{V1}/people/{{person_id}}"): Rule(only_admin(204), somebody),
    ("DELETE", f"{V1}/people/{{person_id}}/password"): Rule(
        only_admin(204), lambda house: (f"{V1}/people/{house.ids['ann']}/password", {})
    ),
    ("GET", f"{V1}/people/me"): Rule(ANYBODY | {"anonymous": 401}, fixed(f"{V1}/people/me")),
    ("POST", f"{V1}/people/{{person_id}}/tokens"): Rule(
        own(201, reader=403),
        lambda house: (f"{V1}/people/{house.ids['ann']}/tokens", {"json": {"label": "x", "scopes": ["read"]}}),
    ),
    ("DELETE", f"{V1}/tokens/{{token_id}}"): Rule(own(204, reader=403), anns_token),
    ("POST", f"{V1}/competitions"): Rule(
        only_admin(201), fresh({"title": "T", "challenges": [{"slug": "alpha"}]}, "slug", f"{V1}/competitions")
    ),
    ("PUT", f"{V1}/competitions/{{slug}}"): Rule(organisers(200), fixed(f"{V1}/competitions/cup", json=CUP)),
    ("GET", f"{V1}/competitions/{{slug}}/attempts"): Rule(
        dict.fromkeys(CALLERS, 403) | {"anonymous": 401, "ann": 200, "ben": 200, "reader": 200},
        fixed(f"{V1}/competitions/cup/attempts"),
    ),
    ("POST", f"{V1}/competitions/{{slug}}/entries"): Rule(only_admin(201), entry),
    ("POST", f"{V1}/competitions/{{slug}}/join-code"): Rule(organisers(201), fixed(f"{V1}/competitions/cup/join-code")),
    ("GET", f"{V1}/competitions/{{slug}}/join-code"): Rule(organisers(200), fixed(f"{V1}/competitions/cup/join-code")),
    ("DELETE", f"{V1}/competitions/{{slug}}/join-code"): Rule(
        organisers(204), fixed(f"{V1}/competitions/cup/join-code")
    ),
    ("POST", f"{V1}/submissions"): Rule(
        # Administrators have no entry here, and get no way round that.
        dict.fromkeys(CALLERS, 422) | {"anonymous": 401, "ann": 202, "ben": 202, "reader": 403},
        fixed(f"{V1}/submissions", json={"challenge": "alpha", "files": {"solution.py": "x = 1"}}),
    ),
    ("GET", f"{V1}/submissions"): Rule(ANYBODY | {"anonymous": 401}, fixed(f"{V1}/submissions")),
    ("GET", f"{V1}/submissions/{{submission_id}}"): Rule(own(200, seen=200), submission()),
    ("POST", f"{V1}/submissions/{{submission_id}}/cancel"): Rule(own(200, reader=403, seen=200), submission("/cancel")),
    ("GET", f"{V1}/submissions/{{submission_id}}/source"): Rule(own(200, seen=200), submission("/source")),
    ("GET", f"{V1}/submissions/{{submission_id}}/events"): Rule(own(200, seen=200), judged("/events")),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, module_databases: Databases) -> Iterator[House]:
    url = module_databases.new()
    with built(tmp_path_factory.mktemp("house"), database_url=url, stream_seconds=0.05) as house:
        house.build("alpha", {"train.csv": b"a,b\n1,2\n"})
        for name in ("olga", "oscar", "nora", "sam", "mina"):
            house.person(name)
        roster = "name,cohort\nann,north\nben,south\n"
        made = house.request("PUT", f"{V1}/competitions/cup", "admin", json=CUP | {"roster": roster})
        assert made.status_code == 200, made.text
        assert house.competition("other", organisers=["mina"]).status_code == 201
        most = ["read", "submit"]
        for name, who, scopes in (("reader", "ann", ["read"]), ("unscoped", "admin", most), ("oscar", "oscar", most)):
            made = house.post(f"/people/{house.ids[who]}/tokens", "admin", json={"label": name, "scopes": scopes})
            house.tokens[name] = made.json()["token"]
        revoked = house.post(f"/people/{house.ids['ann']}/tokens", "ann", json={"label": "old"}).json()
        assert house.client.delete(f"{V1}/tokens/{revoked['id']}", headers=house.auth("ann")).status_code == 204
        house.tokens["revoked"] = revoked["token"]
        house.tokens["forged"] = "assay_" + "A" * 43
        yield house


def routes(house: House) -> set[tuple[str, str]]:
    """Every route for programs. Those for people have rules of their own, in tests/pages."""
    found = set()
    for route in iter_route_contexts(house.app.routes):
        path = str(getattr(route, "path", ""))
        if path.startswith(FOR_PROGRAMS):
            found |= {(method, path) for method in (getattr(route, "methods", None) or set()) - {"HEAD"}}
    return found


def call(house: House, method: str, path: str, arguments: dict[str, Any], who: str | None) -> Response:
    return house.request(method, path, who, **arguments)


def test_every_route_has_its_rule(shared: House) -> None:
    assert routes(shared) == set(RULES)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", list(RULES), ids=lambda route: f"{route[0]} {route[1]}")
def test_what_each_caller_gets(shared: House, route: tuple[str, str], caller: str) -> None:
    rule = RULES[route]
    path, arguments = rule.make(shared)
    answer = call(shared, route[0], path, arguments, None if caller == "anonymous" else caller)
    assert answer.status_code == rule.expected[caller], answer.text
    if answer.status_code in (401, 403, 404):
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("token", ["revoked", "forged"])
@pytest.mark.parametrize("route", list(RULES), ids=lambda route: f"{route[0]} {route[1]}")
def test_a_token_that_is_none_gets_the_same_everywhere(shared: House, route: tuple[str, str], token: str) -> None:
    path, arguments = RULES[route].make(shared)
    answer = call(shared, route[0], path, arguments, token)
    if route[1] in ("/healthz", "/readyz", f"{V1}/openapi.json"):  # no door here, so no key is looked at
        assert answer.status_code == 200
        return
    document = refused(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="assay"'
    missing = call(shared, "GET", f"{V1}/people/me", {}, None).json()
    assert document == missing, "no token, a wrong one, a revoked one: no difference"


@pytest.mark.parametrize("suffix", ["", "/source", "/events", "/cancel"])
def test_somebody_elses_is_exactly_like_a_missing_one(shared: House, suffix: str) -> None:
    method = "POST" if suffix == "/cancel" else "GET"
    mine = f"{V1}/submissions/{shared.submitted('ann')}{suffix}"
    none = f"{V1}/submissions/{'x' * 22}{suffix}"
    theirs, missing = (call(shared, method, path, {}, "ben") for path in (mine, none))
    assert (theirs.status_code, theirs.json()) == (missing.status_code, missing.json()) == (404, theirs.json())
    told = [
        {name: value for name, value in each.headers.items() if name != "x-request-id"} for each in (theirs, missing)
    ]
    assert told[0] == told[1]


def test_lists_hold_only_ones_own(shared: House) -> None:
    mine, other = shared.submitted("ann"), shared.submitted("ben")
    for who, sees in (("ann", {mine}), ("ben", {other}), ("admin", {mine, other})):
        listed = {line["id"] for line in shared.get("/submissions?limit=200", who).json()["submissions"]}
        assert listed & {mine, other} == sees


def test_a_token_cannot_make_a_stronger_one(shared: House) -> None:
    path = f"/people/{shared.ids['ann']}/tokens"
    weak = shared.post(path, "ann", json={"label": "x", "scopes": ["submit"]})
    assert weak.status_code == 201
    shared.tokens["weak"] = weak.json()["token"]
    assert shared.post(path, "weak", json={"label": "x", "scopes": ["submit"]}).status_code == 201
    for scopes in (["read"], ["submit", "read"], ["submit", "admin"]):
        refused(shared.post(path, "weak", json={"label": "x", "scopes": scopes}), 403, "forbidden")
    refused(shared.post(path, "admin", json={"label": "x", "scopes": ["admin"]}), 403, "forbidden")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "bearer x", "Basic eDp5", "Token x", "Bearer " + "x" * 5000, "Bearer \xff", "assay_x"],
)
def test_headers_that_are_no_credentials(shared: House, header: str) -> None:
    answer = shared.client.get(f"{V1}/people/me", headers={b"authorization": header.encode("latin-1")})
    refused(answer, 401, "unauthorized")


def test_a_token_is_no_password_of_http_basic(shared: House) -> None:
    answer = shared.client.get(f"{V1}/people/me", auth=("ann", shared.tokens["ann"]))
    refused(answer, 401, "unauthorized")


EXTRA = {"status": "done", "state": "done", "score": 100, "person_id": 1, "id": "x", "received_at": "2020-01-01"}


@pytest.mark.parametrize("field", EXTRA)
def test_nobody_assigns_what_is_ours(shared: House, field: str) -> None:
    """Mass assignment: an unknown field is refused, wherever it is."""
    extra = {field: EXTRA[field]}
    before = len(shared.get("/submissions?limit=200", "ann").json()["submissions"])
    json = {"challenge": "alpha", "files": {"solution.py": "x = 1"}}
    refused(shared.post("/submissions", "ann", json=json | extra), 422, "invalid_request")
    refused(shared.submit("ann", data={field: str(EXTRA[field])}), 422, "invalid_request")
    refused(shared.post("/people", "admin", json={"name": "eve"} | extra), 422, "invalid_request")
    body = {"slug": "c", "title": "C", "challenges": [{"slug": "alpha"}]}
    refused(shared.post("/competitions", "admin", json=body | extra), 422, "invalid_request")
    assert len(shared.get("/submissions?limit=200", "ann").json()["submissions"]) == before


INJECTIONS = ["' OR 1=1 --", "1;DROP TABLE person", "%00", "\u202e", "../..", "[]", "{}", "-1", "9" * 400, "NaN", "é"]


@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize("parameter", ["cursor", "challenge", "state", "limit"])
def test_filters_take_no_injection(shared: House, parameter: str, value: str) -> None:
    refused(shared.client.get(f"{V1}/submissions", params={parameter: value}, headers=shared.auth("ann")), 422,
            "invalid_request")  # fmt: skip


@pytest.mark.parametrize("value", INJECTIONS)
def test_other_parameters_take_none_either(shared: House, value: str) -> None:
    for path, parameters in (
        ("/leaderboards/cup", {"challenge": value}),
        ("/leaderboards/cup", {"offset": value}),
        ("/leaderboards/cup", {"limit": value}),
        ("/leaderboards/cup/events", {"after": value}),
    ):
        refused(shared.client.get(V1 + path, params=parameters), 422, "invalid_request")
    answer = shared.get("/leaderboards/cup/events", headers={"Last-Event-ID": value.encode()})
    refused(answer, 422, "invalid_request")


@pytest.mark.parametrize("kind", ["bad_tokens", "anonymous", "requests"])
def test_floods_are_limited_whatever_the_headers_say(tmp_path: Path, databases: Databases, kind: str) -> None:
    with built(tmp_path, database_url=databases.new(), **{f"{kind}_per_minute": 40}) as house:
        secret = {"bad_tokens": "assay_" + "B" * 43, "anonymous": None, "requests": house.tokens["ann"]}[kind]
        statuses = []
        for number in range(50):
            spoof = dict.fromkeys(("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP"), f"10.0.0.{number}")
            headers = spoof | ({"Authorization": f"Bearer {secret}"} if secret else {})
            answer = house.client.get(f"{V1}/people/me", headers=headers)
            statuses.append(answer.status_code)
        good = 200 if kind == "requests" else 401
        assert statuses == [good] * 40 + [429] * 10
        refused(answer, 429, "rate_limited")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert house.get("/people/me", "ben").status_code == 200, "others are not locked out by it"


def test_submissions_are_limited_per_account(tmp_path: Path, databases: Databases) -> None:
    with built(tmp_path, database_url=databases.new(), submissions_per_minute=3) as house:
        assert [house.submit("ann").status_code for _ in range(4)] == [202, 202, 202, 429]
        assert house.submit("ben").status_code == 202
        assert len(house.get("/submissions", "ann").json()["submissions"]) == 3


def test_secrets_are_in_no_answer(shared: House) -> None:
    shown = shared.get("/people/me", "ann").text + shared.get("/people/me", "admin").text
    assert shared.tokens["ann"] not in shown
    assert shared.tokens["ann"][-4:] in shown
    assert GOOD.decode() not in shared.get("/submissions", "ann").text
