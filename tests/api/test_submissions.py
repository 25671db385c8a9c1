"""Handing in, and what becomes of it: receipts, waiting, cancelling, feedback by level."""

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api import blobs
from api.store import judgings
from challenges.kit.score import Check, Score
from challenges.report import Report, Resources, Verdict
from tests.api.house import GOOD, V1, House, refused
from tests.store.world import report


def test_a_receipt_and_where_to_read_on(house: House) -> None:
    answer = house.submit("ann")
    assert answer.status_code == 202
    receipt = answer.json()
    assert answer.headers["location"] == f"{V1}/submissions/{receipt['id']}"
    assert (receipt["state"], receipt["queue_position"], receipt["eta_seconds"], receipt["attempts_left"]) == (
        "queued", 1, None, None,
    )  # fmt: skip
    assert house.bell.rung == 1
    stored = blobs.unpack(house.context.blobs.get(receipt["digest"]))
    assert stored == {"solution.py": GOOD}
    read = house.client.get(answer.headers["location"], headers=house.auth("ann")).json()
    assert (read["id"], read["size"], read["files"]) == (receipt["id"], len(GOOD), ["solution.py"])


def test_json_is_as_good_as_a_form(house: House) -> None:
    json = {"challenge": "alpha", "competition": "cup", "files": {"solution.py": GOOD.decode()}}
    by_json = house.post("/submissions", "ann", json=json)
    by_form = house.submit("ann", data={"competition": "cup"})
    assert by_json.status_code == by_form.status_code == 202
    assert by_json.json()["digest"] == by_form.json()["digest"]
    assert by_json.json()["id"] != by_form.json()["id"]


def test_the_same_key_gives_the_same_receipt_and_one_submission(house: House) -> None:
    key = {"Idempotency-Key": "try-1"}
    first = house.submit("ann", headers=key)
    house.judge()
    again = house.submit("ann", headers=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    refused(house.submit("ann", content=b"other = 1", headers=key), 422, "idempotency_conflict")
    refused(house.submit("ann", "beta", headers=key), 422, "idempotency_conflict")
    assert house.submit("ben", headers=key).json()["id"] != first.json()["id"]
    assert len(house.get("/submissions", "ann").json()["submissions"]) == 1
    for bad in ("", " ", "x" * 129, "with space", "tab\t"):
        refused(house.submit("ann", headers={"Idempotency-Key": bad}), 422, "invalid_request")


def test_the_upload_is_on_disk_before_the_receipt(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is synced, then a new folder's entry, then the name is given, then the name is synced."""
    acts: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def sync(fd: int) -> None:
        acts.append("sync " + ("folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "file"))  # noqa: PTH112
        real_sync(fd)

    def replace(self: Path, target: Path) -> Path:
        acts.append("name")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", replace)
    assert house.submit("ann").status_code == 202
    assert acts == ["sync file", "sync folder", "name", "sync folder"]


def test_waiting_ends_with_the_verdict(house: House) -> None:
    sent = house.submitted("ann")
    start = time.monotonic()
    assert house.get(f"/submissions/{sent}?wait=0.3", "ann").json()["state"] == "queued"
    assert 0.25 < time.monotonic() - start < 10
    worker = threading.Timer(0.3, house.judge)
    worker.start()
    start = time.monotonic()
    answer = house.get(f"/submissions/{sent}?wait=30", "ann").json()
    assert (answer["state"], answer["verdict"]) == ("done", "accepted")
    assert 0.2 < time.monotonic() - start < 20
    worker.join()
    start = time.monotonic()
    assert house.get(f"/submissions/{sent}?wait=30", "ann").json()["state"] == "done"
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("wait", ["-1", "31", "nan", "inf", "x"])
def test_waits_have_bounds(house: House, wait: str) -> None:
    refused(house.get(f"/submissions/{'x' * 22}?wait={wait}", "ann"), 422, "invalid_request")


def test_cancelling(house: House) -> None:
    queued, running = house.submitted("ann"), house.submitted("ben")
    for sent, who in ((queued, "ann"), (queued, "ann"), (running, "admin")):
        if sent == running:
            claim = judgings.claim(house.context.store, worker="w", lease_seconds=45)
            assert claim is not None
            assert claim.submission_id == running
        answer = house.post(f"/submissions/{sent}/cancel", who)
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert claim is not None
    assert not judgings.commit(house.context.store, claim, report(100), evidence={})
    assert house.get(f"/submissions/{running}", "ben").json()["verdict"] is None
    done = house.submitted("ann")
    house.judge()
    refused(house.post(f"/submissions/{done}/cancel", "ann"), 409, "already_done")


def test_the_source_is_a_download_whatever_it_is(house: House) -> None:
    page = b"<html><script>alert(1)</script>"
    answer = house.get(f"/submissions/{house.submitted('ann', content=page)}/source", "ann")
    assert answer.content == page
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="solution.py"'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages(house: House) -> None:
    sent = [house.submitted("ann", ("alpha", "beta")[number % 2]) for number in range(5)]
    house.judge()
    first = house.get("/submissions?limit=3", "ann").json()
    second = house.get(f"/submissions?limit=3&cursor={first['next_cursor']}", "ann").json()
    assert [line["id"] for line in first["submissions"] + second["submissions"]] == sent[::-1]
    assert second["next_cursor"] is None
    done = house.get("/submissions?state=done&challenge=alpha", "ann").json()["submissions"]
    assert [line["id"] for line in done] == [sent[0]]
    refused(house.get(f"/submissions?cursor={sent[0]}", "ben"), 422, "invalid_request")


def full_report() -> Report:
    checks = (
        Check("shape", 1.0, 1.0, True, "look at the shape", True),
        Check("quality", 0.123456, 2.0, False, "try a better model", False),
    )
    score = Score(41.504321, 77.7777, checks, metric=0.654321, standard_error=0.0123)
    return Report(Verdict.wrong_answer, score, checks, "Not there yet.", Resources(1.23456, 2.98765, 123.456))


@pytest.mark.parametrize("slug", ["alpha", "beta", "gamma"])  # F1, F3, F0
def test_feedback_by_level(house: House, slug: str) -> None:
    sent = house.submitted("ann", slug)
    house.judge(full_report())
    answer = house.get(f"/submissions/{sent}", "ann")
    got: dict[str, Any] = answer.json()
    assert (got["verdict"], got["letters"], got["score"], got["score_part"]) == ("wrong_answer", "WA", 41.5, "public")
    assert got["points"] == {"alpha": 41.5, "beta": 83.0, "gamma": 41.5}[slug]
    assert got["message"] == "Not there yet."
    assert got["resources"] == {"cpu_seconds": 1.2, "wall_seconds": 3.0, "peak_memory_mb": 120.0}
    value = (lambda number: number) if slug == "beta" else (lambda number: None)
    checks = [
        {"name": "shape", "passed": True, "hint": None, "value": value(1.0)},
        {"name": "quality", "passed": False, "hint": "try a better model", "value": value(0.123)},
    ]
    assert got["checks"] == ([] if slug == "gamma" else checks)
    assert got["metric"] == value(0.654)
    for hidden in ("77.7", "0.6543", "0.1234", "0.0123", "41.504"):
        assert hidden not in answer.text
    events = house.get(f"/submissions/{sent}/events", "ann").text
    assert '"score": 41.5' in events
    assert "77.7" not in events


def test_after_the_close_the_private_part_counts(house: House) -> None:
    closes = datetime.now(UTC) + timedelta(seconds=1.5)
    assert house.competition("mug", closes_at=closes.isoformat()).status_code == 201
    house.person("cid", "mug")
    sent = house.submitted("cid")
    house.judge(report(90.0, 30.0))
    read = house.get(f"/submissions/{sent}", "cid").json()
    assert (read["score"], read["score_part"], read["verdict"]) == (90.0, "public", "accepted")
    assert house.get("/leaderboards/mug").json()["rows"][0]["points"] == 90.0
    while datetime.now(UTC) < closes:
        time.sleep(0.05)
    read = house.get(f"/submissions/{sent}", "cid").json()
    assert (read["score"], read["score_part"]) == (30.0, "private")
    board = house.get("/leaderboards/mug").json()
    assert (board["view"], board["phase"], board["rows"][0]["points"]) == ("private", "closed", 30.0)
    refused(house.submit("cid"), 409, "competition_over")


def test_judge_error_costs_nothing(house: House) -> None:
    sent = house.submitted("ann")
    house.judge(Report(Verdict.judge_error, message="The grader failed."))
    read = house.get(f"/submissions/{sent}", "ann").json()
    assert (read["verdict"], read["letters"], read["score"], read["points"]) == ("judge_error", "JE", None, None)
    assert [row["rank"] for row in house.get("/leaderboards/cup").json()["rows"]] == [None, None]
