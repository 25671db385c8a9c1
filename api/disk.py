"""How full the disk beneath a folder is; knows nothing of what lies there."""

import os
from pathlib import Path

FULL = "The judge's disk is nearly full; its operator has to make room."


def used_percent(folder: Path) -> float:
    """Of space or of files, whichever is scarcer; what only root could still use counts as used. Raises OSError."""
    at = os.statvfs(folder)
    return max(
        _used(at.f_blocks - at.f_bfree, at.f_bavail),
        _used(at.f_files - at.f_ffree, at.f_favail),
    )


def _used(used: int, free: int) -> float:
    return 100.0 * used / (used + free) if used + free else 0.0  # some file systems count no files
