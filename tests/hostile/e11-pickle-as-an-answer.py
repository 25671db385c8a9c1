# E11 invalid_output: a pickle with a trap as the body of an answer, and as its raw part
import pickle
import time

import honest


class Trap:
    """Leaves a marker wherever it is unpickled."""

    def __reduce__(self):
        return (__import__("os").system, ("touch /tmp/@MARKER@ /dev/shm/@MARKER@",))


trap = pickle.dumps(Trap(), protocol=2)


def answer(word):
    sock, id = honest.conversation()
    sock.sendall(honest.frame(id, b'{"$": "array", "dtype": "O", "shape": [1], "at": 0, "size": 8}', trap))
    time.sleep(10**6)
