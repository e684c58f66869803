"""Turbulence of plumes: how far the flux through lines is from the emission, however well it is measured."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]

#: relative standard deviation of line densities by turbulence, and the way over which it lasts [m]: with
#: them the mean over 90 km has an error of 9 per cent, the "about 10 per cent" of Galkowski et al. (2025)
TURBULENCE: Final = 0.2
MEMORY: Final = 10e3


def mean_turbulence(length: ArrayLike) -> Floats:
    r"""Relative standard error that turbulence leaves in the mean flux over a length of the plume.

    Line densities of standard deviation :math:`\tau` whose correlation falls as :math:`e^{-d / l}` have over
    the length L the mean of variance

    .. math:: \tau^2 \, \frac{2 l^2}{L^2} \left(\frac{L}{l} - 1 + e^{-L / l}\right)

    (integral of the correlation; Priestley 1981, Spectral analysis and time series, section 5.3). One line is
    the limit of no length.

    Parameters
    ----------
    length : array_like
        Length along the plume over which lines are averaged [m], 0 or more.

    Returns
    -------
    numpy.ndarray
        Part of the emission.

    Notes
    -----
    The same for all weathers: convective boundary layers stir more than neutral ones, and no table of that
    could be verified.

    Examples
    --------
    >>> mean_turbulence([0.0, 10e3, 90e3]).round(3).tolist()
    [0.2, 0.172, 0.089]
    """
    ratio = np.maximum(np.asarray(length, float) / MEMORY, 1e-4)
    return np.asarray(TURBULENCE * np.sqrt(2.0 * (ratio - 1.0 + np.exp(-ratio))) / ratio)
