"""`assay challenge try` on the toys, in real boxes."""

from __future__ import annotations

import json
from pathlib import Path

import docker
import pytest

from sandbox.containers import INSTANCE
from tests.cli.conftest import Assay

TOYS = Path(__file__).parent.parent / "toys" / "programming"


@pytest.fixture(autouse=True)
def _nothing_is_left() -> object:
    yield
    found = docker.from_env().api.containers(all=True, filters={"label": INSTANCE})
    assert [one["Names"] for one in found if one["Labels"][INSTANCE].startswith("try-")] == []


def test_an_accepted_solution(assay: Assay) -> None:
    result = assay("challenge", "try", TOYS / "toy-call", TOYS / "toy-call" / "solutions" / "accepted" / "plain.py")
    assert result.exit_code == 0
    assert result.stdout.startswith("accepted  100 of 100")


def test_a_challenge_by_its_name(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_CHALLENGES", str(TOYS.parent))
    assert assay("challenge", "try", "toy-run", TOYS / "toy-run" / "solutions" / "accepted" / "plain.py").exit_code == 0


def test_a_wrong_solution_sees_checks_and_hints(assay: Assay) -> None:
    result = assay("challenge", "try", TOYS / "toy-call", TOYS / "toy-call" / "solutions" / "wrong_answer" / "same.py")
    assert result.exit_code == 3
    assert result.stdout.startswith("wrong answer  0 of 100")
    assert "look at small numbers" in result.stdout


def test_a_crash_shows_what_the_program_printed_and_steers_no_terminal(assay: Assay) -> None:
    Path("crash.py").write_text("print('so far \\033[2J')\ndef double(x):\n    raise KeyError(x)\n")
    result = assay("challenge", "try", TOYS / "toy-call", "crash.py")
    assert result.exit_code == 3
    assert "KeyError was raised at line 3." in result.stdout
    assert "so far" in result.stdout
    assert "Traceback" in result.stdout
    assert "\x1b" not in result.stdout


def test_json_and_a_flood_that_is_cut(assay: Assay) -> None:
    Path("loud.py").write_text("print('first' + 'x' * 30000 + 'last')\nprint(0, file=open('sum.txt', 'w'))\n")
    result = assay("challenge", "try", TOYS / "toy-run", "loud.py", "--json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    (only,) = found["runs"]
    assert found["verdict"] == "wrong_answer"
    assert only["stdout"].startswith("first")
    assert only["stdout"].endswith("last\n")
    assert len(only["stdout"]) < 9000
    assert "bytes are not shown" in only["stdout"]


def test_a_grader_that_fails_tells_its_author_why(assay: Assay, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "programming" / "broken"
    shutil.copytree(TOYS / "toy-run", folder)
    grader = (folder / "grader.py").read_text()
    (folder / "grader.py").write_text(
        grader.replace("right = output", "raise LookupError('my mistake')\n    right = output")
    )
    result = assay("challenge", "try", folder, TOYS / "toy-run" / "solutions" / "accepted" / "plain.py")
    assert result.exit_code == 3
    assert "judge error" in result.stdout
    assert "my mistake" in result.stderr


def test_what_goes_wrong_is_one_sentence(assay: Assay, tmp_path: Path) -> None:
    assert assay("challenge", "try", "nope", "x.py").exit_code == 2
    assert assay("challenge", "try", TOYS / "toy-run", "missing.py").exit_code == 2
    Path("large.py").write_bytes(b"#" * (257 * 1024))
    large = assay("challenge", "try", TOYS / "toy-run", "large.py")
    assert (large.exit_code, "256 KiB" in large.stderr) == (2, True)
    (tmp_path / "challenge.toml").write_text("nonsense")
    broken = assay("challenge", "try", tmp_path, "large.py")
    assert (broken.exit_code, "challenge.toml" in broken.stderr) == (1, True)


def test_it_runs_under_the_runtime_of_the_settings_and_under_no_other(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_RUNTIME", "no-such-runtime")
    refused = assay("challenge", "try", TOYS / "toy-call", TOYS / "toy-call" / "solutions" / "accepted" / "plain.py")
    assert refused.exit_code == 1
    assert "no-such-runtime" in refused.stderr
