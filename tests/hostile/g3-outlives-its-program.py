# G3 accepted: a program that has ended while its children go on writing its files
import os
import time

import honest

honest.main()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv("/usr/bin/python3", ["python3", "-c", "import time\nwhile True: time.sleep(1)", "@MARKER@"])
    os._exit(0)
time.sleep(0.5)
