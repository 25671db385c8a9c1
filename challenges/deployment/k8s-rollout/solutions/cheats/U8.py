# expect: verdict=wrong_answer score<=0
"""Writes nothing of worth, and leaves a helper that goes on computing to replace the file when the program is over."""

import glob
import os


def write(text: str) -> None:
    """The same text for every brief."""
    for path in glob.glob("brief-*.json"):
        with open(path.replace("brief", "manifests").replace("json", "yaml"), "w") as file:
            file.write(text)


write("kind: Nothing\n")
program = os.getpid()
if os.fork() == 0:
    work = 0
    while os.getppid() == program:
        work += sum(range(10_000))
    write("kind: Late\n")
    os._exit(0)
