# E9 invalid_output: text that lies outside of its frame
import os
import time

import honest


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b'{"$": "text", "at": -1, "size": 99999999}', b"x"))
    time.sleep(10**6)
    return "x"
