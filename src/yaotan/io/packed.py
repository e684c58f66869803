"""Columns of retrieved profiles whose number of levels differs from sounding to sounding (MUSICA IASI).

Profiles are stored from the top down and filled up with missing values below the ground. Here they are
packed: surface first, the missing values above the top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.io.profile import dry_air_weight

Floats = NDArray[np.float64]
Terms = Sequence[Floats]

#: mean radius of the Earth [m]. Moritz 2000, Geodetic Reference System 1980, doi:10.1007/s001900050278
_RADIUS: Final = 6371008.8


def packed_levels(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Order a profile from the surface upwards, missing levels last.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Values and pressures, both (sounding, level); a level without pressure is missing.

    Returns
    -------
    numpy.ndarray
        Shape (sounding, level).

    Examples
    --------
    >>> import numpy as np
    >>> pressure = np.array([[1.0, 500.0, 1000.0, np.nan]])
    >>> packed_levels([np.array([[3.0, 2.0, 1.0, 9.0]]), pressure], [])
    array([[ 1.,  2.,  3., nan]])
    """
    values, pressure = terms
    order = _order(pressure)
    return np.take_along_axis(np.where(np.isfinite(pressure), values, np.nan), order, axis=1)


def _order(pressure: Floats) -> NDArray[np.intp]:
    return np.argsort(-pressure, axis=1, kind="stable")  # NaN sorts last


def hydrostatic_weight(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Dry-air weights of packed levels, the lowest of which is the surface.

    Gravity falls with the square of the distance from the Earth's centre; its value at sea level cancels.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Pressure, altitude [m] and water per dry air, each (sounding, level), as stored.

    Returns
    -------
    numpy.ndarray
        Shape (sounding, level), surface first; rows sum to 1, missing levels are NaN.
    """
    pressure, altitude, water = (packed_levels([term, terms[0]], []) for term in terms)
    known = np.isfinite(pressure)
    weight = np.full_like(pressure, np.nan)
    for levels in np.unique(known.sum(axis=1)):  # few different numbers of levels: each at once
        rows = known.sum(axis=1) == levels
        if levels < 2:
            continue
        p, z, h = (item[rows, :levels] for item in (pressure, altitude, water))
        gravity = (_RADIUS / (_RADIUS + z)) ** 2
        part = np.full((int(rows.sum()), pressure.shape[1]), np.nan)
        part[:, :levels] = dry_air_weight([p, p[:, 0], h / (1.0 + h), gravity], [])
        weight[rows] = part
    return weight


def profile_column(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Column average of a profile, ``sum_i w_i x_i`` with the weights of `hydrostatic_weight`.

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Profile, then the terms of `hydrostatic_weight`.

    Returns
    -------
    numpy.ndarray
        Shape (sounding,), in the unit of the profile; missing where any level of the profile is.
    """
    values, weight = packed_levels(terms[:2], []), hydrostatic_weight(terms[1:], [])
    total = np.where(np.isfinite(weight), weight * values, 0.0).sum(axis=1)
    return np.where(np.isfinite(weight).any(axis=1), total, np.nan)


def log_column_kernel(terms: Terms, optional: Terms, size: int = 0) -> Floats:
    """Kernel of a column from the kernel of a profile that was retrieved as logarithm.

    The profile kernel is stored by its singular values s and vectors l, r:
    ``A_ij = d ln x_i / d ln x_j = sum_k s_k l_ki r_kj``. To first order at the retrieved profile x
    ``d x_i / d x_j = x_i A_ij / x_j``, hence for the column ``X = sum_i w_i x_i`` and the usual form
    ``dX = sum_j w_j a_j dx_j``::

        a_j = sum_i w_i x_i A_ij / (w_j x_j)

    Parameters
    ----------
    terms : sequence of numpy.ndarray
        Profile (sounding, level), s (sounding, rank), l and r (sounding, rank, level), then the terms of
        `hydrostatic_weight`. Ranks beyond that of a sounding are missing in s.

    Returns
    -------
    numpy.ndarray
        Shape (sounding, level), surface first. Missing where a vector of a stated rank is missing.
    """
    profile, singular, left, right, *rest = terms
    pressure = rest[0]
    stated = np.isfinite(singular)
    weight = hydrostatic_weight(rest, [])
    values = packed_levels([profile, pressure], [])
    order = np.broadcast_to(_order(pressure)[:, None, :], left.shape)
    known = np.isfinite(weight)
    inside = stated[:, :, None] & known[:, None, :]
    vectors = [np.where(inside, np.take_along_axis(item, order, axis=2), 0.0) for item in (left, right)]
    amount = np.where(known, weight * values, 0.0)
    seen = np.einsum("nki,ni->nk", vectors[0], amount) * np.where(stated, singular, 0.0)
    kernel = np.einsum("nk,nkj->nj", seen, vectors[1])
    some = np.asarray(stated.any(axis=1))[:, None]
    return np.where(known & some, kernel / np.where(known, amount, 1.0), np.nan)
