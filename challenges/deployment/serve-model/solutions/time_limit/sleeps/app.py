"""Warms up for longer than anybody waits."""

import time

time.sleep(3600)
