"""The rules for the members of a participant's archive, whatever its format; knows no format and repairs nothing."""

from api.blobs import BadPack, check_names

MAX_SHOWN = 100
NOTES_PER_FILE = 4
MORE_NOTES = 16
"""Entries that are no files cost time: an archive may hold so many for each file it may hold, and so many more."""


class BadArchive(Exception):
    """The archive is not one that is accepted; the text says which member, and what to do, to a participant."""


class TooLarge(Exception):
    """The files of the archive together are larger than the challenge allows."""


class Members:
    """The names and sizes of one archive, announced one by one before any content is read."""

    def __init__(self, max_bytes: int, max_files: int) -> None:
        self.left = max_bytes
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._files: list[str] = []
        self._folders: list[str] = []
        self._notes = 0
        self._max_notes = max_files * NOTES_PER_FILE + MORE_NOTES

    def check_count(self, count: int) -> None:
        """For formats that tell it beforehand: whether so many members can be right. Raises BadArchive."""
        if count > self._max_files + self._max_notes:
            raise BadArchive(f"The archive has {count} members; at most {self._max_files} files may be submitted.")

    def file(self, raw: bytes, size: int) -> str:
        """The name of a file that has this size and is accepted so far. Raises BadArchive, TooLarge."""
        if len(self._files) == self._max_files:
            raise BadArchive(f"The archive holds more than {self._max_files} files; leave out what is not needed.")
        name = _plain(raw)
        if size > self.left:
            raise TooLarge(f"The files together may have {self._max_bytes} bytes.")
        self.left -= size
        self._files.append(name)
        return name

    def folder(self, raw: bytes) -> None:
        """An entry for a folder: its name must be a good one, and then it is dropped. Raises BadArchive."""
        self.note()
        if raw not in (b"./", b"."):
            self._folders.append(_plain(raw.removesuffix(b"/")))

    def note(self) -> None:
        """An entry that is no file. Raises BadArchive."""
        self._notes += 1
        if self._notes > self._max_notes:
            raise BadArchive("The archive has too many entries that are no files; pack files only.")

    def check(self) -> None:
        """Whether all the names go together. Raises BadArchive."""
        if not self._files:
            raise BadArchive("The archive holds no file.")
        try:
            check_names(self._files)
        except BadPack as error:
            raise BadArchive(f"The archive is ambiguous: {error}; give every file a name of its own.") from None
        taken = {name.lower() for name in self._files}
        for folder in self._folders:
            parts = folder.lower().split("/")
            if taken & {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}:
                raise BadArchive(f"The folder {shown(folder)} has the name of a file; rename one of them.")


def shown(name: bytes | str) -> str:
    """A member's name as a message may show it: one short line of plain ASCII."""
    text = name[: 4 * MAX_SHOWN].decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return ascii(text[:MAX_SHOWN])[:MAX_SHOWN]


def _plain(raw: bytes) -> str:
    """The name without the usual leading "./". Raises BadArchive."""
    name = raw.removeprefix(b"./")
    parts = name.split(b"/")
    if b"__MACOSX" in parts or any(part.startswith(b"._") for part in parts):
        raise BadArchive(f"{shown(raw)} is a note that macOS adds to archives; leave out __MACOSX and all ._ files.")
    if any(part.startswith(b".") and part.strip(b".") for part in parts):
        raise BadArchive(f"{shown(raw)} is hidden; leave out files and folders whose names begin with a dot.")
    try:
        text = name.decode("ascii")
        check_names([text])
    except (UnicodeDecodeError, BadPack):
        raise BadArchive(
            f"{shown(raw)} is not an acceptable name: at most 4 parts of A-Z a-z 0-9 _ . -, joined by /; rename it."
        ) from None
    return text
