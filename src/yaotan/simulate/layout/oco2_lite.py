"""OCO-2 and OCO-3 Lite FP (`oco2_LtCO2_*.nc4`), builds 8 to 11.2.

Names, units, fills and level order are those of original files (v9, v10, v11 and v11.2 headers); the facts
about v8 come from public readers. Levels run from the top of the atmosphere to the surface, in hPa.
"""

from __future__ import annotations

import os
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from yaotan.errors import SchemaError
from yaotan.simulate.layout import oco2_table as oco
from yaotan.simulate.layout import profile
from yaotan.simulate.layout.moment import frame_date, sounding_id
from yaotan.simulate.layout.netcdf4 import Netcdf4File, Row, put_text
from yaotan.simulate.layout.retrieval import GOOD, MISSING, Retrieval, day_stamp

F, B, H, W = oco.F, oco.B, oco.H, oco.W
LEVELS, QF_VARIABLES, SIGMA_B = oco.LEVELS, oco.QF_VARIABLES, oco.SIGMA_B
#: X2019 = 1.00079 X2007 - 0.142 ppm; Hall et al. 2021, AMT 14, 3015
_CO2_SCALE_X2019: Final = (1.00079, -0.142)
VERSIONS: Final = ("8", "9", "10", "11", "11.2")
_BUILD: Final = {
    "oco2": {"8": "B8.0.00", "9": "B8.1.00", "10": "B10.2.05", "11": "B11.0.14", "11.2": "B11.2.10"},
    "oco3": {"10": "B10.4.00", "11": "B11.0.72", "11.2": "B11.2.10"},
}
_FILE_BUILD: Final = {
    "oco2": {"8": "B8000r", "9": "B9003r", "10": "B10206Ar", "11": "B11014Ar", "11.2": "B11210Ar"},
    "oco3": {"10": "B10400Br", "11": "B11072Ar", "11.2": "B11210Ar"},
}
_LABEL: Final = {"10": "Ops_B10004_r02", "11": "Lite_B11014Ar_r02", "11.2": "Lite_B11210Ar_r02"}
_FUNCTION: Final = {"8": "b8", "9": "b9", "10": "b10", "11": "b11", "11.2": "b11_1"}


def oco2_lite_name(day: object, *, version: str = "11.2", platform: str = "oco2") -> str:
    """Name a daily file.

    Examples
    --------
    >>> oco2_lite_name("2020-01-15")
    'oco2_LtCO2_200115_B11210Ar_240820000231s.nc4'
    """
    stamp = day_stamp(day)[2:]
    return f"{platform}_LtCO2_{stamp}_{_FILE_BUILD[platform][version]}_240820000231s.nc4"


def write_oco2_lite(
    path: str | os.PathLike[str],
    soundings: Retrieval,
    *,
    version: str = "11.2",
    platform: str = "oco2",
    deflate: int = 0,
) -> None:
    """Write one granule as the Lite files of a build have it.

    Parameters
    ----------
    path : path
        File to be written.
    soundings : Retrieval
        CO2 soundings; none at all is allowed.
    version : str
        "8", "9", "10", "11" or "11.2"; "v9" and the like also do.
    platform : str
        "oco2" or "oco3" ("10" and later).
    deflate : int
        Compression level; 0 writes contiguous arrays.

    Raises
    ------
    SchemaError
        The platform has no such version, or a profile has another number of levels than 20.
    """
    version = version.removeprefix("v")
    if version not in _BUILD.get(platform, {}):
        raise SchemaError(
            f"no version {version!r} of {platform!r}", where="layout", expected=f"one of {_BUILD}"
        )
    with h5py.File(path, "w") as file:
        out = Netcdf4File(file, deflate=deflate)
        _globals(file, version, platform)
        values = lite_values(soundings) | _oco_values(soundings)
        _dimensions(out, soundings, platform)
        for row in _rows(version, platform):
            out.variable(row, values[row.path], ("sounding_id", *row.extra))
        out.variable(oco.SIGMA_ROW, SIGMA_B, ("levels",))
        _bit_flags(out, soundings, version)
        if platform == "oco3":
            _target(out, soundings)


def _rows(version: str, platform: str) -> list[Row]:
    rows = [*oco.ROOT, *oco.VERTEX, *oco.RETRIEVAL, *oco.PREPROCESSORS, *oco.SOUNDING, *oco.OCO_SOUNDING]
    place = "Retrieval" if version == "8" else "Meteorology"
    rows += [Row(row.path.replace("Meteorology", place), *_tail(row)) for row in oco.WIND]
    rows.append(Row(f"{place}/psurf_apriori", "f4", "hPa", F, "Prior Surface Pressure"))
    if version == "9":
        rows.append(Row("Retrieval/psurf_apriori_b8", "f4", "hPa", F, "B8 Prior Surface Pressure"))
        rows.append(Row("Auxiliary/xco2_quality_flag_b8", "i1", "none", B, "B8 XCO2_Quality_Flag"))
    if version == "8":
        rows.append(Row("warn_level", "i1", "none", B, "Warn Level"))
    if version.startswith("11"):
        rows.append(Row("xco2_x2019", "f4", "ppm", F, "Bias-corrected XCO2 on X2019 scale"))
    if platform == "oco2":
        rows.append(oco.PATH)
    return rows


def _tail(row: Row) -> tuple[Any, ...]:
    return row.dtype, row.units, row.missing, row.long_name, row.extra


def _dimensions(out: Netcdf4File, soundings: Retrieval, platform: str) -> None:
    ids = sounding_id(soundings.time, soundings.footprint)
    out.coordinate(Row("sounding_id", "u8", "YYYYMMDDhhmmssmf", W, "OCO2 Sounding ID"), ids)
    out.coordinate(Row("levels", "i2", "", None, ""), np.arange(1, LEVELS + 1))
    out.coordinate(Row("vertices", "i2", "", None, ""), np.arange(1, 5))
    out.coordinate(Row("footprints", "i2", "", None, ""), np.arange(1, 9))
    out.coordinate(Row("bands", "i2", "", None, ""), np.arange(1, 4))
    out.dimension("epoch_dimension", 7)
    orbits = sorted({int(number) for number in soundings.orbit}) or [0]
    names = [f"{platform}_L2StdND_{number:05d}a.h5" for number in orbits]
    out.names(Row("source_files", "str", "none", None, "L2 Source File"), names)


def _globals(file: h5py.File, version: str, platform: str) -> None:
    name = {"oco2": "OCO-2", "oco3": "OCO-3"}[platform]
    put_text(file, "Platform", name)
    put_text(file, "Sensor", name)
    put_text(file, "title", f"{name} L2FP Lite Output")
    put_text(file, "BuildId", _BUILD[platform][version])
    put_text(file, "bc_function", f"{platform}_xco2_bias_correct_{_FUNCTION[version]}")
    put_text(file, "filter_function", f"{platform}_xco2_quality_flag_{_FUNCTION[version]}")
    if version in _LABEL:
        put_text(file, "CollectionLabel", _LABEL[version])
    if version == "11.2":
        put_text(file, "gesdisc_collection", "11.2r")
    put_text(file, "source", "simulated; not a product of the mission")


def lite_values(soundings: Retrieval) -> dict[str, NDArray[Any]]:
    """Give the variables that OCO and ACOS Lite share, by path, levels top first."""
    s = soundings
    sigma = SIGMA_B[::-1]
    weight = profile.pressure_weight(s, level_weight(LEVELS))
    seconds = s.time.astype("datetime64[ns]").astype(np.int64) / 1e9
    zenith = np.deg2rad(np.stack([s.solar_zenith, s.sensor_zenith]))
    fails = ((s.reasons[:, None] >> np.arange(len(QF_VARIABLES))) & 1).astype(float)
    orbits = np.unique(s.orbit)
    return {
        "date": frame_date(s.time),
        "latitude": s.latitude,
        "longitude": s.longitude,
        "time": np.where(np.isnat(s.time), np.nan, seconds),
        "solar_zenith_angle": s.solar_zenith,
        "sensor_zenith_angle": s.sensor_zenith,
        "xco2": s.xgas,
        "xco2_uncertainty": s.uncertainty,
        "xco2_apriori": s.xgas_prior,
        "xco2_quality_flag": s.quality,
        "file_index": np.searchsorted(orbits, s.orbit) + 1,
        "pressure_levels": s.surface_pressure[:, None] * SIGMA_B,
        "pressure_weight": weight[:, ::-1],
        "co2_profile_apriori": profile.prior_profile(s, sigma, weight)[:, ::-1],
        "xco2_averaging_kernel": profile.kernel(s, sigma)[:, ::-1],
        "Retrieval/surface_type": np.where(s.surface == MISSING, MISSING, (s.surface != 1).astype(int)),
        "Retrieval/psurf": s.surface_pressure,
        "Retrieval/xco2_raw": s.xgas_raw,
        "Retrieval/albedo_o2a": s.albedo[:, 0],
        "Retrieval/albedo_wco2": s.albedo[:, 1],
        "Retrieval/albedo_sco2": s.albedo[:, 2],
        "Retrieval/aod_total": s.aerosol_optical_depth + 0.8 * fails[:, 3],
        "Retrieval/co2_grad_del": 5.0 + 120.0 * fails[:, 4],
        "Retrieval/windspeed": np.where(s.surface == 1, np.hypot(s.wind_u, s.wind_v), np.nan),
        "Retrieval/iterations": np.full(len(s), 4),
        "Preprocessors/co2_ratio": 1.005 + 0.04 * fails[:, 0],
        "Preprocessors/h2o_ratio": 0.98 + 0.2 * fails[:, 1],
        "Preprocessors/dp_abp": 2.0 + 40.0 * fails[:, 2],
        "Sounding/airmass": (1.0 / np.cos(zenith)).sum(axis=0),
        "Sounding/altitude": s.altitude,
        "Sounding/glint_angle": np.where(s.mode == 1, 0.5, 60.0),
        "Sounding/land_fraction": np.select(
            [s.surface == MISSING, s.surface == 0, s.surface == 1], [-1, 100, 0], 50
        ),
        "Sounding/l1b_type": np.full(len(s), 11210),
        "Sounding/path": s.orbit % 233 + 1,
        "Sounding/sensor_azimuth_angle": s.sensor_azimuth,
        "Sounding/solar_azimuth_angle": s.solar_azimuth,
        "Meteorology/windspeed_u_met": s.wind_u,
        "Meteorology/windspeed_v_met": s.wind_v,
    }


def _oco_values(soundings: Retrieval) -> dict[str, NDArray[Any]]:
    s = soundings
    prior = s.surface_pressure - 1.5
    scale, offset = _CO2_SCALE_X2019
    return {
        "vertex_latitude": s.corner_latitude,
        "vertex_longitude": s.corner_longitude,
        "Retrieval/windspeed_u_met": s.wind_u,
        "Retrieval/windspeed_v_met": s.wind_v,
        "Retrieval/psurf_apriori": prior,
        "Retrieval/psurf_apriori_b8": prior + 0.3,
        "Meteorology/psurf_apriori": prior,
        "Auxiliary/xco2_quality_flag_b8": s.quality,
        "warn_level": np.where(s.quality == MISSING, MISSING, np.where(s.quality == GOOD, 3, 17)),
        "xco2_x2019": s.xgas * scale + offset,
        "Sounding/footprint": s.footprint,
        "Sounding/operation_mode": s.mode,
        "Sounding/orbit": s.orbit,
        # 0 land, 1 ocean, 2 inland water, 3 mixed
        "Sounding/land_water_indicator": np.where(s.surface == 2, 3, s.surface),
    }


def _bit_flags(out: Netcdf4File, soundings: Retrieval, version: str) -> None:
    if version == "8":
        return
    dtype = "u8" if version.startswith("11") else "i4"
    row = Row("xco2_qf_bitflag", dtype, "none", 0 if dtype == "u8" else H, "xco2_quality_flag bitflag")
    bits = out.variable(row, soundings.reasons, ("sounding_id",))
    put_text(bits, "qf_variables", ", ".join(QF_VARIABLES))
    if version != "9":
        simple = Row("xco2_qf_simple_bitflag", "u1", "none", 255, "xco2_quality_flag simple bitflag")
        out.variable(simple, (soundings.reasons != 0).astype(np.int64), ("sounding_id",))


def _target(out: Netcdf4File, soundings: Retrieval) -> None:
    identity = soundings.target or ("none",) * len(soundings)
    for row, values in zip(oco.OCO3[:2], (identity, [f"{name}_site" for name in identity]), strict=True):
        dataset = out.file.create_dataset(row.path, (len(identity),), h5py.string_dtype())
        if identity:
            dataset[:] = list(values)
        put_text(dataset, "units", row.units)
        put_text(dataset, "long_name", row.long_name)
    for row in oco.OCO3[2:]:
        out.variable(row, np.full(len(soundings), 30.0), ("sounding_id",))


def level_weight(levels: int) -> NDArray[Any]:
    """Weights of equal layers on their edges: half a share at both ends, sum 1."""
    weight = np.full(levels, 1.0 / (levels - 1))
    weight[[0, -1]] /= 2.0
    return weight
