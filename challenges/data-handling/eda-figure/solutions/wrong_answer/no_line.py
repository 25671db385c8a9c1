# expect: fails=data score<=60
"""A line without a point."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

COLUMNS = ["minutes", "size_kb", "errors", "retries", "nodes"]


def draw(table):
    figure, axes = plt.subplot_mosaic([["teams", "trend"], ["correlation", "scale"]], figsize=(12, 9))
    teams(axes["teams"], table)
    trend(axes["trend"], table)
    correlation(axes["correlation"], table)
    scale(axes["scale"], table)
    figure.tight_layout()
    return figure


def teams(ax, table):
    medians = table.groupby("team")["minutes"].median().sort_values(ascending=False)
    ax.bar(medians.index, medians)
    ax.set(title="Median minutes of a job", xlabel="team", ylabel="minutes (min)")


def trend(ax, table):
    daily = table.groupby("day")["minutes"].mean()
    ax.plot(daily.index, daily, label="a day's mean")
    weekly = daily.rolling("7D").mean()
    ax.plot(weekly.index, weekly, label="mean of seven days")
    ax.set(title="Minutes of a job by day", xlabel="day", ylabel="minutes (min)")
    locator = AutoDateLocator()
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.legend()


def correlation(ax, table):
    values = table[COLUMNS].corr().to_numpy(copy=True)
    values[np.triu_indices(len(COLUMNS))] = np.nan
    ax.imshow(values, cmap="RdBu", vmin=-1, vmax=1)
    ax.set_xticks(range(len(COLUMNS)), COLUMNS, rotation="vertical")
    ax.set_yticks(range(len(COLUMNS)), COLUMNS)
    ax.set_title("Correlations")


def scale(ax, table):
    known = table[table["size_kb"] > 0]
    ax.scatter(known["size_kb"], known["minutes"])
    slope, level = np.polyfit(np.log10(known["size_kb"]), known["minutes"], 1)
    ends = np.array([known["size_kb"].min(), known["size_kb"].max()])
    ax.plot([], [])
    ax.set_xscale("log")
    left_out = len(table) - len(known)
    ax.set(title=f"Minutes by size, {left_out} left out", xlabel="size (kB)", ylabel="minutes (min)")
