# E10 invalid_output: nothing for a number
import numpy

import honest


def half(x):
    return None


double = honest.double
