"""Layers and cells of grids, as sections need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from yaotan.report.context import PageContext
from yaotan.report.table import Download, make_download

Floats = npt.NDArray[np.float64]
#: more rows than this make a page heavy; the grid file has them
MOST_CELLS: Final = 20_000


def layers_of(grid: xr.Dataset, name: str) -> Floats:
    """Give a variable as ``(time, rows, columns)``, one layer where it has no time."""
    values = np.asarray(grid[name].values, float)
    return values[None] if values.ndim == 2 else values


def download_cells(
    page: PageContext, name: str, grid: xr.Dataset, layers: Mapping[str, Any]
) -> tuple[Download | None, str]:
    """Put the cells that have a value in the first layer into the page: centre and values.

    Parameters
    ----------
    page : PageContext
        Language.
    name : str
        File name without suffix.
    grid : xarray.Dataset
        Whose cells.
    layers : mapping of str to ndarray, dims (rows, columns)
        Column names and values.

    Returns
    -------
    download : Download or None
        None when no cell has a value, or more than `MOST_CELLS` have.
    caption : str
        Where the cells are when there are too many, with a leading space; else empty.
    """
    pair = ("lat", "lon") if "lat" in grid.dims else ("y", "x")
    rows, columns = np.nonzero(np.isfinite(next(iter(layers.values()))))
    if rows.size > MOST_CELLS:
        return None, page.text("space") + page.text("map.in_file")
    if not rows.size:
        return None, ""
    places = [np.asarray(grid[dim].values)[at] for dim, at in zip(pair, (rows, columns), strict=True)]
    values = {key: np.asarray(layer)[rows, columns] for key, layer in layers.items()}
    return make_download(name, pd.DataFrame(dict(zip(pair, places, strict=True)) | values)), ""
