"""Units as CF text on the array: one registry, one conversion, one spelling for people."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import numpy as np

from yaotan.errors import UnitsError

#: Spellings met in real products -> what the registry understands.
SPELLING: Final = {
    "1e-6": "ppm",
    "1e-9": "ppb",
    "ppmv": "ppm",
    "ppbv": "ppb",
    "mole fraction": "1",
    "mol/mol": "1",
    "mol mol-1": "1",
    "Moles Mole^{-1}": "1",
    "none": "1",
    "dimensionless": "1",
    "": "1",
    "deg": "degree",
    "Degrees": "degree",
    "degrees": "degree",
    "degrees_north": "degree",
    "degrees_east": "degree",
    "degree_north": "degree",
    "degree_east": "degree",
    "Meters": "m",
    "meters": "m",
    "Pascals": "Pa",
    "molecules/cm^2": "molecule cm-2",
    "molecules cm-2": "molecule cm-2",
    "molec cm-2": "molecule cm-2",
    "Molecules Meters^{-2}": "molecule m-2",
    "Ph sec^{-1} m^{-2} sr^{-1} um^{-1}": "s-1 m-2 sr-1 um-1",
    "m/sec": "m s-1",
    "m.s-1": "m s-1",
    # ICOS writes these, the micro sign in either of its two codes
    "nmol.mol-\u00b9": "nmol mol-1",
    "\u00b5mol.mol-\u00b9": "umol mol-1",
    "\u03bcmol.mol-\u00b9": "umol mol-1",
}

#: a bare number as unit ("1e-5"): parts of a mole fraction
_NUMBER: Final = re.compile(r"^\d+(\.\d*)?([eE][-+]?\d+)?$")


@cache
def _registry() -> Any:
    # cf_xarray's registry reads UDUNITS spelling ("kg m-2 s-1"); imported late, it costs most of a second
    from cf_xarray.units import units as cf_units

    for definition in ("ppb = 1e-9", "ppt = 1e-12", "molecule = 1 / (6.02214076e23) * mole"):
        if definition.split()[0] not in cf_units:
            cf_units.define(definition)
    return cf_units


@cache
def conversion(given: str, wanted: str) -> tuple[float, float]:
    """Give scale and offset that turn a value in one unit into another.

    Parameters
    ----------
    given, wanted : str
        Units in CF (UDUNITS) spelling, or in one of the spellings of real products. `given` may be a
        number, such as ``"1e-5"``: that part of a mole fraction.

    Returns
    -------
    scale, offset : float
        ``value_in_wanted = scale * value_in_given + offset``.

    Raises
    ------
    UnitsError
        A unit is unknown, or the two are of different dimension.

    Examples
    --------
    >>> conversion("Pa", "hPa")
    (0.01, 0.0)
    >>> scale, offset = conversion("mol/mol", "ppm")
    >>> round(scale)
    1000000
    """
    given, wanted = (SPELLING.get(unit.strip(), unit.strip()) for unit in (given, wanted))
    if given == wanted:
        return 1.0, 0.0
    part = float(given) if _NUMBER.match(given) else 1.0
    given = "1" if _NUMBER.match(given) else given
    if part == 0.0:
        raise UnitsError("unit 0 counts nothing", expected=f"a unit of the dimension of {wanted!r}")
    registry = _registry()
    try:
        source = registry.Unit(given)
        target = registry.Unit(wanted)
        zero, one = (registry.Quantity(value, source).to(target).magnitude for value in (0.0, 1.0))
    except Exception as error:  # pint has no common parent for its parse and dimension errors
        raise UnitsError(
            f"unit {given!r} cannot be turned into {wanted!r} ({error})",
            expected=f"a unit of the dimension of {wanted!r}",
        ) from error
    # rounding keeps exact decimal factors exact (0.01, not 0.010000000000000002)
    return float(f"{part * (one - zero):.15g}"), float(zero)


def check_unit(unit: str) -> str:
    """Check that a unit is known.

    Parameters
    ----------
    unit : str
        As in `conversion`.

    Returns
    -------
    str
        The same text.

    Raises
    ------
    UnitsError
        It is unknown.

    Examples
    --------
    >>> check_unit("nW cm-2 sr-1")
    'nW cm-2 sr-1'
    """
    text = SPELLING.get(unit.strip(), unit.strip())
    try:
        _registry().Unit("1" if _NUMBER.match(text) else text)
    except Exception as error:  # pint has no common parent for its parse errors
        raise UnitsError(f"unit {unit!r} is unknown ({error})", expected="CF spelling") from error
    return unit


def convert(values: Any, given: str | None, wanted: str, *, where: str | None = None) -> Any:
    """Convert an array (or any object with arithmetic) from one unit to another.

    Parameters
    ----------
    values : array-like
        Numbers in the unit `given`.
    given, wanted : str
        Units as in `conversion`. None or an empty `given` means that nobody says it.
    where : str, optional
        File and dataset, for the message.

    Returns
    -------
    array-like
        Same kind as `values`; the object itself when nothing has to change.

    Raises
    ------
    UnitsError
        As `conversion`, or no unit is given where one is needed.

    Examples
    --------
    >>> float(convert(4e-4, "1", "ppm"))
    400.0
    """
    text = (given or "").strip()
    if not text and SPELLING.get(wanted, wanted) != "1":
        raise UnitsError(
            "the dataset has no unit", where=where, expected=wanted, fix="state its unit (units: ...)"
        )
    try:
        scale, offset = conversion(text, wanted)
    except UnitsError as error:
        raise UnitsError(error.what, where=where, expected=error.expected) from error
    if scale == 1.0 and offset == 0.0:
        return values
    scaled = np.multiply(values, scale) if np.isscalar(values) else values * scale
    return scaled + offset if offset else scaled
