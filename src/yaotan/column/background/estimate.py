"""What a method gives: level, error, spread, count and a reason at every sounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yaotan.column.background.sample import Floats, Sample

#: meaning of the values of ``<v>_background_status``
STATUS: Final = ("given", "unusable", "too_few", "no_wind", "no_model")
GIVEN, UNUSABLE, TOO_FEW, NO_WIND, NO_MODEL = range(5)


@dataclass(frozen=True)
class Estimate:
    """Background at soundings; arrays ``(n,)``, filled by `put`."""

    level: Floats
    error: Floats
    spread: Floats
    count: NDArray[np.int32]
    status: NDArray[np.uint8]

    @classmethod
    def empty(cls, sample: Sample) -> Estimate:
        """Nothing known yet; soundings that do not count are so marked."""
        size = sample.value.size
        status = np.where(sample.usable, TOO_FEW, UNUSABLE).astype(np.uint8)
        level, error, spread = np.full((3, size), np.nan)
        return cls(level, error, spread, np.zeros(size, np.int32), status)

    def put(
        self, rows: ArrayLike, level: ArrayLike, error: ArrayLike, spread: ArrayLike, count: ArrayLike
    ) -> None:
        """Set the background of some soundings."""
        index = np.asarray(rows)
        self.level[index], self.error[index], self.spread[index] = level, error, spread
        self.count[index] = count
        self.status[index] = GIVEN
