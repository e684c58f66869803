"""What was asked, read once: product, period, region."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yaotan.errors import FetchError
from yaotan.io.bound import Box, Polygons, parse_period, parse_region


@dataclass(frozen=True)
class Asked:
    """Period (end not included), and the box around the region.

    Parameters
    ----------
    product : str
        Name of the product.
    start, end : datetime.datetime
        UTC, without zone.
    box : tuple of 4 floats or None
        West, south, east, north, longitudes from -180 to 180; west > east crosses the dateline.
    regions : geopandas.GeoDataFrame or None
        The polygons, when there are some.
    """

    product: str
    start: dt.datetime
    end: dt.datetime
    box: tuple[float, float, float, float] | None
    regions: Any = None

    @staticmethod
    def iso(moment: dt.datetime) -> str:
        """Write a moment of UTC as services want it."""
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def iso_last(self, end: dt.datetime) -> str:
        """Write the last second before an end that is not included."""
        return self.iso(end - dt.timedelta(seconds=1))

    def holds(self, day: dt.date) -> bool:
        """Tell whether any part of a day lies in the period."""
        first = dt.datetime.combine(day, dt.time())
        return first < self.end and first + dt.timedelta(days=1) > self.start

    def days(self) -> str:
        """Write the first and last day, for names of files."""
        last = self.end - dt.timedelta(seconds=1)
        return f"{self.start:%Y%m%d}_{last:%Y%m%d}"


def read_asked(product: str, period: Sequence[Any] | None, region: Any, begins: dt.date | None) -> Asked:
    """Read and check period and region.

    Parameters
    ----------
    product : str
        Name of the product.
    period : pair of ISO dates
        Both included.
    region : tuple of 4 floats or geopandas.GeoDataFrame, optional
        (west, south, east, north) in degrees, or polygons.
    begins : datetime.date, optional
        First day with data.

    Returns
    -------
    Asked
        The reading.

    Raises
    ------
    FetchError
        The period is missing, open, or ends before the product begins.
    YaotanError
        The period or region cannot be read.
    """
    expected = "two dates, both included, such as 2019-01 2019-03"
    if (
        period is None
        or isinstance(period, str)
        or len(period) != 2
        or any(item in (None, "") for item in period)
    ):
        raise FetchError(
            "a first and a last date are needed", where="period", expected=expected, fix="give both dates"
        )
    span = parse_period(period)
    if span is None:  # a pair is never None; said for the type checker
        raise FetchError("is missing", where="period", expected=expected)
    start, end = (moment.astype("datetime64[us]").item() for moment in (span.start, span.end))
    if begins is not None and end <= dt.datetime.combine(begins, dt.time()):
        raise FetchError(
            f"{product} begins on {begins}, after the end of the period ({period[1]})",
            where="period",
            expected=f"an end on or after {begins}",
            fix="choose a later period or another product",
        )
    place = parse_region(region)
    return Asked(product, start, end, _box_of(place), region if isinstance(place, Polygons) else None)


def _box_of(place: Box | Polygons | None) -> tuple[float, float, float, float] | None:
    if place is None:
        return None
    if isinstance(place, Polygons):
        west, south, east, north = (float(value) for value in place.geometry.bounds)
    else:
        west, south, east, north = place.west, place.south, place.east, place.north
    if east - west >= 360.0:
        return -180.0, south, 180.0, north
    turned = [float((value + 180.0) % 360.0 - 180.0) for value in (west, east)]
    if turned[1] == -180.0:
        turned[1] = 180.0
    box = (turned[0], south, turned[1], north)
    return tuple(float(np.round(value, 9)) for value in box)  # type: ignore[return-value]
