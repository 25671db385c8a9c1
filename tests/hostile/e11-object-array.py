# E11 invalid_output: an array of objects, which numpy would unpickle
import pickle

import honest


class Trap:
    """Leaves a marker wherever it is unpickled."""

    def __reduce__(self):
        return (__import__("os").system, ("touch /tmp/@MARKER@ /dev/shm/@MARKER@",))


trap = pickle.dumps(Trap(), protocol=2)

head = "{'descr': '|O', 'fortran_order': False, 'shape': (), }"
head += " " * (-(len(head) + 11) % 64) + "\n"
honest.main()
with open("lengths.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + trap)
