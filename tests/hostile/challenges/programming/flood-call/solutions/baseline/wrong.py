def weigh(data):
    return 0
