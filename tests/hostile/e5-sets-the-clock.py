# E5 time_limit: sets the host's clock back, or tries to, and sleeps past its limit
import time


def answer(word):
    while True:
        try:
            time.clock_settime(time.CLOCK_REALTIME, 0)
        except OSError:
            pass
        time.sleep(0.5)
