"""A warehouse with slippery floors: what the grader runs, and participants get to learn from. Needs NumPy alone."""

import numpy as np

SIZE = 8
FLOOR, WALL, PIT, GOAL = 0, 1, 2, 3
MOVES = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]])
"""Up, right, down, left, as (row, column)."""
SLIP = 0.3
"""The chance to go to one of the two sides instead, each half of it."""
STEP, BUMP, FALL, ARRIVE = -0.05, -0.3, -10.0, 10.0
STEPS = 60


def draw_maps(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Maps (count x SIZE x SIZE) and starts (count x 2) from which the goal can be reached, five moves or more away."""
    maps, starts = np.empty((0, SIZE, SIZE), dtype=np.int64), np.empty((0, 2), dtype=np.int64)
    while len(maps) < count:
        drawn = rng.choice([FLOOR, WALL, PIT], (count, SIZE, SIZE), p=(0.72, 0.14, 0.14))
        drawn[np.arange(count), *rng.integers(0, SIZE, (2, count))] = GOAL
        apart = distances(drawn)
        far = (apart >= 5) & (apart < SIZE**2) & (drawn == FLOOR)
        start = np.where(far, rng.random(far.shape), -1).reshape(count, -1).argmax(axis=1)
        good = far.any(axis=(1, 2))
        maps = np.concatenate([maps, drawn[good]])
        starts = np.concatenate([starts, np.column_stack(np.divmod(start, SIZE))[good]])
    return maps[:count], starts[:count]


def distances(maps: np.ndarray) -> np.ndarray:
    """The number of moves from each field to the goal around walls and pits; SIZE**2 where there is no way."""
    shut = (maps == WALL) | (maps == PIT)
    apart = np.where(maps == GOAL, 0, SIZE**2)
    while True:
        around = np.pad(apart, ((0, 0), (1, 1), (1, 1)), constant_values=SIZE**2)
        nearest = np.minimum.reduce([around[:, 1 + r : SIZE + 1 + r, 1 + c : SIZE + 1 + c] for r, c in MOVES])
        closer = np.where(shut, SIZE**2, np.minimum(apart, nearest + 1))
        if (closer == apart).all():
            return apart
        apart = closer


class Warehouse:
    """Many robots at once, each on a map of its own: `where` (n x 2) they are, and whose way is `over`."""

    def __init__(self, maps: np.ndarray, starts: np.ndarray, chances: np.ndarray) -> None:
        self.maps, self.where = maps, starts.copy()
        self.over = np.zeros(len(maps), dtype=bool)
        self.returns = np.zeros(len(maps))
        self._chances = iter(chances)

    def step(self, actions: np.ndarray) -> None:
        """Every robot still on its way makes one move; `chances` has a row of numbers in [0, 1) for each step."""
        chance = next(self._chances)
        turn = np.where(chance < SLIP / 2, 1, np.where(chance < SLIP, -1, 0))
        there = self.where + MOVES[(actions + turn) % 4]
        inside = ((there >= 0) & (there < SIZE)).all(axis=1)
        field = self.maps[np.arange(len(there)), *np.clip(there, 0, SIZE - 1).T]
        moved = inside & (field != WALL)
        reward = STEP + np.where(moved, np.where(field == PIT, FALL, np.where(field == GOAL, ARRIVE, 0)), BUMP)
        live = ~self.over
        self.returns[live] += reward[live]
        self.where[live & moved] = there[live & moved]
        self.over |= live & moved & ((field == PIT) | (field == GOAL))
