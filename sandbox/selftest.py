"""Proves on a live sandbox that every limit really fires; knows no engine, only the Boxes protocol and its facts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from sandbox.types import Boxes, Ended, Job, Limits, RunResult, SandboxError, never

RUNTIME = "python-ml"
PROBE = "assay.probe"
"""The label that names what a probe box is for."""
AT_ONCE = 2
SLACK_SECONDS = 5.0
"""How late a limit may fire on a busy host and still count as fired."""
PROCESSES = 40
OUTPUT_KB = 64
MEMORY_MB = 128
FILES_MB = 16


class State(StrEnum):
    """What a finding means for judging: nothing, something the operator should know, or that there is none."""

    OK = "ok"
    WARNING = "warning"
    REFUSAL = "refusal"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `detail` says what was seen, or what is wrong."""

    name: str
    state: State
    detail: str

    @property
    def refuses(self) -> bool:
        """Whether nothing may be judged because of it."""
        return self.state is State.REFUSAL


def ok(name: str, detail: str) -> Finding:
    """All is as it should be."""
    return Finding(name, State.OK, detail)


def warning(name: str, detail: str) -> Finding:
    """The operator should know; judging goes on."""
    return Finding(name, State.WARNING, detail)


def refusal(name: str, detail: str) -> Finding:
    """Nothing may be judged."""
    return Finding(name, State.REFUSAL, detail)


class _Broken(Exception):
    """A promise is not kept; the text says which fact shows it."""


def check(sandbox: Boxes, *, runtime: str = RUNTIME, own_kernel: bool = False) -> list[Finding]:
    """All findings of `findings`, when the last probe is done."""
    return list(findings(sandbox, runtime=runtime, own_kernel=own_kernel))


def findings(
    sandbox: Boxes, *, runtime: str = RUNTIME, own_kernel: bool = False, abandoned: Callable[[], bool] = never
) -> Iterator[Finding]:
    """Run the probe boxes, two at once (two to three seconds). A SandboxError is a finding and never raised.

    When not even a plain program runs, that is the only finding: every other would name the same cause. `own_kernel`:
    boxes have a kernel of their own (gVisor), where a seccomp profile has no effect. Raises Abandoned.
    """
    run = _Runner(sandbox, runtime, own_kernel, abandoned)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probe") as pool:
        inside = pool.submit(_look_around, run)
        wanted = PROBES | ({"processes": _fork_bomb} if own_kernel else {})
        probes = [pool.submit(_finding, name, partial(probe, run)) for name, probe in wanted.items()]
        try:
            first, seen = inside.result()
            yield first
            if first.refuses:
                return
            for name, judge in (LOOKS_OWN_KERNEL if own_kernel else LOOKS).items():
                yield _finding(name, partial(judge, seen))
            for probe in probes:
                yield probe.result()
        finally:
            for probe in probes:
                probe.cancel()


def answer(sandbox: Boxes, *, runtime: str = RUNTIME, abandoned: Callable[[], bool] = never) -> None:
    """See that a plain program runs in a box, in half a second: the engine answers and starts boxes.

    Raises SandboxError when it does not, and Abandoned.
    """
    result = _Runner(sandbox, runtime, False, abandoned)("answer", "print('here')")
    if result.stdout != b"here\n":
        said = result.stderr[-300:].decode("utf-8", "replace").strip()
        raise SandboxError(f"a plain program did not run: it ended by {result.ended}{said and ': ' + said}")


@dataclass(frozen=True)
class _Runner:
    sandbox: Boxes
    runtime: str
    own_kernel: bool
    abandoned: Callable[[], bool]

    def __call__(self, name: str, code: str, **limits: Any) -> RunResult:
        given = {
            "cpu_seconds": 10,
            "wall_seconds": 20,
            "memory_mb": MEMORY_MB,
            "processes": PROCESSES,
            "output_kb": OUTPUT_KB,
            "files_mb": FILES_MB,
            **limits,
        }
        job = Job(
            self.runtime,
            Limits.of(**given),
            files={"probe.py": code.encode()},
            argv=("python3", "probe.py"),
            labels={PROBE: name},
        )
        return self.sandbox.run(job, self.abandoned)


def _finding(name: str, probe: Callable[[], str]) -> Finding:
    try:
        return ok(name, probe())
    except (_Broken, SandboxError) as error:
        return refusal(name, str(error))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return refusal(name, f"the probe's answer is not complete: {error!r}")


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise _Broken(otherwise)


def _expect_ended(result: RunResult, how: Ended) -> None:
    said = result.stderr[-300:].decode("utf-8", "replace").strip()
    _expect(result.ended is how, f"it should have ended by {how}, not by {result.ended}{said and ': ' + said}")


# -- limits that end a program


def _wall(run: _Runner) -> str:
    result = run("wall clock", "import time; time.sleep(60)", wall_seconds=0.5)
    _expect_ended(result, Ended.TIME)
    _expect(result.wall_seconds < 0.5 + SLACK_SECONDS, f"it took {result.wall_seconds:.1f} s until it fired")
    _expect(result.cpu_seconds < 1, f"a sleeper was charged {result.cpu_seconds:.1f} s of cpu")
    return f"a sleeper was ended after {result.wall_seconds:.1f} s"


def _cpu(run: _Runner) -> str:
    result = run("cpu time", "while True: pass", cpu_seconds=0.5)
    _expect_ended(result, Ended.TIME)
    used = result.cpu_seconds
    _expect(0.4 <= used < 1.5, f"a busy loop allowed 0.5 s was charged {used:.2f} s")
    return f"a busy loop was ended after {used:.2f} s"


def _memory(run: _Runner) -> str:
    # bounded, so that a host whose limit does not fire loses no more than this
    code = f"kept = []\nfor _ in range({4 * MEMORY_MB}): kept.append(bytearray(b'x') * 2**20)"
    result = run("memory", code)
    if run.own_kernel:  # the host kills what stands for the program; the box's kernel calls that an exit
        _expect(result.oom_kills > 0 and not result.clean, "a program that needs more than it may have was not killed")
    else:
        _expect_ended(result, Ended.MEMORY)
    peak = result.peak_memory_mb
    _expect(peak <= MEMORY_MB + 1, f"the box reached {peak:.0f} MB of {MEMORY_MB}")
    return f"killed at {peak:.0f} MB"


def _output(run: _Runner) -> str:
    result = run("output", f"for _ in range({8 * OUTPUT_KB}): print('x' * 1023)")
    _expect_ended(result, Ended.OUTPUT)
    kept = len(result.stdout) + len(result.stderr)
    _expect(kept <= 1024 * OUTPUT_KB, f"{kept} bytes were kept of {1024 * OUTPUT_KB} allowed")
    return f"a flood was ended at {OUTPUT_KB} KB"


def _fork_bomb(run: _Runner) -> str:
    """Where boxes have a kernel of their own: threads of that kernel are counted, and it does not outlive the limit."""
    result = run("processes", f"import os, time\nfor _ in range({4 * PROCESSES}):\n    os.fork() or time.sleep(15)")
    _expect(result.ended in (Ended.SIGNAL, Ended.MEMORY), f"a fork bomb was not ended, but by {result.ended}")
    return "a fork bomb ends the whole box"


PROBES: dict[str, Callable[[_Runner], str]] = {
    "wall clock": _wall,
    "cpu time": _cpu,
    "memory": _memory,
    "output": _output,
}


# -- what a program sees of its box, and how far it gets in it: one box for all of it

LOOK = """
import ctypes, errno, json, os, platform, socket, time
NAMES = ("CapEff", "CapPrm", "CapBnd", "CapInh", "Seccomp")
def attempt(act):
    try:
        act()
        return "done"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
def write(place):
    open(place + "/written", "w").close()
def connect():
    with socket.socket() as s:
        s.settimeout(1)
        s.connect(("192.0.2.1", 80))
libc = ctypes.CDLL(None, use_errno=True)
column = ("x86_64", "aarch64").index(platform.machine())
def call(numbers, *args):
    ctypes.set_errno(0)
    gave = libc.syscall(numbers[column], *args)
    return "done" if gave >= 0 else errno.errorcode.get(ctypes.get_errno(), "?")
def fill():
    made = 0
    try:
        with open("/tmp/big", "wb") as file:
            for _ in range(MEGABYTES):
                file.write(bytes(2**20))
                file.flush()
                made += 1
    except OSError:
        pass
    os.unlink("/tmp/big")
    return made
def fork():
    made = 0
    try:
        while made < FORKS:
            if os.fork() == 0:
                time.sleep(15)
                os._exit(0)
            made += 1
    except OSError:
        pass
    return made
bad = ctypes.c_void_p(1)
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(json.dumps({
    "interfaces": [name for _, name in socket.if_nameindex()],
    "connect": attempt(connect),
    "root": {place: attempt(lambda: write(place)) for place in ("/", "/usr", "/etc", "/var")},
    "read_only": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
    "tmp": attempt(lambda: write("/tmp")),
    "uid": os.getuid(), "gid": os.getgid(),
    "status": {name: status[name].strip() for name in NAMES} | {"NoNewPrivs": str(libc.prctl(39, 0, 0, 0, 0))},
    "files": fill(),
    "processes": fork(),
    # each has arguments with which it does no harm, and is not refused but by a filter
    "calls": {
        "getpid": call((39, 172)),
        "add_key": call((248, 217), b"user", b"probe", bad, 1, -2),
        "process_vm_readv": call((310, 270), os.getpid(), None, 0, None, 0, 0),
        "kcmp": call((312, 272), os.getpid(), os.getpid(), 2, 0, 0),
        "unshare": call((272, 97), 0x10000000),
        "vmsplice": call((278, 75), -1, None, 0, 0),
    },
}))
"""


def _look_around(run: _Runner) -> tuple[Finding, dict[str, Any]]:
    """The control of all the others: below its limits a program is left alone. And what it could do."""
    name = "a plain program runs"
    try:
        forks = 0 if run.own_kernel else 4 * PROCESSES
        result = run(name, f"FORKS, MEGABYTES = {forks}, {4 * FILES_MB}\n{LOOK}")
        _expect_ended(result, Ended.EXIT)
        said = (result.stderr or result.stdout)[-300:].decode("utf-8", "replace").strip()
        _expect(result.exit_code == 0, f"its exit code was {result.exit_code}; it said {said!r}")
        try:
            seen = json.loads(result.stdout)
        except ValueError:
            seen = None
        if not isinstance(seen, dict):
            raise _Broken(f"what it printed did not arrive; it said {said!r}")
    except (_Broken, SandboxError) as error:
        return refusal(name, str(error)), {}
    return ok(name, f"{result.cpu_seconds:.2f} s of cpu, {result.peak_memory_mb:.0f} MB"), seen


def _processes(seen: dict[str, Any]) -> str:
    made = int(seen["processes"])
    _expect(0 < made < PROCESSES, f"{made} processes were made of {PROCESSES} allowed")
    return f"no more than {made} could be made beside it"


def _files(seen: dict[str, Any]) -> str:
    made = int(seen["files"])
    _expect(0 < made <= FILES_MB, f"{made} MB could be written of {FILES_MB} allowed")
    return f"no more than {made} MB could be written"


def _network(seen: dict[str, Any]) -> str:
    _expect(seen["interfaces"] == ["lo"], f"the box has the interfaces {', '.join(seen['interfaces'])}")
    gave = seen["connect"]
    _expect(gave in ("ENETUNREACH", "EHOSTUNREACH"), f"connecting to another host gave {gave}, not ENETUNREACH")
    return "only loopback, and no route anywhere"


def _root(seen: dict[str, Any]) -> str:
    written = [place for place, gave in seen["root"].items() if gave == "done"]
    _expect(bool(seen["root"]) and not written, f"a program could write to {', '.join(written)}")
    # gVisor asks for the owner's permission first, so that the reason alone proves nothing there
    _expect(
        set(seen["root"].values()) <= {"EROFS", "EACCES"}, f"writing was refused for another reason: {seen['root']}"
    )
    _expect(seen["read_only"] is True, "the root is no read-only file system")
    _expect(seen["tmp"] == "done", f"/tmp cannot be written: {seen['tmp']}")
    return "only /tmp can be written"


def _identity(seen: dict[str, Any]) -> str:
    uid, gid = int(seen["uid"]), int(seen["gid"])
    _expect(bool(uid and gid), f"a program runs as uid {uid}, gid {gid}")
    return f"uid {uid}"


def _capabilities(seen: dict[str, Any]) -> str:
    held = {name: value for name, value in seen["status"].items() if name.startswith("Cap") and int(value, 16)}
    _expect(not held and "CapBnd" in seen["status"], f"it holds {held}")
    return "none"


def _new_privileges(seen: dict[str, Any]) -> str:
    _expect(seen["status"]["NoNewPrivs"] == "1", "a program can gain privileges (NoNewPrivs 0)")
    return "off"


def _seccomp(seen: dict[str, Any]) -> str:
    mode = seen["status"]["Seccomp"]
    _expect(mode == "2", f"no filter of system calls is on (Seccomp {mode})")
    return "a filter is on"


def _calls(seen: dict[str, Any]) -> str:
    calls = dict(seen["calls"])
    _expect(calls.pop("getpid") == "done", "not even getpid is allowed")
    passed = [f"{name} ({gave})" for name, gave in calls.items() if gave != "EPERM"]
    _expect(bool(calls) and not passed, f"system calls that the filter refuses came through: {', '.join(passed)}")
    return f"{', '.join(calls)} are refused"


LOOKS: dict[str, Callable[[dict[str, Any]], str]] = {
    "processes": _processes,
    "temporary files": _files,
    "no network": _network,
    "read-only root": _root,
    "not root": _identity,
    "no capabilities": _capabilities,
    "no new privileges": _new_privileges,
    "seccomp": _seccomp,
    "denied system calls": _calls,
}
WITHOUT_EFFECT = ("seccomp", "denied system calls", "processes")
LOOKS_OWN_KERNEL = {name: look for name, look in LOOKS.items() if name not in WITHOUT_EFFECT}
"""What can be asked where a box has a kernel of its own: that one answers its calls, and a filter sees none of them."""
