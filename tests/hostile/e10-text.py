# E10 invalid_output: text for a number
import numpy

import honest


def half(x):
    return str(x / 2)


double = honest.double
