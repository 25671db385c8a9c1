# E10 invalid_output: an array without axes, which would fit every shape
import numpy

import honest

half = honest.half


def double(numbers):
    return numpy.array(2.0)
