# expect: only=nothing
import math


def solve(values):
    there = sorted(value for value in values if value is not None)
    cut = (len(there) + 5) // 10
    rest = there[cut : len(there) - cut]
    return round(math.fsum(rest) / max(1, len(rest)), 6)
