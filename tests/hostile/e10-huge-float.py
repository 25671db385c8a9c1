# E10 wrong_answer: the greatest number there is
import numpy

import honest


def half(x):
    return 1.7976931348623157e308


double = honest.double
