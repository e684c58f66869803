"""Rasters of densities: unit and meaning are declared, and values that cannot be are refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from yaotan.catalog.raster import QuantityRule, raster_catalog
from yaotan.errors import SchemaError, UnitsError
from yaotan.io.raster_file import RasterFile
from yaotan.units import conversion

#: share of sampled values above 0 that must lie in the usual range
_SHARE: Final = 0.95


@dataclass(frozen=True)
class Density:
    """What a density raster declares."""

    quantity: str
    units: str
    substance: str | None
    depth_cm: tuple[float, float] | None
    is_uncertainty: bool = False


def declared_density(
    quantity: str,
    units: str | None,
    substance: str | None,
    depth_cm: tuple[float, float] | None,
    file: RasterFile,
    is_uncertainty: bool = False,
) -> Density:
    """Check what a user, a product or a file says of a density.

    Parameters
    ----------
    quantity : str
        ``biomass``, ``soil_carbon``, ``carbon``, or a name of one's own.
    units, substance, depth_cm : optional
        Declared.
    file : RasterFile
        With its own unit.
    is_uncertainty : bool
        Whether the values are standard deviations.

    Returns
    -------
    Density

    Raises
    ------
    UnitsError
        There is no unit, or it is of another dimension.
    SchemaError
        Substance or depth is not declared, or cannot be.
    """
    unit = (units or file.facts.units or "").strip()
    rules = raster_catalog().quantities
    if not unit:
        raise UnitsError(
            f"nobody says the unit of {quantity}",
            where=file.name,
            expected="units='Mg ha-1', units='kg m-2' or another",
            fix="give units=",
        )
    rule = rules.get(quantity)
    if rule is None:
        return Density(quantity, unit, substance, depth_cm, is_uncertainty)
    try:
        conversion(unit, rule.units)
    except UnitsError as error:
        raise UnitsError(error.what, where=file.name, expected=error.expected) from error
    if substance is None and len(rule.substances) == 1:
        substance = rule.substances[0]
    if substance not in rule.substances:
        raise SchemaError(
            f"{quantity} of {substance or 'nobody says what'}",
            where=file.name,
            expected=" or ".join(rule.substances),
            fix="give substance=: dry matter is about twice its carbon",
        )
    if rule.depth and (depth_cm is None or not 0 <= depth_cm[0] < depth_cm[1]):
        raise SchemaError(
            f"{quantity} to an unknown depth" if depth_cm is None else f"depth is {depth_cm}",
            where=file.name,
            expected="depth_cm=(0, 30), (0, 100) or another",
            fix="give depth_cm=: stocks of different depths can neither be added nor compared",
        )
    return Density(quantity, unit, substance, depth_cm, is_uncertainty)


def check_plausible(density: Density, file: RasterFile, nodata: float | None) -> None:
    """Refuse values that the quantity cannot have in the declared unit.

    A sample of some 500 x 500 pixels at most is looked at.

    Parameters
    ----------
    density : Density
        Declared.
    file : RasterFile
        To be sampled.
    nodata : float or None
        Value that means missing.

    Raises
    ------
    SchemaError
        Values beyond what is possible, or nearly all beyond what is usual: another unit, a nodata value that
        the file does not say.
    """
    rule = raster_catalog().quantities.get(density.quantity)
    if rule is None:
        return
    sample = file.sample().astype(np.float64)
    values = sample[np.isfinite(sample) & (sample != (np.nan if nodata is None else nodata))]
    scale, offset = conversion(density.units, rule.units)
    values = (values * file.facts.scale + file.facts.offset) * scale + offset
    if values.size == 0:
        return
    low, high = float(values.min()), float(values.max())
    wrong_unit = "check the unit (Mg ha-1 is 0.1 kg m-2) and nodata="
    if low < rule.plausible[0]:
        _refuse(file, density, rule, low / scale, "give nodata= if that value means missing")
    if high > rule.plausible[1]:
        _refuse(file, density, rule, high / scale, wrong_unit)
    positive = values[values > 0]
    upper = float(np.quantile(positive, _SHARE)) if positive.size else 0.0
    if upper > rule.usual:
        _refuse(file, density, rule, upper / scale, wrong_unit)


def _refuse(file: RasterFile, density: Density, rule: QuantityRule, value: float, fix: str) -> None:
    raise SchemaError(
        f"{density.quantity} of {value:.6g} {density.units} is not possible",
        where=file.name,
        expected=f"{rule.plausible[0]:g} to {rule.plausible[1]:g} {rule.units}, most below {rule.usual:g}",
        fix=fix,
    )


def density_attributes(density: Density, unit: str) -> dict[str, Any]:
    """Attributes that travel with a density raster.

    Examples
    --------
    >>> density_attributes(Density("biomass", "Mg ha-1", "dry_matter", None), "kg m-2")["substance"]
    'dry_matter'
    """
    attrs: dict[str, Any] = {"quantity": density.quantity, "units": unit, "native_units": density.units}
    if density.substance:
        attrs["substance"] = density.substance
    if density.depth_cm:
        attrs["depth_cm"] = [float(edge) for edge in density.depth_cm]
    if density.is_uncertainty:
        attrs["is_uncertainty"] = "1 sigma"
    return attrs
