"""Whatever comes back from a submission, a grader ends with a low score or InvalidOutput, never with another exception."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from challenges.kit import Data, InvalidOutput
from challenges.kit.attempt import Attempt
from challenges.loader import Challenge
from sandbox.inside import frames, values
from sandbox.inside.frames import Frame
from tests.challenges.conftest import BOXLESS, SHIPPED
from tests.challenges.fake_attempt import grader_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
MARKERS = st.fixed_dictionaries(
    {
        "$": st.sampled_from(["text", "bytes", "array", "dict", "object", 1]),
        "at": PLAIN,
        "size": PLAIN,
        "dtype": PLAIN | st.sampled_from(["f8", "O8", "<f8", "b1"]),
        "shape": PLAIN | st.lists(st.integers(-1, 2**70), max_size=9),
        "items": PLAIN,
    }
)
BODIES = (
    st.binary(max_size=200)
    | (PLAIN | MARKERS).map(lambda value: json.dumps(value).encode())
    | st.text(max_size=200).map(lambda text: values.encode(text)[0])
)
CELLS = st.text(max_size=8) | st.sampled_from(["0", "1", "id", "churn", "c100000", "1.0", "nan", '"', "x" * 140_000])
TABLES = st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=6).map("\n".join)
FILES = st.none() | st.binary(max_size=300) | TABLES.map(str.encode)
FILES |= TABLES.map(lambda table: f"id,churn\n{table}\n".encode("utf-8", "surrogatepass"))


class GarbageLine:
    """A worker whose submission answers every question with the same bytes."""

    def __init__(self, body: bytes, raw: bytes, file: bytes | None) -> None:
        self._called = Frame(frames.REPLY, b"", body, raw)
        names = [] if file is None else [["predictions.csv", len(file)]]
        self._ran = Frame(frames.REPLY, b"", json.dumps({"files": names}).encode(), file or b"")

    def ask(self, kind: int, body: bytes, raw: bytes = b"") -> Frame:
        return self._ran if kind == frames.ASK_RUN else self._called


@pytest.mark.parametrize("challenge", BOXLESS, ids=lambda one: one.slug)
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=BODIES, raw=st.binary(max_size=64), file=FILES)
@example(body=b"[" * 100_000, raw=b"", file=b'id,churn\n"')
@example(body=b'{"$":"array","dtype":["f8"],"shape":[1],"at":0,"size":8}', raw=bytes(8), file=b"\xef\xbb\xbfid,churn\n")
@example(body=b'{"$":"text","at":0,"size":1}', raw=b"\xff", file=b"id,churn\nc1,0\nc1,1\n")
@example(body=b'"\\ud800"', raw=b"", file=b"id,churn\nc1,\xff\n")
@example(body=b'"x"', raw=b"", file=b"id,churn\r\n")
@example(body=b"1" * 5000, raw=b"", file=b"")
def test_garbage_is_the_participants_fault(
    data_of: Callable[[Challenge], Data], challenge: Challenge, body: bytes, raw: bytes, file: bytes | None
) -> None:
    line: Any = GarbageLine(body, raw, file)
    with grader_of(challenge) as grader:
        attempt = Attempt(line, challenge.submit, b"key")
        points, message = 0.0, ""
        try:
            points = grader.grade(attempt, data_of(challenge)).points
        except InvalidOutput as error:
            message = str(error)
    assert points == 0
    assert len(message) <= 300 and "xxxx" not in message


def test_the_same_line_with_right_answers_is_no_garbage(data_of: Callable[[Challenge], Data]) -> None:
    """The positive control: the harness itself does not turn everything into garbage."""
    challenge = SHIPPED["churn-f1"]

    class Echo(GarbageLine):
        def ask(self, kind: int, body: bytes, raw: bytes = b"") -> Frame:
            inputs = json.loads(body)["inputs"]
            test = raw[inputs[0][1] :].decode().splitlines()[1:]
            table = "id,churn\n" + "".join(f"{row.split(',')[0]},{at % 2}\n" for at, row in enumerate(test))
            self._ran = Frame(
                frames.REPLY, b"", json.dumps({"files": [["predictions.csv", len(table)]]}).encode(), table.encode()
            )
            return self._ran

    line: Any = Echo(b"", b"", None)
    with grader_of(challenge) as grader:
        score = grader.grade(Attempt(line, challenge.submit, b"key"), data_of(challenge))
    assert score.metric == pytest.approx(0.23, abs=0.05)
