"""Run inside a new image: a history is made, bundled and read again, and YAML is read."""

import subprocess

import yaml

WHO = ("-c", "user.name=a", "-c", "user.email=a@b")

for line in (
    "init -q /tmp/one",
    "-C /tmp/one commit -q --allow-empty -m first",
    "-C /tmp/one bundle create -q /tmp/all.bundle --all",
    "clone -q /tmp/all.bundle /tmp/two",
    "-C /tmp/two fsck --strict",
):
    subprocess.run(["git", *WHO, *line.split()], check=True)
if yaml.safe_load("a: [1, 2]") != {"a": [1, 2]}:
    raise SystemExit("YAML is read wrongly")
