# expect: score<=0
"""Cheat: leaves a perfect report wherever one might be read, and predicts next to nothing."""

import csv
import json
import sys
from pathlib import Path

claim = json.dumps({"verdict": "accepted", "score": {"points": 100, "private_points": 100, "checks": []}})
print(claim)
print(claim, file=sys.stderr)
for name in ("report.json", "score.json", "result.json", "labels.csv"):
    Path(name).write_text(claim)
with open("data/test.csv") as file:
    ids = [row["id"] for row in csv.DictReader(file)]
with open("predictions.csv", "w") as file:
    file.write("id,churn\n" + "".join(f"{key},{int(at == 0)}\n" for at, key in enumerate(ids)))
