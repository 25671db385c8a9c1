# D2 accepted: reads the memory of every process it can see, and lists what it inherited
import os
import signal
import stat

import honest


def memory(pid, known=()):
    """Canaries in the memory of a process that can be written, or why it cannot be read."""
    found, size = set(), 0
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
            for line in maps:
                place, mode = line.split()[:2]
                begin, end = (int(one, 16) for one in place.split("-"))
                if "rw" not in mode or end - begin > 64 * 2**20:
                    continue
                try:
                    mem.seek(begin)
                    data = mem.read(end - begin)
                except OSError:
                    continue
                size += len(data)
                found.update(honest.canaries(data, known))
    except OSError as error:
        return type(error).__name__
    return {"found": sorted(found), "size": size}


def descriptors():
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            mode = os.fstat(int(fd)).st_mode
        except OSError:
            continue
        found[int(fd)] = "socket" if stat.S_ISSOCK(mode) else "pipe" if stat.S_ISFIFO(mode) else "other"
    return found


def child_with_a_secret():
    """The control: another process of ours that holds something to be found."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        secret = ["".join(("cnry", "_o_", "%016x" % (0xC0FFEE + n))) for n in range(3)]
        os.write(told, b"1")
        while secret:
            signal.pause()
    os.read(ready, 1)
    return pid


first = True


def look(word):
    inherited = descriptors()
    child = child_with_a_secret()
    others = [int(one) for one in os.listdir("/proc") if one.isdigit() and int(one) not in (os.getpid(), child)]
    honest.report(
        {
            "control": memory(child, [word]),
            "own": memory("self", [word, *("cnry_" + "o_%016x" % (0xC0FFEE + n) for n in range(3))]),
            "others": {pid: memory(pid, [word]) for pid in others},
            "environments": {pid: outcome(f"/proc/{pid}/environ") for pid in others},
            "their descriptors": {pid: outcome(f"/proc/{pid}/fd") for pid in others},
            "descriptors": inherited,
        }
    )
    os.kill(child, 9)
    os.waitpid(child, 0)


def outcome(path):
    try:
        return len(os.listdir(path)) if path.endswith("fd") else len(open(path, "rb").read())
    except OSError as error:
        return type(error).__name__


def answer(word):
    global first
    if first:
        first = False
        look(word)
    return honest.answer(word)
