"""What becomes of a quantity when cells are joined or cut: additive sums first, then the value of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from yaotan.grid.transfer import Transfer, Window

Floats = NDArray[np.float64]
Normalise = Literal["covered", "cell"]


class Quantity(Protocol):
    """A rule in two steps, so that sources which come in pieces can be added up."""

    def gather(self, window: Window, values: NDArray[Any]) -> Floats:
        """Give sums ``(k, y, x)`` over the source cells of a window."""

    def finish(self, transfer: Transfer, sums: Floats, target: slice) -> NDArray[Any]:
        """Give the values of the target cells ``(y, x)`` or ``(class, y, x)``."""


def _present(values: NDArray[Any]) -> tuple[Floats, Floats | None]:
    """Give values with zeros for missing ones, and which are there (None: all)."""
    values = values.astype(np.float64, copy=False)
    missing = np.isnan(values)
    if not missing.any():
        return values, None
    return np.where(missing, 0.0, values), (~missing).astype(np.float64)


def _covered(window: Window, there: Floats | None, shape: Any) -> Floats:
    return window.sums(np.ones(shape) if there is None else there)


def _enough(transfer: Transfer, area: Floats, target: slice, threshold: float) -> NDArray[np.bool_]:
    # rounding of shares must not blank a cell that is covered to the last digit
    share = area / transfer.target_area(target)
    return np.asarray((area > 0.0) & (share >= threshold - 1e-9))


@dataclass(frozen=True)
class Mean:
    """An intensive quantity: mean over the covered area, or over the whole cell."""

    threshold: float
    normalise: Normalise

    def gather(self, window: Window, values: NDArray[Any]) -> Floats:
        """Sums of value times area, and area."""
        present, there = _present(values)
        amount = window.sums(present)
        return np.stack([amount, _covered(window, there, values.shape)])

    def finish(self, transfer: Transfer, sums: Floats, target: slice) -> Floats:
        """Ratio of the two."""
        amount, area = sums
        below = area if self.normalise == "covered" else transfer.target_area(target)
        enough = _enough(transfer, area, target, self.threshold)
        return np.divide(amount, below, out=np.full(area.shape, np.nan), where=enough)


@dataclass(frozen=True)
class Total:
    """An extensive quantity: each source cell gives the share that lies in the target cell."""

    threshold: float

    def gather(self, window: Window, values: NDArray[Any]) -> Floats:
        """Sums of value times share, and area."""
        present, there = _present(values)
        amount = window.sums(present / window.source_area)
        return np.stack([amount, _covered(window, there, values.shape)])

    def finish(self, transfer: Transfer, sums: Floats, target: slice) -> Floats:
        """Give the total of what is covered."""
        amount, area = sums
        return np.where(_enough(transfer, area, target, self.threshold), amount, np.nan)


@dataclass(frozen=True)
class IndependentError:
    """1 sigma of a mean whose source cells have independent errors."""

    threshold: float
    normalise: Normalise

    def gather(self, window: Window, values: NDArray[Any]) -> Floats:
        """Sums of (sigma times area) squared, and area."""
        present, there = _present(values)
        square = window.sums(present**2, power=2)
        return np.stack([square, _covered(window, there, values.shape)])

    def finish(self, transfer: Transfer, sums: Floats, target: slice) -> Floats:
        """Root of the sum over the area of the mean."""
        return Mean(self.threshold, self.normalise).finish(
            transfer, np.stack([np.sqrt(sums[0]), sums[1]]), target
        )


@dataclass(frozen=True)
class ClassShare:
    """Classes: the share of each in the area that has a class, listed or not."""

    classes: tuple[int, ...]
    missing: float | None
    threshold: float

    def gather(self, window: Window, values: NDArray[Any]) -> Floats:
        """Area of each class, and of all."""
        there = (
            np.isfinite(values) if self.missing is None else np.isfinite(values) & (values != self.missing)
        )
        masks = [*(values == code for code in self.classes), there]
        return np.stack([window.sums(mask.astype(np.float64)) for mask in masks])

    def finish(self, transfer: Transfer, sums: Floats, target: slice) -> Floats:
        """Shares ``(class, y, x)``."""
        enough = _enough(transfer, sums[-1], target, self.threshold)
        return np.divide(sums[:-1], sums[-1], out=np.full(sums[:-1].shape, np.nan), where=enough)


@dataclass(frozen=True)
class ClassMajority(ClassShare):
    """Classes: the one of the listed with most area; of equal ones the smallest code."""

    fill: int = 0

    def finish(self, transfer: Transfer, sums: Floats, target: slice) -> NDArray[Any]:
        """Codes ``(y, x)``, `fill` where too little is covered or no listed class occurs."""
        most = sums[:-1].max(axis=0)
        # areas that differ by rounding only are equal
        best = np.argmax(sums[:-1] >= most * (1.0 - 1e-12), axis=0)
        known = (most > 0.0) & _enough(transfer, sums[-1], target, self.threshold)
        return np.where(known, np.asarray(self.classes)[best], self.fill)
