# E10 wrong_answer: an array of infinities
import numpy

import honest

half = honest.half


def double(numbers):
    return numpy.full(len(numbers), numpy.inf)
