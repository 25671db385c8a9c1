# E10 invalid_output|runtime_error: infinity for a number
import numpy

import honest


def half(x):
    return float("inf")


double = honest.double
