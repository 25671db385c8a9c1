# E10 invalid_output: an array of one element, which would fit every shape
import numpy

import honest

half = honest.half


def double(numbers):
    return numpy.array([2.0])
