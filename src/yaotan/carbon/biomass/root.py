"""Biomass below the ground from that above it: power laws, and ratios in steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from yaotan.carbon.budget.parameter import Floats
from yaotan.catalog.factor import factor_table
from yaotan.errors import CatalogError, SchemaError
from yaotan.units import conversion


def below_ground(above: xr.DataArray, rule: str) -> xr.DataArray:
    r"""Below-ground from above-ground dry matter, pixel by pixel.

    A power law, :math:`B = a A^b` (A, B in t/ha), or a root-to-shoot ratio in steps of A. Neither is linear:
    the mean of a class put into them gives another answer than its pixels, so they belong here, before sums
    are made, and never on sums. A ratio that is one number is linear: `RasterPool(ratio=...)`.

    Parameters
    ----------
    above : xarray.DataArray
        Dry matter above the ground, attribute ``units`` a mass per area; lazy stays lazy.
    rule : str
        ``"mokany2006"`` or ``"cairns1997"`` (power laws); or a vegetation of
        ``catalogs/factors/root_shoot_step.yaml``, such as ``"temperate_conifer"`` (steps).

    Returns
    -------
    xarray.DataArray
        Dry matter below the ground in the same unit; missing where `above` is.

    Raises
    ------
    SchemaError
        `above` is carbon by its attribute ``substance``.
    UnitsError
        Its unit is none of mass per area.
    CatalogError
        The rule is unknown.

    Notes
    -----
    Steps make below-ground biomass fall where above-ground biomass passes a threshold (0.456 x 74 against
    0.226 x 76 t/ha); the power law does not. Where the table has no step for little biomass (oak below 70
    t/ha) the result is missing.

    Examples
    --------
    >>> above = xr.DataArray([10.0, 100.0], dims="x", attrs={"units": "t ha-1"})
    >>> below_ground(above, "mokany2006").round(1).values.tolist()
    [3.8, 29.5]
    >>> below_ground(above, "temperate_broadleaf").round(1).values.tolist()
    [4.6, 22.6]
    """
    if above.attrs.get("substance") == "carbon":
        raise SchemaError(
            "root-to-shoot rules are of dry matter, and this is carbon", where=str(above.name or "biomass"),
            fix="divide by the carbon fraction first",
        )  # fmt: skip
    scale, _ = conversion(str(above.attrs.get("units", "")) or "unknown", "t ha-1")
    law = _law(rule)
    out = xr.apply_ufunc(
        lambda a: law(a * scale) / scale,
        above,
        dask="parallelized",
        output_dtypes=[np.float64],
        keep_attrs=True,
    )
    return out.assign_attrs(long_name="below-ground biomass", rule=rule).rename(
        f"{above.name or 'biomass'}_below"
    )


def _law(rule: str) -> Any:
    power, steps = factor_table("root_shoot_power"), factor_table("root_shoot_step")
    laws = dict.fromkeys(str(row[0]) for row in power.rows)
    kinds = dict.fromkeys(str(row[0]) for row in steps.rows)
    if rule in laws:
        a, b = (power.find(rule, name).value for name in ("a", "b"))
        return lambda above: a * np.power(above, b)
    if rule in kinds:
        rows = [(float(str(row[1])), float(row[2] or 0.0)) for row in steps.rows if row[0] == rule]
        ends, ratios = (np.array(part) for part in zip(*sorted(rows), strict=True))
        return lambda above: _step(above, ends, ratios)
    raise CatalogError(
        f"there is no root-to-shoot rule {rule!r}", expected=f"one of {', '.join([*laws, *kinds])}"
    )


def _step(above: Floats, ends: Floats, ratios: Floats) -> Floats:
    place = np.searchsorted(ends, above, side="right") - 1
    ratio = np.where(place >= 0, ratios[np.maximum(place, 0)], np.nan)
    return np.asarray(np.where(np.isfinite(above), ratio * above, np.nan))
