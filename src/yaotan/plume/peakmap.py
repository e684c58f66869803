"""A peak in a map of divergence: generalised least squares with the noise that differentiation makes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: trial widths of the peak, in cells: below one the peak is that of the differences themselves
WIDTHS: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
#: variance of what no peak describes, in parts of the mean variance of the divergence: keeps the weights from
#: resting on patterns of the grid whose noise cancels
FLOOR: Final = 0.02


@dataclass(frozen=True)
class DivergencePeak:
    """Emission [kg s-1] with its errors by noise and by shape, width [m], constant [kg m-2 s-1]."""

    emission: float
    noise: float
    shape: float
    width: float
    background: float


def fit_divergence(flux: Array, variance: Array, sink: Array, resolution: float) -> DivergencePeak:
    r"""Fit a peak of known place on a constant to the divergence of a mean flux.

    The noise of a divergence is a divergence of noise: neighbours are anticorrelated, and an ordinary fit
    throws most of the information away. With K the central differences the covariance is
    :math:`C = K_x \Sigma_{uu} K_x^T + K_y \Sigma_{vv} K_y^T + K_x \Sigma_{uv} K_y^T + K_y \Sigma_{uv} K_x^T`.
    The peak is what these differences make of a Gaussian of area 1: its width is integrated over with a flat
    prior on a few values, weighed by their likelihood.

    Parameters
    ----------
    flux : numpy.ndarray
        ``(2, n, n)`` mean of mass times wind, eastward and northward [kg m-1 s-1]; rows go north, the source
        is in the middle.
    variance : numpy.ndarray
        ``(3, n, n)`` variance of its two components, and their covariance.
    sink : numpy.ndarray
        ``(n, n)`` further terms of the budget [kg m-2 s-1].
    resolution : float
        Size of a cell [m].

    Returns
    -------
    DivergencePeak
        See there.

    Examples
    --------
    >>> n = 15
    >>> x = np.linspace(-7.0, 7.0, n) * 1e3
    >>> r2 = np.maximum(x**2 + x[:, None] ** 2, 1e5)
    >>> flux = 100.0 / (2 * np.pi) * np.stack(np.broadcast_arrays(x, x[:, None])) / r2
    >>> fit = fit_divergence(flux, np.full((3, n, n), 1e-12) * [[[1.0]], [[1.0]], [[0.0]]], 0 * r2, 1e3)
    >>> bool(abs(fit.emission - 100.0) < 5.0)
    True
    """
    from scipy.sparse.linalg import splu

    size = flux.shape[1]
    east, north = _differences(size, resolution)
    d = east @ flux[0].ravel() + north @ flux[1].ravel() + sink[1:-1, 1:-1].ravel()
    covariance = _covariance(east, north, variance)
    floor = FLOOR * float(covariance.diagonal().mean())
    from scipy.sparse import eye

    solver = splu((covariance + floor * eye(d.size)).tocsc())
    shapes = [_peak(size, width, resolution) for width in WIDTHS]
    rows = []
    for shape in shapes:
        design = np.column_stack([shape, np.ones(d.size)])
        white = solver.solve(design)
        information = design.T @ white
        inverse = np.linalg.inv(information)
        value = inverse @ (white.T @ d)
        # weights as they are, but the noise that the data truly have
        noise = white @ inverse
        sigma = math.sqrt(float(noise[:, 0] @ (covariance @ noise[:, 0])))
        rest = d - design @ value
        rows.append((value[0], sigma, value[1], float(rest @ solver.solve(rest))))
    value, sigma, level, chi = np.array(rows).T
    scatter = max(float(chi.min()) / (d.size - 2.0), 1.0)
    weight = np.exp(-0.5 * (chi - chi.min()) / scatter)
    weight /= weight.sum()
    emission = float(weight @ value)
    return DivergencePeak(
        emission,
        math.sqrt(scatter) * float(weight @ sigma),
        math.sqrt(float(weight @ (value - emission) ** 2)),
        resolution * float(weight @ np.array(WIDTHS)),
        float(weight @ level),
    )


def _differences(size: int, resolution: float) -> tuple[Any, Any]:
    """Central differences of a field on all cells, at the inner cells."""
    from scipy.sparse import diags, kron

    step = diags([-0.5 / resolution, 0.5 / resolution], [0, 2], shape=(size - 2, size))
    same = diags([1.0], [1], shape=(size - 2, size))
    return kron(same, step).tocsr(), kron(step, same).tocsr()


def _covariance(east: Any, north: Any, variance: Array) -> Any:
    from scipy.sparse import diags

    uu, vv, uv = (diags(part.ravel()) for part in variance)
    cross = east @ uv @ north.T
    return (east @ uu @ east.T + north @ vv @ north.T + cross + cross.T).tocsc()


def _peak(size: int, width: float, resolution: float) -> Array:
    """Divergence of the flux of a source of area 1, averaged over cells, by central differences.

    For a wind of any direction the mean flux is that of a line from the source on; over all directions it is
    the flux 1 / (2 pi r) away from the source, smoothed by the cell and by the width.
    """
    fine = 5
    count = size * fine
    x = (np.arange(count) - (count - 1) / 2.0) * resolution / fine
    r2 = x[:, None] ** 2 + x**2
    spread = max(width * resolution, resolution / fine)
    out = []
    for part in np.broadcast_arrays(x, x[:, None]):
        field = part / (2.0 * math.pi * np.maximum(r2, 1e-9)) * (1.0 - np.exp(-0.5 * r2 / spread**2))
        out.append(field.reshape(size, fine, size, fine).mean(axis=(1, 3)))
    east, north = _differences(size, resolution)
    return np.asarray(east @ out[0].ravel() + north @ out[1].ravel())
