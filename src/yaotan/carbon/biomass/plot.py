"""Plots with predictors: what may be learned from, checked and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from yaotan.carbon.budget.parameter import Floats
from yaotan.errors import SchemaError, TooFewSoundingsError

#: Dry matter that no plot holds [t/ha]: twice the carbon of the densest stand found, 1053 t C/ha (Keith et
#: al. 2009, doi:10.1073/pnas.0901970106), with some room.
MOST: Final = 2300.0
#: fewest plots to learn from
FEWEST: Final = 30


@dataclass(frozen=True)
class Plots:
    """Plots with every value; `dropped` counts the others by reason."""

    predictors: Floats
    biomass: Floats
    longitude: Floats
    latitude: Floats
    names: list[str]
    dropped: dict[str, int]


def read_plots(
    predictors: pd.DataFrame, biomass: ArrayLike, longitude: ArrayLike, latitude: ArrayLike, *, drop: bool
) -> Plots:
    """Check plots, and leave out those that lack a value.

    Parameters
    ----------
    predictors, biomass, longitude, latitude
        As in `BiomassModel.fit`.
    drop : bool
        Whether implausible plots are left out, too, rather than refused.

    Returns
    -------
    Plots
        What is left.

    Raises
    ------
    SchemaError, TooFewSoundingsError
        As `BiomassModel.fit`.
    """
    where = "BiomassModel.fit"
    if not isinstance(predictors, pd.DataFrame):
        kind = type(predictors).__name__
        raise SchemaError(f"predictors are a {kind}", where=where, expected="a DataFrame")
    numeric = predictors.select_dtypes("number")
    if numeric.shape[1] != predictors.shape[1] or not numeric.shape[1]:
        named = ", ".join(str(name) for name in predictors if name not in numeric) or "no column"
        raise SchemaError(f"{named} is no number", where=where, expected="numbers")
    y, lon, lat = (np.asarray(part, dtype=float) for part in (biomass, longitude, latitude))
    if not len(predictors) == y.size == lon.size == lat.size:
        raise SchemaError("predictors, biomass and places are of other lengths", where=where)
    x = predictors.to_numpy(dtype=float)
    known = np.isfinite(x).all(axis=1) & np.isfinite(y)
    wrong = known & ((y < 0.0) | (y > MOST))
    if wrong.any() and (not drop or (y[known] < 0).any()):
        raise SchemaError(
            f"{int(wrong.sum())} plot(s) hold what no stand does, such as {y[wrong][0]:g} t/ha", where=where,
            expected=f"0 to {MOST:g} t/ha of dry matter", fix="check units and plots, or implausible='drop'",
        )  # fmt: skip
    kept = known & ~wrong
    if kept.sum() < FEWEST:
        raise TooFewSoundingsError(
            f"{int(kept.sum())} plots are left", where=where, expected=f"{FEWEST} or more"
        )
    dropped = {"missing_value": int((~known).sum()), "implausible": int(wrong.sum())}
    return Plots(x[kept], y[kept], lon[kept], lat[kept], [str(n) for n in predictors.columns], dropped)
