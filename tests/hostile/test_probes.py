"""What hostile programs found in their boxes, each beside the same program where it does find something."""

from __future__ import annotations

import json
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import pytest

from challenges.loader import Challenge
from sandbox.containers import INSTANCE
from sandbox.images.build import resolve
from sandbox.inside.shim import WORK
from sandbox.types import Job
from tests.hostile.arena import CHALLENGES, HONEST, Arena, Seen, programs
from tests.installation import host_processes, wait_for

PROGRAMS = programs()
Once = Callable[[str], Seen]
Uncovered = Callable[..., Any]
ALONE = """
import json, sys, types
honest = types.ModuleType("honest")
exec({source!r}, honest.__dict__)
honest.report = lambda found: print(json.dumps(found), flush=True)
sys.modules["honest"] = honest
"""
DENIED = {"EROFS", "EACCES", "EPERM"}


@pytest.fixture
def uncovered(arena: Arena, unhardened: Callable[..., Any]) -> Uncovered:
    """Run a program of this folder where it finds something; `first` comes before it, `last` after it."""

    def go(name: str, first: str = "", last: str = "", **changes: Any) -> Any:
        source = PROGRAMS[name].submitted(arena.words)["solution.py"].decode()
        code = f"{ALONE.format(source=HONEST)}\n{first}\n{source}\n{last}"
        return unhardened(code, **changes)

    return go


@pytest.fixture(scope="module")
def sink(arena: Arena) -> Iterator[list[str]]:
    """Listens for connections and packets on the arena's port of every address of this host; what it heard."""
    heard: list[str] = []
    port = int(arena.words["PORT"])
    over = threading.Event()

    def packets(server: socket.socket) -> None:
        while not over.is_set():
            try:
                heard.append(f"udp {server.recv(100)!r}")
            except TimeoutError:
                continue

    def connections(server: socket.socket) -> None:
        while not over.is_set():
            try:
                with server.accept()[0] as one:
                    one.settimeout(1)
                    heard.append(f"tcp {one.recv(100)!r}")
            except TimeoutError:
                continue

    with socket.socket(type=socket.SOCK_STREAM) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        for server in (tcp, udp):
            server.settimeout(0.2)
            server.bind(("0.0.0.0", port))
        tcp.listen()
        threads = [threading.Thread(target=packets, args=(udp,)), threading.Thread(target=connections, args=(tcp,))]
        for thread in threads:
            thread.start()
        yield heard
        over.set()
        for thread in threads:
            thread.join()


# -- A: resources


def test_a1_clocks_end_what_spins_and_what_sleeps(once: Once) -> None:
    limits = CHALLENGES["words-call"].limits
    spins, sleeps = once("a1-busy-loop").facts, once("a1-sleeper").facts
    assert spins.cpu_seconds >= limits.cpu_seconds or spins.wall_seconds >= limits.wall_seconds
    assert sleeps.cpu_seconds < limits.cpu_seconds
    assert sleeps.wall_seconds >= limits.wall_seconds
    for facts in (spins, sleeps):
        assert facts.wall_seconds < limits.wall_seconds + 5


def test_a2_a_memory_kill_is_a_fact_of_the_host(once: Once) -> None:
    assert once("a2-allocates").facts.oom_kills >= 1
    for name in ("a2-child-dies-answers-right", "a2-child-dies-answers-wrong", "a2-child-dies-raises"):
        assert once(name).facts.oom_kills >= 1
        assert once(name).found == 9, "the control: its child was killed"


@pytest.mark.parametrize("name", ["a3-fork-bomb", "a3-thread-bomb"])
def test_a3_a_bomb_stays_in_its_box_and_a_neighbour_does_not_notice(arena: Arena, name: str) -> None:
    program = PROGRAMS[name]
    limit = program.challenge.limits.processes
    arena.prepared(program.challenge)

    def counted() -> int:
        tasks = 0
        for one in arena.containers(name):
            for path in Path("/sys/fs/cgroup").glob(f"**/*{one['Id']}*/cgroup.procs"):
                tasks = max(tasks, len((path.parent / tasks_file(path.parent)).read_text().split()))
        return tasks

    with arena.watched(counted) as seen, ThreadPoolExecutor(1) as other:
        bomb = other.submit(arena.judge, program, label=name)
        wait_for(lambda: any(n > limit // 2 for n in seen) or bomb.done(), "the bomb to go off")
        neighbour = arena.honest(program.challenge)
        assert bomb.result().report.verdict in program.verdicts
    assert limit // 2 < max(seen) <= limit, "it went off, and no further than its box allows"
    assert (neighbour.report.verdict, neighbour.report.score and neighbour.report.score.points) == ("accepted", 100.0)


def tasks_file(group: Path) -> str:
    """Threads of a group: one name in cgroup v1, another in v2."""
    return "tasks" if (group / "tasks").exists() else "cgroup.threads"


@pytest.mark.parametrize("name", ["a4-endless-line", "a4-many-writers", "a5-endless-stderr"])
def test_a4_a5_no_more_is_kept_than_is_allowed(once: Once, name: str) -> None:
    kept = once(name).results[0]
    assert len(kept.stdout) + len(kept.stderr) == 1024 * CHALLENGES["words-run"].limits.output_kb
    assert kept.files == {}


def test_a6_one_that_never_reads_holds_nobody_up(arena: Arena) -> None:
    program, quick = PROGRAMS["a6-never-reads"], CHALLENGES["words-call"]
    for challenge in (program.challenge, quick):
        assert arena.honest(challenge).report.verdict == "accepted", "the control: fifty megabytes can be read"
    with ThreadPoolExecutor(1) as other:
        deaf = other.submit(arena.judge, program)
        wait_for(lambda: arena.containers("hostile"), "its box")
        beside = [arena.honest(quick).report.verdict for _ in range(2)]
        assert not deaf.done(), "the others were judged while it was deaf"
        assert deaf.result().report.verdict == "time_limit"
    assert beside == ["accepted"] * 2


def test_a7_scratch_is_bounded_and_no_disk(once: Once) -> None:
    limits = CHALLENGES["words-run"].limits
    found = once("a7-fills-scratch").found
    assert found["/tmp"][1] == found["/dev/shm"][1] == "ENOSPC"
    assert limits.files_mb - 2 <= found["/tmp"][0] <= limits.files_mb
    assert 14 <= found["/dev/shm"][0] <= 16
    assert set(once("a7-sparse-file").found.values()) <= {"EFBIG", "ENOSPC"}


def test_a8_files_are_counted(once: Once) -> None:
    made, why = once("a8-many-files").found["/tmp"]
    assert (10_000 < made < 16_384, why) == (True, "ENOSPC")
    depth, why = once("a8-deep-nesting").found
    assert (1_000 < depth < 16_384, why) == (True, "ENOSPC")
    hoard = once("a8-many-files-in-memory").facts
    assert hoard.peak_memory_mb <= CHALLENGES["words-call"].limits.memory_mb + 1
    assert hoard.oom_kills or hoard.ended == "time"


# -- B: escape and privilege


def test_b1_it_is_nobody_and_can_become_nobody_else(once: Once, uncovered: Uncovered) -> None:
    plant = "import shutil, os; shutil.copy('/usr/bin/id', '/opt/raising'); os.chmod('/opt/raising', 0o4755)"
    inside, control = once("b1-status").found, uncovered("b1-status", plant)
    assert {inside[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (inside["NoNewPrivs"], inside["Seccomp"]) == (1, 2)
    assert inside["raising"] == []
    assert [inside[name] for name in ("root", "other", "group", "chown")] == [False] * 4
    assert len(set(inside["uids"])) == 1
    assert inside["uids"][0] >= 200_000
    assert inside["own"] in ("PermissionError", str(inside["uids"][0]))
    assert inside["allows again"] == -1, "no-new-privileges cannot be taken back"
    assert (control["NoNewPrivs"], control["Seccomp"], control["raising"]) == (0, 0, ["/opt/raising"])
    assert control["CapEff"] > 0
    assert [control[name] for name in ("root", "other", "group", "chown")] == [True] * 4


def test_b2_every_call_of_the_table_is_refused(once: Once, uncovered: Uncovered) -> None:
    inside, control = once("b2-system-calls").found, uncovered("b2-system-calls", cap_add=["SYS_ADMIN", "SYS_PTRACE"])
    assert set(inside.values()) == {"EPERM"}, inside
    other = {name for name, said in control.items() if said not in ("EPERM", "ENOSYS")}
    assert other >= {"mount", "unshare a user namespace", "setns", "ptrace", "personality", "process_vm_readv"}
    assert other >= {"pidfd_getfd", "open_by_handle_at", "socket packet", "socket raw"}


def test_b3_the_image_cannot_be_changed(arena: Arena, once: Once, uncovered: Uncovered) -> None:
    inside, control = once("b3-writes-everywhere").found, uncovered("b3-writes-everywhere")
    assert set(inside["outcomes"].values()) <= DENIED, inside
    assert len(inside["outcomes"]) == len(control["outcomes"])
    assert set(control["outcomes"].values()) <= {"done", "EBUSY", "ETXTBSY"}, control
    assert list(control["outcomes"].values()).count("done") > len(control["outcomes"]) - 3
    assert arena.judge(PROGRAMS["b3-writes-everywhere"]).found["digest"] == inside["digest"] == control["digest"]


OWN_MOUNTS = {"/", "/dev", "/dev/mqueue", "/dev/pts", "/dev/shm", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"}
OWN_MOUNTS |= {"/proc", "/sys", "/tmp"}
OWN_DEVICES = {"full", "null", "ptmx", "random", "stdin", "stdout", "stderr", "tty", "urandom", "zero"}


def test_b4_nothing_of_the_host_is_there(once: Once, uncovered: Uncovered) -> None:
    inside = once("b4-looks-for-the-host").found
    plant = "import socket; kept = socket.socket(socket.AF_UNIX); kept.bind('/run/docker.sock')"
    more = {"devices": ["/dev/kmsg"], "cap_add": ["SYSLOG"], "volumes": ["/etc:/mnt/of-the-host:ro"]}
    control = uncovered("b4-looks-for-the-host", plant, **more)
    mounts = {place for place, _ in inside["mounts"]}
    assert {place for place in mounts if not place.startswith(("/proc/", "/sys/"))} == OWN_MOUNTS
    assert inside["sockets"] == []
    assert {one.split()[1] for one in inside["devices"]} <= OWN_DEVICES
    assert not any(one.startswith("b ") for one in inside["devices"])
    assert set(inside["kernel"].values()) <= {"ENOENT", "EACCES", "EPERM", "empty"}, inside["kernel"]
    assert {inside["mknod block"], inside["mknod character"]} == {"EPERM"}
    assert control["sockets"] == ["/run/docker.sock"]
    assert "/mnt/of-the-host" in {place for place, _ in control["mounts"]}
    assert "kmsg" in {one.split()[1] for one in control["devices"]}
    assert control["kernel"]["/dev/kmsg"] == "read"
    assert {control["mknod block"], control["mknod character"]} == {"done"}


def test_b5_no_file_of_the_kernel_opens_for_writing(once: Once, uncovered: Uncovered) -> None:
    inside = once("b5-opens-the-kernels-files").found
    volumes = ["/proc/sys:/mnt/proc/sys", "/sys/fs/cgroup:/sys/fs/cgroup"]
    control = uncovered("b5-opens-the-kernels-files", environment={"PROC": "/mnt/proc"}, volumes=volumes)
    assert set(inside.values()) <= DENIED | {"ENOENT"}, inside
    assert list(inside.values()).count("ENOENT") < len(inside) / 2
    assert control["/mnt/proc/sys/kernel/core_pattern"] == "open"
    assert "open" in {said for path, said in control.items() if path.startswith("/sys/fs/cgroup/")}


# -- C: network


OWN = ("127.0.0.1", "::1")


def test_c1_nothing_is_reached_and_nobody_hears_of_it(
    arena: Arena, sink: list[str], once: Once, uncovered: Uncovered
) -> None:
    inside = once("c1-dials-out").found
    assert inside["interfaces"] == ["lo"]
    dialled = {name: said for name, said in inside.items() if name not in ("interfaces", "own port")}
    own = dialled.pop(f"udp 127.0.0.1 {arena.words['PORT']}")
    assert own == "done", "a packet to its own loopback, where nobody listens"
    refused = {"ECONNREFUSED", "ENETUNREACH", "EADDRNOTAVAIL", "EPERM", "EACCES", "EPROTONOSUPPORT", "no such name"}
    assert set(dialled.values()) <= refused, dialled
    # its own loopbacks refuse, where the engine gives it the second one; nothing else is even reachable
    beyond = [said for name, said in dialled.items() if name.startswith("tcp") and name.split()[1] not in OWN]
    assert set(beyond) <= {"ENETUNREACH", "EADDRNOTAVAIL"}
    assert sink == []
    control = uncovered("c1-dials-out")
    assert control[control["own port"]] == "done"
    wait_for(lambda: {one[:3] for one in sink} == {"tcp", "udp"}, "the control to be heard")
    sink.clear()


@pytest.mark.parametrize("name", ["c3-downloads", "c3-installs"])
def test_c3_a_download_fails_cleanly(sink: list[str], once: Once, name: str) -> None:
    seen = once(name)
    assert seen.said == []
    assert seen.facts.wall_seconds < CHALLENGES["words-run"].limits.wall_seconds, "at once, not by running out of time"
    assert sink == []


def test_c2_two_boxes_at_once_do_not_meet(arena: Arena, uncovered: Uncovered) -> None:
    first, second = together(arena, "c2-meets-its-neighbour")
    for seen in (first, second):
        own = seen.found["me"]
        assert set(map(tuple, seen.found["met"].values())) <= {(), (own,)}, seen.found
        assert seen.found["met"]["ipv4"] == [own], "the control: it hears whoever is there"
    with ThreadPoolExecutor(2) as pool:
        host = list(pool.map(lambda _: uncovered("c2-meets-its-neighbour"), range(2)))
    assert host[0]["me"] in {*host[1]["met"]["ipv4"], *host[1]["met"]["abstract"]}, "the control: two that do meet"


def together(arena: Arena, name: str) -> list[Seen]:
    """The same program in two boxes at the same time."""
    program = PROGRAMS[name]
    arena.prepared(program.challenge)
    with ThreadPoolExecutor(2) as pool:
        seen = list(pool.map(lambda _: arena.judge(program), range(2)))
    assert [one.report.verdict for one in seen] == ["accepted"] * 2
    return seen


# -- D: hidden data


@pytest.fixture
def neighbour(arena: Arena) -> Iterator[None]:
    """Another participant's submission runs meanwhile, with a secret of its own in its files, memory and arguments."""
    secret = "cnry_o_0123456789abcdef"
    code = (
        f"import os, time\nopen('/tmp/{secret}', 'w').write('{secret}')\ntime.sleep(2)\ndef answer(word): time.sleep(1)"
    )
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(
            arena.judge_files, CHALLENGES["words-call"], {"solution.py": code.encode()}, label="neighbour"
        )
        wait_for(lambda: arena.containers("neighbour"), "the neighbour")
        yield
        assert other.result().report.verdict == "time_limit"


def in_a_box(arena: Arena, challenge: Challenge, files: dict[str, bytes]) -> Any:
    """Run a program with files of ours beside it, as if they had got there."""
    job = Job(challenge.runtime, challenge.limits, files=files, argv=("python3", "solution.py"))
    result = arena.sandbox.run(job)
    assert result.clean, result
    return json.loads(result.stdout.split(b"FOUND ")[1].split(b"\n")[0])


def test_d1_no_answer_seed_or_later_question_is_in_the_box(arena: Arena, neighbour: None) -> None:
    program = PROGRAMS["d1-searches-the-box"]
    found = arena.judge(program).found
    assert found["found"] == {}
    assert found["read"] > 50
    hidden = b"".join(arena.prepared(program.challenge).hidden.values())
    source = program.submitted(arena.words)["solution.py"] + b"\nanswer('one')"
    files = {"solution.py": source, "honest.py": HONEST.encode(), "left/behind": hidden + arena.seed.hex().encode()}
    control = in_a_box(arena, program.challenge, files)["found"]
    (there,) = control.values()
    assert {one[:7] for one in there} == {"cnry_a_", "cnry_q_", "in hex"}, "the control: what would be there is found"


def test_d1_a_program_has_its_questions_and_no_answer(once: Once) -> None:
    assert once("d1-searches-as-a-program").found == {f"{WORK}/data/questions.txt": ["cnry_q_"]}


def test_d1_images_are_older_than_any_secret(arena: Arena) -> None:
    for runtime in ("python-ml", "python-slim", "python-wheelhouse"):
        image = resolve(runtime)
        text = json.dumps([arena.sandbox.api.inspect_image(image), arena.sandbox.api.history(image)])
        assert "cnry_" not in text
        assert arena.seed.hex() not in text
        assert "python" in text, "the control: there is something to read"


def test_d2_no_foreign_memory_and_three_descriptors(arena: Arena, neighbour: None) -> None:
    found = arena.judge(PROGRAMS["d2-reads-memory"]).found
    assert len(found["control"]["found"]) >= 1, "the control: another process of its own is read"
    assert found["own"]["found"] == []
    assert set(found["others"]) == {"1"}, "nobody else's processes can be seen"
    for what in ("others", "environments", "their descriptors"):
        assert set(found[what].values()) == {"PermissionError"}, found[what]
    own = found["descriptors"]
    assert {int(fd) for fd, kind in own.items() if kind != "socket"} == {0, 1, 2}
    assert list(own.values()).count("socket") == 1, "and the channel"


def test_d6_no_question_comes_before_the_last_is_answered(once: Once) -> None:
    said = once("d6-reads-ahead").said
    assert said[-1] == {"early": 0, "asked": 12}, "all twelve came, one at a time: that is the control too"
    assert len(said) == 12


# -- E: forged verdicts


def test_e1_forged_reports_are_worth_nothing(once: Once) -> None:
    for name in ("e1-prints-a-verdict", "e1-writes-reports", "e1-answers-as-a-grader"):
        report = once(name).report
        assert (report.score.points if report.score else 0) <= 20, "length and count of a program may be right"


@pytest.mark.parametrize("name", [name for name, one in PROGRAMS.items() if one.id in ("E2", "E3")])
def test_e2_e3_an_end_is_the_participants_whatever_it_looks_like(once: Once, name: str) -> None:
    seen = once(name)
    assert seen.report.verdict in ("runtime_error", "invalid_output", "wrong_answer")
    assert seen.detail == "", "and never the grader's"
    assert seen.facts.oom_kills == 0


def test_e5_reported_time_is_the_supervisors(once: Once) -> None:
    facts = once("e5-fake-clock").facts
    assert 0.2 <= facts.cpu_seconds < CHALLENGES["words-call"].limits.cpu_seconds
    assert facts.wall_seconds >= 0.45


def test_e7_nothing_is_found_in_its_own_process(once: Once) -> None:
    assert once("e7-hunts-for-answers").found == {"found": [], "control": True}


def test_e9_no_length_is_believed(arena: Arena, once: Once) -> None:
    for name in ("e9-huge-length", "e9-negative-length", "e9-endless"):
        seen = once(name)
        assert seen.facts.ended == "protocol", seen
        assert seen.facts.wall_seconds < 2.5, "refused by the header, not by waiting for the bytes"


def test_e10_a_stored_score_is_finite_and_in_range(once: Once) -> None:
    for name, program in PROGRAMS.items():
        if program.id == "E10" and (score := once(name).report.score):
            assert 0 <= score.points < 70, name
            assert score.metric is None or abs(score.metric) <= 1e300


def test_e11_nothing_is_loaded_on_the_trusted_side(arena: Arena, once: Once) -> None:
    marker = arena.words["MARKER"]
    for name in [name for name, one in PROGRAMS.items() if one.id == "E11"]:
        once(name)
    client = docker.from_env()
    wanted = {"label": [f"{INSTANCE}={arena.sandbox.instance}", "assay.role=grader"]}
    graders = client.containers.list(filters=wanted)
    assert graders
    for grader in graders:
        listed = grader.exec_run(["ls", "-a", "/tmp", "/dev/shm"]).output.decode()
        assert "work" in listed
        assert marker not in listed
    assert not any(Path(folder, marker).exists() for folder in ("/tmp", "/dev/shm"))
    trap = f"import os, pickle\npickle.loads({trap_of(marker)!r})\nprint('FOUND', '\"%s\"' % os.listdir('/dev/shm'))"
    control = in_a_box(arena, CHALLENGES["words-run"], {"solution.py": trap.encode()})
    assert marker in control, "the control: whoever does load it has the marker"


def trap_of(marker: str) -> bytes:
    """The pickle of the programs, as they make it."""
    namespace: dict[str, Any] = {"pickle": pickle}
    text = PROGRAMS["e11-pickle"].source
    exec(text[text.index("class Trap") : text.index("honest.main()")].replace("@MARKER@", marker), namespace)
    found = namespace["trap"]
    assert isinstance(found, bytes)
    return found


# -- G: from one run to the next


def test_g1_a_run_finds_nothing_of_an_earlier_one(arena: Arena) -> None:
    def names() -> tuple[str, ...]:
        return tuple(one["Id"] for one in arena.containers("markers"))

    with arena.watched(names) as seen:
        runs = [arena.judge(PROGRAMS["g1-leaves-markers"], label="markers").found for _ in range(2)]
    assert [one["before"] for one in runs] == [[], []]
    for one in runs:
        assert len(one["after"]) >= 8, "the control: within a run everything is found again"
    assert len({id for ids in seen for id in ids}) == 2, "two runs, two containers"


def test_g2_two_boxes_at_once_share_no_inode(arena: Arena) -> None:
    for seen in together(arena, "g2-shared-inodes"):
        found = seen.found
        assert found["locked"] == {}
        assert found["watched"] == []
        locks, watched = found["control"]
        assert len(locks) > 10, "the control: a second process of the same box finds its locks"
        assert {"flock", "range"} == {kind for kinds in locks.values() for kind in kinds}
        assert "/etc/passwd" in watched
        assert set(found["writable"]) <= {"/tmp", "/dev/shm", "/dev/mqueue", "/dev/pts"}


def test_g2_two_boxes_at_once_write_to_different_devices(arena: Arena) -> None:
    first, second = (set(seen.found["writable"].values()) for seen in together(arena, "g2-shared-inodes"))
    assert first
    assert first & second == set()


@pytest.mark.parametrize("name", ["g3-daemon", "g3-outlives-its-program"])
def test_g3_what_it_started_is_dead_at_the_verdict(arena: Arena, name: str) -> None:
    marker = arena.words["MARKER"] + name.replace("-", "")
    with arena.watched(lambda: host_processes(marker)) as seen:
        judged = arena.judge(PROGRAMS[name], MARKER=marker)
        wait_for(lambda: not host_processes(marker), "its daemons to die")
    assert judged.report.verdict == "accepted"
    assert seen, "the control: while it ran they were there"
