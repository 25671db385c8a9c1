def weigh(data):
    return len(data)
