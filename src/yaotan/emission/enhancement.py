"""Enhancement of gridded columns over a background that is chosen without the target."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import numpy as np
import xarray as xr

from yaotan.column.background.estimate import Estimate
from yaotan.column.background.median import band_median, regional_median
from yaotan.column.background.sample import Sample, choose_variable
from yaotan.errors import GridError, PanelError, UnitsError
from yaotan.units import conversion

Background = Literal["band", "region", "low_emission"]
#: what a field that chooses cells must not be: an emission, in whatever unit of mass per time (and area)
_EMISSIONS: Final = ("kg s-1", "kg m-2 s-1", "mol m-2 s-1")


def enhance_grid(
    grid: xr.Dataset,
    variable: str | None = None,
    *,
    background: Background = "band",
    band: float = 10.0,
    region: tuple[float, float, float, float] | None = None,
    low: xr.DataArray | None = None,
    quantile: float = 0.25,
    nearest: int = 50,
    minimum: int = 10,
    block: float = 5.0,
) -> xr.Dataset:
    """Subtract a background from a gridded column, time by time.

    ============  ===========================================================================================
    band          median of latitude bands, linear in latitude between their centres (`yaotan.background`,
                  method ``band_median``, on cells)
    region        median of all cells, or of those in `region`
    low_emission  mean of the `nearest` cells (never the cell itself) whose value of `low` is in the lowest
                  `quantile`: cells without emission, chosen by lights or land cover
    ============  ===========================================================================================

    Parameters
    ----------
    grid : xarray.Dataset
        Dims (time, lat, lon): column variable with ``_uncertainty`` or ``_uncertainty_random``.
    variable : str, optional
        Where it holds several.
    background : str
        As above.
    band : float
        Height of latitude bands [degrees].
    region : tuple of float, optional
        ``(west, south, east, north)`` of the cells of a regional median.
    low : xarray.DataArray
        For ``low_emission``: on the cells of the grid, with its moment as scalar coordinate ``time``.
    quantile : float
        Share of the cells with a value of `low` that counts as without emission.
    nearest, minimum : int
        Neighbours of a mean; fewest cells of any background.
    block : float
        Cells of one square of this size [degrees] share their errors.

    Returns
    -------
    xarray.Dataset
        ``<v>_enhancement``, with ``_uncertainty_random`` (of the cell) and ``_uncertainty_systematic`` (of
        the background), ``<v>_background`` and bounds: `grid_feature` takes it. An error common to all
        cells, such as of calibration, cancels and is not carried.

    Raises
    ------
    PanelError
        `low` is missing, is an emission (then cells would be chosen with the target), or is not of an earlier
        year than the column.
    GridError
        `low` lies on other cells, or dims are not (time,) lat, lon.
    SchemaError, UnitsError
        The column variable is unclear, or its unit is.

    Notes
    -----
    Every background takes out a part of broad enhancements: a band or region where much is enhanced has a
    high median. Neighbours without lights lie in mountains and deserts, whose retrievals have a bias of
    their own; that bias is in the feature, in no error term.

    Examples
    --------
    >>> lat, lon = np.arange(20.5, 50), np.arange(100.5, 120)
    >>> shape = (1, lat.size, lon.size)
    >>> grid = xr.Dataset(
    ...     {"xco2": (("time", "lat", "lon"), np.full(shape, 410.0), {"units": "ppm"}),
    ...      "xco2_uncertainty": (("time", "lat", "lon"), np.full(shape, 0.5), {"units": "ppm"})},
    ...     coords={"time": np.array(["2019-01-01"], "datetime64[ns]"), "lat": lat, "lon": lon})
    >>> grid["xco2"][0, 10, 10] += 1.5
    >>> float(enhance_grid(grid).xco2_enhancement[0, 10, 10])
    1.5
    """
    if background not in get_args(Background):
        raise PanelError(f"background {background!r} is unknown", expected=", ".join(get_args(Background)))
    name = choose_variable(grid, variable)
    if set(grid[name].dims) not in ({"time", "lat", "lon"}, {"lat", "lon"}):
        raise GridError(f"dims of {name} are {list(grid[name].dims)}", expected="(time,) lat, lon")
    field = grid[name] if "time" in grid[name].dims else grid[name].expand_dims("time")
    field = field.transpose("time", "lat", "lon")
    sample = _sample(field, name, block)
    if background == "band":
        found = band_median(sample, band=band, minimum=minimum)
    elif background == "region":
        found = regional_median(sample, minimum=minimum, region=region)
    else:
        clean = _clean_cells(field, low, quantile)
        found = _near_clean(sample, np.tile(clean.ravel(), field.sizes["time"]), nearest, minimum)
    return _result(grid, field, name, found, background)


def _sample(field: xr.DataArray, name: str, block: float) -> Sample:
    """Each cell with a value as a sounding at its centre; blocks are squares of one time."""
    time, lat, lon = np.meshgrid(
        field["time"].values.astype("datetime64[ns]").astype(np.int64),
        field["lat"].values.astype(float),
        field["lon"].values.astype(float),
        indexing="ij",
    )
    value = np.asarray(field.values, float).ravel()
    place = np.stack([time.ravel(), np.floor(lat.ravel() / block), np.floor(lon.ravel() / block)])
    number = np.unique(place, axis=1, return_inverse=True)[1].ravel().astype(np.intp)
    return Sample(
        value,
        np.full(value.shape, np.nan),
        lat.ravel(),
        lon.ravel(),
        time.ravel(),
        np.isfinite(value),
        number,
        number,
        name,
        str(field.attrs["units"]),
    )


def _clean_cells(field: xr.DataArray, low: xr.DataArray | None, quantile: float) -> Any:
    where = "background low_emission"
    if low is None:
        raise PanelError("no field chooses the cells", where=where, fix="low= lights of an earlier year")
    if "substance" in low.attrs or _is_emission(str(low.attrs.get("units", "1"))):
        raise PanelError(
            f"{low.name or 'low'} is an emission: cells chosen by it know the target",
            where=where,
            expected="lights or land cover",
        )
    if "time" not in low.coords or low["time"].ndim:
        raise PanelError("the field says no year", where=where, fix="low.assign_coords(time=...)")
    year = low["time"].values.astype("datetime64[Y]")
    first = field["time"].values.min().astype("datetime64[Y]")
    if year >= first:
        raise PanelError(f"the field is of {year}", where=where, expected=f"a year before {first}")
    cells = low.squeeze(drop=True).transpose("lat", "lon")
    if not all(np.array_equal(cells[axis].values, field[axis].values) for axis in ("lat", "lon")):
        raise GridError("the field lies on other cells", where=where, fix="yaotan.regrid(low, ...)")
    values = np.asarray(cells.values, float)
    return values <= np.nanquantile(values, quantile)


def _is_emission(units: str) -> bool:
    for rate in _EMISSIONS:
        try:
            conversion(units, rate)
        except UnitsError:
            continue
        return True
    return False


def _near_clean(sample: Sample, clean: Any, nearest: int, minimum: int) -> Estimate:
    from scipy.spatial import cKDTree

    lat, lon = np.radians(sample.lat), np.radians(sample.lon)
    places = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    estimate = Estimate.empty(sample)
    for moment in np.unique(sample.time):
        rows = np.flatnonzero(sample.usable & (sample.time == moment))
        source = rows[clean[rows]]
        if source.size <= minimum:
            continue
        count = min(nearest, source.size - 1)
        _, index = cKDTree(places[source]).query(places[rows], k=count + 1)
        for row, near in zip(rows, source[index], strict=True):
            used = near[near != row][:count]
            values = sample.value[used]
            spread = float(values.std(ddof=1))
            blocks = np.unique(sample.block[used]).size
            estimate.put(row, values.mean(), spread / np.sqrt(blocks), spread, used.size)
    return estimate


def _result(grid: xr.Dataset, field: xr.DataArray, name: str, found: Estimate, background: str) -> xr.Dataset:
    units = {"units": field.attrs["units"]}
    level, error = (field.copy(data=part.reshape(field.shape)) for part in (found.level, found.error))
    sigma = grid.get(f"{name}_uncertainty_random", grid.get(f"{name}_uncertainty"))
    result = xr.Dataset(
        {
            f"{name}_enhancement": (field - level).assign_attrs(units, background=background),
            f"{name}_enhancement_uncertainty_systematic": error.assign_attrs(units),
            f"{name}_background": level.assign_attrs(units),
        }
    )
    if sigma is not None:
        whole = sigma if "time" in sigma.dims else sigma.expand_dims("time")
        result[f"{name}_enhancement_uncertainty_random"] = whole.transpose(*field.dims).assign_attrs(units)
    bounds = [key for key in ("lat_bnds", "lon_bnds", "time_bnds") if key in grid]
    kept = {key: grid.attrs[key] for key in ("product", "product_version", "source") if key in grid.attrs}
    return result.assign({key: grid[key] for key in bounds}).assign_attrs(kept, background=background)
