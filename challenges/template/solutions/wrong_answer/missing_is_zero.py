# expect: only=missing
import math


def solve(values):
    there = sorted(value or 0.0 for value in values)
    cut = (len(there) + 5) // 10
    rest = there[cut : len(there) - cut]
    return round(math.fsum(rest) / len(rest), 6) if any(value is not None for value in values) else -1.0
