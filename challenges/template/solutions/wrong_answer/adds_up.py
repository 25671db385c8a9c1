# expect: only=precision
"""A mistake somebody would make; the first line says which group fails, and here that no other one does."""


def solve(values):
    there = sorted(value for value in values if value is not None)
    cut = (len(there) + 5) // 10
    rest = there[cut : len(there) - cut]
    total = 0.0
    for value in rest:
        total += value
    return round(total / len(rest), 6) if rest else -1.0
