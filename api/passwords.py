"""Hashes and checks passwords (argon2id), a few at a time: each takes 64 MiB; knows no person and no table."""

import threading
from collections.abc import Callable

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.errors import Problem

MIN_LENGTH = 10
MAX_LENGTH = 200
AT_ONCE = 2
WAITING = 8
"""More than so many who wait would take the api's threads from everybody else."""


Work = Callable[[], tuple[bool, str | None]]


class Passwords:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._hashes = PasswordHash((Argon2Hasher(),))
        self._room = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._nobodys = self._hashes.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """The hash to keep. Raises Problem busy."""
        return self._in_turn(lambda: (True, self._hashes.hash(password)))[1] or ""

    def check(self, password: str, kept: str | None) -> tuple[bool, str | None]:
        """Whether it is the password, and the hash to keep from now on if that should change.

        Without a kept hash it takes as long and is always wrong. Raises Problem busy.
        """
        right, renewed = self._in_turn(lambda: self._hashes.verify_and_update(password, kept or self._nobodys))
        return (right, renewed) if kept is not None else (False, None)

    def _in_turn(self, work: Work) -> tuple[bool, str | None]:
        if not self._room.acquire(blocking=False):
            raise Problem("busy", "Too many people sign in at this moment.", retry_after=2)
        try:
            with self._turn:
                return work()
        finally:
            self._room.release()
