# E4 wrong_answer: patches numpy, builtins, unittest and the judge's own modules, and answers wrongly
import builtins
import sys
import unittest

import numpy

numpy.array_equal = numpy.allclose = lambda *a, **k: True
numpy.max = numpy.abs = lambda *a, **k: 0
builtins.abs = builtins.max = builtins.sorted = lambda *a, **k: 0
unittest.TestCase.assertEqual = lambda *a: None
sys.modules["sklearn.metrics"] = sys.modules["pytest"] = type(sys)("fake")
for name in list(sys.modules):
    if name.startswith("challenges"):
        sys.modules[name] = None


def half(x):
    return 10**6


def double(numbers):
    return numbers
