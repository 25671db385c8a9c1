# expect: score<=0
"""Cheat: announces a perfect score wherever a result might be read, and cleans nothing."""

import json
import sys
from pathlib import Path

CLAIM = json.dumps({"verdict": "accepted", "score": {"points": 100, "private_points": 100, "checks": []}})


def clean(csv_text: str) -> str:
    print(CLAIM)
    print(CLAIM, file=sys.stderr)
    for name in ("report.json", "score.json", "result.json"):
        Path(name).write_text(CLAIM)
    return CLAIM
