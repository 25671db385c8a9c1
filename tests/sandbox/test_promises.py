"""The promise list: what every sandbox keeps. A denial has its positive control, a limit is met just below it too."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import docker
import pytest

from sandbox.containers import INSTANCE, DockerSandbox
from sandbox.types import Abandoned, Ended, Job, Limits, RunResult
from tests.installation import host_processes

Run = Callable[..., RunResult]
Probe = Callable[[str], Any]

# -- time


@pytest.mark.fault("F16")
def test_everything_is_killed_at_the_wall_limit(run: Run) -> None:
    marker = "marker-of-the-wall-test"
    code = f"""
import os, signal, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        os.execv("/usr/bin/python3", ["python3", "-c", "import time; time.sleep(600)", "{marker}"])
time.sleep(600)
"""
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while len(seen) < 5 and not over.wait(0.1):
            seen[:] = host_processes(marker)

    watch = threading.Thread(target=look)
    watch.start()
    result = run(code, wall_seconds=4)
    over.set()
    watch.join()
    assert result.ended is Ended.TIME
    assert len(seen) == 5, "the control: while it runs its processes are there"
    wait_until(lambda: not host_processes(marker))


def test_just_below_the_wall_limit_is_fine(run: Run) -> None:
    result = run("import time; time.sleep(1)", wall_seconds=3)
    assert result.clean
    assert 1 <= result.wall_seconds < 3


def test_the_cpu_limit_ends_a_busy_loop(run: Run) -> None:
    result = run("while True: pass", cpu_seconds=1)
    assert result.ended is Ended.TIME
    assert 1 <= result.cpu_seconds < 2


def test_the_cpu_of_children_counts(run: Run) -> None:
    result = run("import os\nfor _ in range(3): os.fork()\nwhile True: pass", cpu_seconds=1)
    assert result.ended is Ended.TIME
    assert result.cpu_seconds >= 1


def test_just_below_the_cpu_limit_is_fine(run: Run) -> None:
    result = run("import time\nwhile time.process_time() < 0.7: pass", cpu_seconds=1)
    assert result.clean
    assert 0.6 < result.cpu_seconds < 1.1


def test_sleeping_costs_no_cpu(run: Run) -> None:
    assert run("import time; time.sleep(1.2)", cpu_seconds=0.6).clean


# -- memory


def test_a_memory_kill_of_the_main_process_is_a_fact(run: Run) -> None:
    result = run("x = []\nwhile True: x.append(bytearray(2**20))", memory_mb=128)
    assert result.ended is Ended.MEMORY
    assert result.oom_kills >= 1
    assert result.peak_memory_mb > 120


def test_a_memory_kill_of_a_child_only_is_a_fact(run: Run) -> None:
    code = "import os\nif os.fork() == 0:\n    x = []\n    while True: x.append(bytearray(2**20))\nos.wait()\nprint('alive')"
    result = run(code, memory_mb=128)
    assert result.clean, "the main process went on"
    assert result.stdout == b"alive\n"
    assert result.oom_kills >= 1


def test_ninety_five_percent_of_the_memory_is_fine(run: Run) -> None:
    empty = run("pass", memory_mb=256)
    room = int(0.95 * 256 - empty.peak_memory_mb)
    result = run(f"x = bytearray({room} * 2**20); print(len(x))", memory_mb=256)
    assert result.clean
    assert result.oom_kills == 0
    assert result.peak_memory_mb > 0.9 * 256


def test_the_temporary_folder_counts_as_memory_and_is_bounded(run: Run) -> None:
    code = "try:\n    open('/tmp/big', 'wb').write(bytes(40 * 2**20))\nexcept OSError as e: print(e.errno)"
    assert run(code, files_mb=16).stdout in (b"27\n", b"28\n")  # EFBIG, ENOSPC
    assert run(code, files_mb=64).stdout == b""


@pytest.mark.fault("F20")
def test_many_small_files_are_bounded(run: Run) -> None:
    code = "n = 0\ntry:\n    while n < 100_000:\n        open(f'/tmp/{n}', 'w').close(); n += 1\nexcept OSError as e: print(n, e.errno)"
    count, number = run(code, cpu_seconds=10).stdout.split()
    assert int(count) < 17_000
    assert number == b"28"


def test_processes_are_bounded(run: Run) -> None:
    code = "import os, time\nn = 0\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(60)\n        n += 1\nexcept OSError: print(n)"
    assert 20 < int(run(code, processes=40).stdout) < 40


# -- output


def test_output_is_capped(run: Run) -> None:
    result = run("while True: print('x' * 1000)", output_kb=64)
    assert result.ended is Ended.OUTPUT
    assert len(result.stdout) == 64 * 1024


def test_stderr_counts_as_output(run: Run) -> None:
    result = run("import sys\nwhile True: sys.stderr.write('x' * 1000)", output_kb=64)
    assert result.ended is Ended.OUTPUT


def test_just_below_the_output_cap_is_fine(run: Run) -> None:
    result = run("print('x' * (64 * 1024 - 2))", output_kb=64)
    assert result.clean
    assert len(result.stdout) == 64 * 1024 - 1


def test_bytes_that_are_not_utf8_are_kept(run: Run) -> None:
    every = bytes(range(256))
    code = f"import sys\ndata = {every!r}\nsys.stdout.buffer.write(data)\nsys.stderr.buffer.write(data)\nopen('out', 'wb').write(data)"
    result = run(code, outputs=("out",))
    assert (result.stdout, result.stderr, result.files["out"]) == (every, every, every)


def test_an_output_file_is_a_regular_file_reached_without_a_link(run: Run) -> None:
    code = "import os\nos.symlink('/etc/passwd', 'link')\nos.mkfifo('fifo')\nos.mkdir('folder')\nopen('file', 'w').write('yes')"
    result = run(code, outputs=("link", "fifo", "folder", "file", "missing"))
    assert result.files == {"file": b"yes"}


def test_an_output_file_over_the_cap_is_not_taken(run: Run) -> None:
    result = run("open('out', 'wb').write(bytes(70_000))", outputs=("out",), output_kb=64)
    assert result.ended is Ended.OUTPUT
    assert run("open('out', 'wb').write(bytes(60_000))", outputs=("out",), output_kb=64).clean


@pytest.mark.fault("F20")
def test_kill_returns_while_stdout_floods(run: Run) -> None:
    marker = "marker-of-the-flood"
    flood = "import os\nwhile True: os.write(1, b'x' * 65536)"
    code = f"import os\nfor _ in range(4):\n    if os.fork() == 0: os.execv('/usr/bin/python3', ['python3', '-c', {flood!r}, '{marker}'])\n{flood}"
    begin = time.monotonic()
    assert run(code, output_kb=256).ended is Ended.OUTPUT
    assert time.monotonic() - begin < 20
    wait_until(lambda: not host_processes(marker))


# -- isolation, each with its control

NETWORK = """
import json, socket
found = {}
for name, family, address in (("tcp", socket.AF_INET, ("127.0.0.1", PORT)), ("out", socket.AF_INET, ("192.0.2.1", 80))):
    with socket.socket(family) as s:
        s.settimeout(2)
        try:
            s.connect(address)
            found[name] = "connected"
        except TimeoutError:
            found[name] = "routed"
        except OSError as error:
            found[name] = error.errno
found["interfaces"] = [name for _, name in socket.if_nameindex()]
print(json.dumps(found))
"""


def test_no_network(probe: Probe, unhardened: Probe, listener: int) -> None:
    code = NETWORK.replace("PORT", str(listener))
    inside, control = probe(code), unhardened(code)
    assert inside["tcp"] == 111, "loopback inside is the box's own: refused"
    assert inside["out"] == 101, "network is unreachable"
    assert inside["interfaces"] == ["lo"]
    assert control["tcp"] == "connected"
    assert set(control["interfaces"]) > {"lo"}


STATUS = """
import json, os, pathlib
fields = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
print(json.dumps({"uid": os.getuid(), "gid": os.getgid(), "groups": os.getgroups(),
                  **{name: fields[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "NoNewPrivs", "Seccomp")}}))
"""


def test_not_root_no_capabilities_no_new_privileges_seccomp_on(probe: Probe, unhardened: Probe) -> None:
    inside, control = probe(STATUS), unhardened(STATUS)
    assert inside["uid"] >= 200_000
    assert inside["gid"] >= 200_000
    assert inside["groups"] in ([], [inside["gid"]])
    assert {inside[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {"0000000000000000"}
    assert (inside["NoNewPrivs"], inside["Seccomp"]) == ("1", "2")
    assert (control["uid"], control["NoNewPrivs"], control["Seccomp"]) == (0, "0", "0")
    assert int(control["CapEff"], 16) > 0


WRITE = """
import errno, json, os
found = {}
for place in ("/", "/usr", "/usr/lib/python3/dist-packages", "/etc", "/var", "/opt", "/root", "/run", "/home", "/sys/fs/cgroup", "/proc/sys/kernel"):
    name = place + "/written" if place != "/proc/sys/kernel" else place + "/hostname"
    try:
        with open(name, "w") as file: file.write("x")
        found[place] = "written"
    except OSError as error:
        found[place] = errno.errorcode[error.errno]
print(json.dumps(found))
"""


def test_the_root_is_read_only(probe: Probe, unhardened: Probe) -> None:
    inside, control = probe(WRITE), unhardened(WRITE)
    assert "written" not in inside.values(), inside
    assert [place for place in ("/", "/usr", "/etc", "/var") if control[place] != "written"] == []


MOUNTS = """
import json, os, stat
table = [line.split()[1:4] for line in open("/proc/self/mounts")]
table = [row for row in table if not stat.S_ISCHR(os.stat(row[0]).st_mode)]  # /dev/null over what is masked
print(json.dumps([[place, kind] for place, kind, options in table if "rw" in options.split(",") and os.access(place, os.W_OK)]))
"""


def test_only_the_scratch_folders_can_be_written(probe: Probe) -> None:
    writable = {place for place, kind in probe(MOUNTS)}
    assert writable <= {"/tmp", "/dev/shm", "/dev/mqueue", "/dev/pts"}
    assert "/tmp" in writable


def test_nothing_of_another_run_is_visible(run: Run, sandbox: DockerSandbox) -> None:
    leave = (
        "import os, socket, time\n"
        "open('/tmp/canary', 'w').write('c'); open('/dev/shm/canary', 'w').write('c')\n"
        "s = socket.socket(socket.AF_UNIX); s.bind('\\0canary'); s.listen()\n"
        "print(open('/tmp/canary').read(), flush=True)\n"
        "time.sleep(4)"
    )
    look = (
        "import json, os, socket\n"
        "found = [place for place in ('/tmp/canary', '/dev/shm/canary') if os.path.exists(place)]\n"
        "try:\n    socket.socket(socket.AF_UNIX).connect('\\0canary'); found.append('socket')\nexcept OSError: pass\n"
        "found += [pid for pid in os.listdir('/proc') if pid.isdigit() and b'canary' in open(f'/proc/{pid}/cmdline', 'rb').read()]\n"
        "print(json.dumps([found, len([p for p in os.listdir('/proc') if p.isdigit()]), os.uname().nodename]))"
    )
    other: list[RunResult] = []
    beside = threading.Thread(target=lambda: other.append(run(leave)))
    beside.start()
    time.sleep(1.5)
    found, processes, host = json.loads(run(look).stdout)
    beside.join()
    assert other[0].stdout == b"c\n", "the control: its own marker was there"
    assert (found, host) == ([], "box")
    assert processes <= 3
    assert json.loads(run(look).stdout)[0] == [], "nor after it has ended"
    assert json.loads(run(f"open('/tmp/canary', 'w')\n{look}").stdout)[0] == ["/tmp/canary"], (
        "the control: it finds its own"
    )


def test_the_environment_holds_nothing_of_the_host(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://canary")
    monkeypatch.setenv("ASSAY_SECRET", "canary")
    environment = probe("import json, os; print(json.dumps(dict(os.environ)))")
    assert "canary" not in json.dumps(environment)
    assert environment["OMP_NUM_THREADS"] == "1"


# -- traces


def test_no_container_image_or_volume_is_left(sandbox: DockerSandbox, run: Run) -> None:
    """Of this sandbox: other tests use the same engine at the same time. A volume nobody named would be a box's.

    What waits for a job has met none: `tests/sandbox/test_pool.py` is about that.
    """
    assert sandbox.pool is not None
    pool = sandbox.pool
    client = docker.from_env()
    mine = {"label": f"{INSTANCE}={sandbox.instance}"}

    def nameless() -> set[str]:
        return {one.name for one in client.volumes.list() if re.fullmatch("[0-9a-f]{64}", one.name)}

    before = nameless()
    for code in ("pass", "while True: pass", "import os; os.kill(os.getppid(), 9)", "x = bytearray(2**40)"):
        run(code, cpu_seconds=0.5)
    assert pool.settled(60)
    wait_until(lambda: len(client.containers.list(all=True, filters=mine)) == pool.waiting())
    assert client.images.list(all=True, filters=mine) == []
    assert nameless() <= before


def test_a_run_nobody_wants_ends_at_once(sandbox: DockerSandbox) -> None:
    job = Job(
        "python-ml",
        Limits.of(cpu_seconds=30, memory_mb=128),
        files={"a.py": b"import time; time.sleep(30)"},
        argv=("python3", "a.py"),
    )
    begin = time.monotonic()
    with pytest.raises(Abandoned):
        sandbox.run(job, lambda: time.monotonic() - begin > 1)
    assert time.monotonic() - begin < 15


def test_no_signal_of_the_submission_ends_or_stops_what_carries_its_streams(run: Run) -> None:
    code = "import os\nfor n in range(1, 65):\n    try: os.kill(1, n); os.kill(os.getppid(), n)\n    except OSError: pass\nprint('done')"
    result = run(code, cpu_seconds=2)
    assert result.clean, result
    assert result.stdout == b"done\n"
    own = run("import os; os.kill(os.getpid(), 9)")
    assert (own.ended, own.signal) == (Ended.SIGNAL, 9), "the control: it can end itself"


def test_orphans_are_buried(run: Run) -> None:
    """More of them than there may be processes, all but one ended when the next is begun."""
    code = (
        "import os, time\n"
        "for n in range(120):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        if os.fork() == 0: os._exit(0)\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "    time.sleep(0.005)\n"
        "time.sleep(0.2)\n"
        "print(len([one for one in os.listdir('/proc') if one.isdigit()]))"
    )
    result = run(code, processes=20)
    assert result.clean, result
    assert result.stdout == b"2\n"


def test_a_program_that_is_not_python_runs_too(sandbox: DockerSandbox) -> None:
    job = Job("python-ml", Limits.of(cpu_seconds=2, memory_mb=64), argv=("/bin/sh", "-c", "echo hello; exit 3"))
    result = sandbox.run(job)
    assert (result.ended, result.exit_code, result.stdout) == (Ended.EXIT, 3, b"hello\n")


ENDS = {
    "a file nobody closed": "f = open('out', 'w'); f.write('whole'); g = [f]; g.append(g)",
    "a file of a module": "import helper",
    "exit functions": "import atexit; atexit.register(print, 'last', end=''); print('first')",
    "a thread that still works": "import threading, time\ndef go(): time.sleep(0.2); print('late', end='')\nthreading.Thread(target=go).start()",
    "a finaliser": "class A:\n    def __del__(self): print('freed', end='')\na = A()",
    "an exit code": "import sys; print('x', end=''); sys.exit(3)",
    "a text as exit code": "import sys; sys.exit('no')",
    "an exit code of an exit function": "import atexit, os; atexit.register(os._exit, 7)",
    "an exception": "open('out', 'w').write('kept'); 1 / 0",
    "no stdout": "import sys; sys.stdout = None",
    "a closed stdout": "import sys; sys.stdout.close()",
    "another stdout": "import sys; sys.stdout = open('out', 'w'); print('there')",
    "a signal": "import os; os.kill(os.getpid(), 15)",
    "a child": "import os\nif os.fork() == 0: print('child', end='')\nelse: os.wait()",
}


@pytest.mark.parametrize("name", ENDS)
def test_a_program_ends_as_under_python3_itself(run: Run, sandbox: DockerSandbox, name: str) -> None:
    files = {"main.py": ENDS[name].encode(), "helper.py": b"f = open('out', 'w'); f.write('of a module')"}
    ours = run(ENDS[name], files=files, outputs=("out",))
    plain = sandbox.run(
        Job(
            "python-ml",
            Limits.of(cpu_seconds=5, memory_mb=256, wall_seconds=15),
            files=files,
            argv=("/bin/sh", "-c", "exec python3 main.py"),
            outputs=("out",),
        )
    )
    for what in ("ended", "exit_code", "signal", "stdout", "files"):
        assert getattr(ours, what) == getattr(plain, what), (name, what)


def wait_until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that happens off the caller's path."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.1)
