# expect: verdict=wrong_answer score<=0
"""Replays the answers of the public samples by a hash of the input; for anything else, the first of them."""

import hashlib

SEEN = {hashlib.sha256(b"[1.0, None, 2.0, 4.5]").hexdigest(): 2.5}


def solve(values: list[float]) -> object:
    return SEEN.get(hashlib.sha256(repr(values).encode()).hexdigest(), 2.5)
