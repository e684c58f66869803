"""What the TROPOMI Level 2 products share: groups, time x scan line x pixel, fills, times, quality."""

from __future__ import annotations

import numpy as np

from contract.netcdf import Item, store
from contract.truth import Expected, Truth

#: netCDF's own default fill of float32, which the product declares
FILL = np.float32(9.96921e36)
INTEGER_FILL = np.int32(-2147483647)
LINES, PIXELS = 12, 2
GEOLOCATION = "PRODUCT/SUPPORT_DATA/GEOLOCATIONS/"
DETAIL = "PRODUCT/SUPPORT_DATA/DETAILED_RESULTS/"
INPUT = "PRODUCT/SUPPORT_DATA/INPUT_DATA/"
#: shape of the truth
SHAPE = (LINES, PIXELS)


def swath_item(
    path: str, values: np.ndarray, units: str | None = None, last: tuple[str, ...] = (), dtype: str = "f4"
) -> Item:
    """One dataset on (time, scanline, ground_pixel[, last]) from values with one row per sounding."""
    values = np.asarray(values)
    shaped = values.reshape((1, LINES, PIXELS, *values.shape[1:]))
    own: dict[str, object] = {"units": units} if units else {}
    if dtype == "f4":
        return (path, store(shaped, "f4", FILL), _dims(*last), own | {"_FillValue": FILL})
    return (path, shaped.astype(dtype), _dims(*last), own | {"_FillValue": np.iinfo(dtype).max})


def _dims(*last: str) -> tuple[str, ...]:
    return ("time", "scanline", "ground_pixel", *last)


def place_items(truth: Truth, expected: Expected) -> list[Item]:
    """Centres, corners and angles; the corners carry no unit."""
    return [
        swath_item("PRODUCT/latitude", expected["latitude"], "degrees_north"),
        swath_item("PRODUCT/longitude", expected["longitude"], "degrees_east"),
        swath_item(GEOLOCATION + "latitude_bounds", expected["latitude_corner"], None, ("corner",)),
        swath_item(GEOLOCATION + "longitude_bounds", expected["longitude_corner"], None, ("corner",)),
        swath_item(GEOLOCATION + "solar_zenith_angle", expected["solar_zenith_angle"], "degree"),
        swath_item(GEOLOCATION + "viewing_zenith_angle", expected["sensor_zenith_angle"], "degree"),
    ]


def qa_item(truth: Truth, bad: int = 40) -> Item:
    """Quality as hundredths in one byte, scale in float32."""
    path, values, dims, own = swath_item("PRODUCT/qa_value", np.where(truth.good, 100, bad), "1", (), "u1")
    return path, values, dims, own | {"scale_factor": np.float32(0.01), "add_offset": np.float32(0)}


def time_items(truth: Truth, *, since: bool) -> list[Item]:
    """Reference midnight, milliseconds after it (with `since` as a time of its own), and text."""
    midnight = truth.time[0].astype("datetime64[D]")
    lines = truth.time.reshape(LINES, PIXELS)[:, 0]
    seconds = (midnight - np.datetime64("2010-01-01")).astype("timedelta64[s]").astype("i4")
    delta = ((lines - midnight) / np.timedelta64(1, "ms")).round().astype("i4")
    unit = f"milliseconds since {midnight} 00:00:00" if since else "milliseconds"
    text = np.array([f"{np.datetime_as_string(t, unit='us')}Z" for t in lines])
    epoch = {"units": "seconds since 2010-01-01 00:00:00", "_FillValue": INTEGER_FILL}
    return [
        ("PRODUCT/time", np.array([seconds]), ("time",), epoch),
        (
            "PRODUCT/delta_time",
            delta[None],
            ("time", "scanline"),
            {"units": unit, "_FillValue": INTEGER_FILL},
        ),
        ("PRODUCT/time_utc", text[None], ("time", "scanline"), {}),
        ("PRODUCT/scanline", np.arange(1143, 1143 + LINES, dtype="i4"), ("scanline",), {"units": "1"}),
        ("PRODUCT/ground_pixel", np.arange(PIXELS, dtype="i4"), ("ground_pixel",), {"units": "1"}),
    ]


def wind_items(truth: Truth, expected: Expected) -> list[Item]:
    """Wind at 10 m, which newer processors give; it is added to what is expected."""
    expected |= {"wind_u": truth.wind_u, "wind_v": truth.wind_v}
    return [
        swath_item(INPUT + "eastward_wind", truth.wind_u, "m s-1"),
        swath_item(INPUT + "northward_wind", truth.wind_v, "m s-1"),
    ]
