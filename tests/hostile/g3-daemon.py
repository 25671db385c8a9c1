# G3 accepted: leaves daemons behind: forked twice, in sessions of their own, deaf to every signal
import os
import signal
import time

import honest

PROGRAM = """
import signal, sys, time
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    time.sleep(1)
"""
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 256)
            os.execv("/usr/bin/python3", ["python3", "-c", PROGRAM, "@MARKER@"])
        os._exit(0)
time.sleep(0.7)
answer = honest.answer
