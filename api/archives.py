"""A participant's archive in, plain files out, within bounds: the suffix of its name picks the one format tried."""

from api.members import BadArchive, Members, TooLarge
from api.untar import untar
from api.unzip import unzip

__all__ = ["OVERHEAD_BYTES", "BadArchive", "TooLarge", "extract", "is_archive"]

OVERHEAD_BYTES = 64 * 1024
"""What an archive may weigh itself beyond the files it may hold."""

ZIP = (".zip",)
TAR = (".tar.gz", ".tgz")


def is_archive(name: str) -> bool:
    """Whether the name is that of an archive; what it holds is for `extract` to see."""
    return name.lower().endswith(ZIP + TAR)


def extract(name: str, data: bytes, *, max_bytes: int, max_files: int) -> dict[str, bytes]:
    """The files of an archive; `max_bytes` bounds them together. Nothing is repaired, nothing written.

    Raises BadArchive, TooLarge.
    """
    members = Members(max_bytes, max_files)
    if name.lower().endswith(ZIP):
        if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            raise BadArchive("By its name the file is a zip, by its content it is not; pack it as a zip.")
        return unzip(data, members)
    if name.lower().endswith(TAR):
        if not data.startswith(b"\x1f\x8b"):
            raise BadArchive("By its name the file is a tar.gz, by its content it is not; pack it with `tar -czf`.")
        return untar(data, members)
    raise BadArchive("An archive is called .zip, .tar.gz or .tgz.")
