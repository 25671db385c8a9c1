# A8 accepted: folders in folders until no more can be made, with long names
import errno
import os

import honest

depth, why = 0, ""
os.chdir("/tmp")
try:
    while depth < 10**6:
        os.mkdir("d" * 255)
        os.chdir("d" * 255)
        depth += 1
except OSError as error:
    why = errno.errorcode[error.errno]
os.chdir("/tmp")
honest.report([depth, why])
answer = honest.answer
