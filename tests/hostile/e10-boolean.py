# E10 invalid_output: a boolean for a number
import numpy

import honest


def half(x):
    return True


double = honest.double
