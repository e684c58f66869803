"""The land histogram: areas of classes, or of pairs of classes at two dates, by region; sums of densities.

It is all that stocks, changes and their uncertainty need to know of rasters. `check_histogram` is its only
validator, `make_histogram` makes one of a plain table, `yaotan.carbon.overlay` one of rasters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.landcover import legends
from yaotan.errors import SchemaError

#: id of the region that stands for all of the land, where no regions are given
WHOLE: Final = "*"
WHOLE_NAME: Final = ("whole area", "全区")
#: dimensions of the two kinds
CLASS: Final = ("region", "class")
PAIR: Final = ("region", "before", "after")
#: endings of what is summed of a density: area x value, area x value squared, area with a value
DENSITY: Final = ("_sum", "_square_sum", "_area")
#: what is valid at one date only, and the dimension that it has
SINGLE: Final = {"before_only": "before", "after_only": "after"}

Names = Mapping[int, tuple[str, str]]


def make_histogram(
    table: pd.DataFrame,
    *,
    scheme: str,
    names: Names | None = None,
    region_names: Mapping[str, tuple[str, str]] | None = None,
    units: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Make a land histogram of a plain table, one row for each class or pair of classes (and region).

    Parameters
    ----------
    table : pandas.DataFrame
        ``area`` [m2] and either ``class``, or ``before`` and ``after``: whole codes. Of a pair one may be
        missing: land that is valid at the other date only. Optional: ``region`` (id), ``count`` (pixels), and
        for each density ``<name>_sum``, ``<name>_square_sum``, ``<name>_area``.
    scheme : str
        Name of the legend that the codes are of.
    names : mapping of int to (str, str), optional
        English and Chinese name of each code; by default those of the legend in the catalog, else the code.
    region_names : mapping of str to (str, str), optional
        English and Chinese name of each region.
    units : mapping of str to str, optional
        Unit of each density, such as ``{"biomass": "kg m-2"}``; needed where there are densities.

    Returns
    -------
    xarray.Dataset
        As `check_histogram` says. Rows of the same key are added up; pairs that no row names have area 0.

    Raises
    ------
    SchemaError
        A column is missing, a code is no whole number, an area is negative or missing, a density has no unit.

    Examples
    --------
    >>> rows = pd.DataFrame({"before": [1, 1, 2], "after": [1, 2, None], "area": [4e6, 1e6, 2e6]})
    >>> pairs = make_histogram(rows, scheme="clcd", names={1: ("Cropland", "耕地"), 2: ("Forest", "森林")})
    >>> pairs.area[0].values.tolist(), pairs.area_before_only[0].values.tolist()
    ([[4000000.0, 1000000.0], [0.0, 0.0]], [0.0, 2000000.0])
    """
    keys = _keys(table)
    rows = _rows(table, keys)
    codes = np.unique(np.concatenate([rows[key].dropna().to_numpy(dtype=np.int64) for key in keys]))
    regions = rows["region"].drop_duplicates().to_list()
    values = [str(name) for name in rows if name not in (*keys, "region")]
    data: dict[str, Any] = {}
    both = rows.dropna(subset=keys)
    for name in values:
        data[name] = (("region", *keys), _cube(both, regions, codes, keys, name))
    if len(keys) == 2:
        for ending, kept in SINGLE.items():
            other = "after" if kept == "before" else "before"
            part = rows[rows[other].isna()]
            for name in ("area", "count"):
                if name in values:
                    data[f"{name}_{ending}"] = (("region", kept), _cube(part, regions, codes, [kept], name))
    frame = xr.Dataset(data)
    if names is None and scheme in legends():
        names = legends()[scheme].names()
    return label_histogram(frame, regions, codes, scheme, names, region_names, units)


def _keys(table: pd.DataFrame) -> list[str]:
    for keys in (["before", "after"], ["class"]):
        if set(keys) <= set(table.columns):
            break
    else:
        raise SchemaError(
            f"the table has columns {', '.join(map(str, table.columns))}",
            where="land histogram",
            expected="class, or before and after, and area [m2]",
        )
    if "area" not in table:
        raise SchemaError("the table has no column area", where="land histogram", expected="area [m2]")
    return keys


def _rows(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    densities = [str(c) for c in table.columns if str(c).endswith(DENSITY)]
    kept = [*keys, "area", *(("count",) if "count" in table else ()), *densities]
    rows = table[kept].copy()
    rows["region"] = table["region"].astype(str) if "region" in table else WHOLE
    for key in keys:
        codes = pd.to_numeric(rows[key], errors="coerce").astype("float64")
        if (codes.isna() & rows[key].notna()).any() or (codes.dropna() % 1 != 0).any():
            raise SchemaError(
                f"{key} holds what is no class code", where="land histogram", expected="integers"
            )
        rows[key] = codes
    blank = rows[keys].isna().all(axis=1) if len(keys) == 2 else rows[keys[0]].isna()
    if blank.any():
        raise SchemaError(f"{int(blank.sum())} row(s) name no class", where="land histogram")
    area = rows["area"].astype(float)
    if not (area >= 0).all():
        raise SchemaError(
            "an area is negative or missing", where="land histogram", expected="m2, 0 or more", fix="mend it"
        )
    return rows


def _cube(
    rows: pd.DataFrame, regions: list[str], codes: NDArray[np.int64], keys: list[str], name: str
) -> NDArray[np.float64]:
    out = np.zeros((len(regions), *(len(codes),) * len(keys)))
    place = [np.array([regions.index(r) for r in rows["region"]], dtype=np.int64)]
    place += [np.searchsorted(codes, rows[key].to_numpy(dtype=np.int64)) for key in keys]
    np.add.at(out, tuple(place), rows[name].to_numpy(dtype=float))
    return out


def label_histogram(
    frame: xr.Dataset,
    regions: list[str],
    codes: NDArray[np.int64],
    scheme: str,
    names: Names | None,
    region_names: Mapping[str, tuple[str, str]] | None,
    units: Mapping[str, str] | None,
) -> xr.Dataset:
    """Give a histogram its coordinates, units and scheme, and check it.

    Parameters
    ----------
    frame : xarray.Dataset
        Values along ``region`` and ``class``, or ``region``, ``before``, ``after``.
    regions, codes : list of str, numpy.ndarray
        Ids and class codes, in the order of the dimensions.
    scheme, names, region_names, units
        As in `make_histogram`.

    Returns
    -------
    xarray.Dataset
        As `check_histogram` says.
    """
    known = {WHOLE: WHOLE_NAME, **(region_names or {})}
    coords: dict[str, Any] = {
        "region": ("region", np.array(regions, dtype=object)),
        "region_name": ("region", np.array([known.get(r, (r, r))[0] for r in regions], dtype=object)),
        "region_name_zh": ("region", np.array([known.get(r, (r, r))[1] for r in regions], dtype=object)),
    }
    spoken = dict(names or {})
    for dim in ("class", "before", "after"):
        if dim in frame.dims:
            words = [spoken.get(int(code), (str(code), str(code))) for code in codes]
            coords[dim] = (dim, codes.astype(np.int32))
            coords[f"{dim}_name"] = (dim, np.array([word[0] for word in words], dtype=object))
            coords[f"{dim}_name_zh"] = (dim, np.array([word[1] for word in words], dtype=object))
    out = frame.assign_coords(coords).assign_attrs(scheme=scheme)
    for name in out.data_vars:
        out[name].attrs = {**out[name].attrs, **_describe(str(name), units or {})}
    return check_histogram(out)


def _describe(name: str, units: Mapping[str, str]) -> dict[str, str]:
    for ending in ("_square_sum", "_sum", "_area"):
        density = name.removesuffix(ending)
        if name.endswith(ending) and density in units:
            unit = units[density]
            return {
                "_square_sum": {"units": f"({unit})2 m2", "density_units": unit},
                "_sum": {"units": f"{unit} m2", "density_units": unit},
                "_area": {"units": "m2", "long_name": f"area with a value of {density}"},
            }[ending]
    return {"units": "1"} if name.startswith("count") else {"units": "m2"} if name.startswith("area") else {}


def check_histogram(histogram: xr.Dataset) -> xr.Dataset:
    """Check that a dataset is a land histogram.

    Dims are ``(region, class)`` (one date) or ``(region, before, after)`` (two dates, the same codes in the
    same order on both). ``area`` [m2] is there, on the ellipsoid, of land that is valid at every date;
    ``count`` of pixels may be. Two dates have ``area_before_only`` ``(region, before)`` and
    ``area_after_only`` ``(region, after)``: land valid at one date only. A density ``d`` has ``d_sum`` (area
    x d over the pixels that have a value), ``d_area`` (their area) and perhaps ``d_square_sum`` (area x d^2),
    along the same dims as ``area``. Coordinates are the codes, ``<dim>_name``, ``<dim>_name_zh``,
    ``region_name``, ``region_name_zh``; without regions there is the one region ``"*"``. Attribute ``scheme``
    names the legend.

    Parameters
    ----------
    histogram : xarray.Dataset
        To be checked.

    Returns
    -------
    xarray.Dataset
        The same object.

    Raises
    ------
    SchemaError
        Says what breaks which rule.
    """
    kind = next((dims for dims in (PAIR, CLASS) if set(dims) <= set(histogram.dims)), None)
    if kind is None or "area" not in histogram:
        _fail(f"dims are {list(histogram.dims)}", "region, class or region, before, after, and area")
        raise AssertionError
    if not histogram.attrs.get("scheme"):
        _fail("it has no attribute scheme", "the name of the legend that the codes are of")
    expected = {"area": kind, "count": kind}
    if kind == PAIR:
        for ending, dim in SINGLE.items():
            expected |= {f"area_{ending}": ("region", dim), f"count_{ending}": ("region", dim)}
            if f"area_{ending}" not in histogram:
                _fail(f"area_{ending} is missing", "land that is valid at one date only")
        if not np.array_equal(histogram["before"].values, histogram["after"].values):
            _fail("before and after have other codes", "the same codes in the same order")
    for name, array in histogram.data_vars.items():
        dims = expected.get(str(name), kind if str(name).endswith(DENSITY) else None)
        if dims is not None and array.dims != dims:
            _fail(f"{name} has dims {array.dims}", str(dims))
        if str(name).endswith("_sum") and not array.attrs.get("density_units"):
            _fail(f"{name} does not say the unit of its density", "attribute density_units", "units={...}")
    for dim in kind[1:]:
        if f"{dim}_name" not in histogram.coords or histogram[dim].dtype.kind not in "iu":
            _fail(f"{dim} has no names, or no whole codes", f"{dim}, {dim}_name, {dim}_name_zh")
    for name in expected:
        if name in histogram and not (histogram[name] >= 0).all():
            _fail(f"{name} is negative or missing somewhere", "0 or more")
    return histogram


def _fail(what: str, expected: str, fix: str = "") -> None:
    raise SchemaError(what, where="land histogram", expected=expected, fix=fix)


def is_pair(histogram: xr.Dataset) -> bool:
    """Say whether a histogram is of two dates.

    Examples
    --------
    >>> is_pair(make_histogram(pd.DataFrame({"class": [1], "area": [1.0]}), scheme="clcd"))
    False
    """
    return "before" in histogram.dims


def densities_of(histogram: xr.Dataset) -> list[str]:
    """List the densities that a histogram holds sums of.

    Examples
    --------
    >>> rows = pd.DataFrame({"class": [1], "area": [2.0], "soil_sum": [16.0], "soil_area": [2.0]})
    >>> densities_of(make_histogram(rows, scheme="clcd", units={"soil": "kg m-2"}))
    ['soil']
    """
    names = [str(name) for name in histogram.data_vars]
    return [n.removesuffix("_sum") for n in names if n.endswith("_sum") and not n.endswith("_square_sum")]
