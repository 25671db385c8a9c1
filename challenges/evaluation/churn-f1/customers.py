"""Draws customers and whether they leave: parameters from one generator, rows and label noise from others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PLANS = ("basic", "plus", "max")
REGIONS = ("east", "islands", "north", "south", "west")
DISCOUNTS = (0, 5, 10, 20)
COLUMNS = (
    "tenure_months",
    "monthly_fee",
    "tickets",
    "plan",
    "region",
    "usage_hours",
    "days_since_login",
    "autopay",
    "discount_percent",
    "usage_change_percent",
)
HOLES = ("tenure_months", "monthly_fee", "tickets", "days_since_login", "discount_percent", "usage_change_percent")
MISSING = 0.08
CHURN = 0.15
SHARPNESS = 3.8
"""How surely the risk decides: the smaller, the more do the labels depend on chance."""

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Customers:
    """Complete rows, column by column, and who asked not to be measured (their usage is always missing)."""

    columns: dict[str, Numbers]
    private: Flags


@dataclass(frozen=True)
class Population:
    """What the statement does not tell: how strong each effect is, where it lies, and the level of risk."""

    weights: Numbers
    calm: float
    """The change of usage at which customers are happiest, in per cent."""
    hot: NDArray[np.int64]
    """The two regions with a strong competitor."""
    level: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Population":
        """A population of which the share CHURN leaves."""
        weights, calm = rng.uniform(0.95, 1.05, 5), rng.uniform(-3, 3)
        loose = cls(weights, calm, rng.choice(len(REGIONS), 2, replace=False), 0.0)
        risk = loose.risk(draw(rng, 40_000))
        low, high = -20.0, 20.0
        for _ in range(60):
            level = (low + high) / 2
            if _share(risk, level).mean() > CHURN:
                low = level
            else:
                high = level
        return cls(loose.weights, loose.calm, loose.hot, level)

    def risk(self, customers: Customers) -> Numbers:
        """Interactions and an effect with two sides: hardly any of it is visible to a sum of single columns."""
        of = customers.columns
        w = self.weights
        swing = np.clip(np.abs(of["usage_change_percent"] - self.calm) / 20 - 1, 0, 1)
        early_trouble = (of["tickets"] >= 3) & (of["tenure_months"] < 24)
        absent = np.tanh((of["days_since_login"] - 12) / 8) * np.where(of["autopay"] == 1, -0.6, 1.0)
        poached = np.isin(of["region"], self.hot) & (of["discount_percent"] == 0)
        effects: Numbers = (
            3.3 * w[0] * swing
            + 1.5 * w[1] * early_trouble
            + 1.2 * w[2] * absent
            + 0.8 * w[3] * poached
            + 1.0 * w[4] * customers.private
        )
        return effects

    def churn(self, customers: Customers, noise: np.random.Generator) -> Flags:
        """Who leaves."""
        share = _share(self.risk(customers), self.level)
        return noise.random(len(share)) < share


def _share(risk: Numbers, level: float) -> Numbers:
    chances: Numbers = 1 / (1 + np.exp(-SHARPNESS * (risk - level)))
    return chances


def draw(rng: np.random.Generator, count: int) -> Customers:
    """Rows without holes."""
    plan = rng.integers(0, len(PLANS), count)
    columns = {
        "tenure_months": np.round(rng.gamma(1.6, 16, count)).clip(0, 120),
        "monthly_fee": np.round(15 + 12 * plan + rng.normal(0, 6, count), 2).clip(5, None),
        "tickets": rng.poisson(1.6, count),
        "plan": plan,
        "region": rng.integers(0, len(REGIONS), count),
        "usage_hours": np.round(rng.gamma(3, 8, count), 1),
        "days_since_login": np.round(rng.exponential(12, count)).clip(0, 90),
        "autopay": rng.random(count) < 0.55,
        "discount_percent": rng.choice(DISCOUNTS, count, p=(0.5, 0.2, 0.2, 0.1)),
        "usage_change_percent": np.round(rng.normal(0, 20, count), 1),
    }
    return Customers({name: values.astype(float) for name, values in columns.items()}, rng.random(count) < 0.08)


def written(customers: Customers, rng: np.random.Generator) -> list[list[str]]:
    """The rows as they stand in a file, with holes; in the order of COLUMNS."""
    cells = {name: _cells(name, values) for name, values in customers.columns.items()}
    for name in HOLES:
        for row in np.flatnonzero(rng.random(len(customers.private)) < MISSING):
            cells[name][row] = ""
    for row in np.flatnonzero(customers.private):
        cells["usage_hours"][row] = ""
    return [list(row) for row in zip(*(cells[name] for name in COLUMNS), strict=True)]


def _cells(name: str, values: Numbers) -> list[str]:
    words = {"plan": PLANS, "region": REGIONS, "autopay": ("no", "yes")}.get(name)
    if words is not None:
        return [words[int(value)] for value in values]
    digits = {"monthly_fee": 2, "usage_hours": 1, "usage_change_percent": 1}.get(name, 0)
    return [f"{value:.{digits}f}" for value in values]
