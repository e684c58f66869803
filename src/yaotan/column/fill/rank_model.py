"""Variances and ranges of a field of fixed rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from yaotan.column.fill.basis import Basis
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.observation import Floats


@dataclass(frozen=True)
class RankModel:
    r"""Covariance of the coefficients of basis functions, and of the fine part that they cannot show.

    The coefficients of level l are uncorrelated, with variance :math:`K_l` and, at nodes in time, an
    autoregression whose correlation from node to node is :math:`a_l`. It may be negative: a field that is
    linear from node to node and whose correlation swings below zero within a step or two has such ones.

    Attributes
    ----------
    variance : numpy.ndarray
        ``(levels,)`` :math:`K_l`, coarse to fine, in squared units of the field.
    carry : numpy.ndarray
        ``(levels,)`` :math:`a_l`, between -1 and 1.
    fine, fine_range, fine_time : float
        Variance of the fine part; e-folding length [m] and time [days] of its correlation.
    fine_wave : float
        Its correlation in time is that of `ProductSum`, with this wave [rad/day].
    """

    variance: Floats
    carry: Floats
    fine: float
    fine_range: float
    fine_time: float
    fine_wave: float = 0.0

    @property
    def sill(self) -> float:
        """Variance of the field."""
        return float(self.variance.sum()) + self.fine

    @property
    def fine_model(self) -> ProductSum:
        """The fine part as a separable covariance."""
        return ProductSum(0.0, 0.0, self.fine, 0.0, self.fine_range, self.fine_time, time_wave=self.fine_wave)

    def by_function(self, basis: Basis) -> tuple[Floats, Floats]:
        """Give variance and correlation from node to node of every coefficient: ``(r,)`` each."""
        return self.variance[basis.level], self.carry[basis.level]

    def describe(self) -> dict[str, Any]:
        """Give the parameters by name, for attributes."""
        return {
            "covariance_variance": np.round(self.variance, 6).tolist(),
            "covariance_carry": np.round(self.carry, 4).tolist(),
            "covariance_fine": self.fine,
            "covariance_fine_range": self.fine_range,
            "covariance_fine_time": self.fine_time,
            "covariance_fine_wave": self.fine_wave,
        }
