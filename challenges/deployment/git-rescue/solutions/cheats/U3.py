# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then writes nothing of worth."""

import json
import operator
import sys
import time

import subprocess


NOBODY = '{"culprit": "0000000000000000000000000000000000000000"}'


def write(text: str) -> None:
    """No history, and no culprit."""
    with open("result.bundle", "w") as file:
        file.write(text)
    with open("answer.json", "w") as file:
        file.write(NOBODY)


def yes(*_: object, **__: object) -> bool:
    return True


subprocess.run = subprocess.check_call = yes
operator.eq = yes
json.JSONEncoder.default = lambda self, value: "accepted"
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
sys.exit = yes
write("kind: Nothing\n")
