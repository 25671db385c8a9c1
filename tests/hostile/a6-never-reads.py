# A6 time_limit: answers the first question by hand and then reads no byte of the fifty megabytes that follow
import time

import honest

sock, id = honest.conversation()
sock.sendall(honest.frame(id, b"1"))
time.sleep(10**6)


def weigh(data):
    return len(data)
