"""One window of the overlay: blocks are read, and their pieces added to tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.carbon.class_layer import ClassLayer
from yaotan.carbon.kernel import tally_parts, tally_pieces, tally_rows
from yaotan.carbon.lattice import Pieces
from yaotan.carbon.layer import Layer, Window, gather
from yaotan.carbon.weight import Weights
from yaotan.carbon.zone import WHOLE_ZONE, Cover, PolygonMask, ZoneLayer


@dataclass
class Sums:
    """Tables ``(zones, cells)``, of densities ``(d, 3, zones, cells)``."""

    counts: NDArray[np.float64]
    area: NDArray[np.float64]
    densities: NDArray[np.float64]

    @classmethod
    def empty(cls, zones: int, cells: int, densities: int) -> Sums:
        """Tables of zeros."""
        return cls(np.zeros((zones, cells)), np.zeros((zones, cells)), np.zeros((densities, 3, zones, cells)))

    def add(self, part: tuple[NDArray[np.int64], Sums] | None) -> None:
        """Add the tables of some zones."""
        if part is not None:
            zones, sums = part
            self.counts[zones] += sums.counts
            self.area[zones] += sums.area
            self.densities[:, :, zones] += sums.densities


@dataclass(frozen=True)
class Job:
    """What every window needs to know."""

    before: ClassLayer
    after: ClassLayer | None
    zones: ZoneLayer | PolygonMask | None
    densities: dict[str, Layer]
    numbers: dict[int, int]
    rows: Pieces
    columns: Pieces
    weights: Weights

    @property
    def zone_ids(self) -> list[str]:
        """Ids of the regions."""
        return (WHOLE_ZONE if self.zones is None else self.zones.zones).ids

    @property
    def size(self) -> int:
        """Places of a list of classes: those of the legend, missing, unknown."""
        return len(self.before.codes) + 2

    @property
    def cells(self) -> int:
        """Cells of a table."""
        return self.size if self.after is None else self.size**2

    def tables(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Part of the number of a cell that a code of each date gives."""
        if self.after is None:
            return self.before.places, np.zeros_like(self.before.places)
        return self.before.places * self.size, self.after.places


def tally(job: Job, window: Window) -> tuple[NDArray[np.int64], Sums] | None:
    """Add up one window.

    Parameters
    ----------
    job : Job
        The overlay.
    window : Window
        Pieces.

    Returns
    -------
    tuple or None
        Numbers of the zones met, and their tables; None where there is nothing.

    Raises
    ------
    SchemaError
        A code is in no legend.
    """
    layers = [job.before] if job.after is None else [job.before, job.after]
    found = [layer.locate(window, job.rows, job.columns, job.numbers[id(layer)]) for layer in layers]
    if all(place is None for place in found):
        return None
    blocks = [None if p is None else layer.read(p[0], p[1]) for layer, p in zip(layers, found, strict=True)]
    whole = all(place is not None and place[2] is None for place in found)
    if whole and _is_plain(job):
        sums, zones = _count(job, window, layers, blocks), np.array([0])
    else:
        place = _places(job, window, layers, blocks, found)
        zones, sums = _weigh(job, window, place)
    _check_known(job, sums, layers, blocks)
    return zones, sums


def _is_plain(job: Job) -> bool:
    return job.zones is None and not job.densities and job.weights.scale is None and job.weights.uniform


def _count(job: Job, window: Window, layers: list[ClassLayer], blocks: list[Any]) -> Sums:
    indices = [layer.as_index(block) for layer, block in zip(layers, blocks, strict=True)]
    counts, area = np.zeros(job.cells, np.int64), np.zeros(job.cells)
    row_area = job.weights.row[window.rows] * job.weights.column[window.columns.start]
    tally_rows(indices[0], indices[-1], *job.tables(), row_area, counts, area)
    return Sums(counts[None].astype(float), area[None], np.zeros((0, 3, 1, job.cells)))


def _places(
    job: Job, window: Window, layers: list[ClassLayer], blocks: list[Any], found: list[Any]
) -> NDArray[np.int64]:
    """Cell of the table for every piece."""
    missing = job.size - 2
    out = np.zeros(window.shape, dtype=np.int64)
    factors = [1] if job.after is None else [job.size, 1]
    for layer, block, place, factor in zip(layers, blocks, found, factors, strict=True):
        if place is None:
            out += missing * factor
        else:
            values = layer.places[layer.as_index(block)]
            out += gather(values, place[2], place[3], missing) * factor
    return out


def _weigh(job: Job, window: Window, place: NDArray[np.int64]) -> tuple[NDArray[np.int64], Sums]:
    weights, r, c = job.weights, window.rows, window.columns
    shares = [np.diff(p.edges[part.start : part.stop + 1]) for p, part in ((job.rows, r), (job.columns, c))]
    scale, stride = np.empty((0, 0)), 1
    if weights.scale is not None:
        scale, stride = weights.scale_points(r, c, float(np.median(weights.row[r])))
    values = _values(job, window)
    zone, parts, numbers = _zone(job, window)
    sums = Sums.empty(len(numbers), job.cells, len(values))
    numeric = (weights.row[r], weights.column[c], *shares, scale, stride, values)
    tables = (sums.counts, sums.area, sums.densities)
    if len(numbers):
        tally_pieces(place, zone, len(numbers), *numeric, *tables)
        tally_parts(*parts, place, *numeric, *tables)
    return numbers, sums


def _values(job: Job, window: Window) -> NDArray[np.float64]:
    out = np.full((len(job.densities), *window.shape), np.nan)
    for number, layer in enumerate(job.densities.values()):
        place = layer.locate(window, job.rows, job.columns, job.numbers[id(layer)])
        if place is not None:
            block = layer.read(place[0], place[1]).astype(np.float64)
            fill = layer.raster.attrs.get("_FillValue")
            if fill is not None and fill == fill:
                block[block == float(fill)] = np.nan
            out[number] = gather(block, place[2], place[3], np.nan)
    return out


def _zone(job: Job, window: Window) -> tuple[NDArray[np.int32], tuple[Any, ...], NDArray[np.int64]]:
    """Zones of pieces renumbered to those that occur, parts of pieces, and the numbers of the zones."""
    none = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    if job.zones is None:
        return np.empty((0, 0), np.int32), none, np.array([0])
    count = len(job.zones.zones)
    if isinstance(job.zones, ZoneLayer):
        place = job.zones.locate(window, job.rows, job.columns, job.numbers[id(job.zones)])
        zone = np.full(window.shape, count, dtype=np.int32)
        if place is not None:
            block = job.zones.place(job.zones.read(place[0], place[1]))
            zone = np.ascontiguousarray(gather(block, place[2], place[3], count))
        parts = none
    else:
        zone, parts = _covered(job.zones, job, window)
    numbers = np.flatnonzero(np.bincount(np.append(zone.ravel(), parts[2]), minlength=count + 1)[:count])
    local = np.full(count + 1, len(numbers), dtype=np.int32)
    local[numbers] = np.arange(len(numbers))
    return local[zone], (*parts[:2], local[parts[2]].astype(np.int64), parts[3]), numbers


def _covered(mask: PolygonMask, job: Job, window: Window) -> tuple[NDArray[np.int32], tuple[Any, ...]]:
    """Polygons over pieces: the pieces of a pixel have its shares."""
    both = ((job.rows, window.rows), (job.columns, window.columns))
    first = [np.floor(pieces.edges[part.start : part.stop]).astype(int) for pieces, part in both]
    spans = [slice(int(k[0]), int(k[-1]) + 1) for k in first]
    cover: Cover = mask.cover(*spans)
    i, j = (k - span.start for k, span in zip(first, spans, strict=True))
    zone = np.ascontiguousarray(cover.zone[i[:, None], j[None, :]])
    if len(i) == cover.zone.shape[0] and len(j) == cover.zone.shape[1]:
        return zone, (cover.rows, cover.columns, cover.zones, cover.fractions)
    bounds = [np.searchsorted(k, np.arange(n + 1)) for k, n in zip((i, j), cover.zone.shape, strict=True)]
    tall, wide = (np.diff(b)[k] for b, k in zip(bounds, (cover.rows, cover.columns), strict=True))
    number = tall * wide
    owner = np.repeat(np.arange(len(number)), number)
    within = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    rows = bounds[0][cover.rows[owner]] + within // wide[owner]
    columns = bounds[1][cover.columns[owner]] + within % wide[owner]
    return zone, (rows, columns, cover.zones[owner], cover.fractions[owner])


def _check_known(job: Job, sums: Sums, layers: list[ClassLayer], blocks: list[Any]) -> None:
    counts = sums.counts.sum(axis=0)
    size = job.size
    table = counts.reshape(size, -1)
    unknown = table[size - 1].sum() + (table[:, size - 1].sum() if job.after is not None else 0.0)
    if unknown:
        for layer, block in zip(layers, blocks, strict=True):
            if block is not None:
                layer.refuse_unknown(block)
