"""Moments between which a field is linear in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yaotan.column.fill.observation import Floats


@dataclass(frozen=True)
class Nodes:
    """Moments ``start + step * w`` [days since 1970-01-01] between which the field is linear in time."""

    start: float
    step: float
    number: int

    @classmethod
    def covering(cls, first: float, last: float, step: float) -> Nodes:
        """Give the nodes from the day of the first moment to after the last one: two or more."""
        start = float(np.floor(first))
        return cls(start, step, max(2, int(np.ceil((last - start) / step)) + 1))

    def padded(self, first: float, last: float) -> tuple[Nodes, int]:
        """Give nodes that reach other moments too, and how many were put in front."""
        before = max(0, int(np.ceil((self.start - first) / self.step)))
        after = max(0, int(np.ceil((last - self.start) / self.step)) + 1 - self.number)
        return Nodes(self.start - before * self.step, self.step, before + self.number + after), before

    def locate(self, days: Floats) -> tuple[NDArray[np.intp], Floats]:
        """Give the interval that holds each moment, and the part of it that has passed."""
        place = (days - self.start) / self.step
        interval = np.clip(np.floor(place).astype(np.intp), 0, self.number - 2)
        return interval, place - interval

    def average(self, days: Floats, weights: Floats) -> Floats:
        """Give the weights of the nodes in the weighted mean over moments: ``(number,)``."""
        interval, along = self.locate(days)
        late = np.bincount(interval + 1, weights * along, minlength=self.number)
        return np.asarray(np.bincount(interval, weights * (1.0 - along), minlength=self.number) + late)
