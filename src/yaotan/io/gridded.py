"""Gridded products of others, brought to the axes, names and units of a grid, lazily."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from yaotan.catalog.grid import GridProduct
from yaotan.errors import NotAGranuleError, SchemaError, YaotanError
from yaotan.io.bound import Box, Polygons, Span
from yaotan.io.container import Container, open_container
from yaotan.io.field import Window, make_window, whole_slice
from yaotan.io.gridded_axis import Axis, read_axis
from yaotan.io.gridded_time import read_times
from yaotan.io.gridded_value import GriddedFile, read_variables
from yaotan.io.trust import warn_unchecked
from yaotan.schema import check_grid


def open_foreign(
    path: str,
    product: GridProduct,
    *,
    area: Box | Polygons | None,
    span: Span | None,
    variables: Sequence[str] | None,
    trust_layout: bool,
) -> xr.Dataset:
    """Open one file of a gridded product.

    Parameters
    ----------
    path : str
        netCDF-3, netCDF-4 or HDF5.
    product : GridProduct
        Its entry.
    area, span : optional
        Region and period.
    variables : sequence of str, optional
        Names wanted; those that a column variable needs (``_uncertainty``, ``_count``) come with it.
    trust_layout : bool
        Whether a layout known from documents is used without a warning.

    Returns
    -------
    xarray.Dataset
        Grid as in ``docs/design.md``.

    Raises
    ------
    NotAGranuleError
        An axis or every variable is missing.
    SchemaError
        Axes cannot be used; nothing lies in region or period.
    UnitsError
        A unit or a time cannot be read.

    Warns
    -----
    UncheckedLayoutWarning
        The layout is known from documents only.
    """
    warn_unchecked(product.product, product.title["en"], trust_layout or product.checked == "file")
    with open_container(path) as container:
        latitude = read_axis(container, product, "latitude")
        longitude = read_axis(container, product, "longitude")
        time, bounds, time_axis = read_times(container, product)
        version = _version(container, product)
        shapes = {name: container.shape_of(name) for name in container.paths()}
        titles: dict[str, str] = {
            key: str(container.attributes[key])
            for key in ("title", "institution", product.kind_attribute)
            if key is not None and key in container.attributes
        }
    window = make_window(latitude.centre, longitude.centre, area, margin=0, where=path)
    kept = _kept(time, bounds, span, path)
    file = GriddedFile(
        path,
        product,
        window,
        (latitude.centre.size, longitude.centre.size),
        (latitude.path, longitude.path),
        time,
        bounds,
        time_axis,
        shapes,
    )
    names = _names(product, variables, path)
    grid = xr.Dataset(read_variables(file, names))
    missing = [name for name in names if name not in grid]
    if missing and (variables is not None or len(missing) == len(names)):
        raise NotAGranuleError(
            f"holds no {', no '.join(missing)}", where=path, expected=f"a file of {product.product} with it"
        )
    grid = _with_axes(grid, window, (latitude, longitude), time, bounds)
    if time is not None and kept is not None:
        grid = grid.isel(time=whole_slice(kept))
    notes = {
        "file": path,
        "product": product.product,
        "version": version,
        "repeated_columns": window.repeated_columns,
    }
    grid.attrs = _attributes(product, path, version, titles, notes)
    try:
        return check_grid(grid)
    except SchemaError as error:
        raise SchemaError(error.what, where=path, expected=error.expected) from error


def _names(product: GridProduct, variables: Sequence[str] | None, path: str) -> list[str]:
    if variables is None:
        return list(product.variables)
    wanted = {
        re.sub(r"_(uncertainty|count)$", "", name) if name not in product.variables else name
        for name in variables
    }
    unknown = wanted - set(product.variables)
    if unknown:
        raise YaotanError(
            f"{', '.join(sorted(unknown))} unknown in {product.product}",
            where="variables",
            expected=f"among {', '.join(product.variables)}",
        )
    return [name for name in product.variables if name in wanted]


def _kept(
    time: NDArray[Any] | None, bounds: NDArray[Any] | None, span: Span | None, path: str
) -> NDArray[np.int64] | None:
    """Tell which times lie in the period: intervals by their start, as everywhere."""
    if span is None:
        return None
    if time is None:
        raise SchemaError("has no time, so no period can be chosen", where=path, fix="leave out period=")
    kept = np.flatnonzero((time >= span.start) & (time < span.end))
    if not kept.size:
        first, last = (np.datetime_as_string(value, unit="D") for value in (time[0], time[-1]))
        raise SchemaError(f"nothing lies in the period (the file reaches from {first} to {last})", where=path)
    return kept


def _version(container: Container, product: GridProduct) -> str:
    for rule in product.version:
        if rule.attribute is not None:
            text = container.attributes.get(rule.attribute)
        else:
            text = Path(container.path).name if rule.file_name else None
        match = re.search(rule.pattern, str(text)) if text is not None else None
        if match:
            return ".".join(group for group in match.groups() if group) or match.group(0)
    return ""


def _with_axes(
    grid: xr.Dataset,
    window: Window,
    stored: tuple[Axis, Axis],
    time: NDArray[Any] | None,
    bounds: NDArray[Any] | None,
) -> xr.Dataset:
    """Add coordinates with their bounds: as stored, else half-way between centres, poles as the last edge."""
    lat = {"units": "degrees_north", "standard_name": "latitude", "axis": "Y", "bounds": "lat_bnds"}
    lon = {"units": "degrees_east", "standard_name": "longitude", "axis": "X", "bounds": "lon_bnds"}
    latitude, longitude = stored
    if latitude.edges is not None:
        lat_bounds = latitude.edges[window.rows]
    else:
        rising = np.sort(latitude.centre)  # of the whole axis, so that a region has the cells of the globe
        whole = np.clip(_half_way(rising, rising), -90.0, 90.0)
        lat_bounds = whole[np.searchsorted(rising, window.latitude)]
    if longitude.edges is not None:
        turn = window.longitude - longitude.centre[window.columns]
        lon_bounds = longitude.edges[window.columns] + np.round(turn / 360.0)[:, None] * 360.0
    else:
        lon_bounds = _half_way(window.longitude, np.sort(longitude.centre))
    coords: dict[str, Any] = {
        "lat": ("lat", window.latitude, lat),
        "lon": ("lon", window.longitude, lon),
        "lat_bnds": (("lat", "bnds"), lat_bounds),
        "lon_bnds": (("lon", "bnds"), lon_bounds),
    }
    if time is not None:
        attributes = {"standard_name": "time", "long_name": "start of the period (UTC)", "axis": "T"}
        if bounds is None:
            attributes["long_name"] = "time (UTC)"
        else:
            attributes["bounds"] = "time_bnds"
            coords["time_bnds"] = (("time", "bnds"), bounds)
        coords["time"] = ("time", time, attributes)
    return grid.assign_coords(coords)


def _half_way(centre: NDArray[np.float64], stored: NDArray[np.float64]) -> NDArray[np.float64]:
    if stored.size < 2:
        raise SchemaError("an axis has one value, so the size of its cells is unknown", where="open_grid")
    if centre.size < 2:
        step = float(np.diff(stored).min())
        return np.array([[centre[0] - step / 2, centre[0] + step / 2]])
    middle = (centre[:-1] + centre[1:]) / 2.0
    edges = np.concatenate([[2 * centre[0] - middle[0]], middle, [2 * centre[-1] - middle[-1]]])
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _attributes(
    product: GridProduct, path: str, version: str, titles: dict[str, str], notes: dict[str, Any]
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "Conventions": "CF-1.8",
        "title": product.title["en"],
        "product": product.product,
        "product_version": version,
        "kind": titles.get(product.kind_attribute or "", product.kind),
        "source": Path(path).name,
        "references": " ".join(product.references),
        "licence": product.licence,
        "reading": json.dumps([notes]),
    }
    if product.notes:
        attributes["comment"] = " ".join(product.notes)
    if any(rule.flux for rule in product.variables.values()):
        attributes["positive"] = "to_atmosphere"
    if "title" in titles:
        attributes["title_native"] = titles["title"]
    return attributes


def cut_grid(grid: xr.Dataset, area: Box | Polygons | None, span: Span | None, path: str) -> xr.Dataset:
    """Choose region and period of a grid that is open already.

    Raises
    ------
    SchemaError
        The grid is projected and a region is wanted; nothing lies in region or period.
    """
    if area is not None:
        if "lat" not in grid.dims:
            raise SchemaError(
                "lies on y, x", where=path, expected="lat, lon for region=", fix="cut it by y, x"
            )
        window = make_window(grid["lat"].values, grid["lon"].values, area, margin=0, where=path)
        chosen = grid.isel(lat=whole_slice(window.rows), lon=whole_slice(window.columns))
        turn = np.round((window.longitude - chosen["lon"].values) / 360.0) * 360.0
        bounds = str(grid["lon"].attrs.get("bounds", "lon_bnds"))
        moved = chosen[bounds].copy(data=chosen[bounds].values + turn[:, None])
        kept = dict(chosen["lon"].attrs)
        grid = chosen.assign({bounds: moved}).assign_coords(lon=("lon", window.longitude, kept))
    if span is not None:
        time = grid["time"].values if "time" in grid.dims else None
        kept_times = _kept(time, None, span, path)
        assert kept_times is not None
        grid = grid.isel(time=whole_slice(kept_times))
    return grid
