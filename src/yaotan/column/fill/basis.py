"""Bisquare functions of several resolutions on the sphere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from yaotan.column.fill.accumulation import evaluate
from yaotan.column.fill.observation import Floats
from yaotan.errors import YaotanError
from yaotan.geodesy import AUTHALIC_RADIUS, sphere_point, wrap_longitude

#: Radius of a function in parts of the distance between centres (Cressie and Johannesson 2008).
_REACH: Final = 1.5
#: Distance between centres of one level in parts of that of the next finer one.
_RATIO: Final = 2.0
#: Functions of one level that reach one point, at most: the centres are even, so 7 on average.
_MOST: Final = 16
_GOLDEN: Final = np.pi * (3.0 - np.sqrt(5.0))


@dataclass(frozen=True)
class Basis:
    r"""Bisquare functions, scaled so that those of one level have a sum of squares of 1 at every point.

    .. math:: \phi_j(s) = \frac{b_j(s)}{\sqrt{\sum_{i \in l(j)} b_i(s)^2}}, \quad
              b_j(s) = \left(1 - (h_j / \rho_l)^2\right)^2 \;\text{for}\; h_j < \rho_l, \;\text{else}\; 0

    h is the chord to the centre. With uncorrelated coefficients of equal variance a level then has that
    variance everywhere: the lattice leaves no pattern in the 1 sigma.

    Attributes
    ----------
    centre : numpy.ndarray
        ``(r, 3)`` [m], level by level from coarse to fine.
    radius : numpy.ndarray
        ``(r,)`` [m].
    level : numpy.ndarray
        ``(r,)``, 0 is the coarsest.
    """

    centre: Floats
    radius: Floats
    level: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Number of functions r."""
        return self.level.size

    @property
    def levels(self) -> int:
        """Number of levels."""
        return int(self.level[-1]) + 1

    @property
    def spacing(self) -> Floats:
        """Distance between centres, by level [m]."""
        return self.radius[np.searchsorted(self.level, np.arange(self.levels))] / _REACH

    def rows(self, place: Floats) -> Any:
        """Give the functions at points ``(n, 3)`` [m] as a sparse matrix ``(n, r)``."""
        points = np.ascontiguousarray(place)
        width = _MOST * self.levels
        number, value = np.zeros((len(points), width), np.int32), np.zeros((len(points), width))
        count = np.zeros(len(points), np.int64)
        evaluate(points, self.centre, self.radius, self.level, number, value, count)
        used = np.arange(width) < count[:, None]
        pointer = np.concatenate([[0], np.cumsum(count)])
        return scipy.sparse.csr_array((value[used], number[used], pointer), shape=(len(points), self.size))

    def unreached(self, rows: Any) -> NDArray[np.bool_]:
        """Tell of which levels no function reaches the points of `rows`: ``(n, levels)``."""
        one = scipy.sparse.csr_array(
            (np.ones(self.size), (np.arange(self.size), self.level)), shape=(self.size, self.levels)
        )
        return np.asarray((abs(rows) @ one).toarray() == 0.0)


def make_basis(
    centre: tuple[float, float], half: tuple[float, float], *, functions: int, levels: int
) -> Basis:
    """Spread functions over a part of the sphere, as fine as their number allows.

    The centres of a level lie on a spiral that covers the sphere evenly; those whose functions reach into the
    region are taken.

    Parameters
    ----------
    centre, half : tuple of float
        Latitude and longitude of the middle of the region, and half of its extent in both [degrees].
    functions : int
        Number of functions, at most.
    levels : int
        Levels; each has half the distance between centres of the one before.

    Returns
    -------
    Basis

    Raises
    ------
    YaotanError
        So few functions cannot cover the region at so many levels.

    Examples
    --------
    >>> basis = make_basis((0.0, 0.0), (90.0, 180.0), functions=400, levels=3)
    >>> basis.size, np.bincount(basis.level).tolist()
    (399, [19, 76, 304])
    """
    if levels < 1 or functions < 1:
        raise YaotanError(f"functions is {functions!r}, levels {levels!r}", expected="1 or more")
    few, many = _place(1, centre, half, levels), None
    if few.size > functions:
        raise YaotanError(
            f"{functions} functions do not cover the region at {levels} levels",
            expected=f"at least {few.size}",
            fix="take more functions or fewer levels",
        )
    low, high = 1, 2
    while (many := _place(high, centre, half, levels)).size <= functions:
        low, few, high = high, many, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        tried = _place(middle, centre, half, levels)
        low, high, few = (middle, high, tried) if tried.size <= functions else (low, middle, few)
    return few


def _place(coarsest: int, centre: tuple[float, float], half: tuple[float, float], levels: int) -> Basis:
    """Give the functions of levels with so many centres on the whole sphere in the coarsest."""
    parts = []
    for level in range(levels):
        number = round(coarsest * _RATIO ** (2 * level))
        radius = _REACH * np.sqrt(4.0 * np.pi / number) * AUTHALIC_RADIUS
        turn = np.arange(number)
        lat = np.degrees(np.arcsin(1.0 - (2.0 * turn + 1.0) / number))
        lon = wrap_longitude(np.degrees(turn * _GOLDEN))
        # the nearest point of the region in latitude and longitude
        to_lat = np.clip(lat, max(centre[0] - half[0], -90.0), min(centre[0] + half[0], 90.0))
        to_lon = centre[1] + np.clip(wrap_longitude(lon - centre[1]), -half[1], half[1])
        place = sphere_point(lat, lon)
        near = np.linalg.norm(place - sphere_point(to_lat, to_lon), axis=-1) < radius
        parts.append((place[near], np.full(near.sum(), radius), np.full(near.sum(), level)))
    centres, reach, of_level = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Basis(centres, reach, of_level.astype(np.int64))
