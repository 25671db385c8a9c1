import matplotlib.pyplot as plt


def draw(table):
    figure, axes = plt.subplot_mosaic([["teams", "trend"], ["correlation", "scale"]], figsize=(12, 9))
    return figure
