# D1 accepted: looks through every file, environment and argument for answers, questions to come and seeds
import os
import sys

import honest


def sources():
    """(name, bytes) of everything that can be read, but for the image itself, which is older than any secret."""
    for pid in [one for one in os.listdir("/proc") if one.isdigit()]:
        for name in ("cmdline", "environ", "mountinfo"):
            yield f"/proc/{pid}/{name}"
    for top in ("/tmp", "/dev/shm", "/etc", "/var", "/run", "/opt", "/home", "/root", "/srv", "/mnt", "/media"):
        for folder, _, names in os.walk(top):
            for name in names:
                yield os.path.join(folder, name)


def search(known):
    found, read = {}, 0
    for path in sources():
        try:
            if path.startswith("/proc") or os.path.isfile(path):
                with open(path, "rb") as file:
                    data = file.read()
                read += 1
                if here := honest.canaries(path.encode() + data, known):
                    found[path] = here
        except OSError:
            pass
    if here := honest.canaries(repr((dict(os.environ), sys.argv)).encode(), known):
        found["own"] = here
    return {"found": found, "read": read}


first = True


def answer(word):
    global first
    if first:
        honest.report(search([word]))
        first = False
    return honest.answer(word)
