# E11 invalid_output: a pickle with a trap where an array is expected
import pickle

import honest


class Trap:
    """Leaves a marker wherever it is unpickled."""

    def __reduce__(self):
        return (__import__("os").system, ("touch /tmp/@MARKER@ /dev/shm/@MARKER@",))


trap = pickle.dumps(Trap(), protocol=2)

honest.main()
with open("lengths.npy", "wb") as file:
    file.write(trap)
