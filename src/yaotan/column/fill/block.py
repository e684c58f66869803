"""A map in blocks of cells, filled when they are computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.observation import Floats
from yaotan.column.fill.scale import FittedScale
from yaotan.column.fill.step import Steps, centres
from yaotan.column.fill.target import Course
from yaotan.grid.spec import GridSpec

#: Cells filled in one task (bounds the memory: some 50 MiB for 64 neighbours).
_BLOCK: Final = 16_384


class BlockFiller(Protocol):
    """What gives the field on some rows of a grid."""

    def fill_block(
        self,
        spec: GridSpec,
        steps: Steps,
        number: int,
        rows: slice,
        wanted: NDArray[np.bool_],
        course: Course | None,
    ) -> tuple[Floats, Floats]:
        """Give value and 1 sigma ``(m,)`` of the wanted cells of some rows at one step.

        Both are in parts of the mean scale; `course` is that of the scale over the step (None: constant).
        """
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
        wanted = self.wanted[rows]
        out = np.full((2, 1, *wanted.shape), np.nan)
        for band, course, factor in scaled_bands(self.scale, self.spec, self.steps, number, rows, wanted):
            value, sigma = self.filler.fill_block(self.spec, self.steps, number, rows, band, course)
            if self.scale is not None:
                value, sigma = self.scale.restore(value, sigma, factor)
            out[0, 0][band], out[1, 0][band] = value, sigma
        return out


def scaled_bands(
    scale: FittedScale | None,
    spec: GridSpec,
    steps: Steps,
    number: int,
    rows: slice,
    wanted: NDArray[np.bool_],
) -> Iterator[tuple[NDArray[np.bool_], Course | None, Any]]:
    """Split wanted cells of some rows into bands where the scale takes one course over a step.

    Yields
    ------
    mask, course, factor
        Cells of the band ``(rows, columns)``; the course; the mean scale of each of them ``(m,)``.
    """
    if scale is None or not wanted.any():
        if wanted.any():
            yield wanted, None, 1.0
        return
    latitude, (middle, half) = centres(spec, rows)[0], steps.span(number)
    for band, where in scale.bands(latitude, wanted, half):
        yield band, scale.course(where), scale.average(latitude[band], middle, half)
