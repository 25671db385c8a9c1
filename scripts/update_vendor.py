#!/usr/bin/env python3
"""Copies the browser files of others into api/pages/static/vendor as its vendor.json names them; changes no version.

To take a newer version, write it into vendor.json, run this, and look at the pages. Needs npm, which checks what it
fetches; the hashes written here are what the tests compare with.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "api" / "pages" / "static" / "vendor"


def fetch(package: str, version: str, members: dict[str, str]) -> dict[str, bytes]:
    """The named members of a package (its path for each name of ours). Raises CalledProcessError, KeyError."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
        name = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
        found = {}
        with tarfile.open(Path(folder) / name) as archive:
            for ours, theirs in members.items():
                file = archive.extractfile(f"package/{theirs}")
                if file is None:
                    raise KeyError(theirs)
                found[ours] = file.read()
        return found


def main() -> None:
    """Writes the files and their hashes."""
    listing = VENDOR / "vendor.json"
    packages = json.loads(listing.read_text())
    for package in packages:
        members = {name: entry["from"] for name, entry in package["files"].items()}
        for name, content in fetch(package["package"], package["version"], members).items():
            (VENDOR / name).write_bytes(content)
            package["files"][name]["sha256"] = hashlib.sha256(content).hexdigest()
            print(f"{name}: {package['package']} {package['version']}, {len(content)} bytes")
    listing.write_text(json.dumps(packages, indent=2) + "\n")


if __name__ == "__main__":
    main()
