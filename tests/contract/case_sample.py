"""Air samples in tables of text: ICOS, NOAA flasks and NOAA monthly means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from contract.case_table import number, stamp, whole_seconds
from contract.text import write_table
from contract.truth import Case, Expected, Truth

ICOS = """\
# TITLE: {GAS} - L2-2024.1 continuous time series for Continuous air
# TOTAL LINES: 27189
# PROJECT DATA VERSION: L2-2024.1
# STATION CODE: RGL
# STATION NAME: Ridge Hill
# LATITUDE: 51.9975 N
# LONGITUDE: -2.5399 E
# ALTITUDE: 207 m asl
# SAMPLING HEIGHTS: 90.0 m agl
# PARAMETER: {GAS}
# TIME INTERVAL: hourly
# MEASUREMENT UNIT: {unit}
# TIME ZONE: UTC +0
# COMMENT:
#   - Flag 'O' = data correct after manual quality control
#
#Site;SamplingHeight;Year;Month;Day;Hour;Minute;DecimalDate;{gas};Stdev;NbPoints;Flag;InstrumentId;QualityId"""


def icos(gas: str, unit: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of an ICOS file: one station, hours, the names in the last comment line."""

    def write(path: Path, truth: Truth) -> Expected:
        hours = np.datetime64("2019-03-31T12", "h") + np.arange(truth.count)
        name, good = f"{gas}_mole_fraction", truth.good
        values, flags = truth.column(f"x{gas}"), np.where(good, "O", np.where(truth.land, "K", "N"))
        rows = []
        for k, when in enumerate(stamp(hours, "%Y;%m;%d;%H;%M")):
            parts = (when, "2019.24", number(values[k], 3, "-999.990"), "1.250")
            rows.append(("RGL", "90", *parts, "49", flags[k], "115", "164750"))
        header = ICOS.format(GAS=gas.upper(), gas=gas, unit=unit)
        write_table(path, (), rows, mark=";", header=header, heading="")
        flat = np.ones(truth.count)
        scale = {"nmol.mol-¹": 1e-9, "µmol.mol-¹": 1e-6}[unit]
        return {
            "time": hours.astype("datetime64[ns]"),
            "latitude": 51.9975 * flat,
            "longitude": -2.5399 * flat,
            "quality": truth.quality(),
            name: np.round(values, 3),
            "sampling_height": 90.0 * flat,
            "surface_altitude": 207.0 * flat,
            "sampling_altitude": 297.0 * flat,
            "standard_deviation": 1.25 * scale * flat,
        }

    return write


EVENT = """\
# number_of_header_lines: 10
# comment:
# comment:  ************ USE OF ESRL GMD DATA ****************
# contact_parameter: {GAS} CCGG (Individual Flasks)
# contact_name: Ed Dlugokencky
# description_site-code: scsn06
# description_creation-time: 2017-07-28 12:43:31
# comment:
# data_fields: sample_site_code sample_year sample_month sample_day sample_hour sample_minute sample_seconds \
sample_id sample_method parameter_formula analysis_group_abbr analysis_value analysis_uncertainty \
analysis_flag analysis_instrument analysis_year analysis_month analysis_day analysis_hour analysis_minute \
analysis_seconds sample_latitude sample_longitude sample_altitude sample_elevation sample_intake_height \
event_number"""


def event(gas: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of an event file: blanks, pairs of flasks, flags of three letters."""

    def write(path: Path, truth: Truth) -> Expected:
        truth = replace(whole_seconds(truth), good=truth.good)
        values, error = truth.column(f"x{gas}"), truth.uncertainty(f"x{gas}")
        rows = []
        for k, when in enumerate(stamp(truth.time, "%Y %m %d %H %M %S")):
            flag = "..." if truth.good[k] else "N.."
            what = f"{number(values[k], 3, '-999.990'):>9} {error[k]:.6f} {flag}"
            place = f"{truth.latitude[k]:.6f} {truth.longitude[k]:.6f} 25.00 5.00 20.00 {109025 + k}"
            rows.append([f"SCS {when}  {3254 + k}-66 T {gas}  CCGG {what} CS 2019 08 13 14 30 00 {place}"])
        write_table(path, (), rows, mark=" ", header=EVENT.format(GAS=gas.upper()), heading="")
        name = f"{gas}_mole_fraction"
        return {
            **truth.place(),
            name: np.round(values, 3),
            f"{name}_uncertainty": error,
            "sampling_altitude": np.full(truth.count, 25.0),
            "sampling_height": np.full(truth.count, 20.0),
            "surface_altitude": np.full(truth.count, 5.0),
        }

    return write


FLASKS = """\
# header_lines : 14
# ------------------------------------------------------------->>>>
# DATA SET NAME
#
# dataset_name: {gas}_amy_surface-flask_1_ccgg_event
# GLOBAL ATTRIBUTES
# site_code : AMY
# dataset_creation_date : 2023-08-28T10:33:17.114149
# dataset_parameter : {gas}
# dataset_calibration_scale : WMO X2019
# value:_FillValue : -999.999
# value:units : {unit}
# value_unc:_FillValue : -99.99
# value_unc:units : {unit}"""
FLASK_NAMES = (
    *("site_code", "year", "month", "day", "hour", "minute", "second", "datetime", "time_decimal"),
    *("air_sample_container_id", "value", "value_unc", "latitude", "longitude", "altitude", "elevation"),
    *("intake_height", "method", "event_number", "instrument", "analysis_datetime", "qcflag"),
)


def flasks(gas: str, unit: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of a newer event file: one line of names, units and fills in the comment lines."""

    def write(path: Path, truth: Truth) -> Expected:
        truth = replace(whole_seconds(truth), good=truth.good)
        values, error = truth.column(f"x{gas}"), truth.uncertainty(f"x{gas}")
        rows = []
        for k, iso in enumerate(stamp(truth.time, "%Y-%m-%dT%H:%M:%SZ")):
            day = truth.time[k].astype("datetime64[s]").item()
            parts = (
                day.year,
                day.month,
                day.day,
                day.hour,
                day.minute,
                day.second,
                iso,
                2019.25,
                f"{2369 + k}-99",
            )
            measured = (number(values[k], 6, "-999.999"), f"{error[k]:.6f}")
            place = (
                f"{truth.latitude[k]:.6f}",
                f"{truth.longitude[k]:.6f}",
                87.0,
                47.0,
                40.0,
                "G",
                363801 + k,
            )
            rows.append(
                (
                    "AMY",
                    *parts,
                    *measured,
                    *place,
                    "L10",
                    "2019-09-12T16:51:00",
                    "..." if truth.good[k] else "C..",
                )
            )
        write_table(path, FLASK_NAMES, rows, mark=" ", header=FLASKS.format(gas=gas, unit=unit))
        name = f"{gas}_mole_fraction"
        return {
            **truth.place(),
            name: values,
            f"{name}_uncertainty": error,
            "sampling_altitude": np.full(truth.count, 87.0),
            "sampling_height": np.full(truth.count, 40.0),
            "surface_altitude": np.full(truth.count, 47.0),
        }

    return write


MAUNA_LOA = """\
# --------------------------------------------------------------------
# USE OF NOAA GML DATA
#
# Contact:  Xin Lan (xin.lan@noaa.gov)
#
# File Creation: Sun Nov  5 03:55:25 2023
#
# Monthly mean CO2 constructed from daily mean values.
#
# NOTE: Due to the eruption of the Mauna Loa Volcano, measurements from Mauna Loa Observatory
# were suspended as of Nov. 29, 2022 and resumed in July 2023.
#"""


def write_mauna_loa(path: Path, truth: Truth) -> Expected:
    """As NOAA: year and month, -1, -9.99 and -0.99 where nothing is known of the days behind a mean."""
    months = np.datetime64("2017-01", "M") + np.arange(truth.count)
    start, end = (m.astype("datetime64[ns]") for m in (months, months + 1))
    values, error = truth.column("xco2"), truth.uncertainty("xco2")
    known = np.arange(truth.count) > 2
    rows = []
    for k, month in enumerate(months):
        year, number_of = month.item().year, month.item().month
        tail = (25, "0.45", f"{error[k]:.6f}") if known[k] else (-1, "-9.99", "-0.99")
        # NOAA fills its gaps itself: what it would write for a month without a value is not known
        rows.append((year, number_of, 2017.0, number(values[k], 4, "-99.99"), "410.00", *tail))
    names = ("year", "month", "decimal date", "average", "deseasonalized", "ndays", "sdev", "unc")
    write_table(path, names, rows, header=MAUNA_LOA)
    flat = np.ones(truth.count)
    return {
        "time": start + (end - start) // 2,
        "latitude": 19.5362 * flat,
        "longitude": -155.5763 * flat,
        "quality": np.zeros(truth.count, dtype=np.uint8),
        "co2_mole_fraction": np.round(values, 4),
        "co2_mole_fraction_uncertainty": np.where(known, error, np.nan),
        "standard_deviation": np.where(known, 0.45, np.nan),
        "number_of_days": np.where(known, 25.0, np.nan),
        "deseasonalized": 410.0 * flat,
    }


FLASK = "surface-flask_1_ccgg_event.txt"
CASES = [
    Case("icos_atc", icos("ch4", "nmol.mol-¹"), "ICOS_ATC_L2_RGL_90.0_CTS.CH4", "2024.1", note="ch4"),
    Case("icos_atc", icos("co2", "µmol.mol-¹"), "ICOS_ATC_L2_RGL_90.0_CTS.CO2", "2024.1", note="co2"),
    Case("noaa_flask_event", event("ch4"), f"ch4_scsn06_{FLASK}", "2017-07-28", note="ch4"),
    Case("noaa_flask_event", event("co2"), f"co2_scsn06_{FLASK}", "2017-07-28", note="co2"),
    Case("noaa_flask_table", flasks("co2", "micromol mol-1"), f"co2_amy_{FLASK}", "2023-08-28", note="co2"),
    Case("noaa_flask_table", flasks("n2o", "nanomol mol-1"), f"n2o_amy_{FLASK}", "2023-08-28", note="n2o"),
    Case("noaa_monthly_table", write_mauna_loa, "co2_mm_mlo.csv", "2023"),
]
