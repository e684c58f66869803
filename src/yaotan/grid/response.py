"""Spatial response of a sounding: the two-dimensional super-Gaussian of Sun et al. (2018)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from yaotan.errors import GridError


@dataclass(frozen=True)
class SuperGaussian:
    """Response ``S = exp(-ln 2 (|2 x / FWHM_x|^k1 + |2 y / FWHM_y|^k2)^k3)`` in the axes of a footprint.

    The axes come from the projective map that brings the four corners to a square; the full width at half
    maximum is the distance between the middles of opposite sides, times the inflation.

    Parameters
    ----------
    across, along, outer : float
        k1 (from corner 0 to corner 1), k2 (from corner 1 to corner 2), k3. The higher, the nearer to a box.
    inflation_across, inflation_along : float
        Factors of the full widths.
    tail : float
        The response counts as zero below this value; it bounds the cells that are visited.

    Raises
    ------
    GridError
        A number that gives no response function.

    Notes
    -----
    Equation and exponents: Sun et al. (2018), doi:10.5194/amt-11-6679-2018. Its weight is taken at cell
    centres; here the response is integrated over each cell, so that no small footprint is lost.

    Examples
    --------
    >>> SuperGaussian(across=4, along=2).outer
    1.0
    """

    across: float = 4.0
    along: float = 2.0
    outer: float = 1.0
    inflation_across: float = 1.0
    inflation_along: float = 1.0
    tail: float = 0.01

    def __post_init__(self) -> None:
        for name in ("across", "along", "outer", "inflation_across", "inflation_along"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise GridError(f"{name} is {value!r}", where="SuperGaussian", expected="a number above 0")
        if not 0 < self.tail < 0.5:
            raise GridError(f"tail is {self.tail!r}", where="SuperGaussian", expected="between 0 and 0.5")

    def numbers(self) -> tuple[float, ...]:
        """Give exponents, inflations, tail, and the half widths (unit square) at which the tail is met."""
        reach = math.log(1.0 / self.tail) / math.log(2.0)
        half = [
            0.5 * inflation * reach ** (1.0 / (exponent * self.outer))
            for inflation, exponent in (
                (self.inflation_across, self.across),
                (self.inflation_along, self.along),
            )
        ]
        return (
            float(self.across),
            float(self.along),
            float(self.outer),
            float(self.inflation_across),
            float(self.inflation_along),
            float(self.tail),
            max(half[0], 0.5),
            max(half[1], 0.5),
        )

    def margin(self) -> float:
        """Give how far, at most, the response reaches beyond a footprint, in its extents."""
        numbers = self.numbers()
        # twice: a turned footprint, or one that narrows to one side, reaches further than its own extent
        return 2.0 * (max(numbers[6], numbers[7]) - 0.5) + 0.5
