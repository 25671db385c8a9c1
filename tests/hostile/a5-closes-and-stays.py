# A5 time_limit: closes stdout and stderr and goes on running
import os
import time

os.close(1)
os.close(2)
time.sleep(10**6)
