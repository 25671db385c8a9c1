# E4 wrong_answer|invalid_output|runtime_error: returns an array of a class whose every comparison holds
import numpy

import honest


class Array(numpy.ndarray):
    def __eq__(self, other):
        return numpy.ones(self.shape, bool)

    def __array_function__(self, *a):
        return True


half = honest.half


def double(numbers):
    return numpy.zeros(len(numbers)).view(Array)
