"""Draws of the field: what it may look like given the observations, or without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.column.fill import chain, kernel
from yaotan.column.fill.block import Block, scaled_bands
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.layout import build_filled
from yaotan.column.fill.local import LocalKriging
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.scale import FittedScale
from yaotan.column.fill.step import Steps
from yaotan.column.fill.target import Moments, cell_nodes, mean_terms
from yaotan.column.fill.vecchia import make_chain
from yaotan.grid.spec import GridSpec

#: Midpoints of a period in one draw, at most: each of them is a point of the drawn field.
_MOMENTS: Final = 8
#: Predecessors in the chain of the field: with 30 the scatter of means over periods is 2 per cent too small.
_PREDECESSORS: Final = 60
#: Predecessors in the chain of errors along one overpass.
_ERRORS: Final = 10


def simulate_field(
    local: LocalKriging,
    spec: GridSpec,
    steps: Steps,
    wanted: NDArray[np.bool_],
    observations: Observations,
    *,
    draws: int,
    seed: int,
    conditional: bool,
) -> xr.Dataset:
    r"""Draw the field on a grid.

    The three parts of the covariance are drawn one by one by chains (`yaotan.column.fill.vecchia`), at the
    observations and at all nodes of the cells together, and errors along the overpasses. Conditional draws
    are, with :math:`\hat{}` for kriging from the observations and s for the unconditional draw with its
    errors at the observations (Journel and Huijbregts 1978),

    .. math:: z^* = \hat z + s - \hat s

    The coefficients of the mean are drawn too, so that the scatter of the draws is the 1 sigma of `predict`.

    Parameters
    ----------
    local : LocalKriging
        Observations, mean and covariance.
    spec, steps, wanted
        Grid, times, cells asked for.
    observations : Observations
        As they were given, for what the result says of them.
    draws, seed : int
        How many, and of what.
    conditional : bool
        False: draws of mean and covariance alone.

    Returns
    -------
    xarray.Dataset
        ``v`` with dims ``(draw, time, lat, lon)``.

    References
    ----------
    Journel, A. G., Huijbregts, C. J. (1978). Mining Geostatistics. Academic Press.
    """
    rng = np.random.default_rng(seed)
    model, known = local.model, local.observations
    moments = [Moments.of(steps, one, model.time_scale, most=_MOMENTS) for one in range(len(steps))]
    rows = slice(0, spec.shape[0])
    nodes = cell_nodes(spec, rows, wanted, local.support, model.space_range)
    field = _draw_field(rng, local, nodes, moments, draws)
    at_observations = field[: len(known)] + _draw_errors(rng, local, draws)
    shift = rng.multivariate_normal(
        np.zeros(local.design.shape[1]), local.mean.covariance, draws, method="cholesky"
    ).T
    shifted = local.residual + np.zeros((1, draws)) - at_observations - local.design @ shift
    beta = local.mean.coefficients[:, None] + shift
    out = np.full((draws, len(steps), *spec.shape), np.nan)
    begin = len(known)
    for number, moment in enumerate(moments):
        size = nodes.shape[0] * nodes.shape[1] * moment.days.size
        drawn = field[begin : begin + size].reshape(*nodes.shape[:2], -1, draws).mean(axis=1)
        begin += size
        for band, factor in scaled_bands(known.scale, Block(spec, rows, wanted, steps, number)):
            at = moment.weigh(band.course)
            cells = np.einsum("mqd,q->md", drawn[band.wanted[wanted]], at.weights)
            if conditional:
                # kriging is linear: one system gives the estimate and what the draw lacks
                value, _, terms = local.at_cells(band, at, shifted)
                cells = cells + value
            else:
                terms = mean_terms(local.mean, *band.places(), at)
            out[:, number, band.wanted] = restore_draws(
                known.scale, local.mean.reference + terms @ beta + cells, factor
            )
    return describe_draws(spec, steps, out, observations, wanted, seed, conditional, model="kriging model")


def restore_draws(scale: FittedScale | None, drawn: Floats, factor: Any) -> Floats:
    """Give draws of cells ``(m, draws)`` as ``(draws, m)`` in the unit of the data, times the scale."""
    return drawn.T if scale is None else scale.centre + factor * drawn.T


def _draw_field(
    rng: np.random.Generator, local: LocalKriging, nodes: Floats, moments: list[Moments], draws: int
) -> Floats:
    """Draw the smooth field at the observations, then at all nodes and moments: ``(points, draws)``."""
    model, near = local.model, local.near
    flat = nodes.reshape(-1, 3)
    place = [near.place] + [np.repeat(flat, moment.days.size, axis=0) for moment in moments]
    days = [near.days] + [np.tile(moment.days, len(flat)) for moment in moments]
    points, times = np.concatenate(place), np.concatenate(days)
    parts = (
        (model.space, points, np.zeros_like(times)),
        (model.time, np.zeros_like(points), times),
        (model.joint, points, times),
    )
    total = np.zeros((times.size, draws))
    for variance, where, when in parts:
        if variance > 0.0:
            total += draw_part(rng, replace(model, space=0.0, time=0.0, joint=variance), where, when, draws)
    if model.micro > 0.0:
        exact = local.support == "point" and all(moment.half == 0.0 for moment in moments)
        size = times.size if exact else near.days.size
        _, back = np.unique(np.column_stack([points, times])[:size], axis=0, return_inverse=True)
        back = back.ravel()
        total[:size] += np.sqrt(model.micro) * rng.standard_normal((back.max() + 1, draws))[back]
    return total


def draw_part(rng: np.random.Generator, model: ProductSum, place: Floats, days: Floats, draws: int) -> Floats:
    """Draw a separable field at points and times; those that occur twice get one value."""
    unique, back = np.unique(np.column_stack([place, days]), axis=0, return_inverse=True)
    none = np.zeros(len(unique))
    links = make_chain(
        np.ascontiguousarray(unique[:, :3]), unique[:, 3].copy(), replace(model, micro=0.0),
        own=none, shared=none, overpass=none.astype(np.int64), length=0.0,
        seed=int(rng.integers(2**31)), predecessors=_PREDECESSORS,
    )  # fmt: skip
    return links.draw(rng, draws)[back.ravel()]


def _draw_errors(rng: np.random.Generator, local: LocalKriging, draws: int) -> Floats:
    """Draw measurement errors, correlated along the overpasses: ``(n, draws)``."""
    known, near = local.observations, local.near
    noise = rng.standard_normal((len(known), draws))
    if not local.error_length > 0.0:
        return known.sigma[:, None] * noise
    rows, counts = np.zeros((len(known), _ERRORS), np.int64), np.zeros(len(known), np.int64)
    chain.error_rows(near.overpass, _ERRORS, rows, counts)
    weights, spread = np.zeros(rows.shape), np.zeros(len(known))
    no_field = replace(local.model, space=0.0, time=0.0, micro=0.0).parameters()
    no_field[2] = 0.0
    kernel.condition(
        rows, counts, near.place, near.days, known.sigma**2, known.shared, near.overpass,
        local.error_length, no_field, weights, spread,
    )  # fmt: skip
    chain.draw(rows, counts, weights, spread, noise)
    return noise


def describe_draws(
    spec: GridSpec,
    steps: Steps,
    values: Floats,
    known: Observations,
    wanted: NDArray[np.bool_],
    seed: int,
    conditional: bool,
    *,
    model: str,
) -> xr.Dataset:
    """Give draws ``(draw, time, y, x)`` of the named model as a grid."""
    kind = "conditional" if conditional else "unconditional"
    method = f"{kind} simulation of the {model}, seed {seed}"
    frame = build_filled(spec, steps, values[0], values[0], known, method=method, wanted=wanted)
    name = known.variable
    array = frame[name]
    attrs = {**array.attrs, "long_name": f"{name}, {kind} draws of the field"}
    attrs.pop("ancillary_variables")
    drawn = frame.drop_vars([name, f"{name}_uncertainty", f"{name}_measured"])
    drawn[name] = (("draw", *array.dims), values, attrs)
    return drawn.assign_coords(draw=("draw", np.arange(values.shape[0]), {"long_name": "number of the draw"}))
