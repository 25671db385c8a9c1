# expect: only=return score<=69
"""Plans as if floors did not slip."""

import numpy as np

SIZE = 8
MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]
SWEEPS = 80


class Robot:
    def __init__(self, maps):
        value = np.zeros(maps.shape)
        for _ in range(SWEEPS):
            worth = self.worth(maps, value)
            value = np.where((maps == 2) | (maps == 3), 0, worth.max(axis=0))
        self.best = worth.argmax(axis=0)

    def worth(self, maps, value):
        """What each action is worth on each field: 4 x maps x rows x columns."""
        gain = np.where(maps == 2, -10.0, np.where(maps == 3, 10.0, 0.0)) + value
        gain = np.pad(gain, ((0, 0), (1, 1), (1, 1)))
        blocked = np.pad(maps == 1, ((0, 0), (1, 1), (1, 1)), constant_values=True)
        ends = []
        for r, c in MOVES:
            rows, columns = slice(1 + r, SIZE + 1 + r), slice(1 + c, SIZE + 1 + c)
            ends.append(np.where(blocked[:, rows, columns], value - 0.3, gain[:, rows, columns]) - 0.05)
        return np.array([ends[a] for a in range(4)])

    def act(self, where):
        return self.best[np.arange(len(where)), where[:, 0], where[:, 1]]
