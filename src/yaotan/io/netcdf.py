"""Open grids, of this package or of others, and estimates that this package wrote."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from yaotan.catalog.grid import GridProduct, find_grid_product
from yaotan.errors import AmbiguousLayoutError, NotAGranuleError, SchemaError
from yaotan.io.bound import parse_period, parse_region
from yaotan.io.container import open_container
from yaotan.io.gridded import cut_grid, open_foreign
from yaotan.io.gridded_match import match_product
from yaotan.io.wide import unpack
from yaotan.schema import check_estimate, check_grid
from yaotan.typing import PathLike, Period


def open_grid(
    path: PathLike,
    *,
    product: PathLike | None = None,
    region: Any = None,
    period: Period | None = None,
    variables: Sequence[str] | None = None,
    trust_layout: bool = False,
) -> xr.Dataset:
    """Open a grid lazily: one that `write` wrote, or a gridded product of others.

    Parameters
    ----------
    path : path-like
        netCDF or HDF5 file. Products are told by content: Level 3 of C3S / ESA-CCI (OBS4MIPS), NIES GOSAT and
        OCO-2 GEOS, CarbonTracker and CAMS fields and fluxes (docs/product/grids.md).
    product : str or path-like, optional
        Entry of ``catalogs/grids``, or path of a YAML file of the same form, instead of telling.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, west > east crosses the dateline; or polygons. The rectangle of
        rows and columns whose cells have their centre in it; longitudes go on beyond 180 where it crosses
        the dateline.
    period : pair of ISO dates, optional
        Both included; a field belongs to it by its start.
    variables : sequence of str, optional
        Names wanted; column variables come with ``_uncertainty`` and ``_count``.
    trust_layout : bool
        Whether the layout is taken as known where the catalog has it from documents only.

    Returns
    -------
    xarray.Dataset
        Grid with dims ``(time,) lat, lon`` or ``(time,) y, x``; values are read when computed. Of a product:
        rows from south to north, longitudes from -180, columns in ppm or ppb, fluxes in kg C m-2 s-1
        (unit ``kg m-2 s-1``, attribute ``substance`` C) positive to the atmosphere, layers from the ground
        up with ``pressure_edge`` [hPa].

    Raises
    ------
    NotAGranuleError
        The file is missing, damaged, or neither a grid of this package nor of a known product.
    SchemaError
        The file is not a grid, its axes cannot be used, or nothing lies in region or period.
    UnitsError
        A unit is missing, or wrong by the size of the values.

    Warns
    -----
    UncheckedLayoutWarning
        The product's layout is known from documents only.
    """
    area, span = parse_region(region), parse_period(period)
    if product is not None:
        found: GridProduct | None = find_grid_product(product)
    else:
        try:
            with open_container(path) as container:
                found = match_product(container)
        except AmbiguousLayoutError:
            raise
        except NotAGranuleError:
            found = None
    if found is not None:
        return open_foreign(
            str(path), found, area=area, span=span, variables=variables, trust_layout=trust_layout
        )
    grid = _open(Path(path), "grid", check_grid)
    if area is not None or span is not None:
        grid = cut_grid(grid, area, span, str(path))
    return grid if variables is None else _choose(grid, variables, str(path))


def _choose(grid: xr.Dataset, variables: Sequence[str], path: str) -> xr.Dataset:
    missing = [name for name in variables if name not in grid]
    if missing:
        raise SchemaError(f"there is no {', '.join(missing)}", where=path, expected=", ".join(map(str, grid)))
    wanted = [
        str(n) for n in grid.data_vars if any(str(n) == v or str(n).startswith(f"{v}_") for v in variables)
    ]
    return grid[[*wanted, *(str(n) for n in grid.data_vars if str(n).endswith("_bnds"))]]


def open_estimate(path: PathLike) -> xr.Dataset:
    """Open an estimate written by `write`, lazily.

    Parameters
    ----------
    path : path-like
        CF netCDF file.

    Returns
    -------
    xarray.Dataset
        Estimate with dim ``region``, ``source`` or ``class`` (and ``time``).

    Raises
    ------
    NotAGranuleError
        The file is missing or is not netCDF-4.
    SchemaError
        The file is not an estimate.
    """
    return _open(Path(path), "estimate", check_estimate)


def _open(path: Path, noun: str, check: Callable[[xr.Dataset], xr.Dataset]) -> xr.Dataset:
    try:
        dataset = xr.open_dataset(path, engine="h5netcdf", chunks={})
    except (OSError, ValueError) as error:
        raise NotAGranuleError(
            f"cannot be opened as {noun} ({error})", where=path, expected="a netCDF-4 file written by yaotan"
        ) from error
    try:
        return check(unpack(dataset))
    except SchemaError as error:
        dataset.close()
        raise SchemaError(error.what, where=path, expected=error.expected) from error
