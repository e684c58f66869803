"""What a gap filler has to beat: ordinary kriging in space, month by month, each with its variogram."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.local import LocalKriging
from yaotan.column.fill.mean import MeanModel
from yaotan.column.fill.observation import Observations
from yaotan.geodesy import sphere_point


def fit_variogram(place: np.ndarray, value: np.ndarray) -> tuple[float, float, float]:
    """Sill, nugget and range [m] of an exponential variogram, weighted by N / gamma^2 (Cressie 1985)."""
    i, j = np.triu_indices(value.size, 1)
    apart = np.linalg.norm(place[i] - place[j], axis=1)
    edges = 3000e3 * (np.arange(16) / 15) ** 2
    which = np.searchsorted(edges, apart, side="right") - 1
    used = which < 15
    count = np.bincount(which[used], minlength=15)
    keep = count > 10
    half = 0.5 * np.bincount(which[used], (value[i] - value[j])[used] ** 2, minlength=15)[keep] / count[keep]
    far = np.bincount(which[used], apart[used], minlength=15)[keep] / count[keep]

    def misfit(p: np.ndarray) -> np.ndarray:
        sill, nugget, reach = np.exp(p)
        shape = nugget + sill * (1.0 - np.exp(-far / reach))
        return np.sqrt(count[keep]) * (half / shape - 1.0)

    total = float(value.var())
    found = least_squares(
        misfit,
        np.log([total, 0.2 * total, 600e3]),
        bounds=(np.log([1e-3, 1e-3, 2e4]), np.log([1e2, 1e2, 1e7])),
    )
    sill, nugget, reach = np.exp(found.x)
    return float(sill), float(nugget), float(reach)


def leave_out_by_month(known: Observations, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predict each observation from those of its month that share no label; 1 sigma of the difference."""
    month = known.time.astype("datetime64[M]")
    value, sigma = np.full(len(known), np.nan), np.full(len(known), np.nan)
    for one in np.unique(month):
        rows = np.flatnonzero(month == one)
        kriging, nugget = one_month(known.take(rows))
        lat, lon, days = (getattr(kriging.observations, name) for name in ("latitude", "longitude", "days"))
        found, spread = kriging.at_points(lat, lon, days, labels[rows])
        value[rows], sigma[rows] = found, np.sqrt(spread**2 + nugget)
    return value, sigma


def one_month(known: Observations) -> tuple[LocalKriging, float]:
    """Ordinary kriging of one month as if all its observations were of one moment; and its nugget."""
    sill, nugget, reach = fit_variogram(sphere_point(known.latitude, known.longitude), known.value)
    moment = known.time[:1] + (known.time[-1] - known.time[0]) // 2
    flat = replace(
        known,
        time=np.repeat(moment, len(known)),
        sigma=np.full(len(known), np.sqrt(nugget)),
        shared=np.zeros(len(known)),
    )
    mean = MeanModel(0, 0, 0).fit(flat)
    mean = replace(mean, covariance=np.zeros((1, 1)))
    model = ProductSum(0.0, 0.0, sill, 0.0, reach, 1.0)
    made = LocalKriging.of(
        flat, mean, model, neighbours=(20, 64, 1.0), ordinary=True, support="point", error_length=0.0
    )
    return made, nugget
