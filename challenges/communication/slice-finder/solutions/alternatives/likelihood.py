"""Plain Python: the likelihood ratio of a slice having a rate of its own."""

import json
import math
from collections import Counter


def slices(table, error):
    names = sorted(table)
    wrong = [int(one) for one in error]
    usual = sum(wrong) / len(wrong)
    scored = []
    for at, a in enumerate(names):
        for b in names[at + 1 :]:
            pairs = list(zip(table[a], table[b]))
            counts = Counter(pairs)
            errors = Counter(pair for pair, one in zip(pairs, wrong) if one)
            for pair, n in counts.items():
                rate = errors[pair] / n
                if n >= 60 and rate > usual:
                    gain = n * (part(rate, usual) + part(1 - rate, 1 - usual))
                    scored.append((gain, (a, pair[0]), (b, pair[1]), n, rate))
    best = sorted(scored, reverse=True)[:3]
    return json.dumps(
        [
            {
                "where": {a: x, b: y},
                "count": n,
                "rate": rate,
                "sentence": f"Of the {n} rows with {a} = {x} and {b} = {y}, {rate * 100:.1f} % are wrong.",
            }
            for _, (a, x), (b, y), n, rate in best
        ]
    )


def part(share, usual):
    return share * math.log(share / usual) if share else 0.0
