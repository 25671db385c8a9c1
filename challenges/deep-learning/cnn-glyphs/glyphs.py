"""Eight shapes of strokes, drawn anywhere, turned and in noise; knows nothing of who looks at them."""

from itertools import pairwise

import numpy as np

SIZE = 24
NAMES = ("bar", "cross", "tee", "corner", "vee", "ring", "square", "triangle")
WIDTH = 1.4
"""Pixels from the middle of a stroke to where it has faded out."""
SPECKS = 3

Point = tuple[float, float]


def _path(*points: Point) -> list[tuple[Point, Point]]:
    return list(pairwise(points))


def _strokes() -> np.ndarray:
    """Classes x strokes x two ends x (row, column), in a square from -1 to 1; points of no length fill up."""
    turns = np.linspace(0, 2 * np.pi, 13)
    shapes = [
        _path((-1, 0), (1, 0)),
        [*_path((-1, 0), (1, 0)), *_path((0, -1), (0, 1))],
        [*_path((-1, -1), (1, -1)), *_path((0, -1), (0, 1))],
        _path((-1, -1), (-1, 1), (1, 1)),
        _path((-1, -1), (0, 1), (1, -1)),
        _path(*((float(np.cos(one)), float(np.sin(one))) for one in turns)),
        _path((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8), (-0.8, -0.8)),
        _path((-0.9, 0.7), (0.9, 0.7), (0, -1), (-0.9, 0.7)),
    ]
    most = max(len(shape) for shape in shapes)
    return np.array([[*shape, *[shape[-1]] * (most - len(shape))] for shape in shapes], dtype=float)


STROKES = _strokes()


def draw(rng: np.random.Generator, count: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Images (count x SIZE x SIZE, uint8) and their classes; `noise` is a deviation, white being 1."""
    labels = rng.integers(0, len(NAMES), count)
    angle, size = rng.uniform(0, 2 * np.pi, count), rng.uniform(4, 7, count)
    middle = rng.uniform(7.5, SIZE - 8.5, (count, 2))
    turned = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    ends = np.einsum("ijn,nmkj->nmki", turned, STROKES[labels]) * size[:, None, None, None]
    ends += middle[:, None, None, :]
    images = np.array([_strength(one) for one in ends]) * rng.uniform(0.6, 1, (count, 1, 1))
    for _ in range(SPECKS):
        row, column = rng.integers(0, SIZE - 1, (2, count))
        images[np.arange(count), row, column] = images[np.arange(count), row + 1, column] = 1
    images += rng.normal(0, noise, images.shape)
    return (np.clip(images, 0, 1) * 255).astype(np.uint8), labels


def _strength(ends: np.ndarray) -> np.ndarray:
    """How strong strokes are on each pixel, by its distance from the nearest one."""
    pixels = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE), indexing="ij"), axis=-1)[:, :, None, :]
    start, way = ends[:, 0], ends[:, 1] - ends[:, 0]
    along = ((pixels - start) * way).sum(axis=-1) / ((way**2).sum(axis=-1) + 1e-9)
    nearest = start + np.clip(along, 0, 1)[..., None] * way
    apart = np.sqrt(((pixels - nearest) ** 2).sum(axis=-1)).min(axis=-1)
    strength: np.ndarray = np.clip(WIDTH - apart, 0, 1)
    return strength
