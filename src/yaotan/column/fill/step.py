"""Where and when a field is asked for, and the grid that holds the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyproj
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from yaotan.catalog.gas import gases
from yaotan.column.fill.observation import Floats, Mask, Observations, days_of
from yaotan.errors import GridError, YaotanError
from yaotan.geodesy import wrap_longitude
from yaotan.grid.finalise import time_coords
from yaotan.grid.period import Periods, make_periods
from yaotan.grid.spec import GridSpec
from yaotan.io.bound import parse_region

#: "day", "month", "8D" ..., pairs of (start, end), or moments (datetimes).
Times: TypeAlias = str | Sequence[Any] | NDArray[np.datetime64] | Periods

#: values of ``v_measured``
FILLED, MEASURED, LEFT_OUT = 0, 1, 2


@dataclass(frozen=True)
class Steps:
    """Times of a filled field: half-open intervals, over which the field is averaged, or moments.

    Parameters
    ----------
    start, end : numpy.ndarray
        ``(n,)`` datetime64[ns]; of moments the interval whose observations count as measured at it.
    moment : numpy.ndarray or None
        ``(n,)`` datetime64[ns]; None: means over the intervals.
    """

    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    moment: NDArray[np.datetime64] | None = None

    def __len__(self) -> int:
        return self.start.size

    @property
    def middle(self) -> NDArray[np.datetime64]:
        """The moments, or the middles of the intervals."""
        return self.start + (self.end - self.start) // 2 if self.moment is None else self.moment

    def span(self, number: int) -> tuple[float, float]:
        """Give the middle of one step and half its length, 0 of a moment [days]."""
        if self.moment is not None:
            return float(days_of(self.moment[number])), 0.0
        start, end = float(days_of(self.start[number])), float(days_of(self.end[number]))
        return (start + end) / 2.0, (end - start) / 2.0


def resolve_times(times: Times, period: tuple[np.datetime64, np.datetime64]) -> Steps:
    """Read the argument `times` of a filler and refuse what lies outside the data's period.

    Parameters
    ----------
    times : str, sequence or Periods
        A rule (``"day"``, ``"month"``, ``"season"``, ``"year"``, a duration such as ``"8D"``) for all periods
        that the data touch; pairs (start, end), a text meaning a whole day, month or year; or moments.
        The field is averaged over periods and pairs, and taken at moments.
    period : tuple of numpy.datetime64
        First and last observation.

    Returns
    -------
    Steps

    Raises
    ------
    YaotanError
        A moment lies outside the days of the data, or an interval does not touch them: fillers interpolate in
        time, they do not extrapolate.
    GridError
        The rule cannot be read, or intervals overlap.

    Examples
    --------
    >>> period = np.datetime64("2019-01-05", "ns"), np.datetime64("2019-02-03", "ns")
    >>> resolve_times("month", period).middle.astype("datetime64[D]").tolist()
    [datetime.date(2019, 1, 16), datetime.date(2019, 2, 15)]
    """
    first, last = (moment.astype("datetime64[ns]") for moment in period)
    moments = _moments(times)
    if moments is not None:
        half = np.diff(moments) // 2
        day = np.timedelta64(1, "D").astype("timedelta64[ns]")
        edges = moments[:-1] + half
        start = np.concatenate([moments[:1] - (half[:1] if half.size else day // 2), edges])
        end = np.concatenate([edges, moments[-1:] + (half[-1:] if half.size else day // 2)])
        steps = Steps(start, end, moments)
        outside = (moments < first.astype("datetime64[D]")) | (moments >= last.astype("datetime64[D]") + 1)
    else:
        intervals = times if isinstance(times, Periods) else make_periods(times, first, last)  # type: ignore[arg-type]
        steps = Steps(intervals.start, intervals.end)
        outside = (steps.end <= first) | (steps.start > last)
    if outside.any():
        wrong = steps.middle[outside]
        raise YaotanError(
            f"{outside.sum()} of {len(steps)} times lie outside the data's period, the first at "
            f"{np.datetime_as_string(wrong[0], 'D')}",
            where="times",
            expected=f"from {np.datetime_as_string(first, 'D')} to {np.datetime_as_string(last, 'D')}: "
            "a filler interpolates, it does not extrapolate",
        )
    return steps


def _moments(times: Times) -> NDArray[np.datetime64] | None:
    if isinstance(times, str | Periods):
        return None
    try:
        values = np.asarray(times, dtype="datetime64[ns]")
    except (ValueError, TypeError) as error:
        raise GridError(
            f"cannot be read ({error})", where="times", expected="a rule, moments, or pairs of (start, end)"
        ) from error
    if values.ndim == 2:
        return None
    if values.ndim != 1 or values.size == 0 or np.isnat(values).any():
        raise GridError("holds no moment", where="times", expected="one moment or more, none missing")
    if (np.diff(values) <= np.timedelta64(0)).any():
        raise GridError("moments do not rise", where="times", expected="rising moments, each once")
    return values


def target_points(
    latitude: ArrayLike, longitude: ArrayLike, time: ArrayLike, period: tuple[np.datetime64, np.datetime64]
) -> tuple[Floats, Floats, Floats]:
    """Give latitude, longitude and days ``(m,)`` of points and moments, and refuse what `resolve_times` does.

    Examples
    --------
    >>> period = np.datetime64("2019-01-05", "ns"), np.datetime64("2019-02-03", "ns")
    >>> lat, lon, days = target_points([30.0, 31.0], 110.0, np.datetime64("2019-01-06"), period)
    >>> lon.tolist(), days.tolist()
    ([110.0, 110.0], [17902.0, 17902.0])
    """
    lat, lon, when = np.broadcast_arrays(
        np.asarray(latitude, float), np.asarray(longitude, float), np.asarray(time, "datetime64[ns]")
    )
    resolve_times(np.unique(when), period)
    return lat.ravel(), lon.ravel(), days_of(when.ravel())


def centres(spec: GridSpec, rows: slice = slice(None)) -> tuple[Floats, Floats]:
    """Latitude and longitude of the centres of the cells of some rows ``(ny, nx)`` [degrees].

    Examples
    --------
    >>> lat, lon = centres(GridSpec.regular(1.0, (179, 0, -179, 1)))
    >>> lon.tolist()
    [[179.5, -179.5]]
    """
    y, x = (0.5 * (edges[:-1] + edges[1:]) for edges in (spec.y_edges, spec.x_edges))
    lat, lon = np.meshgrid(y[rows], x, indexing="ij")
    if not spec.is_geographic:
        transformer = pyproj.Transformer.from_crs(spec.pyproj_crs, "EPSG:4326", always_xy=True)
        lon, lat = transformer.transform(lon, lat)
    return lat, wrap_longitude(lon)


def wanted_cells(spec: GridSpec, region: Any) -> Mask:
    """Tell which cells are asked for: ``(ny, nx)``, centre in the region (all when there is none).

    Parameters
    ----------
    spec : GridSpec
        The cells.
    region : tuple of 4 floats, geopandas.GeoDataFrame or None
        As everywhere; polygons of land leave the sea out.

    Returns
    -------
    numpy.ndarray of bool
    """
    area = parse_region(region)
    lat, lon = centres(spec)
    inside = np.isfinite(lat) & np.isfinite(lon)
    if area is not None:
        inside &= area.holds(lat, lon)
    if not inside.any():
        raise GridError("no cell of the grid has its centre in the region", where="region")
    return inside


def measured_cells(observations: Observations, spec: GridSpec, steps: Steps) -> Mask:
    """Tell which cells hold an observation in each step: ``(time, ny, nx)``."""
    lon, lat = observations.longitude, observations.latitude
    if spec.is_geographic:
        # half-open cells; longitudes are brought into the turn in which the grid begins
        x, y = spec.x_edges[0] + np.mod(lon - spec.x_edges[0], 360.0), lat
    else:
        to_grid = pyproj.Transformer.from_crs("EPSG:4326", spec.pyproj_crs, always_xy=True)
        x, y = to_grid.transform(lon, lat)
    row, column = _cell(spec.y_edges, y), _cell(spec.x_edges, x)
    moments = observations.time
    step = np.searchsorted(steps.start, moments, side="right") - 1
    inside = (row >= 0) & (column >= 0) & (step >= 0)
    inside &= moments < steps.end[np.maximum(step, 0)]
    out = np.zeros((len(steps), *spec.shape), bool)
    out[step[inside], row[inside], column[inside]] = True
    return out


def _cell(edges: Floats, values: Floats) -> NDArray[np.intp]:
    """Number of the cell of each value, -1 outside; edges rise or fall, the last one belongs to its cell."""
    falling = edges[0] > edges[-1]
    rising = edges[::-1] if falling else edges
    place = np.searchsorted(rising, values, side="right") - 1
    place = np.where(values == rising[-1], rising.size - 2, place)
    place = np.where((place >= 0) & (place < rising.size - 1), place, -1)
    return np.where(place >= 0, rising.size - 2 - place, -1) if falling else place


def build_filled(
    spec: GridSpec,
    steps: Steps,
    value: Any,
    sigma: Any,
    observations: Observations,
    *,
    method: str,
    wanted: Mask | None = None,
    attrs: dict[str, Any] | None = None,
) -> xr.Dataset:
    """Give a filled field as a CF grid of kind ``interpolated``.

    Parameters
    ----------
    spec : GridSpec
        The cells.
    steps : Steps
        From `resolve_times`.
    value, sigma : numpy or dask array
        ``(time, ny, nx)`` in the unit of the observations; NaN where a cell is left out.
    observations : Observations
        Those the field is conditioned on.
    method : str
        Filler and its settings, in one sentence.
    wanted : numpy.ndarray of bool, optional
        ``(ny, nx)``; cells that were not asked for are flagged ``left_out``.
    attrs : dict, optional
        Further attributes (learned parameters).

    Returns
    -------
    xarray.Dataset
        Dims ``(time, lat, lon)`` or ``(time, y, x)``: ``v``, ``v_uncertainty`` (1 sigma of the field),
        ``v_measured`` (0 filled, 1 measured, 2 left_out), and a scalar ``v_uncertainty_systematic`` where the
        observations have a common error.
    """
    name, entry = observations.variable, gases().get(observations.variable)
    dims = ("time", *spec.dims)
    measured = np.where(measured_cells(observations, spec, steps), MEASURED, FILLED).astype(np.uint8)
    if wanted is not None:
        measured[:, ~wanted] = LEFT_OUT
    kind = "mean" if steps.moment is None else "point"
    main = {
        "long_name": f"{name}, gaps filled",
        "units": observations.units,
        "cell_methods": f"time: {kind} {': '.join(spec.dims)}: mean",
        "ancillary_variables": f"{name}_uncertainty {name}_measured",
        "grid_mapping": "crs",
    }
    error = {
        "long_name": f"1 sigma of the error of the filled {name} (of the field, not of a new measurement)",
        "units": observations.units,
        "grid_mapping": "crs",
    }
    if entry is not None and entry.standard_name:
        main["standard_name"] = entry.standard_name
        error["standard_name"] = f"{entry.standard_name} standard_error"
    flags = {
        "long_name": f"whether the cell holds an observation of {name} in the period",
        "flag_values": np.array([FILLED, MEASURED, LEFT_OUT], np.uint8),
        "flag_meanings": "filled measured left_out",
        "grid_mapping": "crs",
    }
    out = xr.Dataset(
        {
            name: (dims, value, main),
            f"{name}_uncertainty": (dims, sigma, error),
            f"{name}_measured": (dims, measured, flags, {"_FillValue": None}),
        },
        attrs={
            **observations.attrs,
            "kind": "interpolated",
            "method": method,
            "observations": len(observations),
            "history": f"{name} filled by {method}",
            **(attrs or {}),
        },
    )
    if observations.systematic > 0.0:
        words = f"1 sigma of the error common to all observations of {name}, not in {name}_uncertainty"
        out[f"{name}_uncertainty_systematic"] = (
            (),
            observations.systematic,
            {"long_name": words, "units": observations.units},
        )
    return out.assign_coords(spec.coords().coords).assign_coords(_time(steps).coords)


def _time(steps: Steps) -> xr.Dataset:
    if steps.moment is None:
        return time_coords(steps.start, steps.end)
    attrs = {"standard_name": "time", "long_name": "time", "axis": "T"}
    encoding = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    return xr.Dataset(coords={"time": ("time", steps.moment, attrs, encoding)})
