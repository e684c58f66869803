"""Open whatever holds a time series: a regional table, a grid, or the file of a station."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.netcdf import open_estimate, open_grid
from yaotan.io.soundings import open_soundings
from yaotan.io.tabular import csv_columns, is_region_table, open_table
from yaotan.typing import PathLike


def open_series(path: PathLike, *, product: str | None = None, trust_layout: bool = False) -> xr.Dataset:
    """Open a file that holds a time series, whichever of our nouns it is.

    Parameters
    ----------
    path : path-like
        Regional table written by `write` or by a study (``.csv``, ``.parquet``, ``.nc``), grid with time, or
        file of a station (any product that `open_soundings` knows).
    product : str, optional
        Product of a station's file, or of a grid.
    trust_layout : bool
        As in `open_soundings`.

    Returns
    -------
    xarray.Dataset
        Estimate, grid or soundings.

    Raises
    ------
    NotAGranuleError
        It is none of them; the message is that of `open_soundings`.
    """
    source = Path(path)
    if not source.exists():
        raise NotAGranuleError("there is no such file", where=source, fix="check the path")
    suffix = source.suffix.lower()
    if product is None and (
        suffix == ".parquet" or (suffix == ".csv" and is_region_table(csv_columns(source)))
    ):
        return open_table(source)
    if product is None and suffix in (".nc", ".nc4", ".h5"):
        for opener in (open_estimate, open_grid):
            try:
                return opener(source)
            except (NotAGranuleError, SchemaError):
                continue
    return open_soundings(source, product=product, trust_layout=trust_layout)
