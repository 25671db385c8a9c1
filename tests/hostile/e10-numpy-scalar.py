# E10 invalid_output|runtime_error: a NaN of numpy for a number
import numpy

import honest


def half(x):
    return numpy.float64("nan")


double = honest.double
