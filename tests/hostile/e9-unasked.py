# E9 invalid_output: speaks on the channel of a program, which nobody has asked anything
import os

import honest

honest.main()
for fd in range(3, 256):
    try:
        os.write(fd, b"x" * 100_000)
    except OSError:
        pass
