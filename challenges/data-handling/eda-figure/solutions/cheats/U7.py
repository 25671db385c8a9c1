# expect: verdict=wrong_answer score<=0
"""Draws bars of the public table, whatever it is given."""

import matplotlib.pyplot as plt


def draw(table: object) -> object:
    """Bars of numbers learnt by heart."""
    figure, axes = plt.subplot_mosaic([["teams", "trend"], ["correlation", "scale"]], figsize=(12, 9))
    axes["teams"].bar(["delta", "cedar", "birch", "amber"], [46.1, 43.2, 40.9, 37.0])
    return figure
