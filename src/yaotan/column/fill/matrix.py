"""Residuals of observations as a matrix of cells and times with gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from yaotan.column.fill.mean import FittedMean
from yaotan.column.fill.node import Nodes
from yaotan.column.fill.observation import Floats, Observations
from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.geodesy import wrap_longitude


@dataclass(frozen=True)
class Lattice:
    """Cells of equal size in degrees over the extent of the data, and steps of equal length in time.

    Attributes
    ----------
    south, west, size : float
        First corner and side of the cells [degrees].
    rows, columns : int
        Cells in latitude and longitude.
    nodes : Nodes
        Middles of the steps.
    """

    south: float
    west: float
    size: float
    rows: int
    columns: int
    nodes: Nodes

    @classmethod
    def of(cls, observations: Observations, mean: FittedMean, size: float, step: float) -> Lattice:
        """Cover the observations; cells and steps begin at multiples of their size and whole days."""
        frame = mean.frame
        south = float(np.floor(observations.latitude.min() / size) * size)
        rows = int(np.floor((observations.latitude.max() - south) / size)) + 1
        west, width = (-180.0, 360.0)
        if not frame.wide:
            edge = frame.centre[1] - frame.scale[1]
            west = float(np.floor(edge / size) * size)
            width = frame.centre[1] + frame.scale[1] - west
        elif abs(round(360.0 / size) * size - 360.0) > 1e-9:
            raise YaotanError(f"cells of {size:g} degrees do not go round the globe", where="cell",
                              expected="a part of 360 degrees")  # fmt: skip
        columns = int(np.floor(width / size + 1e-9)) + (0 if frame.wide else 1)
        first = float(np.floor(observations.days[0]))
        number = int(np.floor((observations.days[-1] - first) / step)) + 1
        return cls(south, west, size, rows, columns, Nodes(first + step / 2.0, step, number))

    @property
    def round(self) -> bool:
        """Whether the cells go round the globe."""
        return self.columns * self.size > 360.0 - 1e-6

    def cell(self, lat: Floats, lon: Floats) -> NDArray[np.intp]:
        """Number of the cell of each place."""
        east = np.mod(lon - self.west, 360.0)
        row = np.clip(np.floor((lat - self.south) / self.size).astype(int), 0, self.rows - 1)
        return row * self.columns + np.minimum(np.floor(east / self.size).astype(int), self.columns - 1)

    def step(self, days: Floats) -> NDArray[np.intp]:
        """Number of the step of each moment."""
        place = np.floor((days - self.nodes.start) / self.nodes.step + 0.5).astype(np.intp)
        return np.clip(place, 0, self.nodes.number - 1)

    def blocks(self, kept: NDArray[np.bool_], side: int) -> NDArray[np.intp]:
        """Number the blocks of so many cells in each direction that the kept cells lie in."""
        row, column = np.divmod(np.flatnonzero(kept), self.columns)
        return np.asarray((row // side) * self.columns + column // side)

    def interpolate(self, lat: Floats, lon: Floats, kept: NDArray[np.bool_]) -> Any:
        """Give bilinear weights of the kept cells at places ``(n, kept)``; a row is 0 far from all."""
        north = (np.asarray(lat) - self.south) / self.size - 0.5
        east = wrap_longitude(np.asarray(lon) - self.west - 180.0) + 180.0
        east = east / self.size - 0.5
        row, column = np.floor(north).astype(int), np.floor(east).astype(int)
        place = np.full(self.rows * self.columns, -1)
        place[kept] = np.arange(kept.sum())
        entries = []
        for up in (0, 1):
            for right in (0, 1):
                weight = np.abs(1 - up - (north - row)) * np.abs(1 - right - (east - column))
                y, x = row + up, column + right
                x = np.mod(x, self.columns) if self.round else x
                inside = (y >= 0) & (y < self.rows) & (x >= 0) & (x < self.columns)
                cell = place[np.where(inside, y * self.columns + x, 0)]
                used = inside & (cell >= 0) & (weight > 1e-12)
                entries.append((weight[used], np.flatnonzero(used), cell[used]))
        weight, at, cell = (np.concatenate(part) for part in zip(*entries, strict=True))
        found = scipy.sparse.csr_array((weight, (at, cell)), shape=(len(north), int(kept.sum())))
        total = np.asarray(found.sum(axis=1)).ravel()
        return scipy.sparse.diags_array(1.0 / np.where(total > 0.0, total, 1.0)) @ found


@dataclass(frozen=True)
class Matrix:
    """Means of residuals by cell and step.

    Attributes
    ----------
    value, variance : numpy.ndarray
        ``(cells, steps)``: mean of the residuals (NaN: a gap) and variance of its measurement error.
    kept : numpy.ndarray of bool
        Cells of the lattice that are in it.
    """

    value: Floats
    variance: Floats
    kept: NDArray[np.bool_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Entries that are no gap."""
        return np.isfinite(self.value)


def fill_matrix(
    observations: Observations,
    residual: Floats,
    lattice: Lattice,
    *,
    kept: NDArray[np.bool_] | None,
    least: float,
) -> Matrix:
    r"""Average residuals by cell and step.

    .. math:: u^2 = \frac{1}{n^2} \left[\sum_i (\sigma_i^2 - s_i^2)
              + \sum_o \Big(\sum_{i \in o} s_i\Big)^2\right]

    Parameters
    ----------
    observations, residual
        Data, and their values less the mean.
    lattice : Lattice
        Cells and steps.
    kept : numpy.ndarray of bool or None
        Cells of the matrix; None: those that hold data in at least the part `least` of the steps.
    least : float
        See above.

    Returns
    -------
    Matrix
    """
    steps = lattice.nodes.number
    entry = lattice.cell(observations.latitude, observations.longitude) * steps + lattice.step(
        observations.days
    )
    size = lattice.rows * lattice.columns * steps
    count = np.bincount(entry, minlength=size)
    total = np.bincount(entry, residual, minlength=size)
    own = np.bincount(entry, observations.sigma**2 - observations.shared**2, minlength=size)
    _, first, group = np.unique(
        np.column_stack([entry, observations.overpass]), axis=0, return_index=True, return_inverse=True
    )
    group = group.ravel()
    common = np.bincount(group, observations.shared) ** 2
    own += np.bincount(entry[first], common, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        value, variance = total / count, own / count.astype(float) ** 2
    value, variance = (array.reshape(-1, steps) for array in (value, variance))
    if kept is None:
        kept = np.isfinite(value).mean(axis=1) >= least
        if not kept.any():
            raise TooFewSoundingsError(
                f"no cell of {lattice.size:g} degrees has data in {100 * least:g} per cent of {steps} times",
                where="Dineof",
                fix="take wider cells (cell) or longer steps (step), or ask less (coverage)",
            )
    return Matrix(value[kept], variance[kept], kept)
