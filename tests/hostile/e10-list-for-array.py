# E10 invalid_output: a list for an array
import numpy

import honest

half = honest.half


def double(numbers):
    return list(2 * numbers)
