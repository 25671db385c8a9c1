"""Right by another method."""

import statistics
from fractions import Fraction


def solve(values):
    there = [Fraction(value) for value in values if value is not None]
    tenth = (len(there) + 5) // 10
    for _ in range(tenth):
        there.remove(min(there))
        there.remove(max(there))
    return float(round(statistics.mean(there), 6)) if there else -1.0
