"""Draws the submitted figure for each table named, and writes picture and description; runs beside the submission."""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates
import numpy as np
import pandas as pd
from matplotlib.collections import PathCollection
from matplotlib.patches import Rectangle

MARKS = 4000
DPI = 50


def numbers(values):
    """A list of floats, None for what is masked or not finite."""
    array = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)
    return [[float(one) if np.isfinite(one) else None for one in row] for row in np.atleast_2d(array)[:MARKS]]


def ticks(axis):
    """Place and text of each labelled tick."""
    return [
        [float(tick.get_loc()), tick.label1.get_text()] for tick in axis.get_major_ticks() if tick.label1.get_text()
    ]


def texts(axes):
    """Everything written in the axes or beside them."""
    found = [axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        found += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    if axes.get_legend() is not None:
        found += axes.get_legend().get_texts()
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def heat(axes):
    """Values, limits and three greys of the first image or mesh."""
    for one in [*axes.images, *axes.collections]:
        array = one.get_array()
        if array is None or np.ndim(array) != 2:
            continue
        low, high = one.get_clim()
        ends = [[float(part) for part in one.cmap(share)[:3]] for share in (0.0, 0.5, 1.0)]
        return {"values": numbers(array), "limits": [float(low), float(high)], "colours": ends}
    return None


def described(axes):
    """The axes as plain data, in data coordinates."""
    lines = [one for one in axes.get_lines() if one.get_visible()]
    bars = [one for one in axes.patches if isinstance(one, Rectangle) and one.get_visible()]
    dots = [one for one in axes.collections if isinstance(one, PathCollection) and one.get_visible()]
    legend = axes.get_legend()
    return {
        "title": axes.get_title(),
        "x": axes.get_xlabel(),
        "y": axes.get_ylabel(),
        "scales": [axes.get_xscale(), axes.get_yscale()],
        "limits": [*map(float, axes.get_xlim()), *map(float, axes.get_ylim())],
        "place": [float(one) for one in axes.get_position().bounds],
        "face": [float(one) for one in matplotlib.colors.to_rgb(axes.get_facecolor())],
        "legend": [text.get_text() for text in legend.get_texts()] if legend else [],
        "ticks": [ticks(axes.xaxis), ticks(axes.yaxis)],
        "lines": [numbers([one.get_xdata(orig=False), one.get_ydata(orig=False)]) for one in lines],
        "bars": numbers([[one.get_x(), one.get_y(), one.get_width(), one.get_height()] for one in bars])
        if bars
        else [],
        "dots": numbers(np.concatenate([one.get_offsets() for one in dots])) if dots else [],
        "heat": heat(axes),
    }


def main():
    """One figure after the other."""
    sys.path.insert(0, str(Path.cwd()))
    from solution import draw

    for name in sys.argv[1:]:
        figure = draw(pd.read_csv(name, parse_dates=["day"]))
        figure.set_dpi(DPI)
        figure.savefig(Path(name).with_suffix(".png"), dpi=DPI)
        renderer = figure.canvas.get_renderer()
        size = [float(one) for one in figure.get_size_inches()]
        boxes = [
            [text.get_text(), float(text.get_fontsize()), *map(float, text.get_window_extent(renderer).extents)]
            for axes in figure.axes
            for text in texts(axes)
        ]
        told = {"size": size, "texts": boxes, "axes": {one.get_label(): described(one) for one in figure.axes}}
        Path(name).with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")


main()
