"""Run inside a new image: a class is compiled, and runs in a small heap."""

import os
import subprocess
from pathlib import Path

os.chdir("/tmp")
Path("Main.java").write_text(
    "import java.util.*;\npublic class Main { public static void main(String[] a) { "
    'System.out.println(new TreeMap<>(Map.of("b", 2, "a", 1))); } }\n'
)
subprocess.run(["/usr/bin/javac", "Main.java"], check=True)
done = subprocess.run(["/usr/bin/java", "-Xmx64m", "Main"], capture_output=True, text=True, check=True)
if done.stdout != "{a=1, b=2}\n":
    raise SystemExit(done.stdout + done.stderr)
