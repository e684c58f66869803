"""Where and when a field is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyproj
from numpy.typing import ArrayLike, NDArray

from yaotan.column.fill.observation import Floats, Mask, days_of
from yaotan.errors import GridError, YaotanError
from yaotan.geodesy import wrap_longitude
from yaotan.grid.period import Periods, make_periods
from yaotan.grid.spec import GridSpec
from yaotan.io.bound import parse_region

#: "day", "month", "8D" ..., pairs of (start, end), or moments (datetimes).
Times: TypeAlias = str | Sequence[Any] | NDArray[np.datetime64] | Periods


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
