"""Bring a raster of classes, or a histogram of classes, to another scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from yaotan.carbon.histogram import check_histogram, is_pair, label_histogram
from yaotan.catalog.landcover import crosswalk, find_legend
from yaotan.errors import CatalogError, SchemaError
from yaotan.io.raster_legend import class_attributes
from yaotan.typing import PathLike


def reclassify(
    landuse: xr.DataArray, scheme: PathLike, *, choices: Mapping[int, int] | None = None
) -> xr.DataArray:
    """Bring a raster of classes to another scheme by the catalog's crosswalk.

    Parameters
    ----------
    landuse : xarray.DataArray
        With the attribute ``scheme``.
    scheme : path-like
        Wanted: ``six_class``, ``ipcc``, or another that the legend has a crosswalk to.
    choices : mapping of int to int, optional
        Code -> class of `scheme`, instead of the catalog's (IGBP savanna to forest, for instance).

    Returns
    -------
    xarray.DataArray
        uint8 or uint16, lazy where `landuse` is. Missing, unknown and classes without a counterpart (the sea)
        are the nodata value; ``attrs["without_counterpart"]`` lists the classes, ``attrs["open_choices"]``
        those that the catalog calls a choice and `choices` does not decide.

    Raises
    ------
    CatalogError
        There is no such scheme or crosswalk, or a choice names a class that is not there.
    SchemaError
        The raster does not say its scheme.

    Examples
    --------
    >>> import rioxarray
    >>> axes = {"y": [1500.0, 500.0], "x": [500.0, 1500.0]}
    >>> codes = xr.DataArray(np.array([[9, 10], [14, 0]], dtype="uint8"), coords=axes, dims=("y", "x"))
    >>> igbp = codes.assign_attrs(scheme="igbp").rio.write_crs("EPSG:6933")
    >>> reclassify(igbp, "six_class", choices={9: 1}).values.tolist()
    [[1, 2], [3, 4]]
    """
    own = landuse.attrs.get("scheme")
    if not own:
        raise SchemaError("does not say the scheme of its codes", where="reclassify", fix="use open_raster")
    target = find_legend(scheme)
    pairs, report = _pairs(str(own), target.scheme, choices)
    nodata = 255 if max(target.classes) < 255 else 65535
    dtype = np.dtype("uint8" if nodata == 255 else "uint16")
    codes = np.array(sorted(pairs), dtype=np.int64)
    new = np.array([pairs[int(code)] for code in codes], dtype=dtype)

    def turn(block: Any) -> Any:
        place = np.minimum(np.searchsorted(codes, block), len(codes) - 1)
        return np.where(codes[place] == block, new[place], dtype.type(nodata))

    data = landuse.data.map_blocks(turn, dtype=dtype) if landuse.chunks else turn(landuse.values)
    made = landuse.copy(data=data)
    kept = {k: v for k, v in landuse.attrs.items() if k in ("source", "references", "licence", "crs_source")}
    made.attrs = {**class_attributes(target, nodata, dtype), **kept, "scheme_before": str(own), **report}
    made.encoding.pop("_FillValue", None)
    return made


def merge_classes(
    histogram: xr.Dataset, scheme: PathLike, *, choices: Mapping[int, int] | None = None
) -> xr.Dataset:
    """Bring a land histogram to another scheme, by adding up classes.

    Parameters
    ----------
    histogram : xarray.Dataset
        Of one date or two.
    scheme, choices
        As in `reclassify`.

    Returns
    -------
    xarray.Dataset
        Land histogram. Land of classes without a counterpart is left out:
        ``attrs["area_without_counterpart"]`` [m2] says how much.

    Raises
    ------
    CatalogError, SchemaError
        As `reclassify`, and where the histogram is none.

    Examples
    --------
    >>> import pandas as pd
    >>> from yaotan.carbon.histogram import make_histogram
    >>> rows = pd.DataFrame({"class": [2, 3, 1], "area": [5.0, 1.0, 2.0]})
    >>> merge_classes(make_histogram(rows, scheme="clcd"), "six_class").area[0].values.tolist()
    [6.0, 2.0]
    """
    check_histogram(histogram)
    target = find_legend(scheme)
    pairs, report = _pairs(str(histogram.attrs["scheme"]), target.scheme, choices)
    dims = ("before", "after") if is_pair(histogram) else ("class",)
    own = [int(code) for code in histogram[dims[0]].values]
    new = np.array(sorted({pairs[code] for code in own if code in pairs}), dtype=np.int64)
    matrix = np.array([[float(pairs.get(code) == kept) for code in own] for kept in new])
    data = {}
    for name, array in histogram.data_vars.items():
        values = array
        for dim in dims:
            if dim in array.dims:
                turn = xr.DataArray(matrix.reshape(len(new), len(own)), dims=("_new", dim))
                values = xr.dot(values, turn, dim=dim).rename(_new=dim)
        data[str(name)] = (
            values.transpose(*array.dims)
            .drop_vars(list(values.coords), errors="ignore")
            .assign_attrs(array.attrs)
        )
    regions = [str(region) for region in histogram["region"].values]
    words = zip(histogram["region_name"].values, histogram["region_name_zh"].values, strict=True)
    region_names = dict(zip(regions, ((str(a), str(b)) for a, b in words), strict=True))
    out = label_histogram(xr.Dataset(data), regions, new, target.scheme, target.names(), region_names, None)
    lost = sum(float(histogram[n].sum() - out[n].sum()) for n in out.data_vars if str(n).startswith("area"))
    kept = {k: v for k, v in histogram.attrs.items() if k != "scheme"}
    extra = {"scheme_before": str(histogram.attrs["scheme"]), "area_without_counterpart": lost}
    return out.assign_attrs(**{**kept, **report, **extra})


def _pairs(own: str, target: str, choices: Mapping[int, int] | None) -> tuple[dict[int, int], dict[str, str]]:
    """Code -> code of the target, and what a reader should know of it."""
    legend, classes = find_legend(own), find_legend(target).classes
    given = {int(code): int(new) for code, new in (choices or {}).items()}
    strange = [c for c in given if c not in legend.classes] + [c for c in given.values() if c not in classes]
    if strange:
        raise CatalogError(
            f"choices name code(s) {sorted(set(strange))}, which are in neither legend",
            where="reclassify",
            expected=f"code of {own}: code of {target}",
        )
    pairs = {**crosswalk(own, target), **given}
    without = [str(code) for code in legend.classes if code not in pairs]
    open_ones = [str(c) for c, entry in legend.classes.items() if target in entry.also and c not in given]
    return pairs, {"without_counterpart": ", ".join(without), "open_choices": ", ".join(open_ones)}
