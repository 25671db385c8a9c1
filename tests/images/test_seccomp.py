"""The seccomp profile: what it refuses is refused by it and by nothing else, and honest programs do not notice it."""

from __future__ import annotations

import errno
import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from tests.images.conftest import Run

ROOT = Path(__file__).resolve().parents[2]
PROFILE = (ROOT / "sandbox" / "seccomp.json").read_text()

MIGHTY: dict[str, Any] = {
    "user": "0:0",
    "cap_add": ["SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "DAC_READ_SEARCH", "SYSLOG", "NET_ADMIN", "NET_RAW"],
}
"""Root with every capability that these calls ask for: what is refused now is refused by the filter alone."""

REFUSED = (errno.EPERM, errno.ENOSYS)

# Each call has arguments that do no harm where it is allowed. Numbers: x86_64, aarch64.
PROBE = r"""
import ctypes, ctypes.util, json, mmap, os, platform, signal, sys

libc = ctypes.CDLL(None, use_errno=True)
column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
BAD = ctypes.c_void_p(1)
NEWUTS, NEWUSER, NEWNET = 0x04000000, 0x10000000, 0x40000000
own = os.open("/proc/self/ns/uts", os.O_RDONLY)
buffer = ctypes.create_string_buffer(256)
ME = os.getpid()

calls = {
    "io_uring_setup": ((425, 425), (0, BAD)),
    "io_uring_enter": ((426, 426), (-1, 0, 0, 0, 0, 0)),
    "io_uring_register": ((427, 427), (-1, 0, 0, 0)),
    "io_setup": ((206, 0), (0, BAD)),
    "keyctl": ((250, 219), (0, -3, 0, 0, 0)),
    "add_key": ((248, 217), (b"user", b"probe", b"x", 1, -2)),
    "request_key": ((249, 218), (b"user", b"no such key", None, 0)),
    "userfaultfd": ((323, 282), (0,)),
    "perf_event_open": ((298, 241), (BAD, 0, -1, -1, 0)),
    "bpf": ((321, 280), (999, BAD, 0)),
    "ptrace": ((101, 117), (16, 999999, 0, 0)),
    "process_vm_readv": ((310, 270), (ME, None, 0, None, 0, 0)),
    "process_vm_writev": ((311, 271), (ME, None, 0, None, 0, 0)),
    "process_madvise": ((440, 440), (-1, None, 0, 0, 0)),
    "kcmp": ((312, 272), (ME, ME, 2, 0, 0)),
    "pidfd_getfd": ((438, 438), (-1, 0, 0)),
    "mount": ((165, 40), (b"none", b"/no/such/place", b"tmpfs", 0, None)),
    "umount2": ((166, 39), (b"/no/such/place", 0)),
    "pivot_root": ((155, 41), (b"/no/such/place", b"/no/such/place")),
    "chroot": ((161, 51), (b"/no/such/place",)),
    "open_tree": ((428, 428), (-1, b"no such place", 0)),
    "move_mount": ((429, 429), (-1, b"no such place", -1, b"no such place", 0)),
    "fsopen": ((430, 430), (b"no such type", 0)),
    "mount_setattr": ((442, 442), (-1, b"no such place", 0, None, 0)),
    "unshare user": ((272, 97), (NEWUSER,)),
    "unshare net": ((272, 97), (NEWNET,)),
    "setns": ((308, 268), (own, 0)),
    "name_to_handle_at": ((303, 264), (-100, b"/no/such/place", BAD, BAD, 0)),
    "open_by_handle_at": ((304, 265), (-1, BAD, 0)),
    "syslog": ((103, 116), (10, None, 0)),
    "quotactl": ((179, 60), (0x800007 << 8, None, 0, None)),
    "personality": ((135, 92), (0x0040000,)),
    "vmsplice": ((278, 75), (-1, None, 0, 0)),
    "sync": ((162, 81), ()),
    "clone3": ((435, 435), (None, 0)),
    "clone new namespace": ((56, 220), (NEWUTS | signal.SIGCHLD, None, None, None, None)),
    "clone": ((56, 220), (signal.SIGCHLD, None, None, None, None)),
    "socket unix": ((41, 198), (1, 1, 0)),
    "socket inet": ((41, 198), (2, 1, 0)),
    "socket inet6": ((41, 198), (10, 1, 0)),
    "socket route": ((41, 198), (16, 3, 0)),
    "socket netfilter": ((41, 198), (16, 3, 12)),
    "socket packet": ((41, 198), (17, 3, 0)),
    "socket alg": ((41, 198), (38, 5, 0)),
    "socket vsock": ((41, 198), (40, 1, 0)),
    "socket bluetooth": ((41, 198), (31, 3, 1)),
}

def attempt(numbers, arguments):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(numbers[column]), *arguments)
    failed = ctypes.get_errno()
    return failed if result == -1 else 0, result

answers = {}
for name, (numbers, arguments) in calls.items():
    parent = os.getpid()
    back, child = os.pipe()
    pid = os.fork()                     # each in a process of its own: some of them change it
    if pid == 0:
        mine = os.getpid()
        code, result = attempt(numbers, arguments)
        if os.getpid() == mine and not (name.startswith("clone") and result == 0):
            os.write(child, str(code).encode())
        os._exit(0)
    os.close(child)
    os.waitpid(pid, 0)
    answers[name] = int(os.read(back, 16) or b"-1")
    os.close(back)

if platform.machine() == "x86_64":      # getpid by the 32-bit door, and by the x32 one
    def ended(run):
        pid = os.fork()
        if pid == 0:
            run()
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def int80():
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        ctypes.CFUNCTYPE(ctypes.c_int)(address)()

    answers["ended by the 32-bit door"] = ended(int80)
    answers["ended by the x32 door"] = ended(lambda: libc.syscall(ctypes.c_long(0x40000000 | 39)))

print(json.dumps(answers))
"""

PERMITTED = {"clone", "socket unix", "socket inet", "socket inet6", "socket route"}
ALWAYS_IN_A_KERNEL = {
    "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "pivot_root", "chroot", "unshare user",
    "unshare net", "setns", "open_tree", "move_mount", "fsopen", "clone3", "clone new namespace", "personality",
    "syslog", "vmsplice", "sync", "pidfd_getfd",
}  # fmt: skip
"""Calls no kernel the judge runs on is built without, so that the control must show each of them."""

WORK = """
import asyncio, concurrent.futures, multiprocessing, os, socket, subprocess, threading
import matplotlib.pyplot, numpy, pandas, scipy.optimize, sklearn.ensemble, sklearn.linear_model

x = numpy.random.default_rng(0).normal(size=(400, 6))
y = (x[:, 0] > 0).astype(int)
assert sklearn.linear_model.LogisticRegression().fit(x, y).score(x, y) > 0.9
assert sklearn.ensemble.RandomForestClassifier(10, n_jobs=2).fit(x, y).score(x, y) > 0.9
assert abs(scipy.optimize.minimize(lambda v: (v[0] - 3) ** 2, [0.0]).x[0] - 3) < 1e-3
assert pandas.DataFrame(x).describe().shape == (8, 6)
with multiprocessing.Pool(2) as pool:
    assert pool.map(abs, [-1, -2]) == [1, 2]
with concurrent.futures.ProcessPoolExecutor(2) as pool:
    assert list(pool.map(abs, [-3])) == [3]
seen = []
threads = [threading.Thread(target=seen.append, args=(i,)) for i in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(seen) == 8
assert subprocess.run(["sh", "-c", "ls / | sort | head -1"], capture_output=True, text=True).stdout == "bin\\n"
async def child():
    return await (await asyncio.create_subprocess_exec("true")).wait()
assert asyncio.run(child()) == 0
server = socket.create_server(("127.0.0.1", 0))
assert socket.create_connection(server.getsockname()).getpeername() == server.getsockname()
assert socket.getaddrinfo("localhost", 80) and socket.if_nameindex() == [(1, "lo")]
matplotlib.pyplot.plot([1, 2])
matplotlib.pyplot.savefig("/tmp/figure.png")
os.mkfifo("/tmp/pipe")
print("all done")
"""


def _seccomp(profile: str) -> dict[str, Any]:
    return {"security_opt": ["no-new-privileges:true", f"seccomp={profile}"]}


@pytest.fixture(scope="module")
def boxed(run: Run) -> dict[str, int]:
    code, said = run(PROBE, **_seccomp(PROFILE))
    assert code == 0, said
    answers: dict[str, int] = json.loads(said)
    return answers


@pytest.fixture(scope="module")
def mighty(run: Run) -> dict[str, int]:
    code, said = run(PROBE, **MIGHTY, **_seccomp(PROFILE))
    assert code == 0, said
    answers: dict[str, int] = json.loads(said)
    return answers


@pytest.fixture(scope="module")
def unconfined(run: Run) -> dict[str, int]:
    code, said = run(PROBE, **MIGHTY, **_seccomp("unconfined"))
    assert code == 0, said
    answers: dict[str, int] = json.loads(said)
    return answers


def _names(answers: dict[str, int]) -> set[str]:
    return {name for name in answers if not name.startswith("ended")}


def test_a_box_is_refused_every_call_it_has_no_use_for(boxed: dict[str, int]) -> None:
    expected = {name: errno.ENOSYS if name == "clone3" else errno.EPERM for name in _names(boxed) - PERMITTED}
    assert {name: boxed[name] for name in expected} == expected


def test_it_is_the_filter_that_refuses_not_the_missing_privilege(
    mighty: dict[str, int], unconfined: dict[str, int]
) -> None:
    denied = _names(mighty) - PERMITTED
    assert {name for name in denied if mighty[name] not in REFUSED} == set()
    shown = {name for name in denied if unconfined[name] not in REFUSED}
    assert ALWAYS_IN_A_KERNEL - shown == set()


def test_what_honest_programs_call_is_permitted(boxed: dict[str, int]) -> None:
    assert {name: boxed[name] for name in PERMITTED} == dict.fromkeys(PERMITTED, 0)


def test_another_architecture_is_no_way_round(boxed: dict[str, int], unconfined: dict[str, int]) -> None:
    doors = [name for name in boxed if name.startswith("ended")]
    sigsys = -31
    assert [boxed[name] for name in doors] == [sigsys] * len(doors)
    assert sigsys not in [unconfined[name] for name in doors]


def test_honest_work_does_not_notice_the_profile(run: Run) -> None:
    assert run(WORK, **_seccomp(PROFILE)) == (0, "all done\n")


def test_the_file_is_what_its_source_makes() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "make_seccomp.py"))["text"]()
    assert made == PROFILE, "run scripts/make_seccomp.py"
