"""Seaborn for bars and heat map, axes added one by one."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from scipy import stats


def draw(table):
    sns.set_theme()
    figure = plt.figure(figsize=(12, 9), layout="constrained")
    figure.get_layout_engine().set(wspace=0.1)
    grid = figure.add_gridspec(2, 3)
    order = table.groupby("team")["minutes"].median().sort_values().index[::-1]
    ax = figure.add_subplot(grid[1, 2], label="teams")
    sns.barplot(table, x="team", y="minutes", estimator="median", order=order, errorbar=None, ax=ax)
    ax.set(title="Who waits longest", ylabel="minutes (min)", ylim=(0, ax.get_ylim()[1]))

    ax = figure.add_subplot(grid[0, :], label="trend")
    every = table.set_index("day")["minutes"].groupby(level=0).mean()
    full = every.reindex(pd.date_range(every.index[0], every.index[-1]))
    week = full.rolling(7, min_periods=1).mean()[every.index]
    for name, series in (("day", every), ("seven days", week)):
        sns.lineplot(x=series.index, y=series.to_numpy(), label=name, ax=ax, legend=False)
    ax.legend(loc="lower left")
    locator = AutoDateLocator(maxticks=6)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.set(title="The days", xlabel="day", ylabel="mean (min)", ylim=(0, None))

    ax = figure.add_subplot(grid[1, 0], label="correlation")
    numbers = table.select_dtypes("number")
    mask = np.triu(np.ones((5, 5), dtype=bool))
    sns.heatmap(numbers.corr(), mask=mask, cmap="vlag", center=0, vmin=-1, vmax=1, ax=ax, cbar=False)
    ax.set_title("What goes together")
    ax.tick_params(axis="x", labelrotation=90)

    ax = figure.add_subplot(grid[1, 1], label="scale")
    known = table.query("size_kb > 0").sort_values("size_kb")
    sns.scatterplot(known, x="size_kb", y="minutes", ax=ax)
    fit = stats.linregress(np.log10(known["size_kb"]), known["minutes"])
    ax.plot(known["size_kb"], fit.intercept + fit.slope * np.log10(known["size_kb"]), color="black")
    ax.set(
        xscale="log", title=f"Size\n({(table['size_kb'] == 0).sum()} left out)", xlabel="size (kB)", ylabel="time (min)"
    )
    return figure
