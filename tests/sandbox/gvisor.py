"""What holds under gVisor where a promise is kept in another way than test_promises.py asks: `make engines` runs it.

No name of a test file, so that only who names it runs it: the usual engine has no gVisor.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.containers import DockerSandbox
from sandbox.types import Ended, RunResult, SandboxError
from tests.sandbox.services import serving

Run = Callable[..., RunResult]
Probe = Callable[[str], Any]


def test_a_box_has_a_kernel_of_its_own(probe: Probe) -> None:
    release, version = probe("import json, os; print(json.dumps([os.uname().release, open('/proc/version').read()]))")
    assert release != os.uname().release
    assert version != Path("/proc/version").read_text()


def kernels() -> set[int]:
    """Process ids on the host of gVisor's kernels."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"runsc-sandbox" in (process / "cmdline").read_bytes():
                found.add(int(process.name))
        except OSError:
            continue  # it has ended
    return found


def test_nothing_of_a_run_outlives_the_wall_limit(run: Run) -> None:
    code = "import os, time\nfor _ in range(5):\n    if os.fork() == 0: os.setsid(); break\ntime.sleep(600)"
    before = kernels()
    seen: set[int] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            seen.update(kernels() - before)

    watch = threading.Thread(target=look)
    watch.start()
    assert run(code, wall_seconds=2).ended is Ended.TIME
    over.set()
    watch.join()
    assert seen, "the control: while it runs its kernel is there"
    end = time.monotonic() + 20
    while kernels() & seen:
        assert time.monotonic() < end, "its kernel goes on"
        time.sleep(0.1)


def test_a_memory_kill_is_counted_by_the_host(run: Run) -> None:
    result = run("x = []\nwhile True: x.append(bytearray(2**20))", memory_mb=128)
    assert result.oom_kills >= 1
    assert not result.clean
    assert result.peak_memory_mb <= 129


def test_a_fork_bomb_ends_the_box(run: Run) -> None:
    result = run("import os, time\nwhile True:\n    os.fork() or time.sleep(60)", memory_mb=128, processes=40)
    assert result.ended in (Ended.SIGNAL, Ended.MEMORY)


def test_many_small_files_are_bounded_by_memory(run: Run) -> None:
    code = "n = 0\nwhile True:\n    open(f'/tmp/{n}', 'w').close(); n += 1"
    result = run(code, memory_mb=64, cpu_seconds=60, wall_seconds=90)
    assert result.oom_kills >= 1
    assert result.peak_memory_mb <= 65


def test_nothing_is_reached(probe: Probe, unhardened: Probe) -> None:
    code = """
import errno, json, socket
s = socket.socket(); s.settimeout(3)
try: s.connect(("192.0.2.1", 80)); found = "connected"
except OSError as error: found = errno.errorcode.get(error.errno, str(error))
print(json.dumps([found, [name for _, name in socket.if_nameindex()]]))
"""
    assert probe(code) == ["EHOSTUNREACH", ["lo"]]
    assert unhardened(code)[0] != "EHOSTUNREACH"


def test_not_root_no_capabilities_no_new_privileges(probe: Probe) -> None:
    code = """
import ctypes, json, os
fields = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps([os.getuid(), os.getgid(), ctypes.CDLL(None).prctl(39, 0, 0, 0, 0),
                  [fields[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")]]))
"""
    uid, gid, no_new_privileges, capabilities = probe(code)
    assert (uid >= 200_000, gid >= 200_000, no_new_privileges) == (True, True, 1)
    assert set(capabilities) == {"0" * 16}


def test_an_image_is_not_served_where_no_relay_would_reach_it(builder: DockerSandbox, oci_runtime: str) -> None:
    with (
        pytest.raises(SandboxError, match=f"{oci_runtime} gives each container a loopback of its own"),
        serving(builder, ""),
    ):
        pass
