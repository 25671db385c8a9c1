"""The OpenAPI document is true: what it promises is what comes, whatever is sent."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok

from api.errors import CODES
from tests.api.house import V1, House, built
from tests.databases import Databases

METHODS = {"get", "post", "put", "patch", "delete"}
# Unknown to the document: a valid slug, id or moment may still name nothing, or be taken.
NOT_DECIDABLE = {"positive_data_acceptance"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, module_databases: Databases) -> Iterator[House]:
    url = module_databases.new()
    with built(tmp_path_factory.mktemp("house"), database_url=url, stream_seconds=0.02) as house:
        house.build("alpha", {"train.csv": b"a\n1\n"})
        assert house.post("/competitions/cup/entries", "admin", json={"person": "admin"}).status_code == 201
        house.submitted("admin")
        yield house


@pytest.fixture(scope="module")
def document(shared: House) -> dict[str, Any]:
    return dict(shared.client.get(f"{V1}/openapi.json").json())


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_sent_the_answer_is_a_declared_one(shared: House, mode: GenerationMode) -> None:
    """A bounded run over every operation, with values the document allows and with values it does not."""
    schema = schemathesis.openapi.from_asgi(f"{V1}/openapi.json", shared.app)
    checks: Any = [check for check in CHECKS.get_all() if check.__name__ not in NOT_DECIDABLE]
    tried = set()
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if mode is GenerationMode.POSITIVE or not _takes_nothing(operation):
            _probe(operation, mode, lambda case: case.call_and_validate(headers=shared.auth("admin"), checks=checks))
            tried.add(operation.label)
    assert len(tried) > 10


def _probe(operation: Any, mode: GenerationMode, act: Callable[[schemathesis.Case[Any]], object]) -> None:
    named = {one["name"] for one in operation.definition.raw.get("parameters", []) if one["in"] == "query"}

    @settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def probe(case: schemathesis.Case[Any]) -> None:
        # What stands in a query under a name nobody knows is not looked at, and so never wrong.
        assume(set(case.query or {}) <= named)
        act(case)

    probe()


def _takes_nothing(operation: Any) -> bool:
    """There is nothing one could send wrongly."""
    raw = operation.definition.raw
    return not raw.get("parameters") and not raw.get("requestBody")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


def test_every_operation_is_explained(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["description"], (path, method)
        assert operation["tags"], (path, method)
        if path.startswith(V1):
            assert {"400", "401", "422", "429", "500", "503"} <= operation["responses"].keys(), (path, method)
        if "requestBody" in operation:
            assert {"408", "413"} <= operation["responses"].keys(), (path, method)
            assert "example" in str(operation["requestBody"]) + str(document["components"]), (path, method)


def test_every_refusal_is_one_shape_with_a_known_code(document: dict[str, Any]) -> None:
    used = set()
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) < 400 or path == "/readyz":
                continue
            (media,) = response["content"].items()
            assert media[0] == "application/problem+json", (path, method, status)
            assert media[1]["schema"] == {"$ref": "#/components/schemas/Problem"}
            for code, example in media[1]["examples"].items():
                assert CODES[code].status == int(status) == example["value"]["status"]
                used.add(code)
    anywhere = {"not_found", "method_not_allowed"}  # answers of addresses that are no operation
    pages = {
        "foreign_form",
        "unknown_join_code",
        "unknown_link",
        "busy",
    }  # refusals of forms, which programs never send
    assert used | anywhere | pages == set(CODES), (
        "no code is declared that nothing uses, and none used that is not declared"
    )


def test_the_table_of_codes_is_served(shared: House) -> None:
    table = {row["code"]: row["status"] for row in shared.get("/errors").json()}
    assert table == {code.code: code.status for code in CODES.values()}


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "$ref":
                    yield inner
                else:
                    yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
