"""Why two totals differ: the gap split into area, class definition, depth, carbon fraction and density."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.errors import SchemaError

#: Factors of a stock, in the order of the waterfall -> English and Chinese words.
FACTORS: Final = {
    "area": ("area of the map", "地图面积"),
    "definition": ("definition of the class", "类别定义"),
    "depth": ("depth of the soil", "土壤深度"),
    "fraction": ("carbon fraction", "含碳率"),
    "biomass": ("density of biomass", "生物量密度"),
    "soil": ("density of soil carbon", "土壤碳密度"),
}
#: what a factor is where an account does not speak of it
_DEFAULT: Final = {"definition": 1.0, "depth": 1.0, "fraction": 1.0, "biomass": 0.0, "soil": 0.0}


def shapley(value: Callable[[frozenset[str]], np.ndarray], players: Sequence[str]) -> dict[str, np.ndarray]:
    r"""Split ``value(all) - value(none)`` over players, the mean over every order in which they come in.

    .. math:: \phi_i = \sum_{S \not\ni i} \frac{|S|! (n - |S| - 1)!}{n!} [v(S \cup i) - v(S)]

    (Shapley 1953; the only split that is symmetric, additive, and sums to the whole.)

    Parameters
    ----------
    value : callable
        Set of the players that are in -> value.
    players : sequence of str
        Names; 2^n values are asked for.

    Returns
    -------
    dict of str to numpy.ndarray
        Contribution of each.

    Examples
    --------
    >>> product = lambda there: np.array((3.0 if "a" in there else 1.0) * (5.0 if "b" in there else 1.0))
    >>> {name: float(part) for name, part in shapley(product, ["a", "b"]).items()}
    {'a': 6.0, 'b': 8.0}
    """
    n = len(players)
    known = {
        frozenset(group): np.asarray(value(frozenset(group)), dtype=float)
        for size in range(n + 1)
        for group in combinations(players, size)
    }
    out = {}
    for player in players:
        total = np.zeros_like(known[frozenset()])
        for group, without in known.items():
            if player in group:
                continue
            weight = math.factorial(len(group)) * math.factorial(n - len(group) - 1) / math.factorial(n)
            total = total + weight * (known[group | {player}] - without)
        out[player] = total
    return out


def reconcile_stock(
    ours: pd.DataFrame,
    theirs: pd.DataFrame,
    *,
    uncertainty: tuple[float, float] | None = None,
) -> xr.Dataset:
    r"""Split the gap between two carbon totals over what makes them differ.

    Each account is a product by class,

    .. math:: S = \sum_c A_c \, k_c \, (B_c f_c + Z_c d_c)

    with the area A of the map, k the area under the account's definition of the class over that under ours,
    B biomass (of dry matter) and f its carbon fraction, Z soil carbon to our depth and d what the account's
    depth holds over what ours holds. Every factor is changed from ours to theirs in every order (`shapley`),
    so the parts depend on no order and sum to the gap.

    Parameters
    ----------
    ours, theirs : pandas.DataFrame
        One row for each class: ``class`` (names that both use), ``area`` [m2], and any of ``definition`` (k),
        ``biomass`` [kg m-2], ``fraction``, ``soil`` [kg m-2], ``depth`` (d). `area` of theirs is under their
        definition; k of ours is 1. A factor (column) that theirs lacks is as ours: it is not told apart, and
        stands in the attribute ``not_separated``. A class that one of them lacks has area 0 there.
    uncertainty : (float, float), optional
        1 sigma of the two totals [kg].

    Returns
    -------
    xarray.Dataset
        Dims ``class``, ``factor``: ``contribution`` [kg], ``stock_ours``, ``stock_theirs`` (class) [kg];
        attributes ``gap`` (theirs - ours), ``gap_uncertainty``.

    Raises
    ------
    SchemaError
        A column is missing or holds no number, a class is doubled, no class is in both.

    Examples
    --------
    >>> ours = pd.DataFrame({"class": ["forest"], "area": [2e12], "biomass": [10.0], "fraction": [0.47]})
    >>> theirs = pd.DataFrame({"class": ["forest"], "area": [1.8e12], "biomass": [9.0], "fraction": [0.5]})
    >>> split = reconcile_stock(ours, theirs)
    >>> bool(np.isclose(split.contribution.sum(), 1.8e12 * 9 * 0.5 - 2e12 * 10 * 0.47))
    True
    """
    mine, other = (_account(table, name) for table, name in ((ours, "ours"), (theirs, "theirs")))
    classes = [*mine.index, *(name for name in other.index if name not in mine.index)]
    if not set(mine.index) & set(other.index):
        raise SchemaError(
            "the accounts have no class in common", where="reconcile_stock",
            expected=f"names that both use; ours are {', '.join(map(str, mine.index))}",
        )  # fmt: skip
    here = _fill(mine, other, classes)
    there = _fill(other, mine, classes)
    # their area under their definition, brought to ours: what the map is responsible for
    here["definition"] = np.ones(len(classes))
    if "definition" not in other:
        there["definition"] = np.ones(len(classes))
    wide = there["definition"]
    there["area"] = np.divide(there["area"], wide, out=np.zeros(len(classes)), where=wide > 0)
    players = [name for name in FACTORS if name in mine.columns or name in other.columns]

    def total(group: frozenset[str]) -> np.ndarray:
        f = {name: (there if name in group else here)[name] for name in FACTORS}
        scaled = f["area"] * f["definition"]
        return np.asarray(scaled * (f["biomass"] * f["fraction"] + f["soil"] * f["depth"]))

    parts = shapley(total, players)
    before, after = total(frozenset()), total(frozenset(players))
    silent = [name for name in players if name not in other.columns]
    out = xr.Dataset(
        {
            "contribution": (("class", "factor"), np.stack([parts[p] for p in players], axis=1)),
            "stock_ours": ("class", before),
            "stock_theirs": ("class", after),
        },
        coords={
            "class": np.array(classes, dtype=object), "factor": np.array(players, dtype=object),
            "factor_name": ("factor", np.array([FACTORS[p][0] for p in players], dtype=object)),
            "factor_name_zh": ("factor", np.array([FACTORS[p][1] for p in players], dtype=object)),
        },
        attrs={
            "gap": float(after.sum() - before.sum()),
            "not_separated": ", ".join(silent),
            "substance": "C",
        },
    )  # fmt: skip
    for name in out.data_vars:
        out[name].attrs = {"units": "kg", "substance": "C"}
    if uncertainty is not None:
        out.attrs["gap_uncertainty"] = math.hypot(*uncertainty)
    return out


def waterfall(split: xr.Dataset) -> pd.DataFrame:
    """Lay a reconciliation out as a waterfall: ours, one step for each factor, theirs.

    Parameters
    ----------
    split : xarray.Dataset
        From `reconcile_stock`.

    Returns
    -------
    pandas.DataFrame
        ``step``, ``name``, ``name_zh``, ``change``, ``start``, ``end`` [kg]; the first and last row are the
        totals.

    Examples
    --------
    >>> table = pd.DataFrame({"class": ["forest"], "area": [1e12], "biomass": [10.0], "fraction": [0.5]})
    >>> steps = waterfall(reconcile_stock(table, table.assign(area=2e12)))
    >>> steps[["step", "change", "end"]].values.tolist()[:2]
    [['ours', 5000000000000.0, 5000000000000.0], ['area', 5000000000000.0, 10000000000000.0]]
    """
    steps = split["contribution"].sum("class").values
    ours, theirs = float(split["stock_ours"].sum()), float(split["stock_theirs"].sum())
    ends = ours + np.cumsum(steps)
    rows = [("ours", "ours", "本研究", ours, 0.0, ours)]
    labels = zip(
        split["factor"].values, split["factor_name"].values, split["factor_name_zh"].values, strict=True
    )
    for (key, name, name_zh), step, end in zip(labels, steps, ends, strict=True):
        rows.append((str(key), str(name), str(name_zh), float(step), float(end - step), float(end)))
    rows.append(("theirs", "published", "已发表", theirs, 0.0, theirs))
    return pd.DataFrame(rows, columns=["step", "name", "name_zh", "change", "start", "end"])


def _account(table: pd.DataFrame, name: str) -> pd.DataFrame:
    missing = [column for column in ("class", "area") if column not in table]
    if missing:
        raise SchemaError(
            f"{name} has no column {missing[0]}", where="reconcile_stock", expected="class, area"
        )
    if table["class"].duplicated().any():
        doubled = table.loc[table["class"].duplicated(), "class"].iloc[0]
        raise SchemaError(f"{name} has the class {doubled!r} twice", where="reconcile_stock")
    kept = table.set_index("class")[[column for column in FACTORS if column in table]].astype(float)
    for column in kept:
        if not np.isfinite(kept[column]).all() or (kept[column] < 0).any():
            bad = kept.index[~(kept[column] >= 0)][0]
            raise SchemaError(
                f"{column} of {bad!r} in {name} is missing or negative", where="reconcile_stock",
                expected="a number of 0 or more", fix="leave the column out if it is not known for any class",
            )  # fmt: skip
    return kept


def _fill(one: pd.DataFrame, other: pd.DataFrame, classes: list[str]) -> dict[str, np.ndarray]:
    """Factors of an account for all classes: 0 area of a class it lacks, the other's where it is silent."""
    out = {}
    for name in FACTORS:
        own = one[name].reindex(classes) if name in one else pd.Series(np.nan, index=classes)
        if name == "area":
            out[name] = own.fillna(0.0).to_numpy()
            continue
        lent = other[name].reindex(classes) if name in other else pd.Series(np.nan, index=classes)
        out[name] = own.fillna(lent).fillna(_DEFAULT[name]).to_numpy()
    return out
