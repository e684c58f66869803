"""Tables of text: ground stations and points, each in the spelling of its makers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from contract.case_ground import at_station
from contract.text import write_table
from contract.truth import Case, Expected, Truth


def stamp(time: np.ndarray, style: str) -> list[str]:
    """Write times in the letters of strftime."""
    return [moment.astype("datetime64[s]").item().strftime(style) for moment in time]


def number(value: float, digits: int, missing: str) -> str:
    """Write a number; NaN as the product does."""
    return missing if np.isnan(value) else f"{value:.{digits}f}"


def whole_seconds(truth: Truth) -> Truth:
    """Put stations apart, at whole seconds."""
    truth = at_station(truth)
    return replace(truth, time=truth.time.astype("datetime64[s]").astype("datetime64[ns]"))


def write_tccon(path: Path, truth: Truth) -> Expected:
    """As R writes it: quoted names, float32 written out, a cell of a satellite beside the station."""
    truth = whole_seconds(truth)
    names = ("xco2", "error", "datetime", "solar_time", "latitude", "longitude")
    quoted = [f'"tccon_{name}"' for name in names] + ['"date"', '"latitude"', '"longitude"']
    column, error = truth.column("xco2"), truth.uncertainty("xco2")
    rows = [
        (
            number(column[k], 12, "NA"),
            f"{error[k]:.15g}",
            when,
            12.5,
            f"{truth.latitude[k]:.13f}",
            f"{truth.longitude[k]:.12f}",
            when[:10],
            np.floor(truth.latitude[k]) + 0.5,
            np.floor(truth.longitude[k]) + 0.5,
        )
        for k, when in enumerate(stamp(truth.time, "%Y-%m-%d %H:%M:%S"))
    ]
    write_table(path, quoted, rows)
    return {
        **truth.place(),
        "xco2": column,
        "xco2_uncertainty": error,
        "solar_time": np.full(truth.count, 12.5),
    }


def write_monthly(path: Path, truth: Truth) -> Expected:
    """As pandas writes it: last days of months, an empty field where there is no value."""
    months = np.datetime64("2017-01", "M") + np.arange(truth.count)
    last = (months + 1).astype("datetime64[D]") - 1
    truth = replace(at_station(truth), time=last.astype("datetime64[ns]"))
    column = truth.column("xco2")
    rows = [
        (
            day,
            number(column[k], 5, ""),
            "Hefei",
            repr(float(truth.latitude[k])),
            repr(float(truth.longitude[k])),
        )
        for k, day in enumerate(last)
    ]
    write_table(path, ("time", "XCO2", "site", "lat", "lon"), rows)
    return {**truth.place(), "xco2": column}


PROFFAST = (
    *(
        "UTC",
        "LocalTime",
        "JulianDate",
        "YYMMDD",
        "UTtimeh",
        "spectrum",
        "gndPmap",
        "gndP",
        "gndTmap",
        "gndT",
    ),
    *("latdeg", "londeg", "altim", "appSZA", "azimuth", "XH2O", "XDUM1", "XAIR", "XDUM2", "XCO2", "XDUM3"),
    *("XDUM4", "XCH4", "XDUM5", "XDUM6", "XCO2_STR", "XDUM7", "XDUM8", "XCH4_S5P", "XCO"),
)
#: retrieval windows, whose many columns stand behind those that are read
WINDOWS = tuple(f"job{n:02}_bsl{k:02}" for n in range(1, 6) for k in range(1, 21))


def write_coccon(path: Path, truth: Truth) -> Expected:
    """As PROFFASTpylot: comma and blank, %.5e, methane in ppm, 0 where a gas was not measured."""
    truth = whole_seconds(truth)
    co2, ch4 = truth.column("xco2"), truth.column("xch4")
    local = stamp(truth.time + np.timedelta64(2, "h"), "%Y-%m-%d %H:%M:%S")
    rows = []
    for k, utc in enumerate(stamp(truth.time, "%Y-%m-%d %H:%M:%S")):
        values: dict[str, object] = dict.fromkeys((*PROFFAST, *WINDOWS), f"{1.0:.5e}")
        values |= {
            "UTC": utc,
            "LocalTime": local[k],
            "YYMMDD": utc[2:10].replace("-", ""),
            "spectrum": f"{utc[2:10].replace('-', '')}_{utc[11:].replace(':', '')}SN.BIN",
            "gndP": f"{truth.surface_pressure[k]:.6f}",
            "latdeg": f"{truth.latitude[k]:.6f}",
            "londeg": f"{truth.longitude[k]:.6f}",
            "altim": f"{truth.surface_altitude[k]:.3f}",
            "appSZA": f"{truth.solar_zenith_angle[k]:.6f}",
            "XCO2": number(co2[k], 6, "0.00000e+00"),
            "XCH4": number(ch4[k] / 1000.0, 8, "0.00000e+00"),
            "XCO": "0.00000e+00",
        }
        rows.append(tuple(values.values()))
    write_table(path, (*PROFFAST, *WINDOWS), rows, mark=", ")
    return {
        **truth.place(),
        "xco2": co2,
        "xch4": ch4,
        "xco": np.full(truth.count, np.nan),
        "xair": np.ones(truth.count),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
    }


def write_points(path: Path, truth: Truth) -> Expected:
    """As a spreadsheet writes it: byte order mark, M/D/YY H:MM, CR LF."""
    truth = replace(truth, time=truth.time.astype("datetime64[m]").astype("datetime64[ns]"))
    truth = replace(truth, good=np.ones(truth.count, dtype=bool))
    column = truth.column("xco2")
    rows = []
    for k, moment in enumerate(truth.time):
        day = moment.astype("datetime64[s]").item()
        when = f"{day.month}/{day.day}/{day:%y} {day.hour}:{day:%M}"
        place = (repr(float(truth.latitude[k])), repr(float(truth.longitude[k])))
        rows.append((when, number(column[k], 5, ""), *place, '"Los Angeles, CA"', "USA"))
    names = ("datetime", "xco2", "latitude", "longitude", "city", "country")
    write_table(path, names, rows, end="\r\n", encoding="utf-8-sig")
    return {**truth.place(), "xco2": column}


CASES = [
    Case("tccon_table", write_tccon, "saga01_tccon.csv", ""),
    Case("tccon_monthly_table", write_monthly, "TCCON_Hefei_12-14h_monthly.csv", "", given_product=True),
    Case("coccon_table", write_coccon, "comb_invparms_mc_SN115_190331-190331.csv", ""),
    Case("oco3_points", write_points, "oco3_xco2_los_angeles.csv", "", given_product=True),
]
