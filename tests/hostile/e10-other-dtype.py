# E10 invalid_output: an array of another type
import numpy

import honest

half = honest.half


def double(numbers):
    return (2 * numbers).astype("float32")
