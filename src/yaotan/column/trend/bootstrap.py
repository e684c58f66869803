"""Draws of the noise of a series: blocks of its residuals, or the noise model of its fit."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from yaotan.column.trend.fit import Fitted
from yaotan.column.trend.noise import NOISE_TIMES

Uncertainty = Literal["model", "bootstrap"]
#: draws of a bootstrap: 1 sigma from so many is known to 3 per cent
DRAWS: Final = 500
#: length of a block [years]: of 0.1 to 0.5 the one with the least narrow result on planted truths
_BLOCK: Final = 0.25


def draw_blocks(one: Fitted, seed: int, count: int = DRAWS) -> NDArray[np.float64]:
    """Draw noise of a series by a circular moving-block bootstrap of its residuals.

    Parameters
    ----------
    one : Fitted
        Series of a fit.
    seed : int
        Of the random draw.
    count : int
        Draws.

    Returns
    -------
    numpy.ndarray
        ``(n, count)``.

    Notes
    -----
    Residuals are those about trend and harmonics, enlarged by sqrt(n / (n - p)) for the p values that trend
    and function take up. Blocks are of a quarter of a year. Noise slower than the long cut-off is in no
    residual, so the result is too narrow, a lower bound (docs/trend.md has figures).
    """
    year, curve = one.year, one.curve
    harmonic = curve.design(year)
    harmonic[:, : curve.settings.terms] = 0.0
    rows = curve.rows(year, "trend") + harmonic @ curve.fit_rows
    left = one.value - rows @ one.value
    left -= left.mean()
    # the trace says how many values the curves take up
    left *= np.sqrt(year.size / max(year.size - float(np.trace(rows)), 1.0))
    size = int(np.clip(round(_BLOCK * year.size / (year[-1] - year[0])), 1, year.size))
    blocks = -(-year.size // size)
    starts = np.random.default_rng(seed).integers(0, year.size, (count, blocks))
    place = (starts[:, :, None] + np.arange(size)).reshape(count, -1)[:, : year.size] % year.size
    return np.asarray(left[place].T)


def draw_noise(one: Fitted, seed: int, count: int = DRAWS) -> NDArray[np.float64]:
    """Draw noise of a series from the noise model of its fit.

    Parameters
    ----------
    one : Fitted
        Series of a fit.
    seed : int
        Of the random draw.
    count : int
        Draws.

    Returns
    -------
    numpy.ndarray
        ``(n, count)``, Gaussian.
    """
    generator = np.random.default_rng(seed)
    noise, year = one.errors.noise, one.year
    draws = np.sqrt(noise.white) * generator.standard_normal((year.size, count))
    gaps = np.diff(year)
    for variance, time in zip(noise.correlated, NOISE_TIMES, strict=True):
        kicks = np.sqrt(variance) * generator.standard_normal((year.size, count))
        state = kicks[0]
        draws[0] += state
        for step, kept in enumerate(np.exp(-gaps / time), start=1):
            state = kept * state + np.sqrt(1.0 - kept**2) * kicks[step]
            draws[step] += state
    return np.asarray(draws if one.errors.scale is None else one.errors.scale[:, None] * draws)
