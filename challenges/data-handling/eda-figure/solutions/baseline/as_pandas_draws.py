"""Four calls of DataFrame.plot."""

import matplotlib.pyplot as plt


def draw(table):
    figure, axes = plt.subplot_mosaic([["teams", "trend"], ["correlation", "scale"]], figsize=(12, 9))
    table.groupby("team")["minutes"].median().plot.bar(ax=axes["teams"])
    table.groupby("day")["minutes"].mean().plot(ax=axes["trend"])
    axes["correlation"].imshow(table.corr(numeric_only=True))
    table.plot.scatter("size_kb", "minutes", ax=axes["scale"])
    figure.tight_layout(pad=3)
    return figure
