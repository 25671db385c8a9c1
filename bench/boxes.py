"""Part 1: one run of a program in a box of ours, in a plain container and as a plain process, in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial

from bench.effort import Effort
from bench.plain import PYTHON, Ran, bare, docker_run, engine, network, root_of
from bench.report import Row, percentile, say
from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from sandbox.types import Job, Limits

RUNTIME = "python-ml"
TELL = "\nimport time; print(time.process_time())\n"
"""The last line of each program: its own cpu time, the same way at every level."""
PROGRAMS = {
    "trivial": "pass",
    "sklearn": (
        "import numpy as np\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "rng = np.random.default_rng(1)\n"
        "x = rng.normal(size=(200, 5))\n"
        "LogisticRegression().fit(x, x[:, 0] > 0)\n"
    ),
}
LIMITS = Limits.of(cpu_seconds=20, memory_mb=512)
Level = Callable[[str], Ran]


def rows(effort: Effort) -> Iterator[Row]:
    """Every level of every program, interleaved."""
    api, image = engine(), resolve(RUNTIME)
    net = network(api, image)
    with ExitStack() as stack:
        sandbox = DockerSandbox(instance=f"bench-{os.getpid()}", image_of=cache(resolve))
        stack.callback(sandbox.close)
        levels: dict[str, Level] = {
            "docker_run": lambda source: docker_run(api, image, [PYTHON, "-c", source], net=net),
            "fresh_cold": partial(_box, sandbox),
        }
        if os.geteuid() == 0:
            root = stack.enter_context(root_of(api, image))
            levels["bare"] = lambda source: bare(root, [PYTHON, "-c", source])
        else:
            say("  no rows for bare: it needs to be root")
        for program, source in PROGRAMS.items():
            runs = effort.runs.get(program, 0)
            if runs:
                yield from _program(program, source + TELL, levels, runs)


def _program(program: str, source: str, levels: dict[str, Level], runs: int) -> Iterator[Row]:
    took: dict[str, list[float]] = {name: [] for name in levels}
    cpu: dict[str, list[float]] = {name: [] for name in levels}
    names = list(levels)
    for name in names:
        levels[name](source)  # once for nothing: caches of disk and engine
    for n in range(runs):
        for name in names[n % len(names) :] + names[: n % len(names)]:
            ran = levels[name](source)
            took[name].append(1000 * ran.seconds)
            cpu[name].append(1000 * float(ran.stdout.decode().split()[-1]))
        if (n + 1) % 10 == 0 or n + 1 == runs:
            say(f"  {program}: {n + 1} of {runs} rounds")
    for name in names:
        of = f"sandbox.{program}.{name}"
        for figure, values, percent in (("p50_ms", took, 50), ("p95_ms", took, 95), ("cpu_ms", cpu, 50)):
            value = percentile(values[name], percent)
            if name == "docker_run":
                yield Row(f"{of}.{figure}", value, "ms")
            else:
                beside = percentile(values["docker_run"], percent)
                yield Row(f"{of}.{figure}", value, "ms", beside, "docker run")


def _box(sandbox: DockerSandbox, source: str) -> Ran:
    begin = time.perf_counter()
    result = sandbox.run(Job(RUNTIME, LIMITS, files={"program.py": source.encode()}, argv=("python3", "program.py")))
    seconds = time.perf_counter() - begin
    if not result.clean:
        raise RuntimeError(f"the box ended by {result.ended}: {result.stderr[-500:]!r}")
    return Ran(seconds, result.stdout)
