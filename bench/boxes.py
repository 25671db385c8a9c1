"""Part 1: one run of a program in a box of ours, in a plain container and as a plain process, in turn."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

from bench.effort import Effort
from bench.plain import PYTHON, Ran, bare, docker_run, engine, network, root_of
from bench.report import Row, percentile, say
from sandbox.containers import DockerSandbox
from sandbox.images.build import resolve
from sandbox.types import Job, Limits

RUNTIME = "python-ml"
WARM_MB = 2000
MODULES = ("numpy", "sklearn.linear_model")
"""What a challenge for the second program declares."""
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
    """Every level of every program, interleaved; then how often a second a box of the pool is to be had at most."""
    api, image = engine(), resolve(RUNTIME)
    net = network(api, image)
    with ExitStack() as stack:
        cold = DockerSandbox(instance=f"bench-{os.getpid()}", image_of=cache(resolve))
        stack.callback(cold.close)
        warm = DockerSandbox(instance=f"bench-warm-{os.getpid()}", image_of=cache(resolve), warm_mb=WARM_MB)
        stack.callback(warm.close)
        levels: dict[str, Level] = {
            "docker_run": lambda source: docker_run(api, image, [PYTHON, "-c", source], net=net),
            "fresh_cold": partial(_box, cold),
            "fresh_warm": partial(_waiting, warm),
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
        if effort.sustained_seconds:
            yield from _sustained(effort.sustained_seconds, PROGRAMS["sklearn"], warm, levels["docker_run"])


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
    files = {"program.py": source.encode()}
    modules = MODULES if "sklearn" in source else ()
    result = sandbox.run(Job(RUNTIME, LIMITS, files=files, argv=("python3", "program.py"), modules=modules))
    seconds = time.perf_counter() - begin
    if not result.clean:
        raise RuntimeError(f"the box ended by {result.ended}: {result.stderr[-500:]!r}")
    return Ran(seconds, result.stdout)


def _waiting(sandbox: DockerSandbox, source: str) -> Ran:
    """One run with a pool that is full, which is full again before anything else is measured."""
    assert sandbox.pool is not None
    sandbox.pool.settled(60)
    missed = sandbox.pool.missed
    ran = _box(sandbox, source)
    if sandbox.pool.missed > missed:
        ran = _box(sandbox, source)  # the first of its kind
    sandbox.pool.settled(60)
    return ran


def _sustained(seconds: float, source: str, sandbox: DockerSandbox, docker: Level) -> Iterator[Row]:
    """Runs one behind the other, faster than boxes can be made ahead, and what the whole machine works for it."""
    assert sandbox.pool is not None
    pool = sandbox.pool
    found = {}
    for name, run in (("docker_run", docker), ("fresh_warm", partial(_box, sandbox))):
        say(f"  sklearn: {name} without a pause for {seconds:.0f} s")
        taken, missed = pool.taken, pool.missed
        busy, begin, done = _busy(), time.monotonic(), 0
        while time.monotonic() - begin < seconds:
            run(source + TELL)
            done += 1
        took = time.monotonic() - begin
        found[name] = done / took, 100 * (_busy() - busy) / took, (pool.taken - taken, pool.missed - missed)
    ours, plain = found["fresh_warm"], found["docker_run"]
    of = "sandbox.sklearn.sustained"
    yield Row(f"{of}.runs_per_second", ours[0], "1/s", plain[0], "docker run")
    yield Row(f"{of}.machine_cpu_percent", ours[1], "%", plain[1], "docker run")
    taken, missed = ours[2]
    yield Row(f"{of}.from_the_pool_percent", 100 * taken / max(1, taken + missed), "%")


def _busy() -> float:
    """Seconds all cores together have worked since the machine started."""
    user, nice, system, _, _, irq, softirq, *_ = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(map(int, (user, nice, system, irq, softirq))) / os.sysconf("SC_CLK_TCK")
