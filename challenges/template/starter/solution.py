def solve(values):
    """What participants start from: the signature, and how to try it."""
    return 0.0
