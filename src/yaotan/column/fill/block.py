"""A map in blocks of cells, kriged when they are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.local import LocalKriging
from yaotan.column.fill.observation import Floats
from yaotan.column.fill.step import Steps
from yaotan.grid.spec import GridSpec

#: Cells kriged in one task (bounds the memory: some 50 MiB for 64 neighbours).
_BLOCK: Final = 16_384


def lazy_field(
    local: LocalKriging, spec: GridSpec, steps: Steps, wanted: NDArray[np.bool_]
) -> tuple[Any, Any]:
    """Give value and 1 sigma of a map as dask arrays ``(time, ny, nx)``; NaN where a cell is not wanted."""
    height = max(1, _BLOCK // spec.shape[1])
    krige_block = dask.delayed(BlockTask(local, spec, steps, wanted), pure=True, traverse=False)
    bands = [slice(first, min(first + height, spec.shape[0])) for first in range(0, spec.shape[0], height)]
    parts = [
        [
            da.from_delayed(
                krige_block(number, rows), (2, 1, rows.stop - rows.start, spec.shape[1]), dtype=float
            )
            for rows in bands
        ]
        for number in range(len(steps))
    ]
    both = da.concatenate([da.concatenate(row, axis=2) for row in parts], axis=1)
    return both[0], both[1]


@dataclass(frozen=True)
class BlockTask:
    """One block of a map: kriged when dask asks for it."""

    local: LocalKriging
    spec: GridSpec
    steps: Steps
    wanted: NDArray[np.bool_]

    def __call__(self, number: int, rows: slice) -> Floats:
        """Give value and 1 sigma ``(2, 1, rows, columns)``."""
        wanted = self.wanted[rows]
        out = np.full((2, 1, *wanted.shape), np.nan)
        if wanted.any():
            local = self.local
            value, variance, terms = local.at_cells(
                self.spec, self.steps, number, rows, wanted, local.residual
            )
            out[0, 0][wanted] = local.mean.reference + terms @ local.mean.coefficients + value[:, 0]
            out[1, 0][wanted] = np.sqrt(variance)
        return out
