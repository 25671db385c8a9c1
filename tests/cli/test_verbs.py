"""The participants' verbs against the real api in this process; a test's own hands do what a worker would."""

from __future__ import annotations

import functools
import json
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from challenges.report import Report, Verdict
from cli.client import verbs
from cli.client.api import Api
from tests.api.house import CHALLENGES, GOOD, House, built, challenge
from tests.cli.conftest import Assay


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """An api with the competition `cup` and the participants ann and ben."""
    with built(tmp_path) as found:
        yield found


@pytest.fixture
def ann(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """ann is at the terminal, and the network leads to the house."""
    monkeypatch.setattr(verbs, "Api", functools.partial(Api, transport=house.client._transport))
    monkeypatch.setenv("ASSAY_TOKEN", house.tokens["ann"])
    Path("mine.py").write_bytes(GOOD)
    return house


def test_submit_shows_progress_and_verdict(ann: House, assay: Assay) -> None:
    judged = threading.Timer(0.7, ann.judge)
    judged.start()
    result = assay("submit", "alpha", "mine.py")
    judged.join()
    assert result.exit_code == 0
    assert "queued, position 1" in result.stderr
    assert result.stdout.startswith("accepted  100 of 100")
    assert "alpha" in result.stdout


def test_a_verdict_that_is_not_accepted_has_its_own_exit_code(ann: House, assay: Assay) -> None:
    report = Report(Verdict.time_limit, message="Not done within 2 s of cpu time.")
    judged = threading.Timer(0.5, ann.judge, [report])
    judged.start()
    result = assay("submit", "alpha", "mine.py", "--json")
    judged.join()
    assert result.exit_code == 3
    assert json.loads(result.stdout)["verdict"] == "time_limit"


def test_without_waiting_there_is_a_receipt_and_later_the_verdict(ann: House, assay: Assay) -> None:
    receipt = assay("submit", "alpha", "mine.py", "--no-wait")
    assert receipt.exit_code == 0
    id = receipt.stdout.split()[1].rstrip(",")
    assert "queued" in assay("status", id).stdout
    ann.judge()
    shown = assay("status", id, "--wait")
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, f"accepted  100 of 100  (100 points)  alpha  {id}")
    assert json.loads(assay("status", "--json").stdout)[0]["id"] == id
    assert id in assay("status").stdout
    assert id not in assay("status", "--challenge", "beta").stdout


def test_a_cancelled_submission(ann: House, assay: Assay) -> None:
    id = ann.submitted("ann")
    assert assay("cancel", id).stdout == f"{id} is cancelled.\n"
    assert assay("status", id).stdout.startswith("cancelled")
    assert assay("status", id, "--wait").exit_code == 3
    done = ann.submitted("ann")
    ann.judge()
    refused = assay("cancel", done)
    assert refused.exit_code == 1
    assert "verdict already" in refused.stderr


def test_the_board(ann: House, assay: Assay) -> None:
    ann.submitted("ann")
    ann.judge()
    rows = assay("leaderboard").stdout.splitlines()
    assert rows[0].startswith("Cup  open, 2 entries")
    assert rows[2].split() == ["1", "ann", "100", "1", "100"]
    assert json.loads(assay("leaderboard", "cup", "--challenge", "beta", "--json").stdout)["challenge"] == "beta"
    ann.competition("other")
    several = assay("leaderboard")
    assert (several.exit_code, several.stderr) == (2, "assay: Name the competition: other, cup.\n")


def test_challenges(ann: House, assay: Assay, home: Path) -> None:
    assert [line.split()[0] for line in assay("challenge", "list").stdout.splitlines()] == [
        "challenge", "alpha", "gamma", "beta",
    ]  # fmt: skip
    assert "Write `solve`." in assay("challenge", "show", "alpha").stdout
    assert json.loads(assay("challenge", "show", "alpha", "--json").stdout)["submit"] == "solution.py"
    ann.build("alpha", {"train.csv": b"1,2\n"})
    got = assay("challenge", "get", "alpha")
    assert got.exit_code == 0
    found = {path.relative_to(home / "alpha").as_posix() for path in (home / "alpha").rglob("*") if path.is_file()}
    assert found == {"statement.md", "solution.py", "raw.bin", "data/train.csv"}
    assert (home / "alpha" / "raw.bin").read_bytes() == b"\xff\x00"
    again = assay("challenge", "get", "alpha")
    assert (again.exit_code, "--force" in again.stderr) == (1, True)
    assert assay("challenge", "get", "alpha", "--force").exit_code == 0


def test_a_file_is_sent_under_the_name_the_challenge_asks_for(ann: House, assay: Assay) -> None:
    assert assay("submit", "alpha", "mine.py", "--no-wait").exit_code == 0
    Path("mine.ipynb").write_text("{}")
    refused = assay("submit", "alpha", "mine.ipynb", "--no-wait")
    assert (refused.exit_code, "solution.py" in refused.stderr) == (2, True)


@pytest.fixture
def several(ann: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """ann may also hand in `delta`, which takes up to four files."""
    monkeypatch.setitem(CHALLENGES, "delta", challenge("delta", submit="main.py", max_files=4))
    assert ann.competition("more").status_code == 201
    assert ann.post("/competitions/more/entries", "admin", json={"person": "ann"}).status_code == 201
    for name in ("main.py", "app/x.py", ".git/config", "app/__pycache__/x.pyc", "app/.env"):
        path = Path("work", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(GOOD)
    Path("work/link.py").symlink_to("main.py")
    return ann


def test_a_folder_is_sent_without_what_does_not_belong_in_it(several: House, assay: Assay) -> None:
    result = assay("submit", "delta", "work", "--no-wait", "--json")
    assert result.exit_code == 0
    assert result.stderr == ("Left out, as hidden, a cache or a link: .git, app/.env, app/__pycache__, link.py.\n")
    seen = several.get(f"/submissions/{json.loads(result.stdout)['id']}", "ann").json()
    assert (seen["files"], seen["size"]) == (["app/x.py", "main.py"], 2 * len(GOOD))


def test_an_archive_is_sent_as_it_is(several: House, assay: Assay) -> None:
    digests = [json.loads(assay("submit", "delta", "work", "--no-wait", "--json").stdout)["digest"]]
    for name, form in (("w.zip", "zip"), ("w.tar.gz", "gztar"), ("w.tgz", "gztar")):
        packed = Path("packed", name)
        files = {one: Path("work", one) for one in ("main.py", "app/x.py")}
        packed.parent.mkdir(exist_ok=True)
        if form == "zip":
            with zipfile.ZipFile(packed, "w") as archive:
                for inside, path in files.items():
                    archive.write(path, inside)
        else:
            with tarfile.open(packed, "w:gz") as tar:
                for inside, path in files.items():
                    tar.add(path, inside)
        sent = assay("submit", "delta", packed, "--no-wait", "--json")
        digests.append(json.loads(sent.stdout)["digest"])
    assert len(set(digests)) == 1
    with tarfile.open("wrong.tgz", "w:gz") as tar:
        tar.add("work", "work")
    refused = assay("submit", "delta", "wrong.tgz", "--no-wait")
    assert (refused.exit_code, "leave out" in refused.stderr) == (1, True)


def test_one_file_of_several_and_a_folder_of_one(several: House, assay: Assay) -> None:
    assert assay("submit", "delta", "work/app/x.py", "--no-wait").exit_code == 0
    Path("one").mkdir()
    Path("one/solution.py").write_bytes(GOOD)
    assert assay("submit", "alpha", "one", "--competition", "cup", "--no-wait").exit_code == 0
    Path("one/other.py").write_bytes(GOOD)
    refused = assay("submit", "alpha", "one", "--competition", "cup", "--no-wait")
    assert refused.exit_code == 1
    assert refused.stderr == "assay: Submit exactly one file, called solution.py.\n"


def test_a_folder_without_the_wanted_file(several: House, assay: Assay) -> None:
    refused = assay("submit", "delta", "work/app", "--no-wait")
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        2, "assay: delta asks for main.py, and there is none in work/app.",
    )  # fmt: skip


def test_the_competition_is_asked_for_where_there_are_several(ann: House, assay: Assay) -> None:
    ann.competition("other")
    ann.post("/competitions/other/entries", "admin", json={"person": "ann"})
    refused = assay("submit", "alpha", "mine.py", "--no-wait")
    assert refused.exit_code == 2
    assert refused.stderr == "assay: Name the competition with --competition: cup, other.\n"
    assert assay("submit", "alpha", "mine.py", "--no-wait", "--competition", "other").exit_code == 0


def test_what_goes_wrong_is_one_sentence(ann: House, assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(*args: object) -> tuple[int, str]:
        result = assay(*args)
        assert result.stdout == ""
        assert result.stderr.startswith("assay: ")
        assert len(result.stderr.splitlines()) == 1
        return result.exit_code, result.stderr

    assert said("submit", "nope", "mine.py") == (1, "assay: There is no challenge nope.\n")
    assert said("submit", "alpha", "missing.py")[0] == 2
    assert said("submit", "alpha", ".")[0] == 2
    assert said("submit", "al/pha", "mine.py")[0] == 2
    Path("empty.py").touch()
    assert said("submit", "alpha", "empty.py") == (1, "assay: The file is empty.\n")
    assert said("status", "../people")[0] == 2
    assert said("status", "a" * 22) == (1, "assay: There is no such thing.\n")
    monkeypatch.setenv("ASSAY_TOKEN", "assay_wrong")
    code, words = said("status")
    assert (code, "assay login" in words) == (1, True)
    monkeypatch.setenv("ASSAY_TOKEN", "tok\x1ben")
    assert said("status")[0] == 2


def test_login_checks_the_token_before_it_saves_it(
    ann: House, assay: Assay, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = home / ".config" / "assay" / "config.toml"
    monkeypatch.delenv("ASSAY_TOKEN")
    assert assay("login", input="assay_wrong\n").exit_code == 1
    assert assay("login", input="\n").exit_code == 2
    assert not saved.exists()
    result = assay("login", input=f"{ann.tokens['ann']}\n")
    assert result.exit_code == 0
    assert "You are ann" in result.stdout
    assert ann.tokens["ann"] not in result.stdout + result.stderr
    assert saved.stat().st_mode & 0o777 == 0o600
    assert assay("status").exit_code == 0


def test_a_judge_that_goes_away_while_one_waits(ann: House, assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.client.api.PATIENT_PAUSES", (0.01,))
    id = ann.submitted("ann")
    monkeypatch.setattr(verbs, "Api", Api)
    monkeypatch.setenv("ASSAY_URL", "http://127.0.0.1:1")
    result = assay("status", id, "--wait")
    assert result.exit_code == 1
    assert "No judge can be reached" in result.stderr
    assert f"assay status {id} --wait" in result.stderr


def test_submitting_starts_without_the_rooms() -> None:
    import subprocess
    import sys

    code = (
        "import sys, cli.main\n"
        "rooms = ('api', 'worker', 'sandbox', 'challenges', 'docker', 'celery', 'sqlalchemy', 'fastapi')\n"
        "print([name for name in rooms if name in sys.modules])"
    )
    begin = time.monotonic()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=Path(__file__).parents[2])
    assert said.stdout.strip() == b"[]"
    assert time.monotonic() - begin < 20
