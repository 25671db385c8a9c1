"""Ends with exit code 0 before anybody has asked anything."""

import os

os._exit(0)
