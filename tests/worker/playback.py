"""Submissions that know the right answers already and give them on a wire that is not as it should be.

They are handed the replies of a recorded grading. So nothing but the wire can stand between them and full points.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.inside import frames
from tests.worker.recorded import Recording

ANSWERS = "answers.bin"
START = f"""
import json, os, signal, socket, struct, sys, threading, time
with open({ANSWERS!r}, "rb") as file:
    sizes = json.loads(file.readline())
    parts = [[file.read(size) for size in one] for one in sizes]
def head(id, body, raw=0, kind=16, magic=b"AY", version=1):
    return struct.pack("!2sBB16sIQ", magic, version, kind, id, body, raw)
def packed(id, body, raw=b"", kind=16):
    return head(id, len(body), len(raw), kind) + body + raw
SCORE = b'{{"points": 100.0, "private_points": 100.0, "checks": [], "metric": null, "standard_error": null}}'
OUTLINE = b'{{"type": "\\\\ud800", "line": ' + b"9" * 4000 + b'}}'
"""
FIND = """
frame = sys._getframe()
while "channel" not in frame.f_locals:
    frame = frame.f_back
"""
CALLED = (
    FIND
    + """
sock, id, last = frame.f_locals["channel"]._sock, frame.f_locals["question"].id, bytes(16)
def receive(size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            os._exit(0)
        data += part
    return data
for body, raw in parts:
    WIRE
    top = receive(32)
    receive(sum(struct.unpack("!IQ", top[20:])))
    last, id = id, top[4:20]
receive(1)
"""
)
"""Speaks on the channel itself as soon as it is loaded, which is when the first question has been read."""
RUN = (
    FIND
    + """
channel = frame.f_locals["channel"]
for name, content in parts:
    name = name.decode()
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "wb") as file:
        file.write(content)
WIRE
"""
)
SERVED = """
known = {(asked, body): (int(status), content) for asked, body, status, content in parts}
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
count = 0
def answer(door):
    global count
    with door, door.makefile("rb") as heard:
        asked = b" ".join(heard.readline().split()[:2])
        size = 0
        while (line := heard.readline().strip()):
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        status, body = known.get((asked, heard.read(size)), (200 if asked[:3] == b"GET" else 404, b""))
        reply = b"HTTP/1.1 %d X\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (status, len(body), body)
        if asked[:3] != b"GET":
            count += 1
            WIRE
        try:
            door.sendall(reply)
        except OSError:
            pass
listener = socket.create_server(("0.0.0.0", PORT), backlog=64)
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()
"""
DOCKERFILE = f"""FROM python:3.11-slim
WORKDIR /app
COPY app.py {ANSWERS} ./
USER 10001
CMD ["python", "app.py"]
"""
LENGTHS = """
            lies = [b"%d" % (len(body) + 1), b"%d" % (len(body) - 1), b"-1", b"9223372036854775808", b"4611686018427387904",
                    b"1073741824", b"9" * 5000, b"0x10", b"", b"%d, %d" % (len(body), len(body)), b"chunked"]
            lie = lies[count % len(lies)]
            sizes = [b"7fffffffffffffff", b"f" * 60000, b"-5", b"-1", b"x", b"%x" % (len(body) + 1), b""]
            if lie == b"chunked":
                chunk = sizes[count // len(lies) % len(sizes)]
                reply = b"HTTP/1.1 %d X\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n%b\\r\\n%b" % (status, chunk, body)
            else:
                reply = b"HTTP/1.1 %d X\\r\\nContent-Length: %b\\r\\n\\r\\n%b" % (status, lie, body)
"""

Case = tuple[str, str]
"""What happens at the place WIRE, and the verdict it comes to. Each kind has an accepted one: answers are right."""

CALL_CASES: dict[str, Case] = {
    "drop by drop": (
        "data = packed(id, body, raw)\n    for at in range(99): sock.sendall(data[at:at + 1])\n    sock.sendall(data[99:])",
        "accepted",
    ),
    "twice": ("sock.sendall(2 * packed(id, body, raw))", "invalid_output"),
    "the next one before it is asked": (
        "sock.sendall(packed(id, body, raw)); time.sleep(.05); sock.sendall(packed(bytes(16), body, raw))",
        "invalid_output",
    ),
    "under the id of the last question": ("sock.sendall(packed(last, body, raw))", "invalid_output"),
    "a byte less than it says": ("sock.sendall(head(id, len(body), len(raw) + 1) + body + raw)", "time_limit"),
    "a byte more than it says": ("sock.sendall(head(id, len(body) - 1, len(raw)) + body + raw)", "invalid_output"),
    "2^63 bytes": ("sock.sendall(head(id, len(body), 2**63) + body + raw)", "invalid_output"),
    "64 MB": ("sock.sendall(head(id, len(body), 64 << 20) + body + bytes(64 << 20))", "invalid_output"),
    "another magic": ("sock.sendall(head(id, len(body), len(raw), magic=b'AX') + body + raw)", "invalid_output"),
    "a score": ("sock.sendall(packed(id, SCORE, kind=65))", "invalid_output"),
    "an odd outline": ("sock.sendall(packed(id, OUTLINE, kind=17))", "runtime_error"),
    "deep": ("sock.sendall(packed(id, b'[' * 100_000))", "invalid_output"),
}
RUN_CASES: dict[str, Case] = {
    "honest": ("pass", "accepted"),
    "a score on the channel": ("channel.sendall(packed(bytes(16), SCORE, kind=65)); os.remove(name)", "invalid_output"),
    "a flood on the channel": ("channel.sendall(bytes(200_000))", "invalid_output"),
    "an odd outline": ("channel.sendall(packed(bytes(16), OUTLINE, kind=17)); sys.exit(1)", "runtime_error"),
    "a link": ("os.rename(name, 'kept'); os.symlink('kept', name)", "invalid_output"),
    "a byte over the cap": ("open(name, 'ab').write(bytes(CAP + 1 - len(content)))", "output_limit"),
    "as many rows as fit": (
        "top = content.split(b'\\n')[0] + b'\\n'\nopen(name, 'wb').write((top + b',\\n' * CAP)[:CAP // 2 * 2 - len(top) % 2])",
        "invalid_output",
    ),
}
SERVE_CASES: dict[str, Case] = {
    "twice": ("reply += reply", "accepted"),
    "1 MB each": ("reply = b'HTTP/1.1 %d X\\r\\n\\r\\n%b' % (status, body.ljust(1 << 20))", "accepted"),
    "lengths that lie": (LENGTHS.strip(), "wrong_answer"),
}
"""What is behind the one reply of a connection is not read, and blanks behind JSON mean nothing."""


def cases_for(recording: Recording) -> dict[str, Case]:
    """The cases for what the recorded grader asks."""
    if any(one.question.kind == frames.ASK_CALL for one in recording.exchanges):
        return CALL_CASES
    return SERVE_CASES if recording.challenge.build else RUN_CASES


def submission(recording: Recording, how: str) -> Mapping[str, bytes]:
    """The files of a submission that plays the recorded answers back in this way."""
    challenge = recording.challenge
    exchanges = recording.exchanges
    asked = {one.question.kind for one in exchanges}
    if frames.ASK_CALL in asked:
        parts = [(one.reply.json, one.reply.raw) for one in exchanges if one.question.kind == frames.ASK_CALL]
        return {challenge.submit: _program(CALLED, how), ANSWERS: _packed(parts)}
    if challenge.build is None:
        (reply,) = [one.reply for one in exchanges if one.question.kind == frames.ASK_RUN]
        source = _program(RUN, how).replace(b"CAP", str(1024 * challenge.limits.output_kb).encode())
        return {challenge.submit: source, ANSWERS: _packed(_files(json.loads(reply.json)["files"], reply.raw))}
    told = [(json.loads(one.question.json), one) for one in exchanges if one.question.kind == frames.ASK_HTTP]
    source = _program(SERVED, how).replace(b"PORT", str(told[0][0]["port"]).encode())
    packed = _packed([part for questions, one in told for part in _replies(questions["requests"], one)])
    return {challenge.submit: DOCKERFILE.encode(), "app.py": source, ANSWERS: packed}


def _program(source: str, how: str) -> bytes:
    return (START + source.replace("WIRE", how)).encode()


def _packed(parts: Sequence[tuple[bytes, ...]]) -> bytes:
    sizes = [[len(part) for part in one] for one in parts]
    return json.dumps(sizes).encode() + b"\n" + b"".join(part for one in parts for part in one)


def _files(listed: list[tuple[str, int]], raw: bytes) -> list[tuple[bytes, ...]]:
    found: list[tuple[bytes, ...]] = []
    at = 0
    for name, size in listed:
        found.append((name.encode(), raw[at : at + size]))
        at += size
    return found


def _replies(requests: list[dict[str, Any]], one: Any) -> list[tuple[bytes, ...]]:
    found: list[tuple[bytes, ...]] = []
    at = there = 0
    for asked, head in zip(requests, json.loads(one.reply.json)["replies"], strict=True):
        body = one.question.raw[at : at + asked["size"]]
        content = one.reply.raw[there : there + head["size"]]
        found.append((f"{asked['method']} {asked['path']}".encode(), body, str(head["status"]).encode(), content))
        at += asked["size"]
        there += head["size"]
    return found
