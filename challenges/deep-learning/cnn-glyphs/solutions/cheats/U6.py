# expect: verdict=invalid_output
"""Hands in a file that never ends and is not its own: a link to a device."""

import os

os.symlink("/dev/zero", "predictions.csv")
