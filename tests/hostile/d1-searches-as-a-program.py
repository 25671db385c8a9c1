# D1 accepted: the same as a program, which has all its questions and none of its answers
import os

import honest

found = {}
for top in ("/tmp", "/dev/shm", "/etc", "/var", "/run", "/opt", "/home", "/root"):
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    if here := honest.canaries(file.read()):
                        found[path] = sorted({one[:7] for one in here})
            except OSError:
                pass
honest.report(found)
honest.main()
