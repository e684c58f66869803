"""How a change of stocks is laid out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from yaotan.carbon.accounting import Variables, add_spread, per_area, region_coords
from yaotan.carbon.budget.model import DensityModel
from yaotan.carbon.budget.propagation import Spread, Uncertainty
from yaotan.carbon.change.part import Land, Part, part_model, transition_change
from yaotan.constants import DAY, YEAR_DAYS


def change_estimate(
    land: Land, parts: Sequence[Part], model: DensityModel, spreads: dict[str, Spread], options: Uncertainty
) -> xr.Dataset:
    """Lay out a change: by region, class, pool and transition, and per area and time.

    Parameters
    ----------
    land, parts, model : Land, sequence of Part, DensityModel
        What changed, and its densities.
    spreads : dict of str to Spread
        From `propagate`.
    options : Uncertainty
        Level of the intervals.

    Returns
    -------
    xarray.Dataset
        As `yaotan.carbon.change.change.stock_change`, without ``soil_committed``.
    """
    from scipy.special import ndtri

    several = len(land.zone) > 1
    keep = slice(None) if several else slice(0, 1)
    codes = np.array(land.codes)
    coords = region_coords(land.histogram, several) | {
        "class": codes, "class_name": ("class", land.histogram["before_name"].values),
        "class_name_zh": ("class", land.histogram["before_name_zh"].values),
        "pool": np.array(model.labels, dtype=object), "before": codes, "after": codes,
    }  # fmt: skip
    out: Variables = {}
    named = {"total": ("stock_change", ()), "class": ("class_change", ("class",))}
    named["pool"] = ("pool_change", ("pool",))
    for kind, (name, dims) in named.items():
        add_spread(out, name, ("region", *dims), spreads[kind], keep, "kg", "change of carbon stock")
    value, sd = transition_change(land, parts, model)
    half = float(ndtri(0.5 + options.level / 2.0)) * sd
    spread = Spread(value, sd, value - half, value + half, spreads["total"].terms)
    pair = ("region", "before", "after")
    add_spread(out, "transition_change", pair, spread, keep, "kg", "change of carbon stock")
    alone = {
        "transition_area": (land.area, pair),
        "area_before_only": (land.histogram["area_before_only"].transpose(*pair[:2]).values, pair[:2]),
        "area_after_only": (land.histogram["area_after_only"].transpose("region", "after").values, pair[::2]),
    }
    for name, (array, dims) in alone.items():
        whole = np.concatenate([array, array.sum(axis=0, keepdims=True)])
        out[name] = (dims, whole[keep], {"units": "m2"})
    seconds = land.span * YEAR_DAYS * DAY
    total = out["transition_area"][1].sum(axis=(1, 2))
    per_area(out, "stock_change", "flux", total, "kg m-2 s-1", 1.0 / seconds)
    out["flux"][2]["positive"] = "to_land"
    return xr.Dataset(out, coords=coords)


def add_committed(out: xr.Dataset, land: Land, parts: Sequence[Part], later: Sequence[Part]) -> None:
    """Add what soils and dead matter will still gain or lose, if land stays as it is at the second date."""
    slow = ("c_soil", "c_dead")
    sums = []
    for group in (parts, later):
        kept = [part for part in group if part.entry.label in slow and part.entry.by_area]
        value = np.zeros(len(land.zone) + 1)
        if kept:
            model, values = part_model(land, kept, 0.0)
            for r, zone in enumerate(land.zone):
                value[r] = float((values[r] * model.evaluate(model.parameters.means[None], zone)[0]).sum())
            value[-1] = value[:-1].sum()
        sums.append(value)
    rest = (sums[1] - sums[0])[: out.sizes["region"]] if len(land.zone) > 1 else (sums[1] - sums[0])[:1]
    out["soil_committed"] = ("region", rest, {
        "units": "kg", "substance": "C", "long_name": "change of soil and dead matter that is still to come",
    })  # fmt: skip
