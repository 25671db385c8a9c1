"""Judges local files in real boxes, with throw-away data and no server: a dry run for participants and authors."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from rich.text import Text

from api.archives import BadArchive, TooLarge, extract, is_archive
from challenges.loader import Challenge, ChallengeError, builtin_root, load, load_all
from challenges.report import Report
from cli.client import show
from cli.client.folder import read as read_folder
from cli.errors import WRONG_USE, CliError
from sandbox.containers import DockerSandbox
from sandbox.images.build import provide
from sandbox.types import RunResult, SandboxError
from worker.graders import GraderFault, Graders, Prepared
from worker.grading import Grading
from worker.judge import Facts, GraderFailed, Outcome, judge
from worker.listening import shown


def run(challenge: str, path: Path, *, folders: Iterable[Path], as_json: bool, oci_runtime: str = "runc") -> bool:
    """Judge a file, a folder or an archive and show what came of it; whether it was accepted. Raises CliError."""
    found = find(challenge, folders)
    files = _files(path, found)
    try:
        sandbox = DockerSandbox(instance=f"try-{secrets.token_hex(4)}", image_of=image_of, oci_runtime=oci_runtime)
    except SandboxError as error:
        raise CliError(str(error)) from error
    heard: list[RunResult] = []
    try:
        outcome, facts = _grade(found, files, sandbox, heard)
    except (SandboxError, GraderFault) as error:
        raise CliError(f"{error}") from error
    finally:
        sandbox.close()
    lines = files[found.submit].count(b"\n") + 1
    report = judge(outcome, facts, found.limits, pass_mark=found.pass_mark, lines=lines)
    if as_json:
        show.print_json(_as_json(report, outcome, heard))
    else:
        _print(found, report, outcome, heard)
    return report.verdict == "accepted"


@cache
def image_of(runtime: str) -> str:
    """The image of a runtime, which is made now if this is its first use. Raises SandboxError."""
    return provide(runtime, say=show.err.print)


def find(name: str, folders: Iterable[Path]) -> Challenge:
    """The challenge of this short name, or in this folder. Raises CliError."""
    try:
        if (Path(name) / "challenge.toml").is_file():
            return load(Path(name))
        known = load_all([builtin_root(), *folders])
    except ChallengeError as error:
        raise CliError(str(error)) from error
    if name not in known:
        raise CliError(f"There is no challenge {name!r} and no folder of one; see `assay challenge list`.", WRONG_USE)
    return known[name]


def _files(path: Path, challenge: Challenge) -> dict[str, bytes]:
    """What would be submitted. Raises CliError for what the judge would refuse."""
    most = 1024 * challenge.max_kb
    try:
        if path.is_dir():
            files = read_folder(path)
        elif challenge.max_files > 1 and is_archive(path.name):
            files = extract(path.name, path.read_bytes(), max_bytes=most, max_files=challenge.max_files)
        else:
            files = {challenge.submit: path.read_bytes()}
    except OSError as error:
        raise CliError(f"{error.filename or path} cannot be read: {error.strerror}.", WRONG_USE) from error
    except (BadArchive, TooLarge) as error:
        raise CliError(f"{path}: {error}", WRONG_USE) from error
    if challenge.submit not in files:
        raise CliError(f"{path} holds no file called {challenge.submit}.", WRONG_USE)
    if len(files) > challenge.max_files:
        raise CliError(f"{challenge.slug} takes at most {challenge.max_files} files, not {len(files)}.", WRONG_USE)
    if sum(map(len, files.values())) > most:
        raise CliError(f"{path} is larger than the {challenge.max_kb} KiB that {challenge.slug} allows.", WRONG_USE)
    return files


def _grade(
    challenge: Challenge, files: Mapping[str, bytes], sandbox: DockerSandbox, heard: list[RunResult]
) -> tuple[Outcome, Facts]:
    graders = Graders(sandbox)
    grading = Grading(sandbox, graders).listening(heard)
    seed = secrets.token_bytes(32)
    try:
        with show.err.status("making the data") if show.err.is_terminal else _Quiet():
            public, hidden = grading.generate(challenge, seed)
        prepared = Prepared(challenge.version, seed, public, hidden)
        with show.err.status("judging") if show.err.is_terminal else _Quiet():
            return grading.grade(challenge, prepared, files)
    finally:
        graders.close()


class _Quiet:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def _as_json(report: Report, outcome: Outcome, heard: list[RunResult]) -> dict[str, Any]:
    runs = [{"ended": one.ended, "stdout": shown(one.stdout), "stderr": shown(one.stderr)} for one in heard]
    detail = outcome.detail if isinstance(outcome, GraderFailed) else None
    return {**report.as_json(), "grader_failed": detail, "runs": runs}


def _print(challenge: Challenge, report: Report, outcome: Outcome, heard: list[RunResult]) -> None:
    score = report.score.points if report.score else None
    checks = [{**asdict(one), "passed": one.passed} for one in report.checks]
    for one in checks:
        if one["passed"]:
            one["hint"] = ""
    show.verdict(
        {
            "verdict": report.verdict.value,
            "score": score,
            "points": None,
            "challenge": challenge.slug,
            "id": "tried on this machine",
            "message": report.message,
            "build_log": report.build_log,
            "checks": checks,
            "resources": report.resources.as_json() if report.resources else None,
        }
    )
    if isinstance(outcome, GraderFailed):
        show.err.print(Text(f"The grader failed: {show.safe_lines(outcome.detail)}"), soft_wrap=True)
    for number, result in enumerate(heard, 1):
        for name, data in (("stdout", result.stdout), ("stderr", result.stderr)):
            if data:
                where = f" of run {number}" if len(heard) > 1 else ""
                show.out.print(Text(f"{name}{where}:", "dim"))
                show.out.print(Text(show.safe_lines(shown(data)).rstrip("\n")), soft_wrap=True)
