"""What observations say of coefficients at nodes in time, gathered interval by interval."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from yaotan.column.fill import chain, kernel
from yaotan.column.fill.accumulation import accumulate
from yaotan.column.fill.basis import Basis
from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.node import Nodes
from yaotan.column.fill.observation import Floats, Observations
from yaotan.column.fill.rank_model import RankModel
from yaotan.geodesy import sphere_point

#: Predecessors along the track that an observation's error is conditioned on.
PREDECESSORS: Final = 10


@dataclass(frozen=True)
class Information:
    r"""Sums over the observations, H their functions at the nodes, D the covariance of what is no function.

    Attributes
    ----------
    diagonal, cross : numpy.ndarray
        Blocks of :math:`H^T D^{-1} H`: ``(w, r, r)`` of each node, ``(w - 1, r, r)`` of it with the next.
    right : numpy.ndarray
        :math:`H^T D^{-1} [z, X]`, ``(w, r, 1 + p)``.
    gram : numpy.ndarray
        :math:`[z, X]^T D^{-1} [z, X]`.
    logarithm : float
        :math:`\log |D|`.
    """

    diagonal: Floats
    cross: Floats
    right: Floats
    gram: Floats
    logarithm: float

    def padded(self, before: int, number: int) -> Information:
        """Give it for nodes that go on in both directions, of which the observations say nothing."""
        after = number - before - len(self.diagonal)
        gap = ((before, after), (0, 0), (0, 0))
        diagonal, cross, right = (np.pad(part, gap) for part in (self.diagonal, self.cross, self.right))
        return Information(diagonal, cross, right, self.gram, self.logarithm)


@dataclass(frozen=True)
class Part:
    """Observations of one interval: their functions, places in it, and values and terms of the mean."""

    interval: int
    observations: Observations
    rows: Any
    along: Floats
    columns: Floats


def parts_of(observations: Observations, basis: Basis, nodes: Nodes, mean: FittedMean) -> Iterator[Part]:
    """Go through the observations interval by interval."""
    interval, along = nodes.locate(observations.days)
    edges = np.searchsorted(interval, np.arange(nodes.number))
    for number, (first, last) in enumerate(pairwise(edges)):
        if last > first:
            some = observations.take(np.arange(first, last))
            lat, lon = some.latitude, some.longitude
            columns = np.column_stack([some.value - mean.reference, mean.design(lat, lon, some.days)])
            yield Part(number, some, basis.rows(sphere_point(lat, lon)), along[first:last], columns)


def gather_information(
    observations: Observations,
    basis: Basis,
    nodes: Nodes,
    mean: FittedMean,
    model: RankModel,
    error_length: float,
) -> Information:
    """Sum over all observations, one interval in memory for each processor.

    Errors and the fine part of the field are correlated along an overpass, as far as it lies in one interval;
    each observation is conditioned on its 10 last predecessors there.

    Parameters
    ----------
    observations : Observations
        In order of time.
    basis, nodes, mean, model
        Functions, nodes, form and reference of the mean, variances.
    error_length : float
        E-folding length of the common error along an overpass [m].

    Returns
    -------
    Information
    """
    size, width = basis.size, 1 + mean.coefficients.size
    total = Information(
        np.zeros((nodes.number, size, size)), np.zeros((nodes.number - 1, size, size)),
        np.zeros((nodes.number, size, width)), np.zeros((width, width)), 0.0,
    )  # fmt: skip
    logarithm = 0.0

    def add(part: Part) -> tuple[int, Floats, Floats, Floats, float]:
        return (part.interval, *_add(part, model, error_length))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # sums are taken in the order of the intervals, whatever the number of threads
        for at, block, right, gram, one in pool.map(add, parts_of(observations, basis, nodes, mean)):
            total.diagonal[at] += block[0] + np.tril(block[0], -1).T
            total.diagonal[at + 1] += block[1] + np.tril(block[1], -1).T
            total.cross[at] += block[2]
            total.right[at : at + 2] += right
            total.gram[:] += gram
            logarithm += one
    return Information(total.diagonal, total.cross, total.right, total.gram, logarithm)


def _add(part: Part, model: RankModel, error_length: float) -> tuple[Floats, Floats, Floats, float]:
    """Sum over the observations of one interval."""
    known, size, width = part.observations, part.rows.shape[1], part.columns.shape[1]
    overpass = np.unique(known.overpass, return_inverse=True)[1].astype(np.int64)
    rows, counts = np.zeros((len(known), PREDECESSORS), np.int64), np.zeros(len(known), np.int64)
    chain.error_rows(overpass, PREDECESSORS, rows, counts)
    weights, spread = np.zeros(rows.shape), np.zeros(len(known))
    kernel.condition(
        rows, counts, sphere_point(known.latitude, known.longitude), known.days, known.sigma**2, known.shared,
        overpass, error_length, model.fine_model.parameters(), weights, spread,
    )  # fmt: skip
    block, right, gram = np.zeros((3, size, size)), np.zeros((2, size, width)), np.zeros((width, width))
    logarithm = accumulate(
        part.rows.indptr, part.rows.indices, part.rows.data, part.along, rows, counts, weights, spread,
        part.columns, block, right, gram,
    )  # fmt: skip
    return block, right, gram, float(logarithm)
