"""Small drawings for pages, as numbers in attributes of SVG; knows nothing of what they mean."""

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 320.0, 80.0
CENTRE, RADIUS = 110.0, 90.0


def line(values: Sequence[float]) -> str:
    """Points of a polyline in a box of WIDTH x HEIGHT, the largest value on top; one value is a level line."""
    top = max(values, default=0.0) or 1.0
    shown = [*values] if len(values) != 1 else [values[0], values[0]]
    step = WIDTH / max(1, len(shown) - 1)
    return " ".join(f"{n * step:.1f},{HEIGHT - HEIGHT * value / top:.1f}" for n, value in enumerate(shown))


def polygon(values: Sequence[float], whole: float = 100.0) -> str:
    """Points of a polygon around (CENTRE, CENTRE), a corner a value, the first on top, clockwise."""
    corners = []
    for n, value in enumerate(values):
        angle, length = 2 * math.pi * n / len(values) - math.pi / 2, RADIUS * value / whole
        corners.append(f"{CENTRE + length * math.cos(angle):.1f},{CENTRE + length * math.sin(angle):.1f}")
    return " ".join(corners)
