def half(x):
    return x / 2


def double(numbers):
    return 2 * numbers
