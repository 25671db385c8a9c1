"""What the command says instead of a traceback, and with which exit code; knows no verb."""

from __future__ import annotations

FAILED = 1
WRONG_USE = 2
NOT_ACCEPTED = 3
"""Of `submit`, `status ID` and `challenge try`: there is a verdict, and it is not `accepted`."""


class CliError(Exception):
    """One clear sentence for the person at the terminal; `exit_code` is what the command ends with."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
