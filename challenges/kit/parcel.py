"""Files in a frame: their names and sizes in its JSON part, one behind the other in its raw part; checks no name."""

import json
from collections.abc import Mapping

from sandbox.inside import frames
from sandbox.inside.frames import Frame


def files_of(frame: Frame) -> dict[str, bytes]:
    """The files of a frame that the worker packed, by name."""
    found, at = {}, 0
    for name, size in json.loads(frame.json)["files"]:
        found[name] = frame.raw[at : at + size]
        at += size
    return found


def reply_with(files: Mapping[str, bytes]) -> Frame:
    """The worker's reply that carries these files; whoever sends it gives it its id."""
    listed = [[name, len(data)] for name, data in files.items()]
    return Frame(frames.REPLY, b"", json.dumps({"files": listed}).encode(), b"".join(files.values()))
