"""Vertical computations of a product file: dry profiles, weights of levels, kernels that need a table.

Each has the form of `yaotan.io.derive.Computation`: ``(terms, optional, size) -> values``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.constants import MOLAR_MASS_DRY_AIR, MOLAR_MASS_WATER
from yaotan.errors import NotAGranuleError

Floats = NDArray[np.float64]
Terms = Sequence[Floats]

#: a TCCON kernel was clamped at the edge of its table where the flag has this size or more
CLAMPED: Final = 2.0


def trusted_kernel(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Kernel on the levels of the prior, missing where it was clamped at the edge of its table.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Kernel (sounding, level), extrapolation flag (sounding), altitudes of the kernel and of the prior
        (level), both in one unit. TCCON interpolates its kernels in slant column: flag 0 is interpolated,
        1 in size extrapolated, 2 in size clamped.

    Returns
    -------
    numpy.ndarray
        Shape (sounding, level). Where the two grids differ the kernel is interpolated in altitude.

    Examples
    --------
    >>> import numpy as np
    >>> z = np.array([0.0, 1.0])
    >>> trusted_kernel([np.ones((2, 2)), np.array([0.0, -2.0]), z, z], [])
    array([[ 1.,  1.],
           [nan, nan]])
    """
    kernel, flag, altitude, wanted = terms
    if not np.array_equal(altitude, wanted):
        kernel = np.stack([np.interp(wanted, altitude, row) for row in kernel]).reshape(-1, wanted.size)
    return np.where((np.abs(flag) >= CLAMPED)[:, None], np.nan, kernel)


def dry_fraction(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Mole fraction in dry air from that in moist air, ``x / (1 - h2o)``, with h2o in moist air too."""
    moist, water = terms
    return moist / (1.0 - water)


def dry_operator(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Weights of a dry profile from an operator for moist ones: ``h (1 - h2o)``, scaled to the sum 1.

    TCCON's operator also carries the measured oxygen column, so that its own sum is off by some tenths of
    a percent from spectrum to spectrum; a weight has no such factor.
    """
    operator, water = terms
    weight = operator * (1.0 - water)
    return weight / weight.sum(axis=1, keepdims=True)


def dry_air_weight(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Weights of dry-air amount of levels, for profiles that are linear in pressure between them.

    The amount of dry air in a slab of pressure thickness dp is ``dp / (g M (1 + h M_w / M))`` with h water
    per dry air: hydrostatic balance. The idea of weights of levels that share out the slabs between them
    is that of O'Dell et al. 2012 (doi:10.5194/amt-5-99-2012). Slabs lie between levels; the lowest begins
    at the surface. Air above the top level, and below the lowest one, counts with that level.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Pressure of levels (sounding, level), surface pressure (sounding) in the same unit, water per
        moist air and gravity [m s-2] (sounding, level).

    Returns
    -------
    numpy.ndarray
        Shape (sounding, level), each row of sum 1. Levels below the surface have weight only as far as
        the slab that the surface lies in reaches to them.

    Examples
    --------
    >>> import numpy as np
    >>> p = np.array([[1000.0, 500.0, 0.0]])
    >>> dry_air_weight([p, np.array([1000.0]), np.zeros((1, 3)), np.full((1, 3), 9.8)], [])
    array([[0.25, 0.5 , 0.25]])
    """
    pressure, surface, water, gravity = terms
    if pressure.shape[1] > 1 and np.nanmedian(pressure[:, -1] - pressure[:, 0]) > 0:  # from the top down
        turned = [pressure[:, ::-1], surface, water[:, ::-1], gravity[:, ::-1]]
        return dry_air_weight(turned, optional, size)[:, ::-1]
    lower, upper = pressure[:, :-1], pressure[:, 1:]
    bottom = np.minimum(lower, surface[:, None])
    # of the lower level at the bottom of each slab; a surface below the lowest level counts with it
    reach = np.clip((bottom - upper) / (lower - upper), 0.0, 1.0)
    weight = np.zeros_like(pressure)
    for place, part in ((1.0, 1.0), (0.5, 4.0), (0.0, 1.0)):  # Simpson's rule from bottom to top of the slab
        share = reach * place
        amount = part / 6.0 * np.maximum(bottom - upper, 0.0) * _dry_air_per_pressure(water, gravity, share)
        weight[:, :-1] += amount * share
        weight[:, 1:] += amount * (1.0 - share)
    ends = _dry_air_per_pressure(water[:, [0, 0]], gravity[:, [0, 0]], 1.0)[:, 0]
    weight[:, 0] += np.maximum(surface - pressure[:, 0], 0.0) * ends
    ends = _dry_air_per_pressure(water[:, [-1, -1]], gravity[:, [-1, -1]], 1.0)[:, 0]
    weight[:, -1] += pressure[:, -1] * ends
    total: Floats = weight / weight.sum(axis=1, keepdims=True)
    return total


def _dry_air_per_pressure(water: Floats, gravity: Floats, share: Floats | float) -> Floats:
    """Dry air per pressure in the slabs between levels, up to a factor, with water and gravity at `share`."""
    ratio = water / (1.0 - water)
    h, g = (share * item[:, :-1] + (1.0 - share) * item[:, 1:] for item in (ratio, gravity))
    density: Floats = 1.0 / (g * (1.0 + h * MOLAR_MASS_WATER / MOLAR_MASS_DRY_AIR))
    return density


def day_profile(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """One dry profile for all soundings of a file: ``x / (1 - h2o)`` of moist terms of shape (1, level).

    Raises
    ------
    NotAGranuleError
        The file holds the profiles of several days.
    """
    moist, water = (_only_day(term) for term in terms)
    return moist / (1.0 - water)


def kernel_of_angle(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Kernel of each sounding from a table by solar zenith angle, linear in the angle.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Table (level, angle) or (1, level, angle), angles of the table, solar zenith angle (sounding) in
        one unit, and the column itself (sounding).

    Returns
    -------
    numpy.ndarray
        Shape (sounding, level). Missing where the angle lies outside the table (nothing is extrapolated)
        or where the column is missing or not above 0.

    Raises
    ------
    NotAGranuleError
        The file holds the kernels of several days.

    Examples
    --------
    >>> import numpy as np
    >>> table, angles = np.array([[1.0, 2.0]]), np.array([0.0, 80.0])
    >>> kernel_of_angle([table, angles, np.array([20.0, 85.0]), np.array([400.0, 400.0])], [])
    array([[1.25],
           [ nan]])
    """
    table, angles, zenith, column = terms
    order = np.argsort(angles)
    angles, table = angles[order], (_only_day(table) if table.ndim == 3 else table).T[order]
    place = np.clip(np.searchsorted(angles, zenith) - 1, 0, angles.size - 2)
    part = ((zenith - angles[place]) / (angles[place + 1] - angles[place]))[:, None]
    kernel = (1.0 - part) * table[place] + part * table[place + 1]
    known = (zenith >= angles[0]) & (zenith <= angles[-1]) & (column > 0)
    return np.where(known[:, None], kernel, np.nan)


def _only_day(values: Floats) -> Floats:
    if values.shape[0] != 1:
        raise NotAGranuleError(
            f"holds priors and kernels of {values.shape[0]} days",
            expected="one day in a file",
            fix="use the files of single days",
        )
    day: Floats = values[0]
    return day
