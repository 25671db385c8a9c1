# E10 wrong_answer: -0 for every number
import numpy

import honest


def half(x):
    return -0.0


double = honest.double
