# B3 accepted: writes to the image, the interpreter, its packages and the judge's own code
import errno
import hashlib
import os
import sys

import honest


def outcome(act):
    try:
        act()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]


def open_to_write(path):
    os.close(os.open(path, os.O_WRONLY))


PYTHON = os.path.realpath("/usr/bin/python3")
PACKAGES = next(path for path in sys.path if path.endswith("dist-packages") and os.path.isdir(path))
FOLDERS = (
    "/",
    "/usr/bin",
    "/usr/local/bin",
    "/etc",
    "/var/tmp",
    "/opt",
    "/root",
    PACKAGES,
    os.path.dirname(os.__file__),
)
FILES = (PYTHON, os.__file__, "/etc/passwd", "/etc/ld.so.cache")
found = {f"new file in {one}": outcome(lambda one=one: open(one + "/new", "x").close()) for one in FOLDERS}
found |= {f"open {one}": outcome(lambda one=one: open_to_write(one)) for one in FILES}
found |= {f"mode of {one}": outcome(lambda one=one: os.chmod(one, 0o777)) for one in FILES}
found |= {f"remove {one}": outcome(lambda one=one: os.rename(one, one + ".old")) for one in FILES[2:]}
with open(PYTHON, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()
honest.report({"outcomes": found, "digest": digest})
honest.main()
