# E10 invalid_output: an integer that is no float
import numpy

import honest


def half(x):
    return 10**400


double = honest.double
