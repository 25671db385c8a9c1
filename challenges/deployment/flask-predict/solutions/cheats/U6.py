# expect: verdict=invalid_output
"""Hands in replies that never end and are not its own: a link to a device."""

import os

os.symlink("/dev/zero", "replies.json")
os._exit(0)
