# expect: verdict=invalid_output
"""Hands in a description that never ends and is not its own: a link to a device."""

import os

os.symlink("/dev/zero", "table-1.json")
os.symlink("/dev/zero", "table-1.png")
os._exit(0)
