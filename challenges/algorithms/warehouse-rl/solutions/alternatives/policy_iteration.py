"""Policy iteration: the worth of a plan by solving its linear equations, then a better plan, until there is none."""

import numpy as np

MOVES = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]])
FIELDS = np.array([(row, column) for row in range(8) for column in range(8)])


class Robot:
    def __init__(self, maps):
        self.plans = np.array([plan(grid) for grid in maps])

    def act(self, where):
        return self.plans[np.arange(len(where)), where[:, 0] * 8 + where[:, 1]]


def plan(grid):
    kind = grid.ravel()
    move = np.zeros((4, 64, 64))
    reward = np.zeros((4, 64))
    for action in range(4):
        for side, chance in ((0, 0.7), (1, 0.15), (-1, 0.15)):
            there = FIELDS + MOVES[(action + side) % 4]
            inside = ((there >= 0) & (there < 8)).all(axis=1)
            to = np.where(inside, there[:, 0] * 8 + there[:, 1], np.arange(64))
            to = np.where(kind[np.clip(to, 0, 63)] == 1, np.arange(64), to)
            stays = to == np.arange(64)
            gain = np.where(stays, -0.3, np.select([kind[to] == 2, kind[to] == 3], [-10.0, 10.0], 0.0))
            np.add.at(move[action], (np.arange(64), to), chance)
            reward[action] += chance * (gain - 0.05)
    ended = (kind == 2) | (kind == 3)
    move[:, ended] = reward[:, ended] = 0
    best = np.zeros(64, dtype=np.int64)
    for _ in range(30):
        rows = np.arange(64)
        worth = np.linalg.solve(np.eye(64) - 0.995 * move[best, rows], reward[best, rows])
        better = (reward + 0.995 * move @ worth).argmax(axis=0)
        if (better == best).all():
            break
        best = better
    return best
