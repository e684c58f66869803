"""Compiled code of the overlay: one pass over a window of pixels into a table of pairs.

All of it is in this one module, so that numba's file cache sees every change. A table has one cell for each
pair of places (i, j) of two lists of classes; the last two places of a list are "missing" and "unknown".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np


def _jit(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # numba finds no folder in which it may keep compiled code (read-only install)
        return numba.njit(nogil=True, error_model="numpy")(function)


@_jit
def tally_rows(
    before: Any,
    after: Any,
    table_before: Any,
    table_after: Any,
    row_area: Any,
    counts: Any,
    area: Any,
) -> None:
    """Count pairs of two blocks of one shape; all pixels of a row have the same area.

    ``table_*`` turns a code into a place; the two places add up to a cell. ``counts`` (int64) and ``area``
    (float64) of all cells are added to: whole numbers are summed until the area of a pixel changes.
    """
    rows, columns = before.shape
    row = np.zeros(counts.size, np.int64)
    for i in range(rows):
        for j in range(columns):
            row[table_before[before[i, j]] + table_after[after[i, j]]] += 1
        if i + 1 == rows or row_area[i + 1] != row_area[i]:
            for cell in range(row.size):
                if row[cell]:
                    counts[cell] += row[cell]
                    area[cell] += row[cell] * row_area[i]
                    row[cell] = 0


@_jit
def tally_pieces(
    place: Any,
    zone: Any,
    zone_size: int,
    row_area: Any,
    column_area: Any,
    row_share: Any,
    column_share: Any,
    scale: Any,
    stride: int,
    values: Any,
    counts: Any,
    area: Any,
    sums: Any,
) -> None:
    """Add pieces of pixels to tables by zone.

    ``place`` ``(n, m)`` is the cell of the table, ``zone`` ``(n, m)`` the region (``zone_size`` is none), or
    of shape (0, 0) where there is one region. ``scale`` holds the areal scale at every ``stride``-th corner,
    or has no elements. ``values`` ``(d, n, m)`` are densities; ``sums`` ``(d, 3, zones, cells)`` gets area x
    value, area x value^2 and area, where there is a value. ``counts`` and ``area`` are ``(zones, cells)``.
    """
    rows, columns = place.shape
    densities = values.shape[0]
    for i in range(rows):
        fi = (i % stride + 0.5) / stride
        for j in range(columns):
            z = 0
            if zone.size:
                z = zone[i, j]
                if z == zone_size:
                    continue
            cell = place[i, j]
            a = row_area[i] * column_area[j]
            if scale.size:
                fj = (j % stride + 0.5) / stride
                p, q = i // stride, j // stride
                upper = scale[p, q] * (1.0 - fj) + scale[p, q + 1] * fj
                lower = scale[p + 1, q] * (1.0 - fj) + scale[p + 1, q + 1] * fj
                a *= upper * (1.0 - fi) + lower * fi
            counts[z, cell] += row_share[i] * column_share[j]
            area[z, cell] += a
            for d in range(densities):
                v = values[d, i, j]
                if v == v:
                    sums[d, 0, z, cell] += a * v
                    sums[d, 1, z, cell] += a * v * v
                    sums[d, 2, z, cell] += a


@_jit
def tally_parts(
    rows: Any,
    columns: Any,
    zones: Any,
    fractions: Any,
    place: Any,
    row_area: Any,
    column_area: Any,
    row_share: Any,
    column_share: Any,
    scale: Any,
    stride: int,
    values: Any,
    counts: Any,
    area: Any,
    sums: Any,
) -> None:
    """Add pieces of which a region covers a part: piece (row, column), zone and covered fraction each.

    All else is as in `tally_pieces`.
    """
    densities = values.shape[0]
    for n in range(rows.size):
        i, j, z, f = rows[n], columns[n], zones[n], fractions[n]
        cell = place[i, j]
        a = f * row_area[i] * column_area[j]
        if scale.size:
            fi, fj = (i % stride + 0.5) / stride, (j % stride + 0.5) / stride
            p, q = i // stride, j // stride
            upper = scale[p, q] * (1.0 - fj) + scale[p, q + 1] * fj
            lower = scale[p + 1, q] * (1.0 - fj) + scale[p + 1, q + 1] * fj
            a *= upper * (1.0 - fi) + lower * fi
        counts[z, cell] += f * row_share[i] * column_share[j]
        area[z, cell] += a
        for d in range(densities):
            v = values[d, i, j]
            if v == v:
                sums[d, 0, z, cell] += a * v
                sums[d, 1, z, cell] += a * v * v
                sums[d, 2, z, cell] += a


@_jit
def map_pairs(before: Any, after: Any, table_before: Any, table_after: Any, values: Any, out: Any) -> None:
    """Give every pixel the value of its pair; tables as in `tally_rows`."""
    rows, columns = before.shape
    for i in range(rows):
        for j in range(columns):
            out[i, j] = values[table_before[before[i, j]] + table_after[after[i, j]]]


@_jit
def label_equal(pairs: Any, kept: Any, label: Any, parent: Any) -> int:
    """Number the connected areas of equal pairs (neighbours by an edge), of pairs that are kept only.

    ``pairs`` ``(n, m)``, ``kept`` says for every pair whether it counts. ``label`` ``(n, m)`` gets numbers
    from 1 (0: none), ``parent`` is room for n * m + 1 of them. Returns the count.
    """
    rows, columns = pairs.shape
    count = 0
    for i in range(rows):
        for j in range(columns):
            pair = pairs[i, j]
            label[i, j] = 0
            if not kept[pair]:
                continue
            up = label[i - 1, j] if i > 0 and pairs[i - 1, j] == pair else 0
            left = label[i, j - 1] if j > 0 and pairs[i, j - 1] == pair else 0
            if up == 0 and left == 0:
                count += 1
                parent[count] = count
                label[i, j] = count
                continue
            a = up if up else left
            b = left if left else up
            while parent[a] != a:
                parent[a] = parent[parent[a]]
                a = parent[a]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            low = min(a, b)
            parent[a] = low
            parent[b] = low
            label[i, j] = low
    final = 0
    for k in range(1, count + 1):  # no root is above its members, so theirs has its number already
        if parent[k] == k:
            final += 1
            parent[k] = -final
        else:
            parent[k] = parent[parent[k]]
    for i in range(rows):
        for j in range(columns):
            if label[i, j]:
                label[i, j] = -parent[label[i, j]]
    return final


@_jit
def measure_areas(
    label: Any,
    pairs: Any,
    row_area: Any,
    column_area: Any,
    scale: Any,
    stride: int,
    area: Any,
    box: Any,
    pair: Any,
) -> None:
    """Area, extent (first and last row and column) and pair of every labelled area (numbers from 1)."""
    rows, columns = label.shape
    for i in range(rows):
        for j in range(columns):
            k = label[i, j]
            if k == 0:
                continue
            a = row_area[i] * column_area[j]
            if scale.size:
                fi, fj = (i % stride + 0.5) / stride, (j % stride + 0.5) / stride
                p, q = i // stride, j // stride
                upper = scale[p, q] * (1.0 - fj) + scale[p, q + 1] * fj
                lower = scale[p + 1, q] * (1.0 - fj) + scale[p + 1, q + 1] * fj
                a *= upper * (1.0 - fi) + lower * fi
            if area[k] == 0.0:
                box[k, 0], box[k, 1], box[k, 2], box[k, 3] = i, i, j, j
                pair[k] = pairs[i, j]
            area[k] += a
            box[k, 0], box[k, 1] = min(box[k, 0], i), max(box[k, 1], i)
            box[k, 2], box[k, 3] = min(box[k, 2], j), max(box[k, 3], j)


@_jit
def largest_share(
    place: Any,
    row_start: Any,
    column_start: Any,
    row_share: Any,
    column_share: Any,
    size: int,
    least: float,
    out: Any,
) -> None:
    """Give every pixel the place that most of it has.

    ``place`` holds the place of every piece (``size`` and above: no class), pixel (i, j) is made of pieces
    ``row_start[i]`` to ``row_start[i + 1]`` and so on. Less than ``least`` of a pixel with a class is none;
    of equal shares the first place wins.
    """
    shares = np.zeros(size)
    for i in range(row_start.size - 1):
        for j in range(column_start.size - 1):
            shares[:] = 0.0
            total = 0.0
            for p in range(row_start[i], row_start[i + 1]):
                for q in range(column_start[j], column_start[j + 1]):
                    if place[p, q] < size:
                        share = row_share[p] * column_share[q]
                        shares[place[p, q]] += share
                        total += share
            best = size
            if total >= least:
                most = 0.0
                for k in range(size):
                    if shares[k] > most + 1e-9:
                        most = shares[k]
                        best = k
            out[i, j] = best
