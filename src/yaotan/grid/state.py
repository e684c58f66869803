"""Sums of the cells that were met: a table that grows, and its frozen form in the order of the cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import uuid4

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from yaotan.grid import kernel

#: Cells in one block of a lazy array: 1 million doubles are 8 MiB.
_BLOCK_CELLS: Final = 1 << 20


class CellSums:
    """Growing table of sums, one row for each cell met, found through open addressing.

    Parameters
    ----------
    variables : int
        Number of variables.
    rows : int
        Rows to begin with.
    """

    def __init__(self, variables: int, rows: int = 1 << 17) -> None:
        self.variables = variables
        self.counters = np.zeros(kernel.RECENT + kernel.RECENT_SIZE, dtype=np.int64)
        self.keys = np.empty(0, dtype=np.int64)
        self.sums = np.empty((0, variables, kernel.SLOTS))
        self._resize(rows)
        self._open(np.empty(0, np.int64), np.empty(0), 1 << 12, 0)

    @property
    def state(self) -> tuple[Any, ...]:
        """The arrays in the order that the kernel expects."""
        # one row of memory holds floats and integers, so that a cell costs two cache lines
        table = (self.sums, self.sums.view(np.int64), self.sums.view(np.uint64))
        spill = (self.open_keys, self.open_sums)
        return self.keys, self.slots, self.rows, table, spill, self.counters

    def _resize(self, rows: int) -> None:
        used = int(self.counters[kernel.USED])
        for name in ("keys", "sums"):
            old = getattr(self, name)
            new = np.zeros((rows, *old.shape[1:]), dtype=old.dtype)
            new[:used] = old[:used]
            setattr(self, name, new)
        size = 1 << int(2 * rows).bit_length()
        self.slots, self.rows = np.full(size, -1, np.int64), np.zeros(size, np.int64)
        kernel.refill(self.keys, used, self.slots, self.rows)

    def _open(self, keys: NDArray[np.int64], sums: NDArray[Any], room: int, first_pass: int) -> None:
        size = 1 << int(2 * room).bit_length()
        self.open_keys, self.open_sums = np.full(size, -1, np.int64), np.zeros(size)
        self.counters[kernel.ASIDE] = kernel.refill_open(
            keys, sums, first_pass, self.open_keys, self.open_sums
        )

    def grow(self) -> None:
        """Make room for as many cells as the kernel asked for, and at least double what is full."""
        used, open_count, wanted = map(int, self.counters[: kernel.RECENT])
        if used + wanted > self.keys.size:
            self._resize(max(2 * self.keys.size, used + wanted))
        if 2 * (open_count + wanted * self.variables) > self.open_keys.size:
            self._open(self.open_keys, self.open_sums, 2 * (open_count + wanted * self.variables), 0)

    def close_before(self, time: int) -> None:
        """Forget the sums of overpasses that ended before a time [ns]: none of their soundings can come.

        The sum over overpasses is complete at any moment; only the running sum of each is dropped.
        """
        first = min(max(time // kernel.PASS_NS + kernel.PASS_OFFSET, 0), (1 << kernel.PASS_BITS) - 1)
        room = max(1 << 12, int(self.counters[kernel.ASIDE]))
        self._open(self.open_keys, self.open_sums, room, first)

    def freeze(self) -> FrozenSums:
        """Give the sums in rising order of the cells (the table itself is not copied)."""
        used = int(self.counters[kernel.USED])
        order = np.argsort(self.keys[:used], kind="stable")
        return FrozenSums(self.keys[order], order, self.sums)


@dataclass(frozen=True)
class FrozenSums:
    """Sums of all cells met, by rising cell number ``(time * ny + row) * nx + column``.

    Parameters
    ----------
    keys : numpy.ndarray
        ``(n,)`` cell numbers, rising.
    order : numpy.ndarray
        ``(n,)`` row of the table for each of them.
    sums : numpy.ndarray
        ``(rows, variables, slots)``.
    """

    keys: NDArray[np.int64]
    order: NDArray[np.int64]
    sums: NDArray[np.float64]

    def column(self, variable: int, slot: int, low: int, high: int) -> NDArray[Any]:
        """Give one sum of one variable for some of the cells, in the type that the kernel keeps it in."""
        kind = np.float64 if slot < kernel.COUNT else np.uint64 if slot == kernel.MASK else np.int64
        return self.sums.view(kind)[self.order[low:high], variable, slot]


@dataclass(frozen=True)
class Layout:
    """Shape of a grid (times, rows, columns) and how many rows one block of it holds."""

    shape: tuple[int, int, int]

    @property
    def rows(self) -> int:
        """Rows of one block: whole rows, so that a block is one run of cell numbers."""
        return min(self.shape[1], max(1, _BLOCK_CELLS // self.shape[2]))

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """Chunks of a lazy array."""
        times, ny, nx = self.shape
        return (1,) * times, tuple(min(self.rows, ny - first) for first in range(0, ny, self.rows)), (nx,)


def _fill_block(
    sums: FrozenSums,
    layout: Layout,
    variable: int,
    slots: tuple[int, ...],
    function: Callable[..., Any],
    fill: Any,
    dtype: Any,
    *,
    block_id: tuple[int, int, int],
) -> NDArray[Any]:
    _, ny, nx = layout.shape
    first_row = block_id[1] * layout.rows
    height = min(layout.rows, ny - first_row)
    start = (block_id[0] * ny + first_row) * nx
    low, high = np.searchsorted(sums.keys, (start, start + height * nx))
    out = np.full(height * nx, fill, dtype=dtype)
    held = sums.column(variable, kernel.COUNT, low, high) > 0
    values = function(*(sums.column(variable, slot, low, high)[held] for slot in slots))
    out[sums.keys[low:high][held] - start] = values
    return out.reshape(1, height, nx)


def lazy_array(
    sums: FrozenSums,
    shape: tuple[int, int, int],
    variable: int,
    slots: tuple[int, ...],
    function: Callable[..., Any],
    fill: Any,
    dtype: Any,
) -> da.Array:
    """Give a function of the sums of each cell as a lazy array of the whole grid.

    Parameters
    ----------
    sums : FrozenSums
        All cells met.
    shape : tuple of int
        (times, rows, columns).
    variable : int
        Which variable.
    slots : tuple of int
        Sums that the function takes.
    function : callable
        From arrays of sums ``(cells,)`` to values ``(cells,)``.
    fill : object
        Value of the cells that no sounding touches.
    dtype : object
        Type of the array.

    Returns
    -------
    dask.array.Array
        Bands of whole rows; nothing is allocated before a band is computed.
    """
    layout = Layout(shape)
    return da.map_blocks(
        partial(_fill_block, sums, layout, variable, slots, function, fill, dtype),
        # a name of its own spares dask from hashing the table
        name=f"grid-{uuid4().hex}",
        chunks=layout.chunks,
        dtype=dtype,
        meta=np.empty((0, 0, 0), dtype=dtype),
    )
