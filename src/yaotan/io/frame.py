"""How the soundings of a file are laid out: a list, or an image whose leading axes are strung together."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import NotAGranuleError
from yaotan.io.container import Container

Rows = slice | NDArray[np.integer[Any]] | None
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Frame:
    """Lengths of the axes that make up the soundings; one for a list, (time, scanline, pixel) for a swath.

    Soundings are numbered along the last axis first, as they are stored.
    """

    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of soundings."""
        return math.prod(self.shape)

    def number(self, rows: Rows) -> int:
        """Number of soundings that `rows` picks."""
        if rows is None:
            return self.count
        return len(range(*rows.indices(self.count))) if isinstance(rows, slice) else int(rows.size)

    def repeats(self, container: Container, path: str) -> bool:
        """Whether a dataset has one value per scan line or file, to be repeated for its soundings."""
        if path.startswith("@"):
            return True
        shape = self._own_shape(container, path)
        scalar = math.prod(shape) == 1 and shape != self.shape
        return scalar or (len(shape) < len(self.shape) and shape == self.shape[: len(shape)])

    def rest_of(self, container: Container, path: str, *, trailing: bool = False) -> tuple[int, ...] | None:
        """Give the shape beyond the sounding axes; None when the dataset does not have these axes."""
        if self.repeats(container, path):
            return ()
        shape, depth = container.shape_of(path), len(self.shape)
        if trailing:
            return shape[:-depth] if shape[-depth:] == self.shape else None
        return shape[depth:] if shape[:depth] == self.shape else None

    def read(
        self,
        container: Container,
        path: str,
        rows: Rows,
        *,
        trailing: bool = False,
        select: tuple[int, ...] = (),
    ) -> NDArray[Any]:
        """Read rows of a dataset, the sounding axis first.

        Parameters
        ----------
        container : Container
            Open file.
        path : str
            Dataset, or ``@NAME`` for a global attribute.
        rows : slice or integer array, optional
            Soundings, in the order wanted.
        trailing : bool
            The sounding axes stand last.
        select : tuple of int
            Index along the first axes after them.

        Returns
        -------
        numpy.ndarray
            Shape (rows, ...). One value per scan line is repeated along it.

        Raises
        ------
        NotAGranuleError
            The dataset has not the axes of the soundings.
        """
        if self.repeats(container, path):
            return self.spread(container, path, self.read_once(container, path), rows)
        if self.rest_of(container, path, trailing=trailing) is None:
            raise NotAGranuleError(
                f"{path} has shape {container.shape_of(path)}",
                where=container.path,
                expected=f"the axes of the soundings, {self.shape}, {'last' if trailing else 'first'}",
                fix="the file was rewritten with other dimensions; use the original",
            )
        if trailing:
            whole = np.moveaxis(
                container.read(path), range(-len(self.shape), 0), range(len(self.shape))
            ).copy()
            values = whole.reshape((self.count, *whole.shape[len(self.shape) :]))
            values = values if rows is None else values[rows]
        elif len(self.shape) == 1:
            values = container.read(path, rows)
        else:
            values = self._read_slab(container, path, rows)
        pick: tuple[Any, ...] = (slice(None), *select)
        return values[pick] if select else values

    def read_once(self, container: Container, path: str) -> NDArray[Any]:
        """Read a dataset that `repeats`, each value once; an attribute's number as an array of one."""
        if not path.startswith("@"):
            values = container.read(path)
            return values.reshape((-1, values.shape[-1])) if _is_character(values) else values.reshape(-1)
        given = container.attributes[path[1:]]
        if isinstance(given, str):
            match = _NUMBER.search(given)
            return np.array([float(match.group()) if match else np.nan])
        return np.atleast_1d(np.asarray(given))[:1]

    def spread(self, container: Container, path: str, values: NDArray[Any], rows: Rows) -> NDArray[Any]:
        """Repeat what `read_once` gave, or what was made of it, for each sounding."""
        if values.shape[0] == 1:
            return np.repeat(values, self.number(rows), axis=0)
        inner = math.prod(self.shape[len(self._own_shape(container, path)) :])
        wanted = self._numbers(rows)
        return values[wanted // inner]

    def _numbers(self, rows: Rows) -> NDArray[np.integer[Any]]:
        if rows is None or isinstance(rows, slice):
            return np.arange(self.count)[slice(None) if rows is None else rows]
        return rows

    def _own_shape(self, container: Container, path: str) -> tuple[int, ...]:
        """Shape of a dataset; for rows of single characters without that last axis."""
        shape = container.shape_of(path)
        outer = len(shape) - 1
        candidate = 0 < outer < len(self.shape) and shape[:-1] == self.shape[:outer]
        if candidate and shape != self.shape[: outer + 1] and container.entry(path).dtype == np.dtype("S1"):
            return shape[:-1]
        return shape

    def _read_slab(self, container: Container, path: str, rows: Rows) -> NDArray[Any]:
        """Read the scan lines that hold the rows, and pick the rows from them."""
        axis = next((place for place, size in enumerate(self.shape) if size > 1), 0)
        inner = math.prod(self.shape[axis + 1 :])
        wanted = self._numbers(rows)
        first, last = (int(wanted.min()) // inner, int(wanted.max()) // inner + 1) if wanted.size else (0, 0)
        selection = (*(slice(None),) * axis, slice(first, last))
        values = container.read_slab(path, selection)
        values = values.reshape((-1, *values.shape[len(self.shape) :]))
        whole = wanted.size == values.shape[0] and (np.diff(wanted) == 1).all()
        return values if whole else values[wanted - first * inner]


def _is_character(values: NDArray[Any]) -> bool:
    return values.dtype == np.dtype("S1") and values.ndim > 1
