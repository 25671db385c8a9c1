# A8 accepted: as many files and folders as /tmp takes, then it answers
import errno
import os

import honest

found = {}
for folder in ("/tmp",):
    made = 0
    try:
        while made < 10**6:
            os.mkdir(f"{folder}/d{made}")
            open(f"{folder}/d{made}/f", "w").close()
            made += 2
        found[folder] = [made, ""]
    except OSError as error:
        found[folder] = [made, errno.errorcode[error.errno]]
honest.report(found)
answer = honest.answer
