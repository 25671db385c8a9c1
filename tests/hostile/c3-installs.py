# C3 runtime_error: asks pip for a package and stops when there is none
import subprocess
import sys

subprocess.run([sys.executable or "python3", "-m", "pip", "download", "--dest", "/tmp", "six"], check=True)
print("FOUND true", flush=True)
