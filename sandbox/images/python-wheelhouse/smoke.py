"""Run inside a new wheelhouse: pip finds wheels for everything named on the command line, and for all that it needs."""

import subprocess
import sys
from pathlib import Path

pip = next(Path("/wheels").glob("pip-*.whl"))
command = [sys.executable, "-I", f"{pip}/pip", "--isolated", "install", "--dry-run", "--quiet", "--no-index"]
command += ["--only-binary=:all:", "--find-links", "/wheels", "--root", "/tmp/none", "--ignore-installed"]
sys.exit(subprocess.run([*command, "--disable-pip-version-check", "--no-cache-dir", "--", *sys.argv[1:]]).returncode)
