"""The quality gate on the command line: which challenges, how far it is, a table and gate.json; judges nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from challenges.loader import Challenge, ChallengeError, builtin_root, load_all
from cli import trial
from cli.client import show
from cli.errors import CliError
from sandbox.containers import DockerSandbox
from sandbox.types import SandboxError
from worker import check
from worker.check import Gate
from worker.graders import GraderFault

WARM_MB = 1500.0
MARKS = {True: Text("ok", "green"), False: Text("fails", "bold red"), None: Text("-", "dim")}


def run(
    names: Sequence[str], *, folders: Iterable[Path], full: bool, seeds: int, as_json: bool, oci_runtime: str = "runc"
) -> bool:
    """Check these challenges, or all, one after another; whether all are green. Raises CliError."""
    wanted = [trial.find(name, folders) for name in names] or _all(folders)
    try:
        sandbox = DockerSandbox(
            instance=f"check-{secrets.token_hex(4)}", image_of=trial.image_of, oci_runtime=oci_runtime, warm_mb=WARM_MB
        )
    except SandboxError as error:
        raise CliError(str(error)) from error
    gates: list[Gate] = []
    try:
        for challenge in wanted:
            gates.append(_checked(challenge, sandbox, full=full, seeds=seeds))
            if not as_json:
                _print(gates[-1])
            if full:
                text = json.dumps(gates[-1].document(), indent=1) + "\n"
                (challenge.folder / "gate.json").write_text(text, encoding="utf-8")
    finally:
        sandbox.close()
    if as_json:
        show.print_json([check.as_json(gate) for gate in gates])
    return all(gate.green for gate in gates)


def _all(folders: Iterable[Path]) -> list[Challenge]:
    try:
        return list(load_all([builtin_root(), *folders]).values())
    except ChallengeError as error:
        raise CliError(str(error)) from error


def _checked(challenge: Challenge, sandbox: DockerSandbox, *, full: bool, seeds: int) -> Gate:
    level = "full" if full else "quick"
    try:
        if not show.err.is_terminal:
            return check.check(challenge, sandbox, level=level, seeds=seeds)
        with show.err.status(challenge.slug) as status:
            return check.check(challenge, sandbox, level=level, seeds=seeds, tell=status.update)
    except (SandboxError, ChallengeError) as error:
        raise CliError(f"{challenge.slug}: {error}") from error
    except GraderFault as error:
        raise CliError(f"{challenge.slug}: its grader failed while it made data: {error}") from error


def _print(gate: Gate) -> None:
    table = Table(title=f"{gate.slug} ({gate.level})", title_justify="left", box=None, pad_edge=False)
    for name in ("", "check", "", ""):
        table.add_column(name)
    for item in gate.items:
        table.add_row(item.id, item.title, MARKS[item.ok], show.safe_lines(item.said))
    show.out.print(table)
    for item in gate.items:
        for detail in item.details:
            show.out.print(Text(f"{item.id}: {show.safe_lines(detail)}"), soft_wrap=True)
