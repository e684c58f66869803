"""Predictions of a field of empirical modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.block import Block
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.matrix import Lattice, Matrix
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.mode import Modes
from yaotan.column.fill.observation import Floats
from yaotan.column.fill.target import mean_terms


@dataclass(frozen=True)
class ModeField:
    """Modes and their amplitudes at every step given the observations.

    Attributes
    ----------
    lattice, kept
        Cells and steps, and which of the cells are in the matrix.
    mean, modes
        Mean of the field, its modes.
    amplitude, covariance : numpy.ndarray
        ``(steps, k)``, ``(steps, k, k)``.
    fade : ProductSum
        Covariance of what the modes leave; its correlation in time counts in means over periods.
    """

    lattice: Lattice
    kept: NDArray[np.bool_]
    mean: FittedMean
    modes: Modes
    amplitude: Floats
    covariance: Floats
    fade: ProductSum

    @classmethod
    def of(
        cls, lattice: Lattice, matrix: Matrix, mean: FittedMean, modes: Modes, fade: ProductSum
    ) -> ModeField:
        """Estimate the amplitudes from a matrix."""
        found = modes.amplitudes(matrix.value, matrix.variance)
        return cls(lattice, matrix.kept, mean, modes, *found, fade)

    def at_points(self, lat: Floats, lon: Floats, days: Floats) -> tuple[Floats, Floats]:
        """Give the field and its 1 sigma at points; amplitudes and variances are linear in time."""
        nodes = self.lattice.nodes
        pattern, outside = self._patterns(lat, lon)
        step, along = nodes.locate(np.clip(days, nodes.start, nodes.start + nodes.step * (nodes.number - 1)))
        value, variance = self.mean.value(lat, lon, days), np.full(days.size, self.modes.rest)
        for node, weight in ((step, 1.0 - along), (step + 1, along)):
            value += weight * np.einsum("nk,nk->n", pattern, self.amplitude[node])
            variance += weight * np.einsum("nk,nkl,nl->n", pattern, self.covariance[node], pattern)
        return value, np.sqrt(variance + self._add(lat, lon, days, outside))

    def fill_block(self, block: Block) -> tuple[Floats, Floats]:
        """Give value and 1 sigma of the cells (see `BlockFiller.fill_block`)."""
        nodes = self.lattice.nodes
        moments = block.moments(nodes.step)
        last = nodes.start + nodes.step * (nodes.number - 1)
        weights = nodes.average(np.clip(moments.days, nodes.start, last), moments.weights)
        lat, lon = block.places()
        pattern, outside = self._patterns(lat, lon)
        terms = mean_terms(self.mean, lat, lon, moments)
        value = self.mean.reference + terms @ self.mean.coefficients + pattern @ (weights @ self.amplitude)
        covariance = np.einsum("w,wkl->kl", weights, self.covariance)
        variance = np.einsum("nk,kl,nl->n", pattern, covariance, pattern)
        # errors of the amplitudes of different steps are independent, and a period holds so many steps
        variance = (variance + outside * self._unseen) / max(1.0, 2.0 * moments.half / nodes.step)
        within = block.moments(self.fade.time_scale).correlate_self(self._fading)
        return value, np.sqrt(variance + self.modes.rest * within + self._mean_variance(terms))

    def _fading(self, lag: Floats) -> Floats:
        """Correlation in time of what the modes leave at one place."""
        return self.fade.covariance(0.0, lag) / self.fade.sill

    def _patterns(self, lat: Floats, lon: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Modes at places ``(n, k)``, and which places are near no cell of the matrix."""
        weights: Any = self.lattice.interpolate(lat, lon, self.kept)
        return weights @ self.modes.pattern, np.asarray(weights.sum(axis=1)).ravel() == 0.0

    @property
    def _unseen(self) -> float:
        """Variance that the modes have in a cell on average: unknown where no cell is near."""
        return float(self.modes.variance.sum() / max(1, int(self.kept.sum())))

    def _add(self, lat: Floats, lon: Floats, days: Floats, outside: NDArray[np.bool_]) -> Floats:
        """Variance of the mean, and of the modes where they are not known."""
        return self._mean_variance(self.mean.design(lat, lon, days)) + outside * self._unseen

    def _mean_variance(self, terms: Floats) -> Floats:
        return np.asarray(np.einsum("np,pq,nq->n", terms, self.mean.covariance, terms))
