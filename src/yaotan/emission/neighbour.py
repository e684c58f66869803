"""What the errors of regions around say of a region that was not learned from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yaotan.emission.panel import Panel
from yaotan.emission.place import AXES
from yaotan.errors import UnitsError
from yaotan.geodesy import distance
from yaotan.units import conversion

Values = NDArray[np.float64]
#: distance [m] over which errors of neighbours fall to 1 / e, and the share of their variance that is a
#: region's own: both written down before any score was looked at, and not tuned since
LENGTH: Final = 300e3
OWN_SHARE: Final = 0.5


def has_place(panel: Panel, features: tuple[str, ...] = ()) -> bool:
    """Tell whether a panel knows where its regions lie, as `yaotan.emission.place_feature` says it.

    Parameters
    ----------
    panel : Panel
    features : tuple of str
        Those that may be looked at; all where empty.

    Returns
    -------
    bool
        Whether it has features ``latitude`` and ``longitude`` whose units are angles.
    """
    if not set(AXES) <= set(features or panel.features) & set(panel.features):
        return False
    try:
        _degrees(panel)
    except UnitsError:
        return False
    return True


def _degrees(panel: Panel) -> pd.Series:
    """Give the factor from the unit of each axis to degrees."""
    return pd.Series({name: conversion(panel.column(name).unit, "degree")[0] for name in AXES})


@dataclass
class NeighbourField:
    r"""Errors of regions, carried on to their neighbours by simple kriging.

    The logarithm of target over estimate, averaged over the years of each region, is taken for a level that
    all have in common, a smooth field with covariance :math:`(1 - \nu) e^{-d / L}` and a region's own share
    :math:`\nu` of the variance. At a place x with covariances k(x) to the regions known

    .. math:: c(x) = k(x)^T (K + \nu I)^{-1} (r - \bar r)

    is what the field says (Chilès and Delfiner 2012, Geostatistics, chapter 3). The level is left out: it is
    no matter of neighbours.

    Parameters
    ----------
    length : float
        L [m].
    own_share : float
        :math:`\nu`.

    Attributes
    ----------
    place_ : numpy.ndarray
        Latitude and longitude of the regions known, ``(region, 2)`` [degree].
    weight_ : numpy.ndarray
        :math:`(K + \nu I)^{-1} (r - \bar r)`, ``(region,)``.

    Notes
    -----
    L and :math:`\nu` are fixed. Far from every known region the correction goes to 0; so it does for a row
    without a place.

    Examples
    --------
    >>> errors = pd.DataFrame({"region": ["a", "b"], "group": ["g", "h"], "residual": [0.3, -0.3]})
    >>> places = pd.DataFrame({"latitude": [30.0, 40.0], "longitude": 110.0}, index=["a", "b"])
    >>> made = NeighbourField().fit(errors, places)
    >>> made.estimate(np.array([[30.0, 110.1], [40.0, 110.1], [35.0, 110.0]])).round(2).tolist()
    [0.14, -0.14, 0.0]
    """

    length: float = LENGTH
    own_share: float = OWN_SHARE
    place_: Values = field(default_factory=lambda: np.zeros((0, 2)), repr=False)
    weight_: Values = field(default_factory=lambda: np.zeros(0), repr=False)

    def fit(self, errors: pd.DataFrame, places: pd.DataFrame) -> NeighbourField:
        """Learn the errors of regions.

        Parameters
        ----------
        errors : pandas.DataFrame
            ``region``, ``residual`` (logarithm of target over estimate), of rows that were not learned from.
        places : pandas.DataFrame
            Latitude and longitude by region; regions without a place are left out.
        """
        mean = errors.groupby("region")["residual"].mean()
        known = places.reindex(mean.index).notna().all(axis=1)
        mean, self.place_ = mean[known], places.reindex(mean.index[known])[list(AXES)].to_numpy(float)
        covariance = self._covariance(self.place_) + self.own_share * np.eye(len(mean))
        self.weight_ = np.asarray(np.linalg.solve(covariance, mean.to_numpy(float) - mean.mean()), float)
        return self

    def estimate(self, place: Values) -> Values:
        """Give the correction of the logarithm ``(row,)`` at latitude and longitude ``(row, 2)`` [degree]."""
        made: Values = np.zeros(len(place))
        known = np.isfinite(place).all(axis=1)
        made[known] = self._covariance(place[known]) @ self.weight_
        return made

    def _covariance(self, place: Values) -> Values:
        """Give covariances ``(place, region known)``."""
        apart = distance(
            place[:, None, 0], place[:, None, 1], self.place_[None, :, 0], self.place_[None, :, 1]
        )
        made: Values = (1.0 - self.own_share) * np.exp(-np.asarray(apart, float) / self.length)
        return made


def find_places(panel: Panel) -> pd.DataFrame:
    """Give latitude and longitude [degree] of each region, its first known ones."""
    return panel.table.groupby("region")[list(AXES)].first() * _degrees(panel)


def correct_unseen(errors: pd.DataFrame, places: pd.DataFrame) -> Values:
    """Give the correction of every row ``(row,)`` from regions of other groups alone.

    Parameters
    ----------
    errors : pandas.DataFrame
        As `Selection.residuals`.
    places : pandas.DataFrame
        As `find_places` gives them.
    """
    made = np.zeros(len(errors))
    group = errors["group"].to_numpy()
    at = places.reindex(errors["region"]).to_numpy(float)
    for one in np.unique(group):
        own = group == one
        made[own] = NeighbourField().fit(errors[~own], places).estimate(at[own])
    return made
