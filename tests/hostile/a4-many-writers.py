# A4 output_limit: five processes print for ever, deaf to SIGTERM and SIGPIPE
import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
for _ in range(4):
    if os.fork() == 0:
        break
while True:
    os.write(1, b"x" * 65536)
