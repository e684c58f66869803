"""Predictions and draws of a field of fixed rank from what was learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.fill.basis import Basis
from yaotan.column.fill.block import Block, scaled_bands
from yaotan.column.fill.covariance import correlation
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.node import Nodes
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.rank_model import RankModel
from yaotan.column.fill.simulation import describe_draws, draw_part, restore_draws
from yaotan.column.fill.smoother import Smoothed
from yaotan.column.fill.step import Steps
from yaotan.column.fill.target import Moments, Support, cell_nodes, mean_terms
from yaotan.geodesy import sphere_point
from yaotan.grid.spec import GridSpec

#: Midpoints of a period in one draw of the fine part, at most.
_MOMENTS: Final = 8


@dataclass(frozen=True)
class RankField:
    """Mean, coefficients given the observations, and variances: everything a prediction needs.

    Attributes
    ----------
    basis, nodes, mean, model, smoothed
        Functions, nodes in time, mean of the field, variances, coefficients.
    support : str
        See `yaotan.column.fill.fixed_rank.FixedRankKriging`.
    """

    basis: Basis
    nodes: Nodes
    mean: FittedMean
    model: RankModel
    smoothed: Smoothed
    support: Support

    def at_points(self, lat: Floats, lon: Floats, days: Floats) -> tuple[Floats, Floats]:
        """Give the field and its 1 sigma at points."""
        interval, along = self.nodes.locate(days)
        value, variance = np.empty(days.size), np.empty(days.size)
        for node in np.unique(interval):
            at = np.flatnonzero(interval == node)
            rows = self.basis.rows(sphere_point(lat[at], lon[at]))
            late = along[at]
            early = 1.0 - late
            mean, own = self.smoothed.mean, self.smoothed.covariance
            pull = early[:, None] * (rows @ mean[node]) + late[:, None] * (rows @ mean[node + 1])
            spread = early**2 * _quadratic(rows, own[node]) + late**2 * _quadratic(rows, own[node + 1])
            spread += 2.0 * early * late * _quadratic(rows, self.smoothed.between(int(node)))
            terms = self.mean.design(lat[at], lon[at], days[at])
            value[at], variance[at] = self._finish(rows, terms, pull, spread, self.model.fine)
        return value, np.sqrt(variance)

    def fill_block(self, block: Block) -> tuple[Floats, Floats]:
        """Give value and 1 sigma of the cells (see `BlockFiller.fill_block`)."""
        functions, fine = self._cells(block)
        moments = block.moments(self.model.fine_model.time_scale)
        coefficients, covariance = self.smoothed.combine(self._weights(block))
        terms = mean_terms(self.mean, *block.places(), moments)
        fine = fine * moments.correlate_self(self.model.fine_model.in_time)
        spread = _quadratic(functions, covariance)
        value, variance = self._finish(functions, terms, functions @ coefficients, spread, fine)
        return value, np.sqrt(variance)

    def _weights(self, block: Block) -> Floats:
        """Weights of the nodes in the mean over the step."""
        moments = block.moments(self.nodes.step)
        return self.nodes.average(moments.days, moments.weights)

    def _cells(self, block: Block) -> tuple[Any, Any]:
        """Functions averaged over cells, and variance of the fine part of such a mean."""
        nodes = cell_nodes(block.spec, block.rows, block.wanted, self.support, self.model.fine_range)
        each = [self.basis.rows(nodes[:, k]) for k in range(nodes.shape[1])]
        total = each[0]
        for one in each[1:]:
            total = total + one
        apart = np.linalg.norm(nodes[:, :, None] - nodes[:, None], axis=-1)
        near = correlation(apart / self.model.fine_range, "exponential").mean(axis=(1, 2))
        return total * (1.0 / nodes.shape[1]), self.model.fine * near

    def _finish(
        self, functions: Any, terms: Floats, pull: Floats, spread: Floats, fine: Any
    ) -> tuple[Floats, Floats]:
        r"""Add the mean and its uncertainty, the fine part, and levels that no function shows there.

        .. math:: \sigma^2 = \phi^T P \phi + g^T V g + \sigma_\xi^2, \quad g = x_0 - \Gamma^T \phi
        """
        lever = terms - pull[:, 1:]
        value = self.mean.reference + pull[:, 0] + lever @ self.mean.coefficients
        unseen = self.basis.unreached(functions) @ self.model.variance
        return value, spread + np.einsum("mp,pq,mq->m", lever, self.mean.covariance, lever) + fine + unseen

    def simulate(
        self,
        spec: GridSpec,
        steps: Steps,
        wanted: NDArray[np.bool_],
        known: Observations,
        *,
        draws: int,
        seed: int,
        conditional: bool,
    ) -> xr.Dataset:
        """Draw coefficients, mean and fine part, and the field from them."""
        rng = np.random.default_rng(seed)
        shift = rng.multivariate_normal(
            np.zeros(self.mean.coefficients.size), self.mean.covariance, draws, method="cholesky"
        ).T
        beta = self.mean.coefficients[:, None] + shift
        drawn = self._draw_given(rng, beta) if conditional else self._draw_free(rng, draws)
        whole = [Block(spec, slice(0, spec.shape[0]), wanted, steps, one) for one in range(len(steps))]
        functions, _ = self._cells(whole[0])
        scale = self.model.fine_model.time_scale
        moments = [Moments.of(steps, one, scale, most=_MOMENTS) for one in range(len(steps))]
        fine = self._draw_fine(rng, spec, wanted, moments, draws)
        out = np.full((draws, len(steps), *spec.shape), np.nan)
        for number, moment in enumerate(moments):
            for band, factor in scaled_bands(self.mean.scale, whole[number]):
                coefficients = np.einsum("w,wrd->rd", self._weights(band), drawn)
                cells = self.mean.reference + mean_terms(self.mean, *band.places(), moment) @ beta
                inside = band.wanted[wanted]
                cells += functions[inside] @ coefficients
                cells += np.einsum("mqd,q->md", fine[number][inside], moment.weigh(band.course).weights)
                out[:, number, band.wanted] = restore_draws(self.mean.scale, cells, factor)
        return describe_draws(spec, steps, out, known, wanted, seed, conditional, model="model of fixed rank")

    def _draw_given(self, rng: np.random.Generator, beta: Floats) -> Floats:
        """Draw the coefficients given observations and mean ``(w, r, draws)``, from the last node back."""
        smoothed = self.smoothed
        mean = smoothed.mean[:, :, :1] - smoothed.mean[:, :, 1:] @ beta
        noise = rng.standard_normal(mean.shape)
        drawn = np.empty_like(mean)
        drawn[-1] = mean[-1] + np.linalg.cholesky(smoothed.covariance[-1]) @ noise[-1]
        for node in range(len(mean) - 2, -1, -1):
            gain, later = smoothed.gain[node], smoothed.covariance[node + 1]
            factor = np.linalg.cholesky(smoothed.covariance[node] - gain @ later @ gain.T)
            drawn[node] = mean[node] - gain @ (drawn[node + 1] - mean[node + 1]) + factor @ noise[node]
        return drawn

    def _draw_free(self, rng: np.random.Generator, draws: int) -> Floats:
        """Draw the coefficients without observations ``(w, r, draws)``."""
        variance, carry = (part[:, None] for part in self.model.by_function(self.basis))
        noise = np.sqrt(variance) * rng.standard_normal((self.nodes.number, self.basis.size, draws))
        for node in range(1, len(noise)):
            noise[node] = carry * noise[node - 1] + np.sqrt(1.0 - carry**2) * noise[node]
        return noise

    def _draw_fine(
        self,
        rng: np.random.Generator,
        spec: GridSpec,
        wanted: NDArray[np.bool_],
        moments: list[Moments],
        draws: int,
    ) -> list[Floats]:
        """Draw the fine part of every cell and step ``(m, q, draws)`` at its moments; nothing tells of it."""
        nodes = cell_nodes(spec, slice(0, spec.shape[0]), wanted, self.support, self.model.fine_range)
        flat, cells = nodes.reshape(-1, 3), len(nodes)
        place = np.concatenate([np.repeat(flat, moment.days.size, axis=0) for moment in moments])
        days = np.concatenate([np.tile(moment.days, len(flat)) for moment in moments])
        field = draw_part(rng, self.model.fine_model, place, days, draws)
        edges = np.cumsum([len(flat) * moment.days.size for moment in moments])[:-1]
        points = nodes.shape[1]
        return [part.reshape(cells, points, -1, draws).mean(axis=1) for part in np.split(field, edges)]


def _quadratic(rows: Any, matrix: Floats) -> Floats:
    """Give ``phi matrix phi`` of every sparse row phi ``(n,)``."""
    return np.asarray(rows.multiply(rows @ matrix).sum(axis=1)).ravel()
