"""`background`: the column as it would be without what is near, at every sounding."""

from __future__ import annotations

import json
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
import xarray as xr

from yaotan.column.background.estimate import STATUS, Estimate
from yaotan.column.background.gradient import latitude_gradient
from yaotan.column.background.median import band_median, regional_median
from yaotan.column.background.model import model_level
from yaotan.column.background.neighbour import along_track, upwind
from yaotan.column.background.sample import Floats, Sample, take_sample
from yaotan.errors import SchemaError, TooFewSoundingsError, YaotanError

Method: TypeAlias = Literal["band_median", "regional", "upwind", "along_track", "latitude", "model"]

#: What each method takes out, and where it is biased; carried in the attributes of the result.
EFFECT: Final[dict[str, tuple[str, str]]] = {
    "band_median": (
        "growth, season and the mean gradient in latitude, together",
        "high where much of a band is enhanced that day (and low over sinks): the median is of all "
        "soundings, so a source in more than a small share of them takes part of itself out; differences "
        "between bands whose coverage moves from day to day look like sources",
    ),
    "regional": (
        "growth, season and the level of the region",
        "as the band median, and a gradient inside the region stays in the enhancement",
    ),
    "upwind": (
        "growth, season and all that is the same upwind",
        "high where sources lie upwind; the wind at 10 m is not that of a plume; few soundings of a narrow "
        "swath lie upwind",
    ),
    "along_track": (
        "growth, season and what is linear along the track over twice the outer distance",
        "high where the ring around a sounding is itself enhanced; enhancements wider than the inner "
        "distance are partly taken out",
    ),
    "latitude": (
        "growth from window to window and the gradient in latitude; not the course within a window",
        "towards regions with many soundings; sources at one latitude pull the polynomial",
    ),
    "model": (
        "growth, season and the gradient in latitude as the model has them, and its mean error of a window",
        "by what the model has wrong between latitudes and within a window; high where much of a window's "
        "soundings is enhanced; longitudes are not told apart, so that what weather brings is an enhancement",
    ),
}


def background(
    soundings: xr.Dataset,
    *,
    method: Method = "band_median",
    model: xr.Dataset | None = None,
    variable: str | None = None,
    minimum: int = 10,
    band: float = 10.0,
    region: tuple[float, float, float, float] | None = None,
    near: float = 50e3,
    far: float = 200e3,
    width: float = 60.0,
    order: int = 1,
    window: float = 16.0,
    block: float = 30.0,
) -> xr.Dataset:
    r"""Background of a column at each sounding, with its uncertainty and count.

    ===========  ============================================================================================
    band_median  daily (UTC) median of latitude bands, linear in latitude between their centres, in the
                 manner of Hakkarainen et al. (2019), doi:10.3390/rs11070850
    regional     daily median of all soundings, or of those in `region`, in the manner of Hakkarainen
                 et al. (2016), doi:10.1002/2016GL070885
    upwind       median of soundings of the overpass in a sector upwind (``wind_u``, ``wind_v``)
    along_track  robust line through the soundings of the overpass `near` to `far` away, on both sides
    latitude     robust polynomial in latitude, window by window of time
    model        mean of `model` over longitude (or over `region`) at the soundings, plus the median of what
                 the soundings of a window are above it
    ===========  ============================================================================================

    Errors of medians and polynomials are of sandwich form over blocks of `block` seconds of an overpass
    (`median_error`, `prediction_error`): soundings of one block may be correlated as they please, blocks are
    taken as independent. The error of lines along the track is told by what the scatter of soundings
    about their lines has beyond the scatter within rings, pooled over all overpasses.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table of one or more granules; those whose ``quality`` is not good take no part.
    method : str
        As above.
    model : xarray.Dataset, optional
        For "model": grid ``(time,) lat, lon`` with the column, or with the gas on levels or layers and their
        pressure, which is seen with the kernels of the soundings where they have them (`smooth_profile`).
    variable : str, optional
        Column variable; may be left out where there is one only.
    minimum : int
        Fewest soundings of a band and day, a sector, a ring, or for each coefficient of a polynomial.
    band : float
        Height of latitude bands [degrees]; 180 is a whole number of them.
    region : tuple, optional
        ``(west, south, east, north)`` [degrees] of the soundings that make a regional median, or of the cells
        of a model.
    near, far : float
        Inner and outer distance of neighbours [m].
    width : float
        Opening of the sector upwind [degrees].
    order : {1, 2, 3}
        Degree of the polynomial in latitude.
    window : float
        Length in time [days] of polynomials and of the shift of a model, counted from 1970-01-01.
    block : float
        Length over which errors hang together [s]; 30 s are 200 km of track.

    Returns
    -------
    xarray.Dataset
        The soundings, with ``<v>_background``, ``<v>_background_uncertainty`` (1 sigma of the level, NaN
        where all soundings are of too few blocks), ``<v>_background_spread`` (robust scatter of single
        soundings about it), ``<v>_background_count`` and ``<v>_background_status`` (CF flag). Attributes of
        ``<v>_background``: ``method``, ``removes``, ``bias``, ``options``, and ``counted`` (JSON, soundings
        by status).

    Raises
    ------
    YaotanError
        An option is out of range or unknown.
    SchemaError
        No such variable, or no wind or model where it is needed.
    UnitsError
        Units are missing or mixed.
    TooFewSoundingsError
        No sounding at all gets a background.

    Notes
    -----
    A background is a choice, not a measurement: the bias of each method (attribute ``bias``) is in no error
    term. A steady source that covers a share p of a median's soundings lifts the median by about
    :math:`1.25\, p\, s` for enhancements large against the spread s and small p.

    Examples
    --------
    >>> n = 24
    >>> table = xr.Dataset(
    ...     {
    ...         "time": ("sounding", np.datetime64("2020-01-01T05:00", "ns") + np.arange(n) * 15_000_000_000),
    ...         "latitude": ("sounding", np.linspace(20.1, 29.9, n)),
    ...         "longitude": ("sounding", np.full(n, 110.0)),
    ...         "xco2": ("sounding", 410 + 0.1 * (np.arange(n) % 3), {"units": "ppm"}),
    ...     }
    ... )
    >>> found = background(table)
    >>> float(found.xco2_background[0]), int(found.xco2_background_count[0])
    (410.1, 24)
    """
    options = {key: value for key, value in locals().items() if key not in ("soundings", "variable", "model")}
    _check(options)
    sample = take_sample(soundings, variable, block)
    words: dict[str, str] = {}
    if method == "model":
        if model is None:
            raise SchemaError(
                "model is missing",
                where="background",
                expected="a grid with the column, or with the gas on levels or layers",
                fix="give model=, or choose another method",
            )
        estimate, words = model_level(sample, soundings, model, region=region, window=window, minimum=minimum)
    elif method == "upwind":
        wind = _wind(soundings)
        estimate = upwind(sample, wind, near=near, far=far, width=width, minimum=minimum)
    elif method == "along_track":
        estimate = along_track(sample, near=near, far=far, minimum=minimum)
    elif method == "latitude":
        estimate = latitude_gradient(sample, order=order, window=window, minimum=minimum)
    elif method == "regional":
        estimate = regional_median(sample, minimum=minimum, region=region)
    else:
        estimate = band_median(sample, band=band, minimum=minimum)
    counted = _count(estimate)
    if not counted.get("given"):
        raise TooFewSoundingsError(
            f"no sounding of {sample.variable} gets a background ({counted or 'there are none'})",
            where=f"background, {method}",
            expected=f"at least {minimum} good soundings in each {_PART[method]}",
            fix="open more granules, widen bands or distances, or choose another method",
        )
    return _join(soundings, sample, estimate, options, {**words, "counted": json.dumps(counted)})


_PART: Final = {
    "band_median": "band and day",
    "regional": "day",
    "upwind": "sector upwind",
    "along_track": "ring, half on either side",
    "latitude": "window, for each coefficient, at more than one latitude",
    "model": "window, within the model's area and time",
}
_USED: Final = {
    "band_median": ("band",),
    "regional": ("region",),
    "upwind": ("near", "far", "width"),
    "along_track": ("near", "far"),
    "latitude": ("order", "window"),
    "model": ("region", "window"),
}


def _check(options: dict[str, Any]) -> None:
    bands = 180.0 / options["band"] if options["band"] > 0 else 0.0
    rules = {
        "method": (options["method"] in get_args(Method), f"one of {', '.join(get_args(Method))}"),
        "minimum": (options["minimum"] >= 2, "2 or more"),
        "band": (bands >= 1 and abs(bands - round(bands)) < 1e-9, "a whole part of 180 degrees"),
        "near": (0 <= options["near"] < options["far"], "0 or more, and less than far [m]"),
        "width": (0 < options["width"] <= 360, "up to 360 degrees"),
        "order": (options["order"] in (1, 2, 3), "1, 2 or 3"),
        "window": (options["window"] > 0, "days, more than 0"),
        "block": (options["block"] > 0, "seconds, more than 0"),
    }
    for name, (fine, expected) in rules.items():
        if not fine:
            raise YaotanError(f"{name} is {options[name]!r}", where="background", expected=expected)


def _wind(soundings: xr.Dataset) -> tuple[Floats, Floats]:
    missing = [name for name in ("wind_u", "wind_v") if name not in soundings]
    if missing:
        raise SchemaError(
            f"{' and '.join(missing)} missing: upwind is not known",
            where="background",
            expected="wind_u and wind_v [m s-1] at the soundings",
            fix="sample a wind field (yaotan.open_wind, yaotan.sample_grid), or choose method='along_track'",
        )
    u, v = (np.asarray(soundings[name].values, float) for name in ("wind_u", "wind_v"))
    return u, v


def _count(estimate: Estimate) -> dict[str, int]:
    numbers = np.bincount(estimate.status, minlength=len(STATUS)).tolist()
    return {name: number for name, number in zip(STATUS, numbers, strict=True) if number}


def _join(
    soundings: xr.Dataset,
    sample: Sample,
    estimate: Estimate,
    options: dict[str, Any],
    told: dict[str, str],
) -> xr.Dataset:
    v, method = sample.variable, options["method"]
    removes, bias = EFFECT[method]
    given = {key: options[key] for key in ("minimum", "block", *_USED[method])}
    words = {
        "method": method,
        "removes": removes,
        "bias": bias,
        "options": json.dumps(given),
        **told,
    }
    units = {"units": sample.units}
    flags = {"flag_values": np.arange(len(STATUS), dtype=np.uint8), "flag_meanings": " ".join(STATUS)}
    level = f"{v}_background"
    return soundings.assign(
        {
            level: ("sounding", estimate.level, {**units, "long_name": f"background of {v}", **words}),
            f"{level}_uncertainty": ("sounding", estimate.error, units),
            f"{level}_spread": ("sounding", estimate.spread, units),
            f"{level}_count": ("sounding", estimate.count, {"units": "1"}),
            f"{level}_status": ("sounding", estimate.status, flags),
        }
    )
