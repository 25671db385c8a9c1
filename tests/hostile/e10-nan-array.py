# E10 wrong_answer: an array of NaN
import numpy

import honest

half = honest.half


def double(numbers):
    return numpy.full(len(numbers), numpy.nan)
