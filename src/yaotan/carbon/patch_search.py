"""Find connected areas of change, window by window: each window is labelled, and borders are joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.carbon.class_layer import ClassLayer
from yaotan.carbon.kernel import label_equal, measure_areas
from yaotan.carbon.lattice import common_pieces
from yaotan.carbon.weight import make_weights

#: pixels of one window
_WINDOW: Final = 1 << 22


@dataclass
class Found:
    """Areas of change: pair (before times the number of places plus after), area [m2], extent.

    ``box`` holds first and last row, first and last column, both included.
    """

    pair: NDArray[np.int64]
    area: NDArray[np.float64]
    box: NDArray[np.int64]


@dataclass
class _Pieces:
    """Parts of areas as windows give them, and which of them belong together."""

    pair: list[NDArray[np.int64]] = field(default_factory=list)
    area: list[NDArray[np.float64]] = field(default_factory=list)
    box: list[NDArray[np.int64]] = field(default_factory=list)
    joins: list[NDArray[np.int64]] = field(default_factory=list)
    count: int = 0


def pair_block(layers: tuple[ClassLayer, ClassLayer], rows: slice, columns: slice) -> NDArray[np.int32]:
    """Pair of places of every pixel of a block."""
    size = len(layers[0].codes) + 2
    blocks = [layer.read(rows, columns) for layer in layers]
    places = [k.places[k.as_index(block)] for k, block in zip(layers, blocks, strict=True)]
    for layer, place, block in zip(layers, places, blocks, strict=True):
        if (place == size - 1).any():
            layer.refuse_unknown(block)
    return (places[0] * size + places[1]).astype(np.int32)


def find_areas(layers: tuple[ClassLayer, ClassLayer], kept: NDArray[np.bool_], least: float) -> Found:
    """Find all connected areas of equal pairs.

    Parameters
    ----------
    layers : tuple of ClassLayer
        Of one lattice.
    kept : numpy.ndarray
        Whether a pair counts, ``(size * size,)``.
    least : float
        Smaller areas are dropped [m2].

    Returns
    -------
    Found
    """
    lattice = layers[0].lattice
    rows, columns = (common_pieces([axis], [(axis.start, axis.stop)], 1) for axis in (lattice.y, lattice.x))
    weights = make_weights(lattice, rows, columns, "exact")
    height, width = lattice.shape
    wide = min(width, 4096)
    tall = max(1, min(height, _WINDOW // wide))
    pieces = _Pieces()
    above = np.zeros((2, width), dtype=np.int64)
    for top in range(0, height, tall):
        here = slice(top, min(height, top + tall))
        below, left = np.zeros((2, width), dtype=np.int64), None
        for start in range(0, width, wide):
            part = slice(start, min(width, start + wide))
            pairs = pair_block(layers, here, part)
            label = _measure(pieces, pairs, kept, weights, here, part, least)
            ids = np.where(label > 0, label, 0)
            _join(pieces, above[:, part], np.stack([ids[0], pairs[0]]))
            if left is not None:
                _join(pieces, left, np.stack([ids[:, 0], pairs[:, 0]]))
            left = np.stack([ids[:, -1], pairs[:, -1]])
            below[:, part] = np.stack([ids[-1], pairs[-1]])
        above = below
    return _merged(pieces, least)


def _measure(
    pieces: _Pieces, pairs: Any, kept: Any, weights: Any, rows: slice, columns: slice, least: float
) -> NDArray[np.int64]:
    """Label one window, keep what may matter, and give the numbers that its areas have in all (0: none)."""
    label = np.empty(pairs.shape, np.int32)
    count = label_equal(pairs, kept, label, np.empty(pairs.size + 1, np.int32))
    area, pair = np.zeros(count + 1), np.zeros(count + 1, np.int64)
    box = np.zeros((count + 1, 4), np.int64)
    scale, stride = np.empty((0, 0)), 1
    if weights.scale is not None:
        scale, stride = weights.scale_points(rows, columns, float(np.median(weights.row[rows])))
    measure_areas(label, pairs, weights.row[rows], weights.column[columns], scale, stride, area, box, pair)
    last = (pairs.shape[0] - 1, pairs.shape[1] - 1)
    at_border = (box[:, 0] == 0) | (box[:, 1] == last[0]) | (box[:, 2] == 0) | (box[:, 3] == last[1])
    stay = (area > 0) & (at_border | (area >= least))
    numbers = np.zeros(count + 1, np.int64)
    numbers[stay] = pieces.count + 1 + np.arange(stay.sum())
    pieces.count += int(stay.sum())
    pieces.pair.append(pair[stay])
    pieces.area.append(area[stay])
    pieces.box.append(box[stay] + [rows.start, rows.start, columns.start, columns.start])
    return numbers[label]


def _join(pieces: _Pieces, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
    meet = (one[0] > 0) & (other[0] > 0) & (one[1] == other[1])
    if meet.any():
        pieces.joins.append(np.unique(np.stack([one[0][meet], other[0][meet]]), axis=1))


def _merged(pieces: _Pieces, least: float) -> Found:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pair, area, box = np.concatenate(pieces.pair), np.concatenate(pieces.area), np.concatenate(pieces.box)
    joins = np.concatenate(pieces.joins, axis=1) - 1 if pieces.joins else np.empty((2, 0), np.int64)
    graph = coo_array((np.ones(joins.shape[1]), (joins[0], joins[1])), shape=(pieces.count, pieces.count))
    number, owner = connected_components(graph, directed=False) if pieces.count else (0, np.empty(0, int))
    total = np.bincount(owner, weights=area, minlength=number).astype(np.float64)
    extent = np.empty((number, 4), np.int64)
    first = np.empty(number, np.int64)
    first[owner[::-1]] = pair[::-1]
    for k, (start, ufunc) in enumerate(((1 << 60, np.minimum), (-1, np.maximum)) * 2):
        extent[:, k] = start
        if pieces.count:
            ufunc.at(extent[:, k], owner, box[:, k])
    enough = total >= least
    return Found(first[enough], total[enough], extent[enough])
