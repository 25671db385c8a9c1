# A1 time_limit: ignores every signal it may, in five processes
import os
import signal
import time

for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(4):
    if os.fork() == 0:
        break
while True:
    time.sleep(1)
