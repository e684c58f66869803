"""ACOS GOSAT Lite v9r (`acos_LtCO2_*.nc4`), as original daily files of build B9.2.00 have it.

Shares the level structure of OCO Lite; no corners, no operation mode, no footprint number; prior surface
pressure in `/Retrieval`; `/date` without milliseconds; sounding ids of 14 digits; `gain` of one character.
"""

from __future__ import annotations

import os
from typing import Final

import h5py
import numpy as np

from yaotan.simulate.layout import oco2_table as oco
from yaotan.simulate.layout.moment import calendar, digits
from yaotan.simulate.layout.netcdf4 import Netcdf4File, Row, put_text
from yaotan.simulate.layout.oco2_lite import lite_values
from yaotan.simulate.layout.retrieval import Retrieval, day_stamp

F = oco.F
_DATE: Final = Row(
    "date", "i2", "none", -9999, "Observation date and time matching sounding_id", ("epoch_dimension",)
)
_OWN: Final = (
    Row("Retrieval/psurf_apriori", "f4", "hPa", F, "Prior Surface Pressure"),
    Row("Retrieval/dp", "f4", "hPa", F, "Delta Surface Pressure"),
    Row("Retrieval/fs", "f4", "W/m^2/um/sr", F, "Retrieved Fluorescence at 757 nm"),
)
#: order of the first six tests is that of the shared writer, so that bit k means the same in both
_GLOBALS: Final = {
    "Platform": "GOSAT",
    "Sensor": "TANSO-FTS",
    "title": "ACOS L2 Lite Output",
    "BuildId": "B9.2.00",
    "bc_function": "bias_correct_acos_b9",
    "filter_function": "acos_xco2_quality_flag_b9",
    "warn_level_function": "From_L2Std",
    "identifier_product_doi": "10.5067/VWSABTO7ZII4",
    "creation_date": "Mar 2020",
    "source": "simulated; not a product of the mission",
}


def acos_lite_name(day: object) -> str:
    """Name a daily file.

    Examples
    --------
    >>> acos_lite_name("2009-09-01")
    'acos_LtCO2_090901_v205205_B9213A_200310212449s.nc4'
    """
    return f"acos_LtCO2_{day_stamp(day)[2:]}_v205205_B9213A_200310212449s.nc4"


def write_acos_lite(path: str | os.PathLike[str], soundings: Retrieval, *, deflate: int = 0) -> None:
    """Write one granule as ACOS GOSAT Lite v9r has it.

    Parameters
    ----------
    path : path
        File to be written.
    soundings : Retrieval
        CO2 soundings; none at all is allowed.
    deflate : int
        Compression level; 0 writes contiguous arrays.

    Raises
    ------
    SchemaError
        A profile has another number of levels than 20.
    """
    s = soundings
    values = lite_values(s)
    moment = s.time.astype("datetime64[s]").astype(np.int64)
    values |= {
        "date": np.stack(calendar(moment), axis=1),
        "Retrieval/psurf_apriori": s.surface_pressure - 1.5,
        "Retrieval/dp": np.full(len(s), 1.5),
        "Retrieval/fs": np.where(s.surface == 1, np.nan, 0.5),
        "Sounding/l1b_type": np.full(len(s), 205205),
        "Sounding/path": s.orbit % 44 + 1,
    }
    rows = [
        _DATE if row.path == "date" else row for row in (*oco.ROOT, *oco.RETRIEVAL, *_OWN, *oco.PREPROCESSORS)
    ]
    with h5py.File(path, "w") as file:
        out = Netcdf4File(file, deflate=deflate)
        for name, value in _GLOBALS.items():
            put_text(file, name, value)
        out.coordinate(Row("sounding_id", "u8", "YYYYMMDDhhmmss", 0, "ACOS Sounding ID"), digits(moment))
        out.coordinate(Row("levels", "i2", "", None, ""), np.arange(1, oco.LEVELS + 1))
        out.coordinate(Row("bands", "i2", "", None, ""), np.arange(1, 4))
        out.dimension("epoch_dimension", 6)
        orbits = sorted({int(number) for number in s.orbit}) or [0]
        names = [f"acos_L2s_{number:05d}.h5" for number in orbits]
        out.names(Row("source_files", "str", "none", None, "L2 Source File"), names)
        for row in (*rows, *oco.SOUNDING, oco.PATH, *oco.WIND):
            out.variable(row, values[row.path], ("sounding_id", *row.extra))
        out.variable(oco.SIGMA_ROW, oco.SIGMA_B, ("levels",))
        _flags(out, s)


def _flags(out: Netcdf4File, soundings: Retrieval) -> None:
    row = Row("xco2_qf_bitflag", "i4", "none", -9999, "ACOS B9 xco2_quality_flag bitflag")
    put_text(
        out.variable(row, soundings.reasons, ("sounding_id",)), "qf_variables", ", ".join(oco.QF_VARIABLES)
    )
    gain = out.variable(Row("Sounding/gain", "S1", "none", None, "Gain"), soundings.gain, ("sounding_id",))
    # the original files give this character variable a number as its missing value
    gain.attrs["missing_value"] = np.array([-1], "i1")
