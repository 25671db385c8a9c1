# A3 time_limit|runtime_error: a thread bomb
import threading
import time


def answer(word):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(100,)).start()
        except RuntimeError:
            pass
