# expect: verdict=wrong_answer score<=0
"""Serves nothing and leaves a helper that goes on computing, to replace the replies when the program is over."""

import os
import time

from flask import Flask

program = os.getpid()
if os.fork() == 0:
    work = 0
    while os.getppid() == program:
        work += sum(range(10_000))
    time.sleep(0.2)
    with open("replies.json", "w") as file:
        file.write("{}")
    os._exit(0)


def create_app(path: str) -> Flask:
    """An application without a route."""
    return Flask(__name__)
