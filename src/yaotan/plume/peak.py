"""A peak on a line of soundings: Gaussian on a straight background, errors correlated along the track.

Centre, width and the correlation of the errors are not optimised but integrated over: where several widths
explain the data about equally well, their spread is in the error of the area, and no weak plume borrows the
slope of the background without saying so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.plume.trial import Trial, covariance_root, try_covariance

Array = NDArray[np.float64]

#: parts of the error variance that neighbours share, and the lengths [m] over which they do: flat prior on
#: this grid. Residuals of OCO-2 soundings are correlated over some tens of kilometres (docs/plume_track.md).
SHARES: Final = (0.1, 0.25, 0.5, 0.75)
LENGTHS: Final = (5e3, 10e3, 20e3, 40e3)
#: trial values of centre and width
CENTRES, WIDTHS = 25, 12
#: a trial peak of which less lies under soundings says nothing of its area
LEAST_SEEN: Final = 1.0 / 3.0
#: the grid of trials is laid anew over what holds the posterior, this often at most
PASSES: Final = 5


@dataclass(frozen=True)
class PeakFit:
    """Posterior of a peak: mean and standard deviation of each number.

    Parameters
    ----------
    area, area_uncertainty : float
        Integral of the enhancement along the line [unit of the values times m].
    centre, centre_uncertainty, width, width_uncertainty : float
        Place and standard deviation of the Gaussian [m].
    level, slope : float
        Background at the centre [unit of the values] and its slope [per m].
    share, length : float
        Posterior mean of the correlated part of the error variance, and of its length [m].
    scale : float
        Scatter about the fit over the stated errors.
    significance : float
        Square root of twice the gain in log likelihood over a straight line, at best.
    count : int
        Soundings used.
    """

    area: float
    area_uncertainty: float
    centre: float
    centre_uncertainty: float
    width: float
    width_uncertainty: float
    level: float
    slope: float
    share: float
    length: float
    scale: float
    significance: float
    count: int

    @property
    def height(self) -> float:
        """Enhancement at the centre [unit of the values]."""
        return self.area / (math.sqrt(2.0 * math.pi) * self.width)


def peak_shape(x: ArrayLike, centre: ArrayLike, width: ArrayLike, footprint: ArrayLike = 0.0) -> Array:
    """Give Gaussians of area 1 as footprints of a finite length see them.

    Parameters
    ----------
    x : array_like
        Middle of the footprints [m].
    centre, width : array_like
        Place and standard deviation of the Gaussian [m]; broadcast against `x`.
    footprint : array_like
        Length of the footprints along the line [m]; 0: points.

    Returns
    -------
    numpy.ndarray
        [m-1].

    Examples
    --------
    >>> float((peak_shape(np.arange(-20e3, 20e3, 2e3), 1e3, 1e3, 2e3) * 2e3).sum().round(6))
    1.0
    """
    from scipy.special import ndtr

    spread = np.asarray(width, float)
    z = (np.asarray(x, float) - np.asarray(centre, float)) / spread
    half = np.asarray(footprint, float) / 2.0 / spread
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (ndtr(z + half) - ndtr(z - half)) / (2.0 * half * spread)
    point = np.exp(-0.5 * z**2) / (math.sqrt(2.0 * math.pi) * spread)
    return np.asarray(np.where(half > 1e-3, mean, point))


def fit_peak(
    x: ArrayLike,
    values: ArrayLike,
    sigma: ArrayLike,
    *,
    widths: tuple[float, float],
    centres: tuple[float, float],
    expected: tuple[float, float] | None = None,
    footprint: float = 0.0,
    shares: tuple[float, ...] = SHARES,
    lengths: tuple[float, ...] = LENGTHS,
) -> PeakFit:
    r"""Fit ``y = b + m x + A g(x; centre, width)`` by generalised least squares, integrated over the rest.

    For each centre, width and covariance :math:`C = s^2 \sigma_i \sigma_j [(1 - r) \delta_{ij} + r e^{-|x_i -
    x_j| / L}]` line and area follow from linear algebra. With flat priors on b and m, 1/s on the scale and a
    prior of A that is flat in units of its own standard error (a wide peak is not preferred because its area
    is known less well) the weight of the trial is (Zellner 1971, An introduction to Bayesian inference in
    econometrics, ch. 8)

    .. math:: p \propto |C|^{-1/2} |X^T C^{-1} X|^{-1/2} S^{-(n - 3) / 2}

    with X the straight line and S the weighted sum of squares that remains. A may be negative: nothing is
    clipped.

    Parameters
    ----------
    x : array_like
        ``(n,)`` place along the line [m].
    values, sigma : array_like
        ``(n,)`` column and its 1-sigma error, of one unit; only the ratios of sigma matter.
    widths : tuple of float
        Least and greatest standard deviation of the plume along the line [m]; prior flat in the logarithm.
    centres : tuple of float
        First and last place where the centre may be [m].
    expected : tuple of float, optional
        Mean and standard deviation of a normal prior of the centre [m]. Default: flat.
    footprint : float
        Length of a footprint along the line [m]; the model is averaged over it.
    shares, lengths : tuple of float
        Trial values of r and L [m]; r = 0 is always tried.

    Returns
    -------
    PeakFit
        See there.

    Raises
    ------
    YaotanError
        A range is empty, or a sigma is not positive.
    TooFewSoundingsError
        Fewer than 8 finite soundings, or none where the peak may be.

    Notes
    -----
    A trial of which less than a third lies under soundings is left out: in a gap, or beyond the end, any area
    fits. Knows one peak: a second plume in the window is background to it and biases both.

    Examples
    --------
    >>> x = np.arange(-60e3, 60e3, 2e3)
    >>> y = 400.0 + 2e-6 * x + 2e4 * peak_shape(x, 1e3, 5e3)
    >>> noise = np.random.default_rng(1).normal(0.0, 0.3, x.size)
    >>> fit = fit_peak(x, y + noise, np.full(x.size, 0.3), widths=(1e3, 15e3), centres=(-20e3, 20e3))
    >>> bool(abs(fit.area - 2e4) < 2 * fit.area_uncertainty), bool(abs(fit.centre - 1e3) < 2e3)
    (True, True)
    """
    place, y, error = _check(x, values, sigma, widths, centres)
    models = [(0.0, lengths[0])] + [(r, length) for r in shares if r > 0.0 for length in lengths]
    gap = np.abs(place[:, None] - place[None, :])
    roots = [covariance_root(error, gap, share, length) for share, length in models]
    ranges = (centres, widths)
    for _ in range(PASSES):
        centre, width = (part.ravel() for part in np.meshgrid(*_trials(*ranges)))
        shapes = peak_shape(place[:, None], centre, width, footprint)
        # about the mean, so that squares of 400 ppm lose no digits
        line = np.column_stack([np.ones_like(place), (place - place.mean()) / _length(place)])
        right = np.column_stack([line, y - y.mean(), shapes]) / error[:, None]
        tries = [try_covariance(right, root) for root in roots]
        prior = np.where(_seen(place, shapes, footprint) >= LEAST_SEEN, 0.0, -np.inf)
        if not np.isfinite(prior).any():
            raise TooFewSoundingsError("no soundings where the peak may be", where="fit_peak")
        if expected is not None:
            prior = prior - 0.5 * ((centre - expected[0]) / expected[1]) ** 2
        weight = _weights(tries, prior)
        finer = _narrow(weight.sum(axis=0), centre, width, ranges)
        if finer is None:
            break
        ranges = finer
    return _summarise(weight, tries, models, centre, width, (y.mean(), place.mean(), _length(place)))


def _seen(place: Array, shapes: Array, footprint: float) -> Array:
    """Share of each trial peak that lies under soundings."""
    steps = np.gradient(place)
    return np.asarray(np.minimum(steps, footprint or 2.0 * float(np.median(steps))) @ shapes)


def _length(place: Array) -> float:
    return max(float(np.ptp(place)), 1.0)


def _trials(centres: tuple[float, float], widths: tuple[float, float]) -> tuple[Array, Array]:
    middle = np.linspace(*centres, CENTRES) if centres[1] > centres[0] else np.array(centres[:1])
    return middle, np.geomspace(*widths, WIDTHS) if widths[1] > widths[0] else np.array(widths[:1])


def _narrow(
    weight: Array, centre: Array, width: Array, ranges: tuple[tuple[float, float], tuple[float, float]]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Give the ranges that hold the posterior, where the grid is too coarse for it; None where it is not."""
    held = weight > 1e-5 * weight.max()
    axes = _trials(*ranges)
    new = []
    coarse = False
    for axis, values in zip(axes, (centre, width), strict=True):
        index = np.searchsorted(axis, [values[held].min() * (1 - 1e-12), values[held].max() * (1 - 1e-12)])
        first, last = max(int(index.min()) - 1, 0), min(int(index.max()) + 1, axis.size - 1)
        coarse |= axis.size > 2 and last - first < axis.size // 2
        new.append((float(axis[first]), float(axis[last])))
    return (new[0], new[1]) if coarse else None


def _weights(tries: list[Trial], prior: Array | float) -> Array:
    logs = np.array([t.log_weight for t in tries]) + prior
    # a flat prior over the models: one for independent errors, one for all correlated ones together
    logs[1:] -= math.log(max(len(tries) - 1, 1))
    weight = np.exp(logs - logs.max())
    return np.asarray(weight / weight.sum())


def _summarise(
    weight: Array,
    tries: list[Trial],
    models: list[tuple[float, float]],
    centre: Array,
    width: Array,
    origin: tuple[float, float, float],
) -> PeakFit:
    def mean(values: Array) -> float:
        # a trial that no sounding sees has no area
        return float((weight * np.where(weight > 0.0, values, 0.0)).sum())

    area = np.stack([t.area for t in tries])
    middle = mean(area)
    variance = mean(np.stack([t.variance for t in tries]) + (area - middle) ** 2)
    x, s = mean(centre + 0.0 * area), mean(width + 0.0 * area)
    level = mean(np.stack([t.line[0] for t in tries]))
    tilt = mean(np.stack([t.line[1] for t in tries])) / origin[2]
    best = int(np.argmax(weight.sum(axis=1)))
    share, length = (np.array([m[k] for m in models])[:, None] + 0.0 * area for k in (0, 1))
    return PeakFit(
        area=middle,
        area_uncertainty=math.sqrt(variance),
        centre=x,
        centre_uncertainty=math.sqrt(max(mean((centre - x) ** 2 + 0.0 * area), 0.0)),
        width=s,
        width_uncertainty=math.sqrt(max(mean((width - s) ** 2 + 0.0 * area), 0.0)),
        level=level + origin[0] + tilt * (x - origin[1]),
        slope=tilt,
        share=mean(share),
        length=mean(length),
        scale=math.sqrt(mean(np.stack([t.residual for t in tries]))),
        significance=math.sqrt(max(float(tries[best].gain[np.argmax(weight[best])]), 0.0)),
        count=tries[0].count,
    )


def _check(
    x: ArrayLike,
    values: ArrayLike,
    sigma: ArrayLike,
    widths: tuple[float, float],
    centres: tuple[float, float],
) -> tuple[Array, Array, Array]:
    place, y, error = np.broadcast_arrays(*(np.asarray(v, float).ravel() for v in (x, values, sigma)))
    if not 0.0 < widths[0] <= widths[1] or not centres[0] <= centres[1]:
        raise YaotanError(
            f"widths are {widths}, centres {centres}",
            where="fit_peak",
            expected="(least, greatest) in metres",
        )
    good = np.isfinite(place) & np.isfinite(y) & np.isfinite(error)
    if (error[good] <= 0.0).any():
        raise YaotanError("a sigma is not positive", where="fit_peak", expected="1-sigma errors above 0")
    if good.sum() < 8:
        raise TooFewSoundingsError(
            f"{int(good.sum())} finite soundings", where="fit_peak", expected="at least 8 around the peak"
        )
    order = np.argsort(place[good], kind="stable")
    return place[good][order], y[good][order], error[good][order]
