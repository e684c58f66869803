"""Simulated landscapes whose true stock is known: true classes and densities, a map that confuses classes.

What is published of a class is its mean density and standard deviation; the true density of the landscape
is drawn with them, independent between classes or correlated, which the method is not told. The map shows
part of each class as another; a stratified reference sample of it is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.carbon.histogram import make_histogram
from yaotan.carbon.pool import PoolTable, open_pools

CLASSES = np.arange(1, 9)
POOLS = ("c_above", "c_below", "c_dead", "c_soil")
#: published means [t/ha] of eight classes, and relative sd of the pools
MEANS = np.array([
    [55, 14, 6, 120], [48, 12, 7, 105], [8, 5, 1.5, 85], [1.2, 6, 0.4, 110],
    [3, 4, 1, 190], [4.5, 0.7, 0.1, 80], [1, 0.3, 0.1, 45], [0.1, 0.2, 0.1, 18],
])  # fmt: skip
SPREAD = np.array([0.25, 0.3, 0.5, 0.2])
REGION = 1e11


@dataclass(frozen=True)
class Landscape:
    """Maps of two dates as pairs, published pools, reference samples, true stock and change [kg]."""

    pairs: xr.Dataset
    pools: PoolTable
    sample: pd.DataFrame
    pair_sample: pd.DataFrame
    stock: float
    change: float

    @property
    def before(self) -> xr.Dataset:
        """Map of the first date."""
        from yaotan.carbon.marginal import one_date

        return one_date(self.pairs, "before")


def lognormal(random: np.random.Generator, correlation: float) -> np.ndarray:
    """True densities: lognormal with the published moments, correlated between classes in each pool."""
    common = random.standard_normal(4)
    own = random.standard_normal((8, 4))
    z = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    variance = np.log1p(SPREAD**2)
    return MEANS * np.exp(np.sqrt(variance) * z - variance / 2)


@cache
def published() -> PoolTable:
    """Give the pool table."""
    table = pd.DataFrame(
        [(c, p, MEANS[c - 1, k], SPREAD[k] * MEANS[c - 1, k]) for c in CLASSES for k, p in enumerate(POOLS)],
        columns=["class", "pool", "value", "sd"],
    ).assign(distribution="lognormal")
    return open_pools(table, scheme="own", units="t ha-1", depth=1.0)


def landscape(seed: int, *, confusion: float = 0.0, correlation: float = 0.0, points: int = 75) -> Landscape:
    """Make a landscape.

    `confusion`: share of each class that the map shows as another (the same classes at both dates);
    `correlation`: of true densities between classes; `points`: reference points in each mapped class.
    """
    random = np.random.default_rng([seed, 17])
    share = random.dirichlet(np.full(8, 2.0))
    moves = random.dirichlet(np.full(8, 1.0), size=8)
    change = 0.94 * np.eye(8) + 0.06 * moves
    truth = REGION * share[:, None] * change  # before, after
    other = random.dirichlet(np.full(8, 0.7), size=8)
    np.fill_diagonal(other, 0.0)
    shown = (1 - confusion) * np.eye(8) + confusion * other / other.sum(axis=1, keepdims=True)
    # what does not change is shown alike at both dates; what changed is shown twice
    same = np.diag(truth) @ shown
    moved = shown.T @ (truth - np.diag(np.diag(truth))) @ shown
    mapped = np.diag(same) + moved
    density = lognormal(random, correlation)
    total = density.sum(axis=1) / 10
    rows = [(b, a, mapped[b - 1, a - 1]) for b in CLASSES for a in CLASSES]
    pairs = make_histogram(pd.DataFrame(rows, columns=["before", "after", "area"]), scheme="own")
    first = truth.sum(axis=1)[:, None] * shown  # true, mapped
    really = (first / first.sum(axis=0)).T
    counts = np.stack([random.multinomial(points, row) for row in really])
    # each pair of classes as the map shows it: what does not change is shown alike, what changed twice
    joint = np.einsum("ba,bk,al->klba", truth, shown, shown)
    for c in range(8):
        joint[:, :, c, c] = np.diag(truth[c, c] * shown[c])
    joint = joint.reshape(64, 64)
    names = [int(b) * 1000 + int(a) for b in CLASSES for a in CLASSES]
    drawn = [random.multinomial(points, row / row.sum()) for row in joint]
    return Landscape(
        pairs,
        published(),
        pd.DataFrame(counts, index=CLASSES, columns=CLASSES),
        pd.DataFrame(drawn, index=names, columns=names),
        float(truth.sum(axis=1) @ total),
        float((truth * (total[None, :] - total[:, None])).sum()),
    )


def coverage(
    seeds: range,
    *,
    told: bool = False,
    area: bool = False,
    draws: int = 2000,
    uncertainty: str = "monte_carlo",
    **options: float,
) -> dict[str, float]:
    """Share of landscapes whose 95 % interval holds the truth, for stock and change; rms z of the stock.

    `told`: the method is told the correlation; `area`: it gets the reference sample.
    """
    from yaotan.carbon.change.change import stock_change
    from yaotan.carbon.stock import carbon_stock

    hits, z = {"stock": 0, "change": 0}, []
    for seed in seeds:
        one = landscape(seed, **options)
        given = {
            "draws": draws, "uncertainty": uncertainty,
            "class_correlation": options.get("correlation", 0.0) if told else 0.0,
        }  # fmt: skip
        stock = carbon_stock(one.before, one.pools, confusion=one.sample if area else None, **given)
        change = stock_change(
            one.pairs, None, one.pools, period=(2010, 2020), soil_years=0.0, dead_years=0.0,
            confusion=one.pair_sample if area else None, **given,
        )  # fmt: skip
        for result, name, truth in ((stock, "stock", one.stock), (change, "stock_change", one.change)):
            low, high = (float(result[f"{name}_{end}"][0]) for end in ("lower", "upper"))
            hits["stock" if name == "stock" else "change"] += low <= truth <= high
        z.append((float(stock.stock[0]) - one.stock) / float(stock.stock_uncertainty[0]))
    rates = {name: count / len(seeds) for name, count in hits.items()}
    return rates | {"z": float(np.sqrt(np.mean(np.square(z))))}
