"""Histories without Git: objects, a pack and a bundle, as gitformat-pack and gitformat-bundle describe them."""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

Files = Mapping[str, bytes]
"""Contents by name, with a slash for a folder."""
KINDS = {"commit": 1, "tree": 2, "blob": 3}


@dataclass
class History:
    """Objects by id, to which commits are added."""

    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def blob(self, content: bytes) -> str:
        """The id of a file with this content."""
        return self._add("blob", content)

    def tree(self, files: Files) -> str:
        """The id of a folder with these files."""
        entries = []
        for name in sorted({path.split("/")[0] for path in files}):
            inside = {
                path.removeprefix(f"{name}/"): data for path, data in files.items() if path.startswith(f"{name}/")
            }
            if inside:
                entries.append((f"{name}/", f"40000 {name}", self.tree(inside)))
            else:
                entries.append((name, f"100644 {name}", self.blob(files[name])))
        return self._add(
            "tree", b"".join(f"{head}\0".encode() + bytes.fromhex(key) for _, head, key in sorted(entries))
        )

    def commit(self, files: Files, parents: list[str], who: str, when: int, message: str) -> str:
        """The id of a commit; `when` in seconds since 1970, UTC, is the author's and the committer's time."""
        stamp = f"{who} <{who.lower()}@example.org> {when} +0000"
        lines = [f"tree {self.tree(files)}", *(f"parent {one}" for one in parents)]
        lines += [f"author {stamp}", f"committer {stamp}", "", message, ""]
        return self._add("commit", "\n".join(lines).encode())

    def bundle(self, refs: Mapping[str, str]) -> bytes:
        """All objects and these refs, as `git bundle create` would write them."""
        head = "# v2 git bundle\n" + "".join(f"{key} {name}\n" for name, key in refs.items()) + "\n"
        pack = struct.pack(">4sLL", b"PACK", 2, len(self.objects))
        pack += b"".join(_head(KINDS[kind], len(body)) + zlib.compress(body) for kind, body in self.objects.values())
        return head.encode() + pack + hashlib.sha1(pack).digest()

    def _add(self, kind: str, body: bytes) -> str:
        key = hashlib.sha1(f"{kind} {len(body)}\0".encode() + body).hexdigest()
        self.objects[key] = kind, body
        return key


def _head(kind: int, size: int) -> bytes:
    """Three bits of kind and four of the size, then seven at a time, each byte but the last with its high bit set."""
    byte, size = kind << 4 | size & 15, size >> 4
    said = bytearray()
    while size:
        said.append(byte | 128)
        byte, size = size & 127, size >> 7
    said.append(byte)
    return bytes(said)
