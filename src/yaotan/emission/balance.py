"""Tables of estimates of several levels made to add up, year by year, with how far each node moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from yaotan.emission.hierarchy import reconcile
from yaotan.emission.panel_table import name_rows
from yaotan.emission.tree import Hierarchy, RegionTree, read_tree
from yaotan.errors import PanelError, SchemaError

if TYPE_CHECKING:
    import pandas as pd

_WHERE: Final = "balance"
_NEEDED: Final = ("region", "period", "estimate", "uncertainty")
#: texts that go with a region into the result
_NAMES: Final = ("region_name", "region_name_zh")


@dataclass(frozen=True, eq=False)
class Balance:
    """Estimates of all levels that add up.

    Attributes
    ----------
    nodes : pandas.DataFrame
        A row for each year and region of the hierarchy: ``period``, ``region``, ``region_name``,
        ``region_name_zh``, ``parent``, ``level`` (0 is the top), ``before``, ``before_uncertainty`` (as they
        were given, missing without an estimate), ``estimate``, ``uncertainty`` (1 sigma, as they add up),
        ``change``, ``moved`` (change over the stated sigma), ``at_zero`` (held by the bound), ``origin``:
        ``estimate``, ``sum`` of its parts, or ``remainder`` of its whole.
    years : pandas.DataFrame
        ``period``, ``regions``, ``estimates``, ``chi_square``, ``degrees``, ``probability`` (of so large a
        misfit where the levels agree; missing without a degree), ``gap`` (largest relative difference of a
        whole and the sum of its parts that is left), ``moved_most`` (region) and ``moved``.
    skipped : dict of int to str
        Years that could not be balanced, and why.
    unit : str
    """

    nodes: pd.DataFrame
    years: pd.DataFrame
    skipped: dict[int, str]
    unit: str


def balance_levels(estimates: pd.DataFrame, hierarchy: Hierarchy, *, unit: str | None = None) -> Balance:
    """Make estimates of cities, provinces and a nation add up in each year (`yaotan.reconcile`).

    Parameters
    ----------
    estimates : pandas.DataFrame
        ``region``, ``period``, ``estimate``, ``uncertainty`` (1 sigma, same unit), of all levels together, as
        `ProvincialEmission.predict_table` and its like make them; optionally ``region_name``,
        ``region_name_zh``. Sums need means: medians (``attrs["statistic"]``) are refused. A row without an
        estimate is a region that has none in that year.
    hierarchy : mapping of str to str, or pandas.DataFrame
        As `yaotan.reconcile` takes it: part to whole.
    unit : str, optional
        Of estimate and uncertainty; by default ``attrs["unit"]`` of the table.

    Returns
    -------
    Balance

    Raises
    ------
    PanelError
        A column is missing, a region and year stand twice, an estimate has no uncertainty, estimates are
        medians, or no year can be balanced.
    SchemaError
        The hierarchy is none, or a region has no place in it.

    Notes
    -----
    Errors are taken as independent between regions and levels. A bias that all levels share is not seen.
    Where cities and provinces are estimated from the same features, their errors are shared: chi square is
    then far below its degrees, and the uncertainty is stated too small.

    Examples
    --------
    >>> import pandas as pd
    >>> given = pd.DataFrame({"region": ["CN", "east", "west"], "period": 2016,
    ...                       "estimate": [100.0, 30.0, 50.0], "uncertainty": [10.0, 5.0, 5.0]})
    >>> made = balance_levels(given, {"east": "CN", "west": "CN"}, unit="Mt yr-1")
    >>> made.nodes[["region", "estimate", "moved"]].round(2).values.tolist()
    [['CN', 86.67, -1.33], ['east', 33.33, 0.67], ['west', 53.33, 0.67]]
    """
    import pandas as pd

    table = _check(estimates)
    # what is wrong with the tree is wrong in every year, and said at once
    tree = read_tree(hierarchy, list(dict.fromkeys(table["region"])))
    names = {name: _named(estimates, name) for name in _NAMES}
    nodes, years, skipped = [], [], {}
    for period in sorted(set(table["period"])):
        part = table[(table["period"] == period) & table["estimate"].notna()]
        try:
            made, row = _balance_year(part, hierarchy, tree)
        except SchemaError as error:
            skipped[int(period)] = error.what
            continue
        nodes.append(made.assign(period=int(period)))
        years.append({"period": int(period), **row})
    if not nodes:
        raise PanelError(
            f"none of {len(skipped)} years can be balanced; the first: {next(iter(skipped.values()), '')}",
            where=_WHERE, expected="in one year or more, every lowest region with an estimate",
            fix="take regions without estimates out of the hierarchy, or together as one 'rest of ...'",
        )  # fmt: skip
    joined = pd.concat(nodes, ignore_index=True)
    for name, known in names.items():
        joined[name] = [known.get(region, region) for region in joined["region"]]
    order = ["period", "region", *_NAMES, "parent", "level", "before", "before_uncertainty", "estimate"]
    order += ["uncertainty", "change", "moved", "at_zero", "origin"]
    return Balance(joined[order], pd.DataFrame(years), skipped, unit or str(estimates.attrs.get("unit", "")))


def _check(estimates: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    lacking = [name for name in _NEEDED if name not in estimates]
    if lacking:
        raise PanelError(
            f"the estimates have no column {lacking[0]}", where=_WHERE, expected=", ".join(_NEEDED)
        )
    if estimates.attrs.get("statistic") == "median":
        raise PanelError(
            "the estimates are medians, and a sum of medians is no estimate of a total", where=_WHERE,
            expected="means", fix='ProvincialEmission(statistic="mean")',
        )  # fmt: skip
    table = estimates[list(_NEEDED)].copy()
    for name in ("period", "estimate", "uncertainty"):
        numbers = pd.to_numeric(table[name], errors="coerce")
        wrong = table[numbers.isna() & table[name].notna()]
        if len(wrong) or (name == "period" and numbers.isna().any()):
            raise PanelError(f"{name} is no number: {name_rows(wrong)}", where=_WHERE)
        table[name] = numbers
    if table["region"].isna().any() or (table["period"] % 1 != 0).any():
        raise PanelError("a row has no region or no whole year", where=_WHERE, expected="region, period")
    table["region"] = table["region"].astype(str)
    doubled = table[table.duplicated(["region", "period"], keep=False)]
    if len(doubled):
        raise PanelError(
            f"{len(doubled)} rows share a region and period: {name_rows(doubled)}", where=_WHERE,
            expected="each region and period once",
        )  # fmt: skip
    sigma = table["uncertainty"].to_numpy(float)
    bare = table[table["estimate"].notna() & ~(np.isfinite(sigma) & (sigma > 0))]
    if len(bare):
        raise PanelError(
            f"{len(bare)} estimates have no uncertainty: {name_rows(bare)}", where=_WHERE,
            expected="1 sigma above 0 beside each estimate",
            fix="state one; for a total that must not move a small one, such as 1e-6 of its value",
        )  # fmt: skip
    return table


def _named(estimates: pd.DataFrame, name: str) -> dict[str, str]:
    if name not in estimates:
        return {}
    known = estimates[estimates[name].notna() & (estimates[name] != "")]
    return dict(zip(known["region"].astype(str), known[name].astype(str), strict=True))


def _balance_year(
    part: pd.DataFrame, hierarchy: Hierarchy, tree: RegionTree
) -> tuple[pd.DataFrame, dict[str, float | int | str]]:
    """Give nodes from the top down, and what is said of the year."""
    import pandas as pd
    import xarray as xr
    from scipy.stats import chi2

    given = xr.Dataset(
        {"emission": ("region", part["estimate"].to_numpy(float)),
         "emission_uncertainty": ("region", part["uncertainty"].to_numpy(float))},
        {"region": part["region"].to_numpy(object)},
    )  # fmt: skip
    done = reconcile(given, hierarchy)
    regions = [str(name) for name in done["region"].values]
    made = pd.DataFrame({"region": regions, "parent": [tree.parent.get(name, "") for name in regions]})
    made["level"] = [_depth(name, tree) for name in regions]
    made["before"], made["estimate"] = done["emission_before"].values, done["emission"].values
    stated = dict(zip(part["region"], part["uncertainty"], strict=True))
    made["before_uncertainty"] = made["region"].map(stated)
    made["uncertainty"] = done["emission_uncertainty"].values
    made["change"] = made["estimate"] - made["before"]
    made["moved"], made["at_zero"] = done["moved"].values, done["at_zero"].values
    inferred = np.where(made["region"].isin(tree.leaves), "remainder", "sum")
    made["origin"] = np.where(made["before"].notna(), "estimate", inferred)
    degrees, misfit = int(done["degrees"]), float(done["chi_square"])
    far = np.nan_to_num(made["moved"].abs().to_numpy(float), nan=-1.0)
    most = int(far.argmax())
    row: dict[str, float | int | str] = {
        "regions": len(made),
        "estimates": len(part),
        "chi_square": misfit,
        "degrees": degrees,
        "probability": float(chi2.sf(misfit, degrees)) if degrees else float("nan"),
        "gap": largest_gap(made),
        "moved_most": regions[most],
        "moved": float(made["moved"].to_numpy(float)[most]),
    }
    return made.sort_values("level", kind="stable", ignore_index=True), row


def _depth(name: str, tree: RegionTree) -> int:
    depth = 0
    while name in tree.parent:
        name, depth = tree.parent[name], depth + 1
    return depth


def largest_gap(nodes: pd.DataFrame) -> float:
    """Give the largest relative difference between a whole and the sum of its parts, of one year.

    Parameters
    ----------
    nodes : pandas.DataFrame
        ``region``, ``parent``, ``estimate``.
    """
    parts = nodes[nodes["parent"] != ""].groupby("parent")["estimate"].sum()
    whole = nodes.set_index("region")["estimate"].reindex(parts.index)
    size = np.maximum(np.maximum(whole.abs(), parts.abs()), np.finfo(float).tiny)
    return float(((whole - parts).abs() / size).max())
