"""Fluxes of carbon in kg C m-2 s-1, from moles or masses, per second or per month."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.grid import GridProduct
from yaotan.constants import MOLAR_MASS_CARBON, MOLAR_MASS_CO2
from yaotan.errors import UnitsError
from yaotan.units import conversion

_MONTH: Final = re.compile(r"\s*(?:month|mo)\s*(?:\*\*|\^)?\s*-1|/\s*month")
_OF: Final = re.compile(r"(?<=g)\s*(CO2|C)\b|(?<=mol)\s+(?:CO2|C)\b")


def to_carbon(
    variable: xr.Variable, given: str, product: GridProduct, bounds: NDArray[Any] | None, *, where: str
) -> xr.Variable:
    """Turn a decoded flux into kg C m-2 s-1, positive to the atmosphere.

    Parameters
    ----------
    variable : xarray.Variable
        Values in the unit `given`, decoded; dim ``time`` or none.
    given : str
        Such as ``mol m-2 s-1``, ``kgC m-2 month-1``, ``kg m-2 s-1`` (then of what `carbon_as` of the product
        says).
    product : GridProduct
        Sign and substance.
    bounds : numpy.ndarray, optional
        ``(n, 2)`` intervals: a flux per month is divided by the length of its own month.
    where : str
        For messages.

    Returns
    -------
    xarray.Variable
        Lazy.

    Raises
    ------
    UnitsError
        The unit is no flux, or per month without knowing the month.
    """
    text, seconds = given, 1.0
    monthly = _MONTH.search(text)
    if monthly:
        text = _MONTH.sub(" s-1", text)
    stated = [match.group(1) for match in _OF.finditer(text) if match.group(1)]
    text = re.sub(r"\s+", " ", _OF.sub("", text)).strip()
    substance = stated[0] if stated else product.carbon_as
    try:
        if "mol" in text:
            scale = conversion(text, "mol m-2 s-1")[0] * MOLAR_MASS_CARBON
        else:
            scale = conversion(text, "kg m-2 s-1")[0]
            scale *= MOLAR_MASS_CARBON / MOLAR_MASS_CO2 if substance == "CO2" else 1.0
    except UnitsError as error:
        raise UnitsError(
            f"unit {given!r} is no flux of carbon",
            where=where,
            expected="such as mol m-2 s-1 or kgC m-2 month-1",
        ) from error
    factor: Any = scale * (-1.0 if product.positive == "to_land" else 1.0) / seconds
    if monthly:
        if bounds is None:
            raise UnitsError(f"unit {given!r} needs months, which the file does not give", where=where)
        length = (bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "s")
        shape = [-1 if dim == "time" else 1 for dim in variable.dims]
        factor = factor / length.reshape(shape if "time" in variable.dims else [1] * variable.ndim)
    return xr.Variable(variable.dims, variable.data * factor)
