"""Year and weather of overpasses: a smooth periodic season, and strata of wind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.temporal import EmissionProfile
from yaotan.constants import DAY, YEAR_DAYS
from yaotan.plume.estimate import LOW_WIND
from yaotan.plume.robust import LevelFit

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

#: standard deviation of the coefficients of the first and second harmonic of the year: root mean square over
#: the 106 month profiles of the CoCO2 catalogue (Guevara et al. 2024, doi:10.5194/essd-16-337-2024)
SEASON: Final = (0.164, 0.112)
#: bounds of the strata of wind [m s-1], calm first
STRATA: Final = (0.0, LOW_WIND, 4.0, 6.0, 9.0, math.inf)


def season_basis(times: NDArray[np.datetime64]) -> Array:
    """Cosine and sine of one and of two turns a year."""
    moment = times.astype("datetime64[s]")
    phase = 2.0 * math.pi * (moment - moment.astype("datetime64[Y]")).astype(float) / (DAY * YEAR_DAYS)
    return np.column_stack([np.cos(phase), np.sin(phase), np.cos(2.0 * phase), np.sin(2.0 * phase)])


def season_spread() -> Array:
    """Prior standard deviation of each function of the basis, in parts of the level."""
    return np.repeat(np.array(SEASON), 2)


def annual_factor(fit: LevelFit, profile: EmissionProfile | None, year: int) -> float:
    """Mean over all hours of the year of profile and season."""
    hours = np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[h]").astype("datetime64[s]")
    factor = np.ones(hours.size) if profile is None else profile.factor(hours)
    return float(np.nanmean(factor * (1.0 + season_basis(hours) @ fit.season)))


def wind_weights(rows: pd.DataFrame, every: pd.DataFrame, winds: Array | None) -> Array | None:
    """Weights that give each stratum of wind its share; None where no wind is known.

    A stratum without a valid overpass lends its share to the nearest one that has some.
    """
    mine = rows["wind_speed"].to_numpy()
    speeds = np.asarray(every["wind_speed"] if winds is None else winds, float)
    speeds = speeds[np.isfinite(speeds)]
    if speeds.size == 0 or not np.isfinite(mine).all():
        return None
    place, wanted = (np.digitize(v, STRATA) - 1 for v in (mine, speeds))
    held = np.unique(place)
    lent = held[np.abs(wanted[:, None] - held).argmin(axis=1)]
    share = {k: (lent == k).mean() / (place == k).mean() for k in held}
    return np.array([share[k] for k in place])
