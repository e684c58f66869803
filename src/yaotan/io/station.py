"""Files of ground stations, one table for each station."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from yaotan.io.paths import find_files
from yaotan.io.soundings import open_soundings
from yaotan.typing import Paths, Period


def open_stations(
    stations: Paths, *, product: str | None = None, period: Period | None = None, trust_layout: bool = False
) -> dict[str, xr.Dataset]:
    """Open files of ground stations (TCCON, COCCON, tables of text), one table for each station.

    Parameters
    ----------
    stations : path-like or sequence of path-like
        Files, folders or patterns.
    product : str, optional
        As in `open_soundings`; default: each file is recognised.
    period : (str, str), optional
        First and last day.
    trust_layout : bool
        As in `open_soundings`.

    Returns
    -------
    dict of str to xarray.Dataset
        Named by what the files say of their site, else by the name of the file. Files of one site are one
        table.

    Raises
    ------
    NotAGranuleError
        A file is of no known product.

    Examples
    --------
    >>> open_stations("hw20230402_20230402.public.qc.nc")  # doctest: +SKIP
    {'harwell01': <xarray.Dataset> ...}
    """
    how: dict[str, Any] = {"product": product, "period": period, "trust_layout": trust_layout}
    files: dict[str, list[str]] = {}
    for path in find_files(stations):
        table = open_soundings(path, **how)
        files.setdefault(str(table.attrs.get("site") or Path(path).stem), []).append(path)
    return {name: open_soundings(paths, **how) for name, paths in files.items()}
