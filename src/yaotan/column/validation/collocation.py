"""Pairs of soundings and what they are compared with: stations, another satellite, a model."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.column.kernel.operator import find_column, operator_of
from yaotan.column.validation.candidate import find_near
from yaotan.column.validation.cell import pair_cells
from yaotan.column.validation.option import Kernel, Method, Options
from yaotan.column.validation.pairing import Context, Rows, pair_days, pair_overpasses
from yaotan.column.validation.station import is_station, make_stations
from yaotan.errors import SchemaError, TooFewSoundingsError, UnitsError

#: Unit and words of each variable of the pairs; {u} is the unit of the column.
VARIABLES: Final = {
    "time": ("", "mean time of the soundings"),
    "latitude": ("degrees_north", "mean latitude of the soundings"),
    "longitude": ("degrees_east", "mean longitude of the soundings"),
    "value": ("{u}", "mean of the soundings"),
    "reference": ("{u}", "what they are compared with"),
    "difference": ("{u}", "value minus reference"),
    "value_uncertainty": ("{u}", "1 sigma of value as stated by the product"),
    "reference_uncertainty": ("{u}", "1 sigma of reference as stated by its product"),
    "value_spread": ("{u}", "standard deviation of the soundings"),
    "reference_spread": ("{u}", "standard deviation of the measurements of the reference"),
    "value_count": ("1", "soundings"),
    "reference_count": ("1", "measurements of the reference"),
    "distance": ("m", "mean distance of the soundings from the reference"),
    "time_difference": ("s", "mean time of the reference minus that of the soundings"),
}


def collocate(
    soundings: xr.Dataset,
    reference: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    column: str | None = None,
    method: Method = "box",
    box: tuple[float, float] | None = None,
    radius: float = 100e3,
    hours: float = 1.0,
    days: float = 5.0,
    temperature: str | None = None,
    kelvin: float = 2.0,
    altitude: float | None = None,
    kernel: Kernel = "common_prior",
    convert: bool = False,
    reach: float = 0.1,
    minimum_soundings: int = 1,
    minimum_spectra: int = 1,
    overpass_correlation: float = 0.5,
    carry: Sequence[str] = (),
    allow_empty: bool = False,
) -> xr.Dataset:
    r"""Find pairs of soundings and measurements of stations, of another satellite, or values of a model.

    *Stations*: the soundings of each overpass near a station are averaged first (an overpass is one pair,
    however many soundings it has), then paired with the mean of the station's measurements within `hours` of
    it. *Another satellite*: the soundings of each overpass are averaged in cells as large as the box or the
    radius; the soundings of the other near that mean, in place and time, are its partner. *A model*: in the
    same cells, with the model at every sounding.

    Parameters
    ----------
    soundings : xarray.Dataset
        Soundings table of the satellite; lazy tables are read block by block.
    reference : xarray.Dataset or mapping
        A table of ground stations (its attribute ``platform`` says so) or a mapping of names to such
        tables; a table of another satellite; or a grid (dims ``lat, lon``) with a profile of the gas, or
        with the column itself.
    column : str, optional
        Column variable; default: the only one of the soundings.
    method : {"box", "radius", "temperature"}
        What is near: half widths in degrees; a distance; or the box of air of equal warmth, within `days`
        and `kelvin` of each day of a station (the method of Wunch et al. 2011, doi:10.5194/acp-11-12317-2011,
        with the temperature at 700 hPa).
    box : (float, float), optional
        Half widths in latitude and longitude [degrees]; default 2.5 and 5, with temperature 10 and 30.
    radius : float
        [m].
    hours, days, kelvin : float
        Half widths in time and temperature.
    temperature : str, optional
        Variable [K] of both tables, for ``method="temperature"``.
    altitude : float, optional
        Largest difference of ``surface_altitude`` from the station's [m].
    kernel : {"common_prior", "smooth", "none"}
        ``common_prior``: the soundings are brought to the reference's prior (`harmonise_prior`).
        ``smooth``: the station's prior, scaled to what it measured, or the model's profile is seen through
        the satellite's kernel (`smooth_profile`). ``none``: the two are compared as they are; say so.
    convert, reach
        As in `harmonise_prior`.
    minimum_soundings, minimum_spectra : int
        Fewest soundings and measurements of a pair.
    overpass_correlation : float
        Correlation of the stated errors of soundings of one overpass. Measurements of a station count as
        independent.
    carry : sequence of str
        Variables of the soundings whose means go into the pairs (air mass, albedo).
    allow_empty : bool
        Give a table without rows where there is no pair (a month of many, say) instead of an error; its
        ``lost`` says why.

    Returns
    -------
    xarray.Dataset
        Dim ``pair``; coordinate ``station`` (for another satellite or a model: boxes of 10 degrees, by
        their centre); ``time``, ``latitude``, ``longitude``, ``value``, ``reference``, ``difference``,
        ``*_uncertainty``, ``*_spread``, ``*_count``, ``distance`` [m], ``time_difference`` [s]. ``attrs``:
        ``variable``, ``units``, ``kernel``, ``method``, ``product``, ``reference_product``, ``options`` and
        ``lost``, JSON texts; ``lost`` counts soundings and overpasses without partner by reason.

    Raises
    ------
    SchemaError, UnitsError
        What the chosen kernel, altitude or temperature needs is missing; units or vertical kinds are mixed.
    TooFewSoundingsError
        There is not one pair, and `allow_empty` is not set; the message counts why.

    Notes
    -----
    A measurement of a station may be the partner of several overpasses, and pairs of neighbouring days share
    errors: `validate` takes account of that. Soundings near two stations count for both. The scatter of a
    pair holds the difference of two places and moments, which no stated error does.

    Examples
    --------
    >>> def table(platform, value, minutes):
    ...     moment = np.datetime64("2020-01-01T03:00", "ns") + np.array(minutes) * np.timedelta64(60, "s")
    ...     made = {"time": moment, "latitude": 36.0 + 0.0 * np.array(value), "xco2": value}
    ...     made["longitude"] = made["latitude"] + 104.0
    ...     return xr.Dataset({k: ("sounding", v) for k, v in made.items()}, attrs={"platform": platform})
    >>> satellite = table("OCO-2", [411.0, 412.0], [0, 1])
    >>> station = table("ground station", [411.0, 410.0, 400.0], [-20, 30, 90])
    >>> pairs = collocate(satellite, station, kernel="none")
    >>> pairs.value.values.tolist(), pairs.reference.values.tolist(), pairs.reference_count.values.tolist()
    ([411.5], [410.5], [2])
    """
    column = find_column(soundings, column)
    for name in carry:
        if name in VARIABLES or name == "station":
            raise SchemaError(f"{name} cannot be carried", where="collocate", fix="the pairs have it anyway")
    options = Options(
        method, box, radius, hours, days, temperature, kelvin, altitude, kernel, convert, reach,
        minimum_soundings, minimum_spectra, overpass_correlation, tuple(carry),
    )  # fmt: skip
    if kernel != "none":
        operator_of(soundings, column)  # refuses, before anything is read, what has no kernel
    context = Context(soundings, column, options)
    tables = [reference] if isinstance(reference, xr.Dataset) else list(reference.values())
    _check_units(column, [soundings, *tables])
    if isinstance(reference, xr.Dataset) and not ("sounding" in reference.dims and is_station(reference)):
        parts, lost = pair_cells(context, reference)
    else:
        for table in tables:
            _check_priors(context, table)
        parts, lost = _with_stations(context, reference)
    return _dataset(parts, lost, context, tables, allow_empty)


def _check_units(column: str, tables: list[xr.Dataset]) -> None:
    for table in tables:
        if column in table:
            units = table[column].attrs.get("units", gases()[column].units)
            if units != gases()[column].units:
                raise UnitsError(
                    f"{column} is in {units!r}",
                    where=str(table.attrs.get("product", "reference")),
                    expected=f"{gases()[column].units!r} in every table",
                    fix="convert it (yaotan.units.convert)",
                )


def _with_stations(
    context: Context, reference: xr.Dataset | Mapping[str, xr.Dataset]
) -> tuple[dict[str, Rows], dict[str, Any]]:
    options = context.options
    stations = make_stations(reference, context.column, options.temperature)
    found, lost = find_near(context.soundings, context.column, stations, options)
    pair = pair_days if options.method == "temperature" else pair_overpasses
    parts, overpasses, measured = {}, Counter[str](), {}
    for station, near in zip(stations, found, strict=True):
        parts[station.name], more, gone = pair(near, station, context)
        lost.update(more)
        overpasses.update(gone)
        measured[station.name] = {"given": len(station.time), **station.lost}
    return parts, {"soundings": _plain(lost), "overpasses": _plain(overpasses), "stations": measured}


def _check_priors(context: Context, table: xr.Dataset) -> None:
    """Refuse a choice of kernel that the tables cannot follow, before anything is read."""
    gas = gases()[context.column].gas
    if context.options.kernel != "none" and f"{gas}_prior_profile" not in table:
        raise SchemaError(
            f"{gas}_prior_profile is missing, and kernel={context.options.kernel!r} needs it",
            where=str(table.attrs.get("product", "station")),
            expected="a station file with priors and their pressures (TCCON netCDF)",
            fix='kernel="none" compares the columns as they are, with their different priors',
        )


def _plain(counts: Counter[str]) -> dict[str, int]:
    return {reason: count for reason, count in sorted(counts.items()) if count}


def _dataset(
    parts: dict[str, Rows],
    lost: dict[str, Any],
    context: Context,
    tables: list[xr.Dataset],
    allow_empty: bool,
) -> xr.Dataset:
    filled = {name: rows for name, rows in parts.items() if rows and len(rows["value"])}
    if not filled and allow_empty:
        blank = [name for name in (*VARIABLES, *context.options.carry) if name != "difference"]
        filled = {"": {name: np.empty(0) for name in blank}}
    if not filled:
        counts = "; ".join(f"{key}: {value}" for key, value in lost.items() if value)
        raise TooFewSoundingsError(
            f"no pair was found ({counts})",
            where="collocate",
            expected="soundings and reference at the same places and times",
            fix="compare their periods and places, or widen the box, the radius or the hours",
        )
    options = context.options
    return _join(filled, context).assign_attrs(
        variable=context.column,
        units=gases()[context.column].units,
        kernel=options.kernel,
        method=options.method,
        product=str(context.soundings.attrs.get("product", "")),
        prior=str(context.soundings.attrs.get("prior", "")),
        reference_product=", ".join(
            dict.fromkeys(str(t.attrs.get("product", t.attrs.get("title", ""))) for t in tables)
        ),
        options=json.dumps(vars(options)),
        lost=json.dumps(lost),
    )


def _join(filled: dict[str, Rows], context: Context) -> xr.Dataset:
    """Put the pairs of all stations below one another, by station and time."""
    units = gases()[context.column].units
    station = np.concatenate([np.full(len(rows["value"]), name, object) for name, rows in filled.items()])
    joined = {
        key: np.concatenate([rows[key] for rows in filled.values()]) for key in next(iter(filled.values()))
    }
    joined["difference"] = joined["value"] - joined["reference"]
    # a mean time is good to a second at best: floats carry 256 ns
    joined["time"] = (
        (joined["time"] / 1e9).round().astype("int64").astype("datetime64[s]").astype("datetime64[ns]")
    )
    variables = {
        name: ("pair", joined[name], ({"units": unit.format(u=units)} if unit else {}) | {"long_name": words})
        for name, (unit, words) in VARIABLES.items()
    }
    for name in context.options.carry:
        variables[name] = ("pair", joined[name], {**context.soundings[name].attrs})
    pairs = xr.Dataset(variables, coords={"station": ("pair", station.astype(str))})
    return pairs.isel(pair=np.lexsort((pairs["time"].values, station.astype(str))))
