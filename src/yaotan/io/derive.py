"""Named computations that a product file may ask for (``compute:``), where one dataset is not enough.

Terms have the sounding axis first; shared ones (hybrid coefficients) have none. `size` is the number of
levels or layers of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.io import packed, profile

Floats = NDArray[np.float64]
Terms = Sequence[Floats]


@dataclass(frozen=True)
class Computation:
    """A computation, and how it deals with units and order.

    Parameters
    ----------
    run : callable
        ``(terms, optional, size) -> values``.
    own_units : bool
        The result has a unit of its own (``units`` of the source); else terms are brought to the unit of
        the variable before.
    ordered : bool
        The result runs surface first whatever the file's order is.
    vertical : bool
        The result has a vertical axis though its first term need not have one.
    """

    run: Callable[[Terms, Terms, int], Floats]
    own_units: bool = False
    ordered: bool = False
    vertical: bool = False


def copy(terms: Terms, optional: Terms, size: int) -> Floats:
    """Give the only term."""
    return terms[0]


def total(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Sum of the terms (ground above the sea and inlet above the ground), missing where one is."""
    return np.sum(np.stack(terms), axis=0)


def quadrature(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Root of the sum of squares of independent error terms.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        All needed: a missing one gives NaN.
    optional : sequence of numpy.ndarray
        Terms that count as zero where they are missing (NIES external error: never filled so far).
    size : int
        Not used.

    Returns
    -------
    numpy.ndarray
        1 sigma, in the unit of the terms.

    Examples
    --------
    >>> import numpy as np
    >>> quadrature([np.array([3.0]), np.array([4.0])], [np.array([np.nan])])
    array([5.])
    """
    total = sum((term**2 for term in terms), np.zeros_like(terms[0]))
    for term in optional:
        total = total + np.nan_to_num(term, nan=0.0) ** 2
    return np.sqrt(total)


def normalise(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Weights of the layers: partial columns over their sum, so that each row adds up to 1."""
    (amounts,) = terms
    return amounts / amounts.sum(axis=1, keepdims=True)


def equal_pressure_edges(terms: Terms, optional: Terms, size: int) -> Floats:
    """Edges of n layers of equal pressure thickness, ``p_k = p_surface (n - k) / n``, surface first.

    NIES does not store them. The dry-air weights of its 15 layers times 15 lie within 0.983 and 1.011 in
    real files, which equal thickness explains but for humidity and gravity: an approximation.
    """
    (surface_pressure,) = terms
    return surface_pressure[:, None] * (np.arange(size, -1, -1.0) / size)


def interval_edges(terms: Terms, optional: Terms, size: int) -> Floats:
    """Edges of n layers of known thickness, ``p_k = p_surface - k dp``, surface first.

    In TROPOMI CH4 granules the last edge is 10 Pa, not 0.
    """
    surface_pressure, thickness = terms
    return surface_pressure[:, None] - thickness[:, None] * np.arange(size + 1.0)


def hybrid_edges(terms: Terms, optional: Terms, size: int) -> Floats:
    """Edges of hybrid layers, ``p = a + b p_surface``.

    `a` and `b` hold lower and upper edge of each layer, shapes (layer, 2) or (sounding, layer, 2), or the
    edges themselves, (edge,).
    """
    a, b, surface_pressure = terms
    if a.shape[-1] == 2 and a.ndim > 1:
        a, b = (np.concatenate([item[..., :1, 0], item[..., 1]], axis=-1) for item in (a, b))
    return a + b * surface_pressure[:, None]


def hybrid_levels(terms: Terms, optional: Terms, size: int) -> Floats:
    """Pressure of hybrid levels, ``p = a + b p_surface``, with `a` and `b` of shape (level,)."""
    a, b, surface_pressure = terms
    return a + b * surface_pressure[:, None]


def pair_edges(terms: Terms, optional: Terms, size: int) -> Floats:
    """Edges of layers that store two bounds each, shape (sounding, layer, 2), which neighbours share.

    Bounds that run against the layers are turned: the second one must be the first of the next layer.
    """
    (bounds,) = terms
    along, against = (np.nansum(np.abs(bounds[:, 1:, first] - bounds[:, :-1, 1 - first])) for first in (0, 1))
    first = int(against < along)
    return np.concatenate([bounds[:, :1, first], bounds[:, :, 1 - first]], axis=1)


def bottom_edges(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Edges of layers that store their lower bound only, from the top down: (sounding, layer).

    The upper bound of the top layer is set to ``p_1^2 / p_2``: layers of one height in an isothermal air.

    Examples
    --------
    >>> import numpy as np
    >>> bottom_edges([np.array([[1.0, 2.0, 4.0]])], [])
    array([[0.5, 1. , 2. , 4. ]])
    """
    (lower,) = terms
    return np.concatenate([lower[:, :1] ** 2 / lower[:, 1:2], lower], axis=1)


def tropospheric_kernel(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Kernel of the tropospheric column from that of the total column.

    ``a_l M / M_trop`` in the layers up to and including the one of the tropopause, 0 above it, with the air
    mass factors M of the total and M_trop of the tropospheric column (TROPOMI NO2 user manual,
    S5P-KNMI-L2-0021-MA).

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Kernel (sounding, layer) from the surface up, M, M_trop, and the index of the tropopause layer,
        counted from 0 at the surface.

    Returns
    -------
    numpy.ndarray
        Shape (sounding, layer). Missing where a term is.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(1)
    >>> tropospheric_kernel([np.ones((1, 3)), 2.0 * one, one, one], [])
    array([[2., 2., 0.]])
    """
    kernel, total, troposphere, index = terms
    scaled = kernel * (total / troposphere)[:, None]
    above = np.arange(kernel.shape[1]) > index[:, None]
    known = np.isfinite(scaled) & np.isfinite(index)[:, None]
    return np.where(known, np.where(above, 0.0, scaled), np.nan)


def ratio(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """First term over the second (partial column of a gas over that of dry air: dry mole fraction)."""
    amount, total = terms
    return amount / total


def column_ratio(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Sum of the first term over that of the second, along the vertical axis."""
    amount, total = terms
    return amount.sum(axis=1) / total.sum(axis=1)


def blended_albedo(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """``2.4 a_NIR - 1.13 a_SWIR``, high over snow and ice (doi:10.5194/acp-11-12317-2011)."""
    near_infrared, short_wave = terms
    return 2.4 * near_infrared - 1.13 * short_wave


def where_good(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """First term where the second, a flag of its own, is 0; elsewhere missing.

    Examples
    --------
    >>> import numpy as np
    >>> where_good([np.array([410.0, 350.0]), np.array([0.0, 1.0])], [])
    array([410.,  nan])
    """
    values, flag = terms
    return np.where(flag == 0.0, values, np.nan)


COMPUTATIONS: Final[dict[str, Computation]] = {
    "copy": Computation(copy),
    "total": Computation(total),
    "quadrature": Computation(quadrature),
    "normalise": Computation(normalise, own_units=True),
    "equal_pressure_edges": Computation(equal_pressure_edges, ordered=True, vertical=True),
    "interval_edges": Computation(interval_edges, ordered=True, vertical=True),
    "hybrid_edges": Computation(hybrid_edges, own_units=True, vertical=True),
    "hybrid_levels": Computation(hybrid_levels, own_units=True, vertical=True),
    "pair_edges": Computation(pair_edges, vertical=True),
    "bottom_edges": Computation(bottom_edges, vertical=True),
    "tropospheric_kernel": Computation(tropospheric_kernel, own_units=True),
    "ratio": Computation(ratio, own_units=True),
    "column_ratio": Computation(column_ratio, own_units=True),
    "blended_albedo": Computation(blended_albedo),
    "where_good": Computation(where_good, own_units=True),
    "trusted_kernel": Computation(profile.trusted_kernel, own_units=True),
    "dry_fraction": Computation(profile.dry_fraction, own_units=True),
    "dry_operator": Computation(profile.dry_operator, own_units=True),
    "dry_air_weight": Computation(profile.dry_air_weight, own_units=True),
    "day_profile": Computation(profile.day_profile, own_units=True, vertical=True),
    "packed_levels": Computation(packed.packed_levels, own_units=True, ordered=True),
    "hydrostatic_weight": Computation(packed.hydrostatic_weight, own_units=True, ordered=True),
    "profile_column": Computation(packed.profile_column, own_units=True),
    "log_column_kernel": Computation(packed.log_column_kernel, own_units=True, ordered=True, vertical=True),
    "kernel_of_angle": Computation(profile.kernel_of_angle, own_units=True, vertical=True),
}
