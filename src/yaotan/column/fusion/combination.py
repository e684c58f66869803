"""Averages of several products by box, made one: what `fuse` does after averaging."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.column.fusion.combine import best_linear, choose_median, estimate_excess, median_uncertainty
from yaotan.column.fusion.layout import lay_grid
from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.grid.spec import GridSpec

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BoxRule:
    """How the averages of one box are made one: options of `fuse`, under its names.

    Raises
    ------
    YaotanError
        An option cannot be.
    """

    method: Literal["median", "inverse_variance"] = "median"
    correlation: ArrayLike | None = None
    floor: float = 0.0
    excess: float | None = None
    minimum_products: int = 2
    minimum_soundings: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        counts = min(self.minimum_products, self.minimum_soundings)
        rules = (
            ("method", self.method in ("median", "inverse_variance"), "median or inverse_variance"),
            ("floor", self.floor >= 0.0, "0 or more"),
            ("excess", self.excess is None or self.excess >= 0.0, "0 or more"),
            ("minimum_products", counts >= 1, "1 or more, as minimum_soundings"),
        )
        for name, fine, expected in rules:
            if not fine:
                raise YaotanError(f"{name} is {getattr(self, name)!r}", where="fuse", expected=expected)


def fuse_averages(
    averages: Mapping[str, pd.DataFrame], spec: GridSpec, column: str, rule: BoxRule
) -> xr.Dataset:
    """Fuse products whose averages by box were made before, month by month, so that soundings stream.

    Parameters
    ----------
    averages : mapping of str to pandas.DataFrame
        Name -> what `yaotan.column.fusion.box.average` gave for `spec`, months below one another.
    spec : GridSpec
        The boxes.
    column : str
        Column variable.
    rule : BoxRule
        Options of `fuse`.

    Returns
    -------
    xarray.Dataset
        The grid of `fuse`; ``lost`` counts only what was lost after averaging. That all products are on one
        prior is the caller's to see to.

    Raises
    ------
    TooFewSoundingsError, YaotanError
        As `fuse`.
    """
    check_spec(spec)
    check_number(averages)
    lost: dict[str, Any] = {name: {} for name in averages}
    boxes, stated, made, attrs = combine_boxes(averages, lost, column, rule)
    grid = lay_grid(boxes, stated, made, spec, column, list(averages))
    return grid.assign_attrs(attrs, lost=json.dumps(lost))


def combine_boxes(
    averages: Mapping[str, pd.DataFrame], lost: dict[str, Any], column: str, rule: BoxRule
) -> tuple[pd.DataFrame, Floats, dict[str, Any], dict[str, Any]]:
    """Choose or weigh in each box; `lost` counts what is left out.

    Returns
    -------
    boxes : pandas.DataFrame
        Columns (what, product), index month and cell.
    stated : numpy.ndarray
        ``(box, product)`` 1 sigma, at least the floor.
    made : dict
        Arrays by box: value, uncertainty, count, spread, products, and choice or weight.
    attrs : dict
        Of the result.
    """
    relation = _relation(rule.correlation, list(averages))
    boxes = _boxes(averages, lost, rule.minimum_soundings, rule.minimum_products)
    value, stated = boxes["value"].to_numpy(), np.maximum(boxes["sigma"].to_numpy(), rule.floor)
    tau = estimate_excess(value, stated, relation) if rule.excess is None else float(rule.excess)
    sigma = np.sqrt(stated**2 + tau**2)
    made: dict[str, Any] = {"spread": _spread(value)}
    made["products"] = np.isfinite(value).sum(axis=1)
    if rule.method == "median":
        made["choice"] = choose_median(value, sigma)
        rows = np.arange(len(value))
        made["value"] = value[rows, made["choice"]]
        made["count"] = boxes["count"].to_numpy()[rows, made["choice"]]
        made["uncertainty"] = median_uncertainty(value, sigma, relation, rule.seed)
    else:
        made["value"], made["uncertainty"], made["weight"] = best_linear(value, sigma, relation)
        made["count"] = np.nansum(boxes["count"].to_numpy(), axis=1)
    attrs = {
        "method": rule.method,
        "products": ", ".join(averages),
        "excess": tau,
        "variable": column,
        "history": f"{len(averages)} products fused by fuse(method={rule.method!r})",
    }
    return boxes, stated, made, attrs


def _spread(value: Floats) -> Floats:
    """Give the standard deviation (n - 1) of each row; NaN of fewer than two."""
    count = np.isfinite(value).sum(axis=1)
    mean = np.nansum(value, axis=1) / count
    square = np.nansum((value - mean[:, None]) ** 2, axis=1)
    return np.sqrt(np.divide(square, count - 1, out=np.full(count.size, np.nan), where=count > 1))


def check_number(products: Mapping[str, Any]) -> None:
    """Refuse to fuse fewer than two products."""
    if len(products) < 2:
        raise TooFewSoundingsError(
            f"{len(products)} product was given",
            where="fuse",
            expected="two or more",
            fix="name more products",
        )


def check_spec(spec: GridSpec) -> None:
    """Refuse boxes that are not of latitude and longitude."""
    if not (spec.is_geographic and spec.lat_edges[0] < spec.lat_edges[-1]):
        raise YaotanError(f"spec is {spec!r}", where="fuse", expected="latitude (rising), longitude")


def _relation(correlation: ArrayLike | None, names: list[str]) -> Floats:
    if correlation is None:
        return np.eye(len(names))
    given = np.asarray(correlation, float)
    fine = given.shape == (len(names),) * 2 and bool(np.allclose(given, given.T)) and bool(
        np.allclose(np.diag(given), 1.0)
    )  # fmt: skip
    if not fine or float(np.linalg.eigvalsh(given).min()) < 1e-9:
        raise YaotanError(
            f"correlation is {given.tolist()}", where="fuse",
            expected=f"symmetric, positive definite, {len(names)} x {len(names)}, ones on the diagonal",
        )  # fmt: skip
    return given


def _boxes(
    averages: Mapping[str, pd.DataFrame], lost: dict[str, Any], soundings: int, products: int
) -> pd.DataFrame:
    """Join the averages of all products: columns (what, product), index month, cell; count what is lost."""
    parts = {}
    for name, table in averages.items():
        few = table["count"] < soundings
        if few.any():
            lost[name]["too_few_in_box"] = int(table.loc[few, "count"].sum())
        parts[name] = table[~few]
    joined: Any = pd.concat(parts, axis=1).swaplevel(axis=1).sort_index()
    joined = joined[[(what, name) for what in ("value", "sigma", "count", "information") for name in parts]]
    enough = joined["value"].notna().sum(axis=1) >= products
    lost["boxes_with_too_few_products"] = int((~enough).sum())
    if not enough.any():
        raise TooFewSoundingsError(
            f"no box has {products} products (of {len(enough)} boxes with any; {lost})", where="fuse",
            expected="products of the same months and places",
            fix="compare their periods and places, widen the boxes, or ask for fewer products",
        )  # fmt: skip
    return cast(pd.DataFrame, joined[enough])
