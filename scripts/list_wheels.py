#!/usr/bin/env python3
"""Writes docs/wheelhouse.md out of the locks of python-wheelhouse."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "sandbox" / "images" / "python-wheelhouse"
PAGE = ROOT / "docs" / "wheelhouse.md"

HEAD = """\
# The wheelhouse

A submission that is a Dockerfile is built without a network. This page says what its `pip install` finds;
`scripts/lock` writes it.

`FROM python:3.11-slim` gives Debian 12 with Python 3.11 as `python` and `python3`, and no package (the image
`python-slim`). `RUN pip install --no-index --only-binary=:all: -r requirements.txt` takes packages out of the
wheelhouse (the image `python-wheelhouse`, which only serves to install: no submission runs in it). They come to
`/usr/local/lib/python3.11/dist-packages`, compiled, and their commands (`flask`, `gunicorn`, `uvicorn`,
`waitress-serve`) to `/usr/local/bin`. What they need comes along. Tests, headers and the data sets of scikit-learn are
left out, as in `python-ml`.

## What may stand in requirements.txt

UTF-8 text of at most 64 KiB, with at most 100 requirements. A line is blank, a comment after `#`, or one requirement:

```
flask
uvicorn[standard]          # the extra brings httptools, uvloop and more
numpy>=2,<3
scikit-learn==1.*
```

Versions are compared by `==`, `!=`, `>=`, `<=`, `~=`, `>` and `<`. Options (`-r`, `-e`, `--hash`), addresses, paths,
conditions after `;` and continuation with a backslash are refused, with the line. There is one version of each
package, so a name without a version is the safest.

## What it weighs

The size of an image counts over its base. The times are those of a machine with two cores and a read-only box.

| packages | MB | start of Python and import |
|---|---|---|
| flask, gunicorn | 7 | `flask` 0.3 s |
| numpy, flask, gunicorn | 62 | `numpy` 0.3 s |
| pandas, scikit-learn (with numpy and scipy) | 245 | `sklearn` 1.1 s |
| everything below | 290 | `fastapi` 0.4 s |

## What is there

"Direct" packages are there for their own sake, the others because one of those needs them.

| package | version | |
|---|---|---|
"""


def text() -> str:
    """The page."""
    lock = "".join(path.read_text() for path in sorted(RECIPE.glob("*.lock")))
    listed = "".join(path.read_text() for path in sorted(RECIPE.glob("*.in")))
    direct = set(re.findall(r"^[a-z0-9-]+", listed, re.MULTILINE))
    locked = sorted(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE))
    rows = [f"| {name} | {version} | {'direct' if name in direct else ''} |" for name, version in locked]
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text())
