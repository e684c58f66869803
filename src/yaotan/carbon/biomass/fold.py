"""Splits of plots for honest scores: whole blocks of land are left out, not plots among their neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from yaotan.carbon.budget.parameter import Floats
from yaotan.errors import SchemaError

#: metres in a degree of latitude on the authalic sphere (6371007.181 m)
_DEGREE = 111195.0


def blocks(longitude: ArrayLike, latitude: ArrayLike, size: float) -> NDArray[np.int64]:
    """Number the block that each place lies in: rows of latitude, cut into pieces of about `size` metres.

    Parameters
    ----------
    longitude, latitude : array_like
        ``(n,)`` degrees.
    size : float
        Side of a block [m].

    Returns
    -------
    numpy.ndarray
        ``(n,)`` numbers from 0, in order of latitude, then longitude.

    Raises
    ------
    SchemaError
        A place is missing, or the size is not positive.

    Examples
    --------
    >>> blocks([116.0, 116.1, 117.5], [40.0, 40.0, 40.0], 50e3).tolist()
    [0, 0, 1]
    """
    lon, lat = np.asarray(longitude, float), np.asarray(latitude, float)
    if not size > 0 or not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise SchemaError(
            f"block size {size!r}, or a place that is missing", where="BiomassModel",
            expected="metres above 0; longitude and latitude of every plot [degrees]",
        )  # fmt: skip
    row = np.floor(lat * _DEGREE / size)
    middle = (row + 0.5) * size / _DEGREE
    width = np.maximum(np.cos(np.radians(np.clip(middle, -89.9, 89.9))), 1e-3)
    column = np.floor(lon * width * _DEGREE / size)
    _, number = np.unique(np.stack([row, column]), axis=1, return_inverse=True)
    return np.asarray(number.ravel(), dtype=np.int64)


def folds(group: ArrayLike, count: int, seed: int) -> NDArray[np.int64]:
    """Give each group to one of `count` folds, so that folds are of about equal size.

    Groups are shuffled, then the largest go first to the fold that has least.

    Parameters
    ----------
    group : array_like
        ``(n,)`` numbers of groups.
    count : int
        Folds.
    seed : int
        Of the shuffle.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` fold of each row.

    Raises
    ------
    SchemaError
        There are fewer groups than folds.

    Examples
    --------
    >>> folds([0, 0, 1, 2], 2, seed=0).tolist()
    [0, 0, 1, 1]
    """
    numbers, rows = np.unique(np.asarray(group), return_inverse=True)
    if numbers.size < count:
        raise SchemaError(
            f"the plots lie in {numbers.size} block(s)", where="BiomassModel",
            expected=f"{count} or more, one for each fold at least", fix="smaller blocks, or fewer folds",
        )  # fmt: skip
    size = np.bincount(rows)
    order = np.random.default_rng(seed).permutation(numbers.size)
    order = order[np.argsort(-size[order], kind="stable")]
    load, fold = np.zeros(count), np.zeros(numbers.size, dtype=np.int64)
    for one in order:
        fold[one] = int(np.argmin(load))
        load[fold[one]] += size[one]
    return np.asarray(fold[rows])


def scores(observed: Floats, predicted: Floats) -> dict[str, float]:
    """Scores of predictions: n, bias, rmse, r2 (share of variance explained), slope of observed on predicted.

    Examples
    --------
    >>> scores(np.array([1.0, 3.0]), np.array([2.0, 2.0]))["r2"]
    0.0
    """
    error = predicted - observed
    spread = float(((observed - observed.mean()) ** 2).sum())
    moved = predicted - predicted.mean()
    slope = float((moved * observed).sum() / (moved**2).sum()) if (moved**2).sum() > 0 else float("nan")
    return {
        "n": float(observed.size),
        "bias": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": 1.0 - float((error**2).sum()) / spread if spread > 0 else float("nan"),
        "slope": slope,
    }


def levels(observed: Floats, predicted: Floats) -> pd.DataFrame:
    """Means by fifths of observed biomass: where a model saturates, the top fifth is understated.

    Examples
    --------
    >>> levels(np.arange(10.0), np.full(10, 4.5))["bias"].tolist()
    [4.0, 2.0, 0.0, -2.0, -4.0]
    """
    parts = np.array_split(np.argsort(observed, kind="stable"), 5)
    rows = [(float(observed[p].mean()), float(predicted[p].mean()), len(p)) for p in parts]
    table = pd.DataFrame(rows, columns=["observed", "predicted", "plots"])
    return table.assign(bias=table["predicted"] - table["observed"])
