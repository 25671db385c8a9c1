"""`make engines`: the promise list and the hostile programs on this machine's engine, on a newer one, and under gVisor.

Prints one table; exit code 0 only if runc keeps every promise on both engines, and gVisor all but what `differences`
names. Standard output alone knows the result unless `--write` puts the table into docs/engines.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.images.build import connect
from sandbox.types import SandboxError
from tests.engines import house
from tests.engines.differences import RUNSC, SOMETIMES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "engines.md"
BEGIN, END = "<!-- written by make engines -->", "<!-- to here -->"
TESTS = ("tests/sandbox", "tests/hostile")
"""The second is about verdicts and what may be seen of a host under runc; gVisor is held to the promises."""
OWN_KERNEL_TESTS = "gvisor.py"
"""In tests/sandbox; collected where it is named only."""
TOOLS = ("ip", "mmdebstrap", "unshare", "nsenter", "pivot_root")
SECONDS = 300
"""The most one test may take; under gVisor they are slower."""


@dataclass
class Column:
    """One engine with one runtime, and what each test gave there."""

    title: str
    runtime: str
    gave: dict[str, bool] = field(default_factory=dict)
    seconds: float = 0.0
    said: str = ""

    def differs(self, name: str) -> bool:
        """Whether this test, or its whole file, is known to fail here."""
        names = (name, name.partition("[")[0], name.partition("::")[0])
        return self.runtime == "runsc" and any(one in RUNSC or one in SOMETIMES for one in names)

    def wrong(self) -> list[str]:
        """What must not be, a sentence each."""
        known = {name for name in self.gave if self.differs(name)}
        told = [f"{name} fails with {self.title}" for name, good in self.gave.items() if not good and name not in known]
        told += [
            f"{name} passes with {self.title}, but is listed as one that differs"
            for name in known
            if name in RUNSC and self.gave[name]
        ]
        return told if self.gave else [f"no test ran with {self.title}: {self.said}"]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.engines", description=__doc__)
    parser.add_argument("--clean", action="store_true", help="remove what is kept between runs, and do nothing else")
    parser.add_argument("--only", choices=("default", "newer", "runsc"), action="append", help="not all three")
    parser.add_argument("--write", action="store_true", help="put the table into docs/engines.md")
    parser.add_argument("rest", nargs="*", help="for pytest, after --")
    args = parser.parse_args(argv)
    if refused := why_not():
        print(f"make engines: {refused}", file=sys.stderr)
        return 1
    if args.clean:
        house.clean()
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        columns = measured(args.only or ("default", "newer", "runsc"), args.rest)
    except SandboxError as error:
        print(f"make engines: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    table = "\n".join(as_table(columns))
    print(f"\n{table}\n")
    if args.write:
        write("\n".join(by_file(columns)))
    wrong = [one for column in columns for one in column.wrong()]
    for one in wrong:
        print(f"make engines: {one}", file=sys.stderr)
    return 1 if wrong else 0


def why_not() -> str:
    """One sentence for a machine that cannot; empty for one that can."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "it makes a second engine out of Debian packages, which needs root on a Debian machine."
    missing = [one for one in TOOLS if not shutil.which(one)]
    return f"it needs {', '.join(missing)}; install iproute2, mmdebstrap and util-linux." if missing else ""


def measured(wanted: Iterable[str], rest: Sequence[str]) -> list[Column]:
    """Each column after the other: two cores are too few for two of them. Raises SandboxError."""
    wanted, columns = list(wanted), []
    version = connect().version()["Version"].split("+")[0]
    if "default" in wanted:
        columns.append(tested(Column(f"{version} runc", "runc"), {}, [], rest))
    if {"newer", "runsc"} & set(wanted):
        with house.engine(say) as engine:
            newer = engine.client.version()["Version"].split("+")[0]
            for name, runtime in (("newer", "runc"), ("runsc", "runsc")):
                if name in wanted:
                    column = Column(f"{newer} {runtime}", runtime)
                    columns.append(tested(column, {"DOCKER_HOST": engine.host}, engine.enter(), rest))
    return columns


def tested(column: Column, variables: dict[str, str], enter: list[str], rest: Sequence[str]) -> Column:
    """Run the tests and read what each gave."""
    say(f"\n== {column.title}")
    folders = TESTS[:1] if column.runtime == "runsc" else TESTS
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [*enter, sys.executable, "-m", "pytest", *folders, "-q", "--tb=short", "-p", "no:cacheprovider"]
        command += [f"--timeout={SECONDS}", f"--junitxml={report}", *rest]
        if column.runtime == "runsc":
            command += ["-o", f"python_files=test_*.py {OWN_KERNEL_TESTS}"]
        begun = time.monotonic()
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **variables, "ENGINES_RUNTIME": column.runtime}
        )
        try:
            code = process.wait()
        except BaseException:  # Ctrl-C went to it as well: let it remove its boxes
            process.send_signal(signal.SIGINT)
            process.wait(60)
            raise
        column.seconds = time.monotonic() - begun
        column.said = f"pytest ended with exit code {code}"
        if report.exists():
            read(report, column)
    return column


def read(report: Path, column: Column) -> None:
    """A test of many parameters gives one line, which is as good as the worst of them; a hostile program one of its own."""
    for case in ET.parse(report).iter("testcase"):
        _, folder, module = case.get("classname", "").split(".")[:3]
        test = case.get("name", "")
        name = f"{folder}/{module}.py::{test if folder == 'hostile' else test.partition('[')[0]}"
        good = all(one.tag not in ("failure", "error", "skipped") for one in case)
        column.gave[name] = column.gave.get(name, True) and good


def as_table(columns: Sequence[Column]) -> list[str]:
    """Markdown: a line a test, a column an engine."""
    names = list(dict.fromkeys(name for column in columns for name in column.gave))
    lines = [f"| test | {' | '.join(one.title for one in columns)} |", f"|---|{'---|' * len(columns)}"]
    for name in names:
        cells = [word(column, name) for column in columns]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append(f"| seconds | {' | '.join(f'{one.seconds:.0f}' for one in columns)} |")
    return lines


def by_file(columns: Sequence[Column]) -> list[str]:
    """The same in short: a line a file of tests, with how many gave what."""
    names = list(dict.fromkeys(name.partition("::")[0] for column in columns for name in column.gave))
    lines = [f"| tests of | {' | '.join(one.title for one in columns)} |", f"|---|{'---|' * len(columns)}"]
    for file in names:
        cells = []
        for column in columns:
            words = Counter(word(column, name) for name in column.gave if name.partition("::")[0] == file)
            cells.append(", ".join(f"{count} {one}" for one, count in words.items()) or "-")
        lines.append(f"| {file} | {' | '.join(cells)} |")
    return lines


def word(column: Column, name: str) -> str:
    """What a cell says."""
    if name not in column.gave:
        return "-"
    if column.gave[name]:
        return "pass"
    return "differs" if column.differs(name) else "FAIL"


def write(table: str) -> None:
    """Put the table and the differences where docs/engines.md has room for them."""
    text = DOCUMENT.read_text()
    head, _, after = text.partition(BEGIN)
    tail = after.partition(END)[2]
    why = "\n".join(f"| `{name.removeprefix('sandbox/')}` | {reason} |" for name, reason in (RUNSC | SOMETIMES).items())
    machine = f"Linux {platform.release().split('-')[0]}, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}."
    body = f"{machine}\n\n| differs under gVisor | why |\n|---|---|\n{why}\n\n{table}\n"
    DOCUMENT.write_text(f"{head}{BEGIN}\n{body}{END}{tail}")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
