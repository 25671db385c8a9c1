def half(x):
    return 1e9


def double(numbers):
    return numbers
