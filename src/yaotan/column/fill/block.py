"""A map in blocks of cells, filled when they are computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.observation import Floats
from yaotan.column.fill.scale import FittedScale
from yaotan.column.fill.step import Steps, centres
from yaotan.column.fill.target import Course, Moments
from yaotan.grid.spec import GridSpec

#: Cells filled in one task (bounds the memory: some 50 MiB for 64 neighbours).
_BLOCK: Final = 16_384


@dataclass(frozen=True)
class Block:
    """Cells of a map that are filled together: the wanted ones of some rows, at one step.

    Attributes
    ----------
    spec, rows
        Grid, and which of its rows.
    wanted : numpy.ndarray of bool
        ``(rows, columns)`` of these rows.
    steps, number
        Times of the map, and which of them.
    course : Course or None
        That of the scale over the step; None: constant.
    """

    spec: GridSpec
    rows: slice
    wanted: NDArray[np.bool_]
    steps: Steps
    number: int
    course: Course | None = None

    def places(self) -> tuple[Floats, Floats]:
        """Give latitude and longitude of the centres ``(m,)``."""
        latitude, longitude = centres(self.spec, self.rows)
        return latitude[self.wanted], longitude[self.wanted]

    def moments(self, time_range: float) -> Moments:
        """Give the times of the step, close enough for this range of the covariance [days]."""
        return Moments.of(self.steps, self.number, time_range, self.course)


class BlockFiller(Protocol):
    """What gives the field on some cells of a grid."""

    def fill_block(self, block: Block) -> tuple[Floats, Floats]:
        """Give value and 1 sigma ``(m,)`` of the cells, both in parts of the mean scale."""
        ...


def lazy_field(
    filler: BlockFiller,
    spec: GridSpec,
    steps: Steps,
    wanted: NDArray[np.bool_],
    scale: FittedScale | None,
) -> tuple[Any, Any]:
    """Give value and 1 sigma of a map as dask arrays ``(time, ny, nx)``; NaN where a cell is not wanted."""
    height = max(1, _BLOCK // spec.shape[1])
    fill_block = dask.delayed(BlockTask(filler, spec, steps, wanted, scale), pure=True, traverse=False)
    bands = [slice(first, min(first + height, spec.shape[0])) for first in range(0, spec.shape[0], height)]
    parts = [
        [
            da.from_delayed(
                fill_block(number, rows), (2, 1, rows.stop - rows.start, spec.shape[1]), dtype=float
            )
            for rows in bands
        ]
        for number in range(len(steps))
    ]
    both = da.concatenate([da.concatenate(row, axis=2) for row in parts], axis=1)
    return both[0], both[1]


@dataclass(frozen=True)
class BlockTask:
    """One block of a map: filled when dask asks for it."""

    filler: BlockFiller
    spec: GridSpec
    steps: Steps
    wanted: NDArray[np.bool_]
    scale: FittedScale | None

    def __call__(self, number: int, rows: slice) -> Floats:
        """Give value and 1 sigma ``(2, 1, rows, columns)``."""
        block = Block(self.spec, rows, self.wanted[rows], self.steps, number)
        out = np.full((2, 1, *block.wanted.shape), np.nan)
        for band, factor in scaled_bands(self.scale, block):
            value, sigma = self.filler.fill_block(band)
            if self.scale is not None:
                value, sigma = self.scale.restore(value, sigma, factor)
            out[0, 0][band.wanted], out[1, 0][band.wanted] = value, sigma
        return out


def scaled_bands(scale: FittedScale | None, block: Block) -> Iterator[tuple[Block, Any]]:
    """Split a block into bands where the scale takes one course over its step.

    Yields
    ------
    band, factor
        Wanted cells of the band with their course; the mean scale of each of them ``(m,)``.
    """
    if scale is None or not block.wanted.any():
        if block.wanted.any():
            yield block, 1.0
        return
    latitude, (middle, half) = centres(block.spec, block.rows)[0], block.steps.span(block.number)
    for wanted, where in scale.bands(latitude, block.wanted, half):
        band = replace(block, wanted=wanted, course=scale.course(where))
        yield band, scale.average(latitude[wanted], middle, half)
