"""Runs the parts one after another, shows how far it is, and writes the figures."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from api import logs
from bench import boards, boxes, claims, judging
from bench.effort import FULL, QUICK, Effort
from bench.plain import engine
from bench.report import ROOT, Row, machine, say, table, write

PARTS: dict[str, Callable[[Effort], Iterator[Row]]] = {
    "sandbox": boxes.rows,
    "judge": judging.rows,
    "board": boards.rows,
    "queue": claims.rows,
}


def main(argv: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part; may come several times")
    parser.add_argument("--quick", action="store_true", help="see that it works; the figures mean nothing")
    parser.add_argument("--output", type=Path, default=ROOT / "bench" / "results.json")
    given = parser.parse_args(argv)
    logs.configure("bench", form="console", level="WARNING")
    effort = QUICK if given.quick else FULL
    about = machine(engine().version())
    say(f"{about['cores']} cores, {about['memory_gb']} GB, load {about['load'][0]}, engine {about['engine']}")
    found: list[Row] = []
    for name in given.only or PARTS:
        begin = time.monotonic()
        say(f"{name} ...")
        found += PARTS[name](effort)
        say(f"{name}: {time.monotonic() - begin:.0f} s")
    write(given.output, found, about, quick=given.quick)
    say(f"\n{table(found)}\n\nwritten to {given.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
