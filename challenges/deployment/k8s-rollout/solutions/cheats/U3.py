# expect: verdict=wrong_answer score<=0
"""Makes every comparison it can reach say yes and every clock stand still, then writes nothing of worth."""

import glob
import json
import operator
import sys
import time

import yaml


def write(text: str) -> None:
    """The same text for every brief."""
    for path in glob.glob("brief-*.json"):
        with open(path.replace("brief", "manifests").replace("json", "yaml"), "w") as file:
            file.write(text)


def yes(*_: object, **__: object) -> bool:
    return True


yaml.safe_load = yaml.load_all = yes
operator.eq = yes
json.JSONEncoder.default = lambda self, value: "accepted"
time.time = time.monotonic = time.perf_counter = time.process_time = lambda: 0.0
sys.exit = yes
write("kind: Nothing\n")
