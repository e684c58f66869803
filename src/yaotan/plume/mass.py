"""`column_mass`: from the enhancement of a column to the mass of gas over an area."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.gas import gases
from yaotan.constants import (
    GRAVITY_EQUATOR,
    GRAVITY_GRADIENT,
    GRAVITY_K,
    MEAN_AIR_HEIGHT,
    MOLAR_MASS,
    MOLAR_MASS_DRY_AIR,
    WGS84_E2,
)
from yaotan.errors import SchemaError, UnitsError, YaotanError
from yaotan.schema import column_variables
from yaotan.units import conversion

Floats: TypeAlias = NDArray[np.float64]
Kernel: TypeAlias = Literal["product"] | float | None

#: what is not corrected leaves its size as relative standard error: water of 0 to 50 kg m-2 in 10 332 kg m-2
#: of air (uniform), gravity between equator and pole (uniform), a kernel near the ground of 0.95 to 1.05
MISSING_ERROR: Final = {"water_vapour": 0.0014, "gravity": 0.0015, "kernel": 0.03}
#: the same of an amount whose air mass factor is not that of the plume: 20 to 40 per cent low for NO2
#: (1.27 for Matimba in the notebook of ddeq 1.1); one-sided, so that it is a bias and no scatter
AMOUNT_ERROR: Final = 0.27
#: what stays after the correction: surface pressure to 2 hPa, kernel to 1 %
KNOWN_ERROR: Final = {"surface_pressure": 0.002, "kernel": 0.01}


def normal_gravity(latitude: ArrayLike, height: ArrayLike = 0.0) -> Floats:
    """Gravity on and above the WGS84 ellipsoid (Somigliana's formula and the free-air gradient).

    Parameters
    ----------
    latitude : array_like
        [degrees].
    height : array_like
        [m].

    Returns
    -------
    numpy.ndarray
        [m s-2].

    Examples
    --------
    >>> normal_gravity([0.0, 45.0, 90.0]).round(4)
    array([9.7803, 9.8062, 9.8322])
    """
    square = np.sin(np.radians(np.asarray(latitude, float))) ** 2
    ground = GRAVITY_EQUATOR * (1.0 + GRAVITY_K * square) / np.sqrt(1.0 - WGS84_E2 * square)
    return np.asarray(ground - GRAVITY_GRADIENT * np.asarray(height, float))


def dry_column(
    surface_pressure: ArrayLike, water_vapour: ArrayLike = 0.0, gravity: ArrayLike = 9.80665
) -> Floats:
    """Amount of dry air over an area: ``(p / g - W) / M``; water is taken off the mass of the air first.

    Parameters
    ----------
    surface_pressure : array_like
        [hPa].
    water_vapour : array_like
        Total column [kg m-2].
    gravity : array_like
        Mean of the column [m s-2].

    Returns
    -------
    numpy.ndarray
        [mol m-2].

    Examples
    --------
    >>> float(dry_column(1013.25).round(-1))
    356710.0
    """
    air = 100.0 * np.asarray(surface_pressure, float) / np.asarray(gravity, float)
    return np.asarray((air - np.asarray(water_vapour, float)) / MOLAR_MASS_DRY_AIR)


def column_mass(
    data: xr.Dataset,
    *,
    variable: str | None = None,
    surface_pressure: float | None = None,
    water_vapour: float | Literal[False] | None = None,
    gravity: bool = True,
    kernel: Kernel = None,
    plume_depth: float = 100.0,
) -> xr.Dataset:
    r"""Mass of gas for each unit of enhancement, with the corrections that were made.

    .. math:: \Delta V = \Delta X\, M_{gas}\, \frac{p_s / g - W}{M_{dry}} \Big/ A

    with p the surface pressure, W the column of water, g gravity at the latitude and at the mean height of
    the air, and A the kernel of the column in the layer of the plume. It is a factor, not a column: a column
    follows the terrain, an enhancement does not, and the kernel holds for what was added near the ground.

    Parameters
    ----------
    data : xarray.Dataset
        Scene or soundings with a mole fraction (``xco2`` ...) and ``surface_pressure`` [hPa], or an amount
        over an area (``no2`` in mol m-2).
    variable : str, optional
        Column variable; may be left out where there is one only.
    surface_pressure : float, optional
        [hPa], where the data hold none.
    water_vapour : float or False, optional
        Total column [kg m-2]. Default: ``total_column_water_vapour`` of the data, where they have it; False
        takes none off.
    gravity : bool
        Gravity by latitude and height (``surface_altitude``, if there is one); else 9.80665 m s-2.
    kernel : {"product"} or float, optional
        Kernel of the column in the plume's layer: of the product (``<v>_averaging_kernel``), or a number;
        for NO2 the ratio of air mass factors, plume to prior. Default: 1, not corrected.
    plume_depth : float
        Depth of that layer above the ground [hPa].

    Returns
    -------
    xarray.Dataset
        The data with ``<v>_mass_factor`` [kg m-2 for a unit of the variable]; for mole fractions also
        ``dry_air_column`` [mol m-2]. Attributes ``plume_variable``, ``plume_substance``,
        ``mass_corrections`` and ``mass_not_corrected`` (names, by comma), ``mass_uncertainty`` (relative
        standard error of the factor).

    Raises
    ------
    SchemaError
        No such variable, no surface pressure, or no kernel where it is asked for.
    UnitsError
        The variable is neither a mole fraction nor an amount over an area, or has no molar mass.
    YaotanError
        An option is out of range.

    Examples
    --------
    >>> scene = xr.Dataset(
    ...     {
    ...         "xco2": (("y", "x"), [[400.0]], {"units": "ppm"}),
    ...         "latitude": (("y", "x"), [[51.8]]),
    ...         "surface_pressure": (("y", "x"), [[1013.25]], {"units": "hPa"}),
    ...     }
    ... )
    >>> made = column_mass(scene, water_vapour=20.0)
    >>> round(float(made.xco2_mass_factor[0, 0]), 6)
    0.015695
    >>> made.attrs["mass_corrections"]
    'surface_pressure,water_vapour,gravity'
    """
    name = find_column(data, variable)
    gas = gases()[name].gas
    if gas not in MOLAR_MASS:
        raise UnitsError(f"{gas} has no molar mass", where="column_mass", expected=", ".join(MOLAR_MASS))
    units = str(data[name].attrs.get("units", ""))
    done: dict[str, Any] = {}
    added = {}
    if _is_amount(units):
        column: Any = conversion(units, "mol m-2")[0]
    else:
        scale = _fraction(units, name)
        air = np.broadcast_to(_air(data, surface_pressure, water_vapour, gravity, done), data[name].shape)
        added["dry_air_column"] = (data[name].dims, air, {"units": "mol m-2", "long_name": "dry air"})
        column = scale * air
    factor = column * MOLAR_MASS[gas] / _kernel(data, name, kernel, plume_depth, done)
    shape = data[name].shape
    text = f"mass of {gas} for a unit of {name}"
    added[f"{name}_mass_factor"] = (
        data[name].dims,
        np.broadcast_to(factor, shape).copy(),
        {"units": f"kg m-2 ({units})-1", "long_name": text},
    )
    applied = [key for key, value in done.items() if value]
    missing = MISSING_ERROR | ({"kernel": AMOUNT_ERROR} if _is_amount(units) else {})
    error = sum(KNOWN_ERROR.get(key, 0.0) ** 2 if used else missing[key] ** 2 for key, used in done.items())
    return data.assign(added).assign_attrs(
        plume_variable=name,
        plume_substance=gas,
        mass_corrections=",".join(applied),
        mass_not_corrected=",".join(key for key in done if key not in applied),
        mass_uncertainty=float(np.sqrt(error)),
    )


def find_column(data: xr.Dataset, variable: str | None) -> str:
    """Give the name of the column variable that is meant."""
    held = column_variables(data)
    if variable is None and "plume_variable" in data.attrs:
        variable = str(data.attrs["plume_variable"])
    if variable is None and len(held) != 1:
        raise SchemaError(f"{len(held)} columns are there: {', '.join(held)}", fix="give variable=")
    name = variable or held[0]
    if name not in held:
        raise SchemaError(f"there is no column {name!r}", where="variable", expected=", ".join(held))
    return name


def _is_amount(units: str) -> bool:
    try:
        conversion(units, "mol m-2")
    except UnitsError:
        return False
    return True


def _fraction(units: str, name: str) -> float:
    try:
        return conversion(units, "1")[0]
    except UnitsError as error:
        raise UnitsError(
            f"{name} is in {units!r}", where="column_mass", expected="a mole fraction (ppm, ppb) or mol m-2"
        ) from error


def _air(
    data: xr.Dataset,
    pressure: float | None,
    water: float | Literal[False] | None,
    gravity: bool,
    done: dict[str, Any],
) -> Floats:
    ground: Any = pressure
    if ground is None:
        if "surface_pressure" not in data:
            raise SchemaError(
                "there is no surface_pressure", where="column_mass", fix="give surface_pressure="
            )
        array = data["surface_pressure"]
        ground = array.values * conversion(str(array.attrs.get("units", "hPa")), "hPa")[0]
    values = np.asarray(ground, float)
    known = values[np.isfinite(values)]
    if known.size and (known.min() < 300.0 or known.max() > 1100.0):
        raise YaotanError(
            f"surface pressure reaches from {known.min():g} to {known.max():g}",
            where="column_mass",
            expected="300 to 1100 hPa",
            fix="state its unit",
        )
    done["surface_pressure"] = True
    if water is None and "total_column_water_vapour" in data:
        vapour = data["total_column_water_vapour"].values
    else:
        vapour = np.asarray(water or 0.0, float)
    done["water_vapour"] = (water is None and "total_column_water_vapour" in data) or bool(water)
    wet = vapour[np.isfinite(vapour)]
    if wet.size and (wet.min() < 0.0 or wet.max() > 100.0):
        raise YaotanError("water vapour out of range", where="column_mass", expected="0 to 100 kg m-2")
    done["gravity"] = gravity
    if not gravity:
        return dry_column(values, vapour)
    height = data["surface_altitude"].values if "surface_altitude" in data else 0.0
    return dry_column(values, vapour, normal_gravity(data["latitude"].values, height + MEAN_AIR_HEIGHT))


def _kernel(data: xr.Dataset, name: str, kernel: Kernel, depth: float, done: dict[str, Any]) -> Any:
    done["kernel"] = kernel is not None
    if kernel is None:
        return 1.0
    if kernel != "product":
        value = float(kernel)
        if not 0.05 <= value <= 5.0:
            raise YaotanError(f"kernel is {value:g}", where="column_mass", expected="0.05 to 5")
        return value
    full = f"{name}_averaging_kernel"
    if full not in data:
        raise SchemaError(f"there is no {full}", where="column_mass", fix="give kernel= as a number, or none")
    values = data[full].values
    if "layer" in data[full].dims:
        edges = data["pressure_edge"].values
        lower, upper = edges[..., :-1], edges[..., 1:]
        top = edges[..., :1] - depth
        weight = np.clip(lower - np.maximum(upper, top), 0.0, None)
    else:
        level = data["pressure_level"].values
        weight = _level_weight(level, level[..., :1] - depth)
    weight = np.where(np.isfinite(values), weight, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nansum(weight * np.nan_to_num(values), axis=-1) / weight.sum(axis=-1)


def _level_weight(level: Floats, top: Floats) -> Floats:
    """Weights of the mean, over the layer below `top`, of what is linear in pressure between levels."""
    weight = np.zeros_like(level)
    lower, upper = level[..., :-1], level[..., 1:]
    end = np.clip(top, upper, lower)
    depth = lower - end
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(lower > upper, depth / (lower - upper), 0.0)
    weight[..., :-1] += depth * (1.0 - share / 2.0)
    weight[..., 1:] += depth * share / 2.0
    return weight
