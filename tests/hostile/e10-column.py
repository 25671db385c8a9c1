# E10 invalid_output: a column (n, 1) for a row (n,)
import numpy

import honest

half = honest.half


def double(numbers):
    return (2 * numbers).reshape(-1, 1)
