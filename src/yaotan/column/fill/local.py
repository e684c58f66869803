"""Kriging of points and cells from the nearest observations, mean and covariance given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.block import Block
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.kernel import krige
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.neighbourhood import Neighbourhood
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.target import Moments, Support, cell_nodes, mean_terms
from yaotan.errors import YaotanError
from yaotan.geodesy import sphere_point

#: Kriging variance that rounding may bring below zero, in parts of the sill.
_ROUNDING: Final = 1e-9


@dataclass(frozen=True)
class LocalKriging:
    """Observations with everything that predictions from them need.

    Attributes
    ----------
    observations : Observations
    mean : FittedMean
    model : ProductSum
    near : Neighbourhood
    ordinary : bool
    support : str
    error_length : float
        See `yaotan.column.fill.kriging.SpaceTimeKriging`.
    design : numpy.ndarray
        Terms of the mean at the observations ``(n, p)``.
    residual : numpy.ndarray
        ``(n, 1)``.
    """

    observations: Observations
    mean: FittedMean
    model: ProductSum
    near: Neighbourhood
    ordinary: bool
    support: Support
    error_length: float
    design: Floats
    residual: Floats

    @classmethod
    def of(
        cls,
        observations: Observations,
        mean: FittedMean,
        model: ProductSum,
        *,
        neighbours: tuple[int, int, float],
        ordinary: bool,
        support: Support,
        error_length: float,
    ) -> LocalKriging:
        """Prepare observations for predictions; neighbours: minimum, maximum, share of one overpass."""
        minimum, maximum, share = neighbours
        near = Neighbourhood(
            sphere_point(observations.latitude, observations.longitude),
            observations.days,
            observations.overpass,
            model,
            minimum=minimum,
            maximum=maximum,
            track_share=share,
        )
        design = mean.design(observations.latitude, observations.longitude, observations.days)
        residual = mean.residual(observations)[:, None]
        return cls(
            observations, mean, model, near, ordinary, support, error_length,
            np.ascontiguousarray(design), residual,
        )  # fmt: skip

    def at_points(
        self, lat: Floats, lon: Floats, days: Floats, labels: NDArray[np.intp] | None
    ) -> tuple[Floats, Floats]:
        """Give the field and its 1 sigma at points; with labels, at the observations from all but theirs."""
        place = sphere_point(lat, lon)
        rows, counts = self.near.search(place, days, labels=labels)
        soon = self.model.in_time(self.near.days[rows] - days[:, None])
        design = self.mean.design(lat, lon, days)
        ones = np.ones(days.size)
        value, variance = self._solve(
            rows, counts, soon, ones, place[:, None], np.ones(days.size, bool), design, self.residual
        )
        return self.mean.value(lat, lon, days) + value[:, 0], np.sqrt(variance)

    def _solve(
        self,
        rows: NDArray[np.int64],
        counts: NDArray[np.int64],
        soon: Floats,
        soon_self: Floats,
        nodes: Floats,
        exact: NDArray[np.bool_],
        design: Floats,
        residual: Floats,
    ) -> tuple[Floats, Floats]:
        """Run the compiled loop; variances are checked, not mended."""
        near, known = self.near, self.observations
        value, variance = np.empty((counts.size, residual.shape[1])), np.empty(counts.size)
        krige(
            rows, counts, np.ascontiguousarray(soon), soon_self, np.ascontiguousarray(nodes), exact,
            near.place, near.days, known.sigma**2, known.shared, near.overpass, self.error_length,
            self.model.parameters(), residual, self.design, np.ascontiguousarray(design),
            self.mean.covariance, self.ordinary, value, variance,
        )  # fmt: skip
        floor = -_ROUNDING * self.model.sill
        if (variance < floor).any():
            worst = float(np.nanmin(variance))
            raise YaotanError(
                f"kriging variance is negative: {worst:.3g} where the sill is {self.model.sill:.3g}",
                where="SpaceTimeKriging",
                expected="0 or more",
                fix="the covariance is not valid or the observations contradict one another; report this",
            )
        # what is left below zero is rounding
        return value, np.where(variance < 0.0, 0.0, variance)

    def fill_block(self, block: Block) -> tuple[Floats, Floats]:
        """Give value and 1 sigma of the cells (see `BlockFiller.fill_block`)."""
        moments = block.moments(self.model.time_scale)
        value, variance, terms = self.at_cells(block, moments, self.residual)
        return self.mean.reference + terms @ self.mean.coefficients + value[:, 0], np.sqrt(variance)

    def at_cells(self, block: Block, moments: Moments, residual: Floats) -> tuple[Floats, Floats, Floats]:
        """Krige the cells of a block.

        Parameters
        ----------
        block, moments
            The cells, and the times whose mean the targets are.
        residual : numpy.ndarray
            ``(n, r)`` residuals of the observations.

        Returns
        -------
        value, variance, terms : numpy.ndarray
            Residual field ``(m, r)``, its variance ``(m,)``, terms of the mean ``(m, p)``.
        """
        model = self.model
        lat, lon = block.places()
        nodes = cell_nodes(block.spec, block.rows, block.wanted, self.support, model.space_range)
        chosen, counts = self.near.search(
            sphere_point(lat, lon), np.full(lat.size, moments.middle), half=moments.half
        )
        soon = moments.correlate(self.near.days[chosen], model.in_time)
        itself = np.full(lat.size, moments.correlate_self(model.in_time))
        exact = np.full(lat.size, self.support == "point" and moments.half == 0.0)
        terms = mean_terms(self.mean, lat, lon, moments)
        value, variance = self._solve(chosen, counts, soon, itself, nodes, exact, terms, residual)
        return value, variance, terms
