"""Emissions of cities, provinces and the nation that add up: minimum-trace reconciliation, never negative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.emission.covariance import error_covariance
from yaotan.emission.tree import Hierarchy, RegionTree, read_tree
from yaotan.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

Array: TypeAlias = NDArray[np.float64]
_WHERE: Final = "reconcile"


@dataclass(frozen=True)
class Reconciled:
    """One period reconciled: values and sigma of all nodes, the misfit, leaves held at zero."""

    value: Array
    sigma: Array
    chi_square: float
    degrees: int
    at_zero: NDArray[np.bool_]


def reconcile(
    estimates: xr.Dataset,
    hierarchy: Hierarchy,
    *,
    variable: str = "emission",
    covariance: pd.DataFrame | Array | None = None,
    residuals: pd.DataFrame | None = None,
) -> xr.Dataset:
    r"""Make estimates of regions and of their parts add up, each moved by as little as its error allows.

    With the summing matrix S (nodes by leaves), the estimates :math:`\hat y` of the nodes that have one and
    the covariance W of their errors:

    .. math:: \tilde b = \arg\min_{b \ge 0} (\hat y - S b)' W^{-1} (\hat y - S b), \quad \tilde y = S \tilde b

    Where no bound is met this is MinT, :math:`\tilde y = S (S' W^{-1} S)^{-1} S' W^{-1} \hat y`
    (Wickramasuriya, Athanasopoulos and Hyndman 2019, JASA 114, 804); where one is, the projection onto the
    non-negative sums in the metric of W (Wickramasuriya, Turlach and Hyndman 2020, Stat. Comput. 30, 1167),
    by an active set (Lawson and Hanson 1974), and not the negative ones cut off afterwards.

    Parameters
    ----------
    estimates : xarray.Dataset
        Estimate with dims ``(region[, time])``: `variable` and ``<variable>_uncertainty`` (1 sigma), of
        regions of any level together. A region that has no value (NaN) in a period has none to be kept.
    hierarchy : mapping of str to str, or pandas.DataFrame
        Region to the region that it is part of; or a table with ``region`` and ``parent``. The parts of a
        region must fill it: name a region such as ``"rest of 370000"`` where they do not; it needs no
        estimate.
    variable : str
        What is reconciled; a quantity that sums over regions.
    covariance : pandas.DataFrame or numpy.ndarray, optional
        W in the squared unit of `variable`: a table labelled with the regions on both sides, or an array in
        their order; the stated uncertainty is then not used. Without it, W is diagonal.
    residuals : pandas.DataFrame, optional
        Past errors, one column for each region (columns of other regions are refused), without gaps: W has
        the stated variances and the correlations of the residuals, shrunk to none (`shrunk_correlation`).

    Returns
    -------
    xarray.Dataset
        Of all regions of the hierarchy, those of `estimates` first: `variable`, ``<variable>_uncertainty``,
        ``<variable>_before``, ``moved`` (change over the stated sigma; NaN without an estimate), ``at_zero``
        (leaf held by the bound); by period ``chi_square`` and ``degrees``: how far the estimates contradict
        each other for the errors that they state. Attributes ``summed`` and ``inferred`` name the regions
        without an estimate whose value is the sum of their parts, or what their whole leaves over.

    Raises
    ------
    SchemaError
        A region is not in the hierarchy, a value has no uncertainty, a part without an estimate cannot be
        inferred, W is not symmetric and positive definite: each by name.

    Notes
    -----
    The uncertainty is that of the reconciliation without the bound, :math:`S (S' W^{-1} S)^{-1} S'`: the
    projection onto the bound never makes the error larger in the metric of W. It holds for errors that are as
    stated and independent (or as in W): a bias that all levels share is not seen. Sums agree to rounding,
    since every node is the sum of its leaves.

    Examples
    --------
    >>> given = xr.Dataset(
    ...     {"emission": ("region", [100.0, 30.0, 50.0]),
    ...      "emission_uncertainty": ("region", [10.0, 5.0, 5.0])},
    ...     {"region": ["nation", "east", "west"]})
    >>> done = reconcile(given, {"east": "nation", "west": "nation"})
    >>> done.emission.values.round(2).tolist(), done.moved.values.round(2).tolist()
    ([86.67, 33.33, 53.33], [-1.33, 0.67, 0.67])
    """
    value, sigma = _values(estimates, variable)
    regions = [str(name) for name in estimates["region"].values]
    tree = read_tree(hierarchy, regions)
    whole = error_covariance(regions, sigma, covariance=covariance, residuals=residuals, name=variable)
    periods = [
        _reconcile_period(tree, value[:, t], whole[:, :, t], _label(estimates, t))
        for t in range(value.shape[1])
    ]
    return _assemble(estimates, tree, variable, value, np.sqrt(np.diagonal(whole).T), periods)


def _values(estimates: xr.Dataset, variable: str) -> tuple[Array, Array]:
    """Values and sigma, both (region, time); a value without sigma is refused by name."""
    for name in (variable, f"{variable}_uncertainty"):
        if name not in estimates:
            raise SchemaError(f"{name} is missing", where=_WHERE, expected=f"an estimate with {variable}")
        dims = set(map(str, estimates[name].dims))
        if not {"region"} <= dims <= {"region", "time"}:
            raise SchemaError(
                f"{name} has dims {estimates[name].dims}", where=_WHERE,
                expected="region, or region and time",
                fix="choose one sector or fuel first",
            )  # fmt: skip
    blank = xr.DataArray(np.zeros(estimates.sizes.get("time", 1)), dims="time")
    arrays = [
        (estimates[name].drop_vars("time", errors="ignore") + blank).transpose("region", "time")
        for name in (variable, f"{variable}_uncertainty")
    ]
    value, sigma = (np.asarray(array.values, dtype=float) for array in arrays)
    names = estimates["region"].values
    infinite = np.isinf(value).any(axis=1)
    if infinite.any():
        raise SchemaError(f"{variable} of {names[infinite][0]} is infinite", where=_WHERE)
    bare = (np.isfinite(value) & ~(np.isfinite(sigma) & (sigma > 0))).any(axis=1)
    if bare.any():
        raise SchemaError(
            f"{variable} has no uncertainty at {', '.join(map(str, names[bare][:8]))}", where=_WHERE,
            expected="1 sigma above 0 beside each value",
            fix="state one; for a total that must not move a small one, such as 1e-6 of its value",
        )  # fmt: skip
    return value, np.where(np.isfinite(value), sigma, np.nan)


def _label(estimates: xr.Dataset, t: int) -> str:
    return f" in {estimates['time'].values[t]}" if "time" in estimates.coords else ""


def _reconcile_period(tree: RegionTree, value: Array, whole: Array, label: str) -> Reconciled:
    there = np.flatnonzero(np.isfinite(value))
    summing = tree.summing[there]
    _check_inferable(tree, summing, label)
    try:
        lower = np.linalg.cholesky(whole[np.ix_(there, there)])
    except np.linalg.LinAlgError as error:
        raise SchemaError(
            f"the covariance of the errors is not positive definite{label}", where=_WHERE,
            expected="a symmetric matrix, no error of which is a sum of others",
        ) from error  # fmt: skip
    # one whitening for both problems; the size of the values leaves the numbers near one
    design, target = np.linalg.solve(lower, summing), np.linalg.solve(lower, value[there])
    leaves, at_zero = _solve(design, target)
    spread = np.linalg.inv(design.T @ design)
    misfit = target - design @ leaves
    return Reconciled(
        value=tree.summing @ leaves,
        sigma=np.sqrt(np.einsum("nl,lk,nk->n", tree.summing, spread, tree.summing)),
        chi_square=float(misfit @ misfit),
        degrees=len(there) - len(tree.leaves),
        at_zero=at_zero,
    )


def _check_inferable(tree: RegionTree, summing: Array, label: str) -> None:
    """Refuse leaves that neither an estimate nor a remainder fixes."""
    if len(summing):
        _, size, basis = np.linalg.svd(summing)
        free = basis[int((size > 1e-9 * size[0]).sum()) :]
    else:
        free = np.eye(len(tree.leaves))
    open_ = [
        leaf for leaf, column in zip(tree.leaves, free.T, strict=True) if np.abs(column).max(initial=0) > 1e-9
    ]
    if open_:
        raise SchemaError(
            f"{len(open_)} regions have no estimate{label} and cannot be had as a remainder: "
            f"{', '.join(open_[:8])}", where=_WHERE,
            expected="at most one part without an estimate in a region that has one",
            fix="leave them out of the hierarchy, or take them together as one region 'rest of ...'",
        )  # fmt: skip


def _solve(design: Array, target: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Least squares with non-negative unknowns; the exact solution of those that are not at the bound."""
    free: Array = np.asarray(np.linalg.lstsq(design, target)[0], dtype=float)
    if (free >= 0).all():
        return free, np.zeros(len(free), dtype=bool)
    from scipy.optimize import nnls

    bounded: Array = nnls(design, target, maxiter=30 * design.shape[1])[0]
    inside = bounded > 0
    out = np.zeros_like(bounded)
    exact, *_ = np.linalg.lstsq(design[:, inside], target)
    # rounding may leave a leaf that stands almost at the bound below it: then the active set's own value
    out[inside] = exact if (exact >= 0).all() else bounded[inside]
    return out, ~inside


def _assemble(
    estimates: xr.Dataset,
    tree: RegionTree,
    variable: str,
    value: Array,
    sigma: Array,
    periods: Sequence[Reconciled],
) -> xr.Dataset:
    timed = "time" in estimates[variable].dims
    dims = ("region", "time") if timed else ("region",)
    empty = np.full((len(tree.nodes), len(periods)), np.nan)
    before, stated = empty.copy(), empty.copy()
    before[: len(value)], stated[: len(value)] = value, sigma
    after = np.stack([period.value for period in periods], axis=1)
    at_zero = np.zeros(after.shape, dtype=bool)
    rows = [tree.nodes.index(leaf) for leaf in tree.leaves]
    at_zero[rows] = np.stack([period.at_zero for period in periods], axis=1)
    fields = {
        variable: after,
        f"{variable}_uncertainty": np.stack([period.sigma for period in periods], axis=1),
        f"{variable}_before": before,
        "moved": (after - before) / stated,
        "at_zero": at_zero,
    }
    out = xr.Dataset(
        {name: (dims, field if timed else field[:, 0]) for name, field in fields.items()},
        coords=_coordinates(estimates, tree),
        attrs={**estimates.attrs, **_gaps(tree, before), "method": "MinT, non-negative"},
    )
    scores: dict[str, list[Any]] = {
        "chi_square": [period.chi_square for period in periods],
        "degrees": [period.degrees for period in periods],
    }
    for name, score in scores.items():
        out[name] = ("time", score) if timed else ((), score[0])
        out[name].attrs["units"] = "1"
    for name in (variable, f"{variable}_uncertainty", f"{variable}_before"):
        out[name].attrs = dict(estimates[variable].attrs)
    out["moved"].attrs = {"units": "1", "long_name": "change over the stated standard deviation"}
    return out


def _coordinates(estimates: xr.Dataset, tree: RegionTree) -> dict[str, Any]:
    """Coordinates of the estimate; a region that only the hierarchy names is called by its identifier."""
    known = estimates.sizes["region"]
    extra = list(tree.nodes[known:])
    coords: dict[str, Any] = {"region": np.array(tree.nodes, dtype=object)}
    for name, coord in estimates.coords.items():
        if name in coords:
            continue
        if coord.dims == ("region",) and coord.dtype.kind in "OUT":
            coords[str(name)] = ("region", np.array([*coord.values, *extra], dtype=object), coord.attrs)
        elif coord.dims == ("region",) and coord.dtype.kind == "f":
            coords[str(name)] = ("region", np.append(coord.values, [np.nan] * len(extra)), coord.attrs)
        elif "region" not in coord.dims:
            coords[str(name)] = coord
    coords["parent"] = ("region", np.array([tree.parent.get(name, "") for name in tree.nodes], dtype=object))
    return coords


def _gaps(tree: RegionTree, before: Array) -> dict[str, str]:
    """Regions that had no estimate in some period, by how they got one."""
    bare = [name for name, row in zip(tree.nodes, before, strict=True) if not np.isfinite(row).all()]
    leaves = set(tree.leaves)
    return {
        "summed": ", ".join(name for name in bare if name not in leaves),
        "inferred": ", ".join(name for name in bare if name in leaves),
    }
