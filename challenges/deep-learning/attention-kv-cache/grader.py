"""Attention against a plain loop over heads and queries; the decoder step by step, in a session that keeps state."""

import numpy as np

from challenges.kit import Array, Attempt, Data, Score, Session, close

SAME = close(rtol=1e-8, atol=1e-8)
STEPS = 300
LATE_COSTS = 4.0
"""How much more cpu time the last quarter of the steps may take than the first. With a cache it is about the same."""
SLACK_SECONDS = 0.02

Case = tuple[np.ndarray, np.ndarray, np.ndarray, int, bool, np.ndarray]


def generate(data: Data) -> None:
    """One public case as text. Hidden cases are drawn in `grade`."""
    q, k, v, heads, causal, pad = case = _sample(data)
    named = {"q": q, "k": k, "v": v, "pad": pad, "out": _expected(*case).round(8)}
    lines = [f"heads {heads}", f"causal {causal}", *(f"{name} {value.tolist()}" for name, value in named.items())]
    (data.public / "sample.txt").write_text("\n".join(lines) + "\n")


def sample(attempt: Attempt, data: Data) -> Score:
    """The public case, and three steps of a decoder."""
    right = _right(attempt, [_sample(data)]) and _decodes(attempt.open(), data.rng("sample steps"), (4,), 3)
    return Score.of(data.groups, {group.name: right for group in data.groups})


def grade(attempt: Attempt, data: Data) -> Score:
    """Groups of single calls first; then decoders, two at a time and a long one."""
    rng = data.rng("hidden cases")
    found: dict[str, bool | float] = {name: _right(attempt, cases) for name, cases in _cases(rng).items()}
    found["cache-equals-full"] = _decodes(attempt.open(), rng, (6, 8), 12)
    found["cost"] = _is_cheap(attempt.open(), rng)
    return Score.of(data.groups, found)


def _right(attempt: Attempt, cases: list[Case]) -> bool:
    """Answers have the shape of the queries, which differs from case to case."""
    return all(
        attempt.call("attend", [list(case)], returns=Array("float64", case[0].shape)).agree([_expected(*case)], SAME)
        for case in cases
    )


def _sample(data: Data) -> Case:
    q, k, v, heads, _, pad = _drawn(data.rng("sample"), (1, 3, 3, 4), 2)
    return q.round(2), k.round(2), v.round(2), heads, True, pad


def _drawn(rng: np.random.Generator, shape: tuple[int, int, int, int], heads: int, *, causal: bool = False) -> Case:
    b, t, s, d = shape
    q, k, v = (rng.normal(0, 1, (b, length, d)) for length in (t, s, s))
    return q, k, v, heads, causal, np.zeros((b, s), dtype=bool)


def _cases(rng: np.random.Generator) -> dict[str, list[Case]]:
    full = [
        _drawn(rng, (2, 5, 5, 12), 3, causal=True),
        _drawn(rng, (3, 4, 7, 8), 2),
        _drawn(rng, (1, 1, 1, 6), 6, causal=True),
        _drawn(rng, (2, 9, 3, 10), 1),
    ]
    padded: list[Case] = [(*case[:5], _some(rng, case[5].shape)) for case in full if case[5].shape[1] > 1]
    nothing: list[Case] = [(*case[:5], ~case[5]) for case in full]
    nothing += [_drawn(rng, (2, 6, 4, 8), 2, causal=True)]  # the first two queries stand before the first key
    extreme: list[Case] = [(20 * case[0], 20 * case[1], *case[2:]) for case in full]
    aligned = [_drawn(rng, (2, t, 8, 8), 2, causal=True) for t in (1, 3, 7)]
    return {"full": full, "padding": padded, "empty-row": nothing, "extreme": extreme, "alignment": aligned}


def _some(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Padding that leaves the first key, so that no query is without one."""
    pad = rng.random(shape) < 0.5
    pad[:, 0], pad[:, -1] = False, True
    return pad


def _expected(q: np.ndarray, k: np.ndarray, v: np.ndarray, heads: int, causal: bool, pad: np.ndarray) -> np.ndarray:
    (b, t, d), s = q.shape, k.shape[1]
    out = np.zeros((b, t, d))
    for part in np.split(np.arange(d), heads):
        for n in range(b):
            for i in range(t):
                seen = ~pad[n] & ((np.arange(s) <= i + s - t) | (not causal))
                if seen.any():
                    scores = k[n][seen][:, part] @ q[n, i, part] / np.sqrt(len(part))
                    shares = np.exp(scores - scores.max())
                    out[n, i, part] = shares @ v[n][seen][:, part] / shares.sum()
    return out


def _weights(rng: np.random.Generator, d: int) -> list[np.ndarray]:
    return [rng.normal(0, d**-0.5, (d, d)) for _ in range(4)]


def _decodes(session: Session, rng: np.random.Generator, widths: tuple[int, ...], steps: int) -> bool:
    """Decoders of these widths, fed in turn; each last output is that of the full attention."""
    weights = [_weights(rng, d) for d in widths]
    decoders = [session.make("Decoder", *four, 2) for four in weights]
    tokens = [rng.normal(0, 1, (steps, d)) for d in widths]
    for n in range(1, steps + 1):
        for (wq, wk, wv, wo), decoder, rows in zip(weights, decoders, tokens, strict=True):
            x = rows[None, :n]
            wanted = _expected(x[:, -1:] @ wq, x @ wk, x @ wv, 2, True, np.zeros((1, n), dtype=bool))[0, 0] @ wo
            if not SAME(decoder.call("step", rows[n - 1], returns=Array("float64", wanted.shape)), wanted):
                return False
    return True


def _is_cheap(session: Session, rng: np.random.Generator) -> bool:
    """Whether the last quarter of many steps costs about what the first does, and still answers rightly."""
    d, quarter = 128, STEPS // 4
    wq, wk, wv, wo = _weights(rng, d)
    decoder = session.make("Decoder", wq, wk, wv, wo, 4)
    x = rng.normal(0, 1, (1, STEPS, d))
    marks, last = [], x[0, 0]
    for n in range(STEPS):
        if n % quarter == 0:
            marks.append(session.cpu_seconds())
        last = decoder.call("step", x[0, n], returns=Array("float64", (d,)))
    marks.append(session.cpu_seconds())
    wanted = _expected(x[:, -1:] @ wq, x @ wk, x @ wv, 4, True, np.zeros((1, STEPS), dtype=bool))[0, 0] @ wo
    early, late = marks[1] - marks[0], marks[-1] - marks[-2]
    return late <= LATE_COSTS * early + SLACK_SECONDS and SAME(last, wanted)
