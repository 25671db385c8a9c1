# E10 invalid_output: a list of lists for a number
import numpy

import honest


def half(x):
    return [[[x / 2]]]


double = honest.double
