# expect: verdict=wrong_answer score<=0
"""Writes nothing of worth, and leaves a helper that goes on computing to replace the file when the program is over."""

import os
import time


NOBODY = '{"culprit": "0000000000000000000000000000000000000000"}'


def write(text: str) -> None:
    """No history, and no culprit."""
    with open("result.bundle", "w") as file:
        file.write(text)
    with open("answer.json", "w") as file:
        file.write(NOBODY)


write("kind: Nothing\n")
program = os.getpid()
if os.fork() == 0:
    work = 0
    while os.getppid() == program:
        work += sum(range(10_000))
    time.sleep(0.2)
    write("kind: Late\n")
    os._exit(0)
