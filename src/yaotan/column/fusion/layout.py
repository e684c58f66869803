"""What `fuse` gives back: a grid of boxes, or the soundings of the chosen products."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.gas import gases
from yaotan.column.fusion.box import Placed
from yaotan.grid.spec import GridSpec

Floats: TypeAlias = NDArray[np.float64]

#: what is made of each box -> ending of the variable, its words
_BY_BOX: Final = {
    "value": ("", "fused column"),
    "uncertainty": ("_uncertainty", "1 sigma of the fused column"),
    "spread": ("_spread", "standard deviation of the averages of the products"),
    "count": ("_count", "soundings used"),
    "products": ("_products", "products"),
}


def lay_grid(
    boxes: pd.DataFrame,
    stated: Floats,
    made: Mapping[str, Any],
    spec: GridSpec,
    column: str,
    names: list[str],
) -> xr.Dataset:
    """Lay boxes on the grid of the spec, from the first month to the last."""
    months = np.arange(boxes.index[0][0], boxes.index[-1][0] + 1)
    shape = (months.size, *spec.shape)
    at = (
        boxes.index.get_level_values(0) - months[0],
        *np.unravel_index(boxes.index.get_level_values(1), spec.shape),
    )
    units = gases()[column].units
    dims = ("time", *spec.dims)

    def laid(values: Any, fill: float = np.nan, dtype: Any = float) -> Any:
        lying = np.full(shape + np.shape(values)[1:], fill, dtype)
        lying[at] = values
        return lying

    def by_product(values: Any, unit: str, words: str) -> Any:
        return ("product", *dims), np.moveaxis(laid(values), -1, 0), {"units": unit, "long_name": words}

    out = xr.Dataset()
    for name, (ending, words) in _BY_BOX.items():
        counted = name in ("count", "products")
        attrs = {"units": "1" if counted else units, "long_name": words}
        out[column + ending] = dims, laid(made[name], *((0, np.int64) if counted else ())), attrs
    if gases()[column].standard_name:
        out[column].attrs["standard_name"] = gases()[column].standard_name
    out[f"{column}_average"] = by_product(boxes["value"].to_numpy(), units, "average of each product")
    out[f"{column}_average_uncertainty"] = by_product(stated, units, "1 sigma of it, from stated errors")
    out[f"{column}_average_count"] = by_product(boxes["count"].to_numpy(), "1", "soundings of each product")
    if "choice" in made:
        out[f"{column}_choice"] = dims, laid(made["choice"], 255, np.uint8), _flags(names)
    else:
        out[f"{column}_weight"] = by_product(made["weight"], "1", "weight of each product")
    return out.assign_coords(spec.coords().coords).assign_coords(product=names, **_time(months))


def _time(months: NDArray[np.int64]) -> dict[str, Any]:
    """Give the coordinates of calendar months, counted since 1970."""
    start, end = months.astype("datetime64[M]"), (months + 1).astype("datetime64[M]")
    bounds = np.stack([start, end], axis=1).astype("datetime64[ns]")
    middle = bounds[:, 0] + (bounds[:, 1] - bounds[:, 0]) // 2
    attrs = {"bounds": "time_bnds", "axis": "T", "standard_name": "time"}
    return {"time": ("time", middle, attrs), "time_bnds": (("time", "nv"), bounds)}


def _flags(names: list[str]) -> dict[str, Any]:
    return {
        "flag_values": np.arange(len(names), dtype=np.uint8),
        "flag_meanings": " ".join(name.replace(" ", "_") for name in names),
        "long_name": "product whose average is the median",
    }


def take_soundings(
    products: Mapping[str, xr.Dataset],
    found: Mapping[str, Placed],
    boxes: pd.DataFrame,
    made: Mapping[str, Any],
    column: str,
    outweigh: float,
    lost: dict[str, Any],
) -> xr.Dataset:
    """Take the soundings of the chosen product of each box, thinned where they outweigh the others."""
    information = boxes["information"].to_numpy()
    limit = outweigh * np.nanmedian(information, axis=1)
    tables = list(products.values())
    shared = [
        str(name)
        for name in tables[0].variables
        if all(name in table and table[name].dims == ("sounding",) for table in tables)
    ]
    parts = []
    for number, (name, part) in enumerate(found.items()):
        box = boxes.index.get_indexer(pd.MultiIndex.from_arrays([part.month, part.cell]))
        mine = np.flatnonzero((box >= 0) & (made["choice"][box] == number))
        order = mine[np.lexsort((part.time[mine], box[mine]))]
        keep = _thin(box[order], np.minimum(1.0, limit / information[:, number]))
        lost[name]["not_the_median"] = int(part.row.size - order.size)
        lost[name]["outweighing"] = int((~keep).sum())
        rows = order[keep]
        taken = products[name][shared].reset_coords().isel(sounding=part.row[rows]).compute()
        parts.append(
            taken.assign(
                {
                    "product": ("sounding", np.full(rows.size, number, np.uint8)),
                    f"{column}_spread": ("sounding", made["spread"][box[rows]]),
                    f"{column}_products": ("sounding", made["products"][box[rows]]),
                }
            )
        )
    out = xr.concat(parts, "sounding", combine_attrs="drop", join="override")
    out = out.isel(sounding=np.argsort(out["time"].values, kind="stable"))
    for name in shared:
        out[name].attrs = dict(tables[0][name].attrs)
    out[f"{column}_spread"].attrs = {"units": gases()[column].units}
    out["product"].attrs = _flags(list(products))
    return out.assign_attrs(lost=json.dumps(lost), product="fused", platform=", ".join(products))


def _thin(box: NDArray[np.intp], share: Floats) -> NDArray[np.bool_]:
    """Keep a share of the soundings of each box, evenly; they come box by box, in order of time."""
    _, start, count = np.unique(box, return_index=True, return_counts=True)
    place = np.arange(box.size) - np.repeat(start, count)
    part = share[box]
    kept: NDArray[np.bool_] = np.floor((place + 1) * part + 1e-9) > np.floor(place * part + 1e-9)
    return kept | (part >= 1.0)
