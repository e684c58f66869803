"""Classes that a land histogram lacks, added without land: what a reference sample knows of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from yaotan.carbon.histogram import Names, check_histogram


def widen(histogram: xr.Dataset, codes: Iterable[int], names: Names) -> xr.Dataset:
    """Add classes with area 0 to a land histogram.

    Parameters
    ----------
    histogram : xarray.Dataset
        Of one date or of two.
    codes : iterable of int
        Classes that it shall have beside its own.
    names : mapping of int to (str, str)
        English and Chinese name of each class, as `yaotan.catalog.landcover.Legend.names` gives them.

    Returns
    -------
    xarray.Dataset
        With the classes in rising order; sums and areas of the new ones are 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.carbon.histogram import make_histogram
    >>> land = make_histogram(pd.DataFrame({"class": [1], "area": [4.0]}), scheme="clcd")
    >>> widen(land, [8], {1: ("Cropland", "耕地"), 8: ("Impervious", "不透水面")}).area[0].values.tolist()
    [4.0, 0.0]
    """
    check_histogram(histogram)
    dims = [dim for dim in ("class", "before", "after") if dim in histogram.dims]
    every = np.array(sorted({int(code) for code in (*histogram[dims[0]].values, *codes)}), dtype=np.int32)
    labels = [f"{dim}_name{ending}" for dim in dims for ending in ("", "_zh")]
    out = histogram.drop_vars(labels).reindex(dict.fromkeys(dims, every), fill_value=0)
    words = [names.get(int(code), (str(code), str(code))) for code in every]
    coords: dict[str, Any] = {}
    for dim in dims:
        coords[f"{dim}_name"] = (dim, np.array([word[0] for word in words], dtype=object))
        coords[f"{dim}_name_zh"] = (dim, np.array([word[1] for word in words], dtype=object))
    return check_histogram(out.assign_coords(coords))
