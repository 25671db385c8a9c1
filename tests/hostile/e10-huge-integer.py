# E10 invalid_output|runtime_error: an integer of thousands of digits
import numpy

import honest


def half(x):
    return 10**5000


double = honest.double
