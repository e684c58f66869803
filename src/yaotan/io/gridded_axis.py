"""Axes of a gridded product: centres of cells, and their edges where the file has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from yaotan.catalog.grid import GridProduct
from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.container import Container
from yaotan.io.decode import to_float

Role = Literal["latitude", "longitude"]


@dataclass(frozen=True)
class Axis:
    """Latitude or longitude as stored.

    Parameters
    ----------
    centre : numpy.ndarray
        Centres of the cells, shape (n,) [degrees].
    path : str
        Dataset that it was read from.
    edges : numpy.ndarray, optional
        Lower and upper edge of each cell, shape (n, 2) [degrees]; None where the file does not hold them.
    """

    centre: NDArray[np.float64]
    path: str
    edges: NDArray[np.float64] | None = None


def read_axis(container: Container, product: GridProduct, role: Role) -> Axis:
    """Read latitude or longitude as one axis of cells.

    Centres are read, or made from the edges where a file has these alone.

    Raises
    ------
    NotAGranuleError
        It is not there.
    SchemaError
        It varies along both dimensions: the grid is rotated or projected.
    """
    path = next((name for name in getattr(product.axes, role) if name in container), None)
    edges = _read_edges(container, product, role)
    if path is None and edges is not None:
        return Axis(edges[0].mean(axis=1), edges[1], edges[0])
    if path is None:
        raise NotAGranuleError(
            f"has no {role}", where=container.path, expected=f"a file of {product.product}"
        )
    attributes = container.attributes_of(path)
    values = to_float(container.read(path), attributes, product.fill)
    if values.ndim == 2 and container.dims_of(path)[0] in product.axes.time:
        values = _once(values, path, container.path)
    elif values.ndim == 2:
        row, column = values[:1, :], values[:, :1]
        if role == "latitude" and np.array_equal(np.broadcast_to(column, values.shape), values):
            values = values[:, 0]
        elif role == "longitude" and np.array_equal(np.broadcast_to(row, values.shape), values):
            values = values[0]
    if values.ndim != 1:
        raise SchemaError(
            f"{role} varies along both dimensions",
            where=container.path,
            expected="a regular grid of latitude and longitude",
            fix="regrid it first (cdo remapcon)",
        )
    values = _centres(values, role) if product.axes.corner == "detect" else values
    return Axis(values, path.strip("/"), None if edges is None else edges[0])


def _read_edges(
    container: Container, product: GridProduct, role: Role
) -> tuple[NDArray[np.float64], str] | None:
    paths = getattr(product.axes, f"{role}_bounds")
    path = next((name for name in paths if name in container), None)
    if path is None:
        return None
    values = to_float(container.read(path), container.attributes_of(path), product.fill)
    if values.ndim == 3:
        values = _once(values, path, container.path)
    if values.ndim != 2 or values.shape[1] != 2:
        raise SchemaError(
            f"{path} has shape {values.shape}", where=container.path, expected="two edges of each cell"
        )
    return np.sort(values, axis=1), path.strip("/")


def _once(values: NDArray[np.float64], path: str, where: str) -> NDArray[np.float64]:
    """Take an axis that is repeated for every time."""
    if not (values == values[:1]).all():
        raise SchemaError(f"{path} changes with time", where=where, expected="one grid for all times")
    first: NDArray[np.float64] = values[0]
    return first


def _centres(values: NDArray[np.float64], role: str) -> NDArray[np.float64]:
    """Move the corners of the cells of a global axis to the centres: only centres are symmetric."""
    low, high = float(values.min()), float(values.max())
    step = (high - low) / max(values.size - 1, 1)
    turn = 180.0 if role == "latitude" else 360.0
    if abs(step * values.size - turn) > 1e-3 * step:
        return values
    middle = 0.0 if role == "latitude" else 180.0 * round((low + high) / 2.0 / 180.0)
    shift = middle - (low + high) / 2.0
    return values + shift if abs(abs(shift) - step / 2.0) < 1e-3 * step else values
