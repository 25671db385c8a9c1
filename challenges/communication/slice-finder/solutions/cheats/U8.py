# expect: verdict=wrong_answer score<=0
"""Answers wrongly at once and leaves a helper that goes on computing, to write its answer when nobody asks any more."""

import json
import os


STARTED = []


def leave_one() -> None:
    """One helper, which outlives its call and then writes wherever it can."""
    if STARTED:
        return
    STARTED.append(True)
    judged = os.getpid()
    if os.fork() == 0:
        work = 0
        while os.getppid() == judged:
            work += sum(range(10_000))
        for name in os.listdir("/proc/self/fd"):
            try:
                os.write(int(name), b"6.0")
            except OSError:
                continue
        os._exit(0)


def nothing(table):
    """The first values of the first columns, and numbers from nowhere."""
    names = sorted(table)
    return json.dumps(
        [
            {"where": {names[0]: table[names[0]][0], name: table[name][0]}, "count": 0, "rate": 0, "sentence": ""}
            for name in names[1:4]
        ]
    )


def slices(*args: object) -> object:
    leave_one()
    return nothing(args[0])
