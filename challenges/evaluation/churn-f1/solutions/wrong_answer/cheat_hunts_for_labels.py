# expect: score<=0
"""Cheat: looks for labels in files and in other processes; without any, guesses a tenth at random."""

import csv
import itertools
import os
import random
from pathlib import Path

chance = random.Random(0)
labels: dict[str, str] = {}
places = [Path.cwd(), Path("/tmp"), Path("/dev/shm"), Path("/mnt"), Path("/srv"), Path("/var/lib")]
places += [Path(f"/proc/{process}/cwd") for process in os.listdir("/proc") if process.isdigit()]
for place in places:
    try:
        if os.path.samefile(place, "/"):
            continue
    except OSError:
        continue
    for folder, _, names in itertools.islice(os.walk(place), 300):
        for name in names:
            if not name.endswith(".csv"):
                continue
            try:
                with open(os.path.join(folder, name)) as file:
                    labels |= {row["id"]: row["churn"] for row in csv.DictReader(file) if row["churn"] in ("0", "1")}
            except (OSError, KeyError, ValueError, csv.Error):
                continue
with open("data/test.csv") as file:
    ids = [row["id"] for row in csv.DictReader(file)]
with open("predictions.csv", "w") as file:
    file.write("id,churn\n")
    for key in ids:
        file.write(f"{key},{labels.get(key, int(chance.random() < 0.1))}\n")
