"""Large-scale gradient in latitude by regression, window by window of time."""

from __future__ import annotations

import numpy as np

from yaotan.column.background.estimate import TOO_FEW, Estimate
from yaotan.column.background.line import fit_robust, prediction_error
from yaotan.column.background.sample import Sample
from yaotan.constants import DAY


def latitude_gradient(sample: Sample, *, order: int, window: float, minimum: int) -> Estimate:
    """Robust polynomial in latitude of all soundings of a window of so many days.

    Windows are counted from 1970-01-01, so that they do not depend on what is opened together. A window needs
    `minimum` soundings for each coefficient.
    """
    estimate = Estimate.empty(sample)
    rows = np.flatnonzero(sample.usable)
    number = sample.time[rows] // int(window * DAY * 1e9)
    for one in np.unique(number):
        part = rows[number == one]
        lat = sample.lat[part]
        centre, half = (lat.max() + lat.min()) / 2, (lat.max() - lat.min()) / 2
        if part.size < minimum * (order + 1) or half == 0.0:
            estimate.status[part] = TOO_FEW
            continue
        design = np.polynomial.legendre.legvander((lat - centre) / half, order)
        coefficient, weight, spread = fit_robust(design, sample.value[part])
        level = design @ coefficient
        error = prediction_error(design, weight, sample.value[part] - level, sample.block[part], design)
        estimate.put(part, level, error, spread, part.size)
    return estimate
