# A1 time_limit: sleeps for ever and uses no cpu
import time


def answer(word):
    time.sleep(10**6)
