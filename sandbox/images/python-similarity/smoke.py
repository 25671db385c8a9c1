"""Run inside a new image: a program with other names is its copy, and another program is not."""

import io

from copydetect import CodeFingerprint, compare_files  # type: ignore[import-not-found]

ONE = """def total(rows):
    found = 0
    for row in rows:
        if row > 0:
            found += row * 2
    return found
"""
SAME = ONE.replace("rows", "values").replace("row", "one").replace("found", "result").replace("total", "add")
OTHER = (
    "import csv\n\n\nclass Reader:\n    def __init__(self, path):\n        self.lines = list(csv.reader(open(path)))\n"
)
prints = [CodeFingerprint("x.py", 10, 4, fp=io.StringIO(text)) for text in (ONE, SAME, OTHER)]
copied, apart = compare_files(prints[0], prints[1])[1][0], compare_files(prints[0], prints[2])[1][0]
if not copied > 0.9 or not apart < 0.3:
    raise SystemExit(f"a copy is told by {copied}, another program by {apart}")
