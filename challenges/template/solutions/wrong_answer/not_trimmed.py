# expect: fails=ordinary
import math


def solve(values):
    there = [value for value in values if value is not None]
    return round(math.fsum(there) / len(there), 6) if there else -1.0
