"""How far two instruments may differ because they weigh the profile differently."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.column.kernel.operator import Operator, operator_of
from yaotan.column.kernel.overlap import rebin
from yaotan.errors import SchemaError

Floats = NDArray[np.float64]


def exponential_covariance(pressure: ArrayLike, sigma: ArrayLike, length: float) -> Floats:
    r"""Covariance of a profile whose correlation falls with distance in pressure.

    .. math:: S_{lm} = \sigma_l \sigma_m e^{-|p_l - p_m| / L}

    Parameters
    ----------
    pressure : array_like
        ``(k,)`` of levels, or of the middles of layers [hPa].
    sigma : array_like
        1 sigma of the true profiles about the prior, one or ``(k,)`` [unit of the column].
    length : float
        L [hPa].

    Returns
    -------
    numpy.ndarray
        ``(k, k)``, unit of sigma squared.

    Examples
    --------
    >>> exponential_covariance([1000.0, 500.0], [2.0, 1.0], 500.0).round(2).tolist()
    [[4.0, 0.74], [0.74, 1.0]]
    """
    if not length > 0.0:
        raise SchemaError(f"the correlation length is {length!r}", expected="hPa, above 0")
    p = np.asarray(pressure, float)
    s = np.broadcast_to(np.asarray(sigma, float), p.shape)
    return s[:, None] * s * np.exp(-np.abs(p[:, None] - p) / length)


def smoothing_error(
    first: xr.Dataset,
    second: xr.Dataset | None,
    covariance: ArrayLike,
    pressure: ArrayLike,
    *,
    column: str | None = None,
) -> xr.DataArray:
    r"""Give 1 sigma of the difference of two instruments with a common prior that comes from their kernels.

    .. math:: u^2 = \sum_{lm} d_l S_{lm} d_m, \quad d_l = h^1_l a^1_l - h^2_l a^2_l

    (Rodgers and Connor 2003, doi:10.1029/2002JD002299: the term of the difference that is left when both
    retrievals were brought to one prior; the covariance S is that of the true profiles about it.) Without a
    second instrument :math:`d_l = h_l (1 - a_l)`: the smoothing error of the first. Measurement errors of the
    two come on top.

    Parameters
    ----------
    first : xarray.Dataset
        Soundings table with kernel, pressure weights and pressures.
    second : xarray.Dataset, optional
        The other instrument: a table of as many soundings, row by row, or of one.
    covariance : array_like
        ``(k, k)`` covariance of the profile on levels, in the unit of the column squared. There is no
        default: it depends on gas, place and prior. See `exponential_covariance`.
    pressure : array_like
        ``(k,)`` of its levels [hPa], monotonic. The profile is linear between them.
    column : str, optional
        Column variable; default: the only one of the first table.

    Returns
    -------
    xarray.DataArray
        Dim ``sounding``, unit of the column; NaN where a kernel or a pressure is missing.

    Raises
    ------
    SchemaError
        A table lacks kernel, weights or pressures; the covariance does not fit its levels or is not
        symmetric; the tables have different numbers of soundings.

    Notes
    -----
    Each operator is carried to the levels of the covariance by its transpose: a perturbation that is linear
    between them is brought to the instrument's grid as `harmonise_prior` does with a prior.

    Examples
    --------
    >>> table = xr.Dataset(
    ...     {"xco2": ("sounding", [400.0]), "pressure_weight": (("sounding", "layer"), [[0.5, 0.5]]),
    ...      "xco2_averaging_kernel": (("sounding", "layer"), [[0.8, 0.8]]),
    ...      "co2_prior_profile": (("sounding", "layer"), [[400.0, 390.0]], {"units": "ppm"}),
    ...      "pressure_edge": (("sounding", "edge"), [[1000.0, 500.0, 0.0]])})
    >>> levels = [1000.0, 0.0]
    >>> error = smoothing_error(table, None, exponential_covariance(levels, 5.0, 1e9), levels)
    >>> round(float(error[0]), 3)
    1.0
    """
    s, levels = np.asarray(covariance, float), np.asarray(pressure, float)
    if s.shape != (levels.size, levels.size) or not np.allclose(s, s.T):
        raise SchemaError(
            f"the covariance has shape {s.shape} for {levels.size} levels, or is not symmetric",
            where="smoothing_error",
            expected="a symmetric (k, k) and pressures (k,)",
        )
    if levels[0] < levels[-1]:
        s, levels = s[::-1, ::-1], levels[::-1]
    one = operator_of(first, column)
    # the transpose of a kernel of 1 is what the ideal instrument would see
    rows = _row(one, one.kernel.values, levels)
    if second is None:
        gap = _row(one, np.ones_like(rows, shape=one.kernel.shape), levels) - rows
    else:
        other = operator_of(second, one.column)
        more = _row(other, other.kernel.values, levels)
        if len(more) not in (1, len(rows)):
            raise SchemaError(
                f"{len(more)} soundings stand against {len(rows)}",
                where="smoothing_error",
                expected="row by row the same, or one",
            )
        gap = rows - more
    error = np.sqrt(np.maximum(np.einsum("nl,lm,nm->n", gap, s, gap), 0.0))
    name = f"{one.column}_smoothing_error"
    return xr.DataArray(error, dims="sounding", name=name, attrs={"units": one.units})


def _row(operator: Operator, kernel: Any, levels: Floats) -> Floats:
    """Give what one unit at each level of a linear profile adds to the column, ``(sounding, level)``."""
    p = operator.pressure.values
    weight = operator.weight.values
    share = np.where(weight == 0.0, 0.0, weight * kernel)
    made = np.empty((len(p), levels.size))
    for k in range(levels.size):
        unit = np.zeros((1, levels.size))
        unit[0, k] = 1.0
        seen, _ = rebin(unit, levels[None], "level", p, "level" if operator.kind == "level" else "layer")
        made[:, k] = (share * seen).sum(axis=1)
    return made
