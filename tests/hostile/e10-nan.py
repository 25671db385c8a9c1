# E10 invalid_output|runtime_error: NaN for a number
import numpy

import honest


def half(x):
    return float("nan")


double = honest.double
