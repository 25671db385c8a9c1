"""Robots in warehouses that nobody has seen: the world runs here, a submission only learns where its robots are."""

from pathlib import Path

import numpy as np
from warehouse import STEPS, Warehouse, draw_maps

from challenges.kit import Array, Attempt, Data, Score

PUBLIC, PRIVATE = 2_000, 3_000


def generate(data: Data) -> None:
    """The simulator itself is what is public: as many maps as anybody wants."""
    (data.public / "warehouse.py").write_bytes(Path(__file__).with_name("warehouse.py").read_bytes())


def sample(attempt: Attempt, data: Data) -> Score:
    """A few maps of their own."""
    returns, legal = _played(attempt, data.rng("sample"), data.rng("sample floor"), 200)
    return Score.of(data.groups, {"return": float(returns.mean()), "legal-actions": legal})


def grade(attempt: Attempt, data: Data) -> Score:
    """One way for each robot, all at once; the maps are mixed by the submission's own order, and judged by part."""
    returns, legal = _played(attempt, data.rng("maps"), data.rng("floors"), PUBLIC + PRIVATE, attempt.rng("order"))
    public, private = returns[:PUBLIC], returns[PUBLIC:]
    return Score.of(
        data.groups,
        {"return": float(public.mean()), "legal-actions": legal},
        {"return": float(private.mean()), "legal-actions": legal},
        metric=float(public.mean()),
        standard_error=float(public.std() / np.sqrt(PUBLIC)),
    )


def _played(
    attempt: Attempt,
    maps_rng: np.random.Generator,
    floors: np.random.Generator,
    count: int,
    order_rng: np.random.Generator | None = None,
) -> tuple[np.ndarray, bool]:
    """What each robot earned, and whether all actions were legal; others are taken for the nearest one that is."""
    order = np.arange(count) if order_rng is None else order_rng.permutation(count)
    maps, starts = (part[order] for part in draw_maps(maps_rng, count))
    world = Warehouse(maps, starts, floors.random((STEPS, count))[:, order])
    robot = attempt.open().make("Robot", maps)
    legal = True
    for _ in range(STEPS):
        actions = robot.call("act", world.where, returns=Array("int64", (count,)))
        legal &= bool(((actions >= 0) & (actions < 4)).all())
        world.step(np.clip(actions, 0, 3))
        if world.over.all():
            break
    returns = np.empty(count)
    returns[order] = world.returns
    return returns, legal
