"""Runs a stranger's program and reports facts; knows nothing of challenges, HTTP or tables."""
