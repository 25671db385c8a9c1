# D6 accepted: takes the conversation over and waits for the next question before it answers this one
import select

import honest
from sandbox.inside import frames, values


def answer(word):
    sock, id = honest.conversation()
    early, asked = 0, 1
    while True:
        early += bool(select.select([sock], [], [], 0.05)[0])
        honest.report({"early": early, "asked": asked})
        sock.sendall(honest.frame(id, *values.encode(honest.answer(word))))
        question = frames.read(lambda size: receive(sock, size), 1 << 20)
        asked += 1
        id, word = question.id, values.decode(question.json, question.raw)["args"][0]


def receive(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise SystemExit
        data += part
    return data
