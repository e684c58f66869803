"""Double sums over cells whose errors are correlated by distance (`yaotan.uncertainty` uses them)."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.geodesy import AUTHALIC_RADIUS, sphere_point

#: Up to this many cells the double sum is done in full.
EXACT_CELLS: Final = 3000
#: Sides of the blocks that stand for their cells, in parts of the correlation length: the finest that fits.
_BLOCK_SIDES: Final = (1 / 16, 1 / 8, 1 / 4)
#: Separation in latitude, in correlation lengths, beyond which blocks count as independent (exp(-12) = 6e-6).
_CUTOFF: Final = 12.0
#: Blocks taken at once against all others within reach (bounds the memory).
_STRIP: Final = 500


def _arc(chord: NDArray[np.float64]) -> NDArray[np.float64]:
    """Great-circle distance from the chord through the sphere."""
    return 2.0 * AUTHALIC_RADIUS * np.arcsin(np.minimum(chord / (2.0 * AUTHALIC_RADIUS), 1.0))


def correlated_variance(
    share: NDArray[np.float64], lat: NDArray[np.float64], lon: NDArray[np.float64], length: float
) -> NDArray[np.float64]:
    """Give ``sum_ab s_a s_b rho_ab`` of each row of ``share`` ``(m, n)``."""
    if share.shape[1] <= EXACT_CELLS:
        return _quadratic_form(share, sphere_point(lat, lon), length)
    label, centre, side = _blocks(lat, lon, length)
    blocks = np.zeros((share.shape[0], len(centre)))
    own = np.zeros_like(blocks)
    for row in range(share.shape[0]):
        blocks[row] = np.bincount(label, weights=share[row], minlength=len(centre))
        own[row] = np.bincount(label, weights=share[row] ** 2, minlength=len(centre))
    # mean distance of two points in a square of side 1 is 0.5214 (Philip 2007, "The probability distribution
    # of the distance between two random points in a box"); a cell with itself stays fully correlated
    inside = math.exp(-0.5214 * side / length)
    between = _quadratic_form(blocks, centre, length)
    return between - (1.0 - inside) * (blocks**2 - own).sum(axis=1)


def _quadratic_form(
    share: NDArray[np.float64], place: NDArray[np.float64], length: float
) -> NDArray[np.float64]:
    from scipy.spatial.distance import cdist

    if len(place) <= EXACT_CELLS:
        matrix = np.exp(-_arc(cdist(place, place)) / length)
        return np.asarray(((share @ matrix) * share).sum(axis=1))
    order = np.argsort(place[:, 2], kind="stable")
    place, share = place[order], share[:, order]
    lat = np.arcsin(np.clip(place[:, 2] / AUTHALIC_RADIUS, -1.0, 1.0))
    total = np.zeros(len(share))
    # strip by strip from south to north, each against itself and what lies within reach to its north
    for start in range(0, len(place), _STRIP):
        stop = min(start + _STRIP, len(place))
        reach = int(np.searchsorted(lat, lat[stop - 1] + _CUTOFF * length / AUTHALIC_RADIUS, side="right"))
        matrix = np.exp(-_arc(cdist(place[start:stop], place[start:reach])) / length)
        matrix[:, stop - start :] *= 2.0  # each pair of different strips is met once
        total += ((share[:, start:stop] @ matrix) * share[:, start:reach]).sum(axis=1)
    return total


def _blocks(
    lat: NDArray[np.float64], lon: NDArray[np.float64], length: float
) -> tuple[NDArray[np.intp], NDArray[np.float64], float]:
    """Label cells by blocks of nearly equal side; centre of each block ``(b, 3)`` and the side [m]."""
    for part in _BLOCK_SIDES:
        side = part * length
        row = np.floor(np.radians(lat) * AUTHALIC_RADIUS / side)
        # one longitude step per block row, so that blocks of a row do not overlap
        step = side / (AUTHALIC_RADIUS * np.maximum(np.cos((row + 0.5) * side / AUTHALIC_RADIUS), 1e-9))
        column = np.floor(np.mod(np.radians(lon), 2.0 * np.pi) / step)
        _, label = np.unique(np.stack([row, column]), axis=1, return_inverse=True)
        label = label.ravel()
        if label.max() < EXACT_CELLS:
            break
    count = np.bincount(label)
    place = sphere_point(lat, lon)
    centre = np.stack([np.bincount(label, weights=place[:, axis]) / count for axis in range(3)], axis=1)
    return label, centre, side
