"""A whole api in a temporary folder: challenges, people with tokens, a fake bell, and a worker's hands."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from api.app import create_app
from api.blobs import pack
from api.context import Context
from api.settings import Settings
from api.store import builds, judgings
from api.store.tables import Role, Scope
from challenges.kit.score import Group
from challenges.loader import Challenge
from challenges.report import Report
from sandbox.types import Limits
from tests.store.world import report

V1 = "/api/v1"
GOOD = b"def solve(x):\n    return x\n"


class FakeBell:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1

    def close(self) -> None:
        self.rung = -1


def challenge(slug: str, **changes: Any) -> Challenge:
    values: dict[str, Any] = {
        "slug": slug,
        "title": slug.title(),
        "skill": "programming",
        "level": 1,
        "runtime": "python-ml",
        "modules": ("numpy",),
        "tags": ("easy",),
        "feedback": "F1",
        "submit": "solution.py",
        "max_kb": 16,
        "max_files": 1,
        "build": None,
        "limits": Limits.of(cpu_seconds=2, memory_mb=256),
        "grader_runtime": "python-ml",
        "grader_modules": (),
        "grader_limits": Limits.of(cpu_seconds=20, memory_mb=512),
        "groups": (Group("exact", 1.0, hint="look again"),),
        "baseline": (0.0, 50.0),
        "sources": {},
        "folder": Path("/nowhere"),
        "statement": f"# {slug}\n\nWrite `solve`. <script>alert(1)</script>\n",
        "starter": {"solution.py": b"def solve(x): ...\n", "raw.bin": b"\xff\x00"},
        "version": f"{slug}-v1",
    }
    return Challenge(**(values | changes))


CHALLENGES = {
    "alpha": challenge("alpha"),
    "beta": challenge("beta", feedback="F3", level=2),
    "gamma": challenge("gamma", feedback="F0"),
}


@dataclass
class House:
    """The api and whoever uses it; `tokens` by name, `admin` is the first administrator."""

    app: FastAPI
    client: TestClient
    bell: FakeBell
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def context(self) -> Context:
        context = self.app.state.context
        assert isinstance(context, Context)
        return context

    def auth(self, name: str | None) -> dict[str, str]:
        return {} if name is None else {"Authorization": f"Bearer {self.tokens[name]}"}

    def request(self, method: str, path: str, who: str | None = None, **more: Any) -> Response:
        answer: Response = self.client.request(method, path, headers=self.auth(who) | more.pop("headers", {}), **more)
        return answer

    def get(self, path: str, who: str | None = None, **more: Any) -> Response:
        return self.request("GET", V1 + path, who, **more)

    def post(self, path: str, who: str | None = None, **more: Any) -> Response:
        return self.request("POST", V1 + path, who, **more)

    def person(self, name: str, *competitions: str, role: Role = Role.participant) -> None:
        """A person with a token for everything they may do, entered in these competitions."""
        made = self.post("/people", "admin", json={"name": name, "role": role.value})
        assert made.status_code == 201, made.text
        self.ids[name] = made.json()["id"]
        scopes = [scope.value for scope in Scope if role is Role.admin or scope is not Scope.admin]
        path = f"/people/{self.ids[name]}/tokens"
        token = self.post(path, "admin", json={"label": "test", "scopes": scopes})
        assert token.status_code == 201, token.text
        self.tokens[name] = token.json()["token"]
        for slug in competitions:
            entered = self.post(f"/competitions/{slug}/entries", "admin", json={"person": name})
            assert entered.status_code == 201, entered.text

    def competition(self, slug: str, **more: Any) -> Response:
        body = {"slug": slug, "title": slug.title(), "challenges": [{"slug": name} for name in CHALLENGES]} | more
        return self.post("/competitions", "admin", json=body)

    def submit(self, who: str | None, slug: str = "alpha", content: bytes = GOOD, **more: Any) -> Response:
        files = more.pop("files", {"file": ("solution.py", content)})
        data = {"challenge": slug} | more.pop("data", {})
        return self.post("/submissions", who, data=data, files=files, **more)

    def submitted(self, who: str, slug: str = "alpha", **more: Any) -> str:
        answer = self.submit(who, slug, **more)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def judge(self, result: Report | None = None) -> str:
        """What a worker would do: claims the next submission, waiting for one, and commits this report (default: all
        right)."""
        until = time.monotonic() + 30
        while (claim := judgings.claim(self.context.store, worker="w", lease_seconds=45)) is None:
            assert time.monotonic() < until, "there is nothing to judge"
            time.sleep(0.05)
        assert judgings.commit(self.context.store, claim, result or report(100.0), evidence={})
        return claim.submission_id

    def build(self, slug: str, files: Mapping[str, bytes], hidden: str = "f" * 64) -> None:
        """What a worker would do: prepares a challenge's public data."""
        digest = self.context.blobs.put([pack(files)])
        builds.record(self.context.store, slug, CHALLENGES[slug].version, 0, digest, hidden)


@contextmanager
def built(folder: Path, **settings: Any) -> Iterator[House]:
    """An api that has started, with a competition `cup` and the participants ann and ben in it."""
    bell = FakeBell()
    generous = dict.fromkeys(("submissions_per_minute", "requests_per_minute", "anonymous_per_minute"), 1000000)
    values = generous | {"bad_tokens_per_minute": 1_000_000, "live_poll_seconds": 0.02} | settings
    app = create_app(Settings(data=folder / "data", **values), bell=bell, challenges=CHALLENGES)
    with TestClient(app, raise_server_exceptions=False) as client:
        house = House(app, client, bell)
        house.tokens["admin"] = (folder / "data" / "admin-token").read_text().strip()
        house.ids["admin"] = house.get("/people/me", "admin").json()["id"]
        assert house.competition("cup").status_code == 201
        house.person("ann", "cup")
        house.person("ben", "cup")
        yield house


def refused(answer: Response, status: int, code: str) -> dict[str, Any]:
    """Checks a refusal's whole shape; returns its document."""
    document = answer.json()
    assert (answer.status_code, document["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert document["status"] == status
    assert document["type"] == f"/api/v1/errors#{code}"
    assert document["title"]
    assert document["detail"]
    assert "Traceback" not in answer.text
    return dict(document)
