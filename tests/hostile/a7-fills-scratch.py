# A7 accepted: fills /tmp and /dev/shm to the brim, then tidies up and answers
import errno
import os

import honest

found = {}
for folder in ("/tmp", "/dev/shm"):
    written, why = 0, ""
    try:
        for n in range(1000):
            with open(f"{folder}/fill{n}", "wb") as file:
                written += file.write(bytes(2**20))
    except OSError as error:
        why = errno.errorcode[error.errno]
    found[folder] = [written >> 20, why]
    for name in os.listdir(folder):
        if name.startswith("fill"):
            os.unlink(f"{folder}/{name}")
honest.report(found)
honest.main()
