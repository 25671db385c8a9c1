# E10 invalid_output|runtime_error: an array of objects
import numpy

import honest

half = honest.half


def double(numbers):
    return numpy.array([object()] * len(numbers))
