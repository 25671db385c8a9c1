"""Proves on a live sandbox that every limit really fires; knows no engine, only the Boxes protocol and its facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox.types import Boxes, Ended, Job, Limits, RunResult, SandboxError

RUNTIME = "python-ml"
SLACK_SECONDS = 5.0
"""How late a limit may fire on a busy host and still count as fired."""
PROCESSES = 40
OUTPUT_KB = 64
MEMORY_MB = 128
FILES_MB = 16


@dataclass(frozen=True)
class Finding:
    """One thing that was checked; `detail` says what was seen, or for a failure what is wrong."""

    name: str
    ok: bool
    detail: str


class _Broken(Exception):
    """A promise is not kept; the text says which fact shows it."""


def check(sandbox: Boxes, *, runtime: str = RUNTIME) -> list[Finding]:
    """All findings of `findings`, when the last probe is done."""
    return list(findings(sandbox, runtime=runtime))


def findings(sandbox: Boxes, *, runtime: str = RUNTIME) -> Iterator[Finding]:
    """Run the probe boxes one after another (a few seconds). A SandboxError is a finding and never raised.

    When not even a plain program runs, that is the only finding: every other would name the same cause.
    """
    run = _Runner(sandbox, runtime)
    first = _finding("a plain program runs", partial(_plain, run))
    yield first
    if first.ok:
        for name, probe in PROBES.items():
            yield _finding(name, partial(probe, run))
        yield from _seen_from_inside(run)


@dataclass(frozen=True)
class _Runner:
    sandbox: Boxes
    runtime: str

    def __call__(self, code: str, **limits: Any) -> RunResult:
        given = {
            "cpu_seconds": 10,
            "wall_seconds": 20,
            "memory_mb": MEMORY_MB,
            "processes": PROCESSES,
            "output_kb": OUTPUT_KB,
            "files_mb": FILES_MB,
            **limits,
        }
        job = Job(self.runtime, Limits.of(**given), files={"probe.py": code.encode()}, argv=("python3", "probe.py"))
        return self.sandbox.run(job)


def _finding(name: str, probe: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, probe())
    except (_Broken, SandboxError) as error:
        return Finding(name, False, str(error))


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise _Broken(otherwise)


def _expect_ended(result: RunResult, how: Ended) -> None:
    said = result.stderr[-300:].decode("utf-8", "replace").strip()
    _expect(result.ended is how, f"it should have ended by {how}, not by {result.ended}{said and ': ' + said}")


# -- limits that fire


def _plain(run: _Runner) -> str:
    """The control of all the others: below its limits a program is left alone."""
    result = run("print('ready')")
    _expect_ended(result, Ended.EXIT)
    _expect(result.exit_code == 0, f"its exit code was {result.exit_code}")
    _expect(result.stdout == b"ready\n", "what it printed did not arrive")
    return f"{result.cpu_seconds:.2f} s of cpu, {result.peak_memory_mb:.0f} MB"


def _wall(run: _Runner) -> str:
    result = run("import time; time.sleep(60)", wall_seconds=1)
    _expect_ended(result, Ended.TIME)
    _expect(result.wall_seconds < 1 + SLACK_SECONDS, f"it took {result.wall_seconds:.1f} s until it fired")
    _expect(result.cpu_seconds < 1, f"a sleeper was charged {result.cpu_seconds:.1f} s of cpu")
    return f"a sleeper was ended after {result.wall_seconds:.1f} s"


def _cpu(run: _Runner) -> str:
    result = run("while True: pass", cpu_seconds=0.5)
    _expect_ended(result, Ended.TIME)
    used = result.cpu_seconds
    _expect(0.4 <= used < 1.5, f"a busy loop allowed 0.5 s was charged {used:.2f} s")
    return f"a busy loop was ended after {used:.2f} s"


def _memory(run: _Runner) -> str:
    # bounded, so that a host whose limit does not fire loses no more than this
    code = f"kept = []\nfor _ in range({4 * MEMORY_MB}): kept.append(bytearray(b'x') * 2**20)"
    result = run(code)
    _expect_ended(result, Ended.MEMORY)
    peak = result.peak_memory_mb
    _expect(peak <= MEMORY_MB + 1, f"the box reached {peak:.0f} MB of {MEMORY_MB}")
    return f"killed at {peak:.0f} MB"


def _output(run: _Runner) -> str:
    result = run(f"for _ in range({8 * OUTPUT_KB}): print('x' * 1023)")
    _expect_ended(result, Ended.OUTPUT)
    kept = len(result.stdout) + len(result.stderr)
    _expect(kept <= 1024 * OUTPUT_KB, f"{kept} bytes were kept of {1024 * OUTPUT_KB} allowed")
    return f"a flood was ended at {OUTPUT_KB} KB"


FORK = f"""
import os, time
made = 0
try:
    while made < {4 * PROCESSES}:
        if os.fork() == 0:
            time.sleep(15)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""


def _processes(run: _Runner) -> str:
    result = run(FORK)
    _expect_ended(result, Ended.EXIT)
    made = _number(result)
    _expect(0 < made < PROCESSES, f"{made} processes were made of {PROCESSES} allowed")
    return f"no more than {made} could be made beside it"


FILES = f"""
made = 0
try:
    with open("/tmp/big", "wb") as file:
        for _ in range({4 * FILES_MB}):
            file.write(bytes(2**20))
            file.flush()
            made += 1
except OSError:
    pass
print(made)
"""


def _files(run: _Runner) -> str:
    made = _number(run(FILES))
    _expect(0 < made <= FILES_MB, f"{made} MB could be written of {FILES_MB} allowed")
    return f"no more than {made} MB could be written"


PROBES: dict[str, Callable[[_Runner], str]] = {
    "wall clock": _wall,
    "cpu time": _cpu,
    "memory": _memory,
    "output": _output,
    "processes": _processes,
    "temporary files": _files,
}


def _number(result: RunResult) -> int:
    try:
        return int(result.stdout)
    except ValueError:
        said = (result.stdout + result.stderr)[-300:].decode("utf-8", "replace")
        raise _Broken(f"the probe ended by {result.ended} and said {said!r}") from None


# -- what a program sees of its box

LOOK = """
import errno, json, os, socket
NAMES = ("CapEff", "CapPrm", "CapBnd", "CapInh", "NoNewPrivs", "Seccomp")
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
def connect():
    with socket.socket() as s:
        s.settimeout(1)
        s.connect(("192.0.2.1", 80))
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({
    "interfaces": [name for _, name in socket.if_nameindex()],
    "connect": attempt(connect),
    "root": {place: attempt(lambda: open(place + "/written", "w").close()) for place in ("/", "/usr", "/etc", "/var")},
    "tmp": attempt(lambda: open("/tmp/written", "w").close()),
    "uid": os.getuid(), "gid": os.getgid(),
    "status": {name: status[name].strip() for name in NAMES},
}))
"""


def _seen_from_inside(run: _Runner) -> Iterator[Finding]:
    """Our own probe program tells what it could do; one box for all of it."""
    try:
        result = run(LOOK)
        _expect_ended(result, Ended.EXIT)
        seen = json.loads(result.stdout)
        if not isinstance(seen, dict):
            raise _Broken(f"the probe said {seen!r}")
    except (_Broken, SandboxError, ValueError) as error:
        yield Finding("a look around from inside", False, str(error))
        return
    for name, judge in LOOKS.items():
        try:
            detail, otherwise = judge(seen)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            detail, otherwise = "", f"the probe's answer is not complete: {error!r}"
        yield Finding(name, not otherwise, otherwise or detail)


def _network(seen: dict[str, Any]) -> tuple[str, str]:
    if seen["interfaces"] != ["lo"]:
        return "", f"the box has the interfaces {', '.join(seen['interfaces'])}"
    if seen["connect"] != "ENETUNREACH":
        return "", f"connecting to another host gave {seen['connect']}, not ENETUNREACH"
    return "only loopback, and no route anywhere", ""


def _root(seen: dict[str, Any]) -> tuple[str, str]:
    written = [place for place, gave in seen["root"].items() if gave == "done"]
    if written or not seen["root"]:
        return "", f"a program could write to {', '.join(written)}"
    if set(seen["root"].values()) != {"EROFS"}:
        return "", f"writing was refused for another reason than a read-only file system: {seen['root']}"
    return ("only /tmp can be written", "") if seen["tmp"] == "done" else ("", f"/tmp cannot be written: {seen['tmp']}")


def _identity(seen: dict[str, Any]) -> tuple[str, str]:
    uid, gid = int(seen["uid"]), int(seen["gid"])
    return (f"uid {uid}", "") if uid and gid else ("", f"a program runs as uid {uid}, gid {gid}")


def _capabilities(seen: dict[str, Any]) -> tuple[str, str]:
    held = {name: value for name, value in seen["status"].items() if name.startswith("Cap") and int(value, 16)}
    return ("", f"it holds {held}") if held or "CapBnd" not in seen["status"] else ("none", "")


def _new_privileges(seen: dict[str, Any]) -> tuple[str, str]:
    return ("off", "") if seen["status"]["NoNewPrivs"] == "1" else ("", "a program can gain privileges (NoNewPrivs 0)")


def _seccomp(seen: dict[str, Any]) -> tuple[str, str]:
    mode = seen["status"]["Seccomp"]
    return ("a filter is on", "") if mode == "2" else ("", f"no filter of system calls is on (Seccomp {mode})")


LOOKS: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
    "no network": _network,
    "read-only root": _root,
    "not root": _identity,
    "no capabilities": _capabilities,
    "no new privileges": _new_privileges,
    "seccomp": _seccomp,
}
