"""Ground stations: TCCON, EM27/SUN and samples of air at one place, none of them with corners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from contract.netcdf import Item, store, write_netcdf
from contract.truth import Case, Expected, Truth

LEVELS = 12
#: molar mass of water over that of dry air
WATER = 18.01528 / 28.96546


def at_station(truth: Truth, step: str = "20m") -> Truth:
    """Put every sounding at its own station (so that regions can be tested), minutes apart."""
    spread = np.timedelta64(int(step[:-1]), "m") * np.arange(truth.count)
    start = np.datetime64("2019-03-31T18:00:00", "ns")
    return replace(truth, time=start + spread, good=np.ones(truth.count, dtype=bool))


def dry_weights(pressure: np.ndarray, surface: np.ndarray, h: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Dry-air weights of levels by brute force: many thin slabs, each shared out to its two levels."""
    weights = np.zeros_like(pressure)
    for row, levels in enumerate(pressure):
        up = levels[::-1]
        edges = np.linspace(0.0, surface[row], 200_001)
        middle = (edges[1:] + edges[:-1]) / 2
        slab = np.clip(np.searchsorted(up, middle) - 1, 0, up.size - 2)
        share = np.clip((middle - up[slab]) / (up[slab + 1] - up[slab]), 0.0, 1.0)
        gravity, water = np.interp(middle, up, g[row, ::-1]), np.interp(middle, up, h[row, ::-1])
        amount = 1.0 / (gravity * (1.0 + WATER * water))
        total = np.bincount(slab, amount * (1 - share), up.size)
        total += np.bincount(slab + 1, amount * share, up.size)
        weights[row] = total[::-1] / total.sum()
    return weights


def tccon(revision: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of a GGG2020 public file of a revision."""

    def write(path: Path, truth: Truth) -> Expected:
        truth = at_station(truth)
        n, z = ("time",), ("time", "prior_altitude")
        altitude = np.linspace(0.0, 70.0, LEVELS).astype("f4")
        pressure = 1040.0 * np.linspace(1.0, 0.0005, LEVELS) * np.ones((truth.count, 1))
        water = np.repeat(0.02 * np.linspace(1.0, 0.0, LEVELS)[None] ** 2, truth.count, axis=0)
        gravity = np.repeat(np.linspace(9.81, 9.6, LEVELS)[None], truth.count, axis=0)
        weight = np.repeat(np.linspace(2.0, 0.5, LEVELS)[None], truth.count, axis=0)
        weight /= weight.sum(axis=1, keepdims=True)
        if revision == "R0":
            weight = dry_weights(pressure, truth.surface_pressure, water / (1 - water), gravity)
        expected = {
            **truth.place(),
            "solar_zenith_angle": truth.solar_zenith_angle,
            "surface_pressure": truth.surface_pressure,
            "surface_altitude": truth.surface_altitude,
            "pressure_level": pressure,
            "pressure_weight": weight,
            "xco2_x2019": truth.column("xco2") + 0.25,
        }
        operator = weight / (1.0 - water) * 1.003  # the measured oxygen column is in it
        items: list[Item] = [
            ("time", truth.time.astype(np.int64) / 1e9, n, {"units": "seconds since 1970-01-01"}),
            ("prior_altitude", altitude, z[1:], {"units": "km"}),
            ("ak_altitude", altitude, ("ak_altitude",), {"units": "km"}),
            ("ak_pressure", pressure[0].astype("f4"), ("ak_altitude",), {"units": "hPa"}),
            ("lat", truth.latitude.astype("f4"), n, {"units": "degrees_north"}),
            ("long", truth.longitude.astype("f4"), n, {"units": "degrees_east"}),
            ("zobs", (truth.surface_altitude / 1000).astype("f4"), n, {"units": "km"}),
            ("solzen", truth.solar_zenith_angle.astype("f4"), n, {"units": "degrees"}),
            ("pout", truth.surface_pressure.astype("f4"), n, {"units": "hPa"}),
            ("prior_pressure", (pressure / 1013.25).astype("f4"), z, {"units": "atm"}),
            ("prior_h2o", water.astype("f4"), z, {"units": "1"}),
            ("prior_gravity", gravity.astype("f4"), z, {"units": "m.s-2"}),
            ("integration_operator", operator.astype("f4"), z, {"units": "1"}),
            ("xluft", np.ones(truth.count, "f4"), n, {"units": "1"}),
            ("xco2_x2019", store(expected["xco2_x2019"], "f4"), n, {"units": "ppm", "_FillValue": np.nan}),
        ]
        for name in ("xco2", "xch4", "xn2o", "xco"):
            items += _tccon_gas(truth, name, water, expected)
        attributes = {
            "source": "Products retrieved from solar absorption spectra using the GGG2020 software",
            "description": "left over from Park Falls",
            "title": "... that are part of the Total Carbon Column Observing Network",
            "long_name": "xianghe01",
            "data_revision": revision,
            "data_doi": f"10.14291/tccon.ggg2020.xianghe01.{revision}",
            "file_format_version": "2020.C",
        }
        write_netcdf(path, items, attributes)
        return expected

    return write


def _tccon_gas(truth: Truth, name: str, water: np.ndarray, expected: Expected) -> list[Item]:
    """Column, error, prior and kernel of a gas; methane as column in ppm and as profile in ppb."""
    gas, unit = name[1:], "ppm" if name in ("xco2", "xch4") else "ppb"
    scale = 1e-3 if name == "xch4" else 1.0
    values, kernel = truth.column(name), truth.kernel(name, LEVELS)
    profile = truth.profile(name, LEVELS)
    flag = np.zeros(truth.count, "i1")
    flag[[2, 4, 6]] = [-1, 2, -2]
    expected |= {
        name: values,
        f"{name}_uncertainty": truth.uncertainty(name),
        f"{name}_prior": truth.column(name) * 0.99,
        f"{gas}_prior_profile": profile,
        f"{name}_averaging_kernel": np.where((np.abs(flag) == 2)[:, None], np.nan, kernel),
    }
    own = {"units": unit, "_FillValue": np.nan}
    z = ("time", "prior_altitude")
    return [
        (name, store(values * scale, "f4"), ("time",), own),
        (f"{name}_error", store(expected[f"{name}_uncertainty"] * scale, "f4"), ("time",), own),
        (f"prior_{name}", store(expected[f"{name}_prior"] * scale, "f4"), ("time",), own),
        (f"prior_{gas}", store(profile * (1 - water), "f4"), z, {"units": "ppm" if gas == "co2" else "ppb"}),
        (f"ak_{name}", store(kernel, "f4"), ("time", "ak_altitude"), {"units": "1"}),
        (f"extrapolation_flags_ak_{name}", flag, ("time",), {}),
    ]


def write_ggg2014(path: Path, truth: Truth) -> Expected:
    """As a GGG2014 public file: units in the names, days since 1970, one table of kernels for all spectra."""
    truth = at_station(truth)
    n, table = ("time",), ("ak_P_hPa", "ak_zenith")
    own = {"missing_value": np.float32(-1e38)}
    pressure = np.linspace(1010.0, 0.05, LEVELS)
    angles = np.arange(10.0, 90.0, 5.0)
    slope = np.linspace(1.0, 0.2, LEVELS)
    zenith = truth.solar_zenith_angle
    expected = {
        **truth.place(),
        "solar_zenith_angle": zenith,
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
        "pressure_level": np.repeat(pressure[None], truth.count, axis=0),
    }
    days = (truth.time - np.datetime64("1970-01-01", "ns")) / np.timedelta64(1, "D")
    items: list[Item] = [
        ("time", days, n, {}),
        ("year", np.full(truth.count, 2019, "i4"), n, {}),
        ("lat_deg", truth.latitude.astype("f4"), n, {**own, "units": "deg"}),
        ("long_deg", truth.longitude.astype("f4"), n, {**own, "units": "deg"}),
        ("asza_deg", zenith.astype("f4"), n, {**own, "units": "deg"}),
        ("pout_hPa", truth.surface_pressure.astype("f4"), n, {**own, "units": "hPa"}),
        ("zobs_km", (truth.surface_altitude / 1000).astype("f4"), n, {**own, "units": "km"}),
        ("ak_P_hPa", pressure.astype("f4"), table[:1], {}),
        ("ak_zenith", angles.astype("f4"), table[1:], {}),
    ]
    for name, native, scale in (
        ("xco2", "xco2_ppm", 1.0),
        ("xch4", "xch4_ppm", 1e-3),
        ("xco", "xco_ppb", 1.0),
    ):
        values, error = truth.column(name), truth.uncertainty(name)
        kernel = 1.0 + slope[None] * zenith[:, None] / 100.0
        missing = ~np.isfinite(values) | (zenith < angles[0])
        expected |= {
            name: values,
            f"{name}_uncertainty": error,
            f"{name}_averaging_kernel": np.where(missing[:, None], np.nan, kernel),
        }
        items += [
            (native, store(values * scale, "f4", -1e38), n, own),
            (f"{native}_error", store(error * scale, "f4", -1e38), n, own),
            (f"ak_{name[1:]}", (1.0 + slope[:, None] * angles / 100.0).astype("f4"), table, own),
        ]
    write_netcdf(path, items, {"longName": "xianghe01"}, format="NETCDF3_CLASSIC")
    return expected


def write_coccon(path: Path, truth: Truth) -> Expected:
    """As PROFFASTpylot 2.4.1: hPa called Pa, km called m, radian called degree; 0 and -900000 are missing."""
    truth = at_station(truth, "9m")
    n, z, fill = ("time",), ("time_prior", "height_prior"), -900000.0
    altitude = np.linspace(100.0, 75000.0, LEVELS)
    angles = np.linspace(0.0, 1.484, 15)  # radian
    water = 0.02 * np.linspace(1.0, 0.0, LEVELS) ** 2
    expected = {
        **truth.place(),
        "solar_zenith_angle": truth.solar_zenith_angle,
        "surface_pressure": truth.surface_pressure,
        "surface_altitude": truth.surface_altitude,
        "altitude_level": np.repeat(altitude[None], truth.count, axis=0),
    }
    days = (truth.time - np.datetime64("1990-01-01", "ns")) / np.timedelta64(1, "D")
    own = {"_FillValue": fill}
    items: list[Item] = [
        ("time", days, n, {**own, "units": "days since 1990-01-01 00:00:00"}),
        ("lat", truth.latitude, n, {**own, "units": "degrees_north"}),
        ("lon", truth.longitude, n, {**own, "units": "degrees_east"}),
        ("height", truth.surface_altitude, n, {**own, "units": "m"}),
        ("sza", truth.solar_zenith_angle, n, {**own, "units": "degree"}),
        ("pres", truth.surface_pressure, n, {**own, "units": "Pa"}),
        ("XAIR", np.ones(truth.count), n, {**own, "units": "1"}),
        ("height_prior", altitude / 1000.0, z[1:], {**own, "units": "m"}),
        ("sza_avk", angles, ("sza_avk",), {**own, "units": "degree"}),
        ("H2O_prior", water[None], z, {**own, "units": "1"}),
    ]
    for name, unit in (("xco2", 1e-6), ("xch4", 1e-9), ("xco", 1e-9)):
        gas, values = name[1:], truth.column(name)
        if gas == "co":
            values[:] = np.nan
        # a kernel that is linear in the angle, so that interpolation gives it back
        slope = np.linspace(1.0, 0.2, LEVELS)
        table = 1.0 + slope[:, None] * angles[None, :]
        kernel = 1.0 + slope[None, :] * np.radians(truth.solar_zenith_angle)[:, None]
        profile = truth.profile(name, LEVELS)[0]
        missing = 0.0 if gas == "co" else fill
        expected |= {
            name: values,
            f"{gas}_prior_profile": np.repeat(profile[None], truth.count, axis=0),
            f"{name}_averaging_kernel": np.where(np.isfinite(values)[:, None], kernel, np.nan),
        }
        items += [
            (name.upper(), store(values * unit, "f8", missing), n, {**own, "units": "1"}),
            (f"{gas.upper()}_prior", (profile * unit * (1 - water))[None], z, {**own, "units": "1"}),
            (f"{name.upper()}_avk", table[None], (*z, "sza_avk"), {**own, "units": "1"}),
        ]
    attributes = {
        "comment": "Raw data recorded with Bruker EM27/SUN; Retrival with PROFFAST",
        "history": "netCDF generated with PROFFASTpylot",
    }
    write_netcdf(path, items, attributes)
    return expected


def obspack(gas: str, unit: str) -> Callable[[Path, Truth], Expected]:
    """Make the writer of an ObsPack file: flags of three letters, two heights at each time, some rejected."""

    def write(path: Path, truth: Truth) -> Expected:
        time = np.repeat(at_station(truth).time[::2], 2)  # two inlets at one time and place
        truth = replace(
            truth,
            time=time,
            latitude=np.repeat(truth.latitude[::2], 2),
            longitude=np.repeat(truth.longitude[::2], 2),
        )
        n, scale = ("obs",), {"mol mol-1": 1e9, "nanomol mol-1": 1.0, "micromol mol-1": 1.0}[unit]
        flags = np.where(truth.good, np.where(truth.land, "...", "..P"), "C..")
        texts = np.array([[letter.encode() for letter in text.ljust(10, chr(0))] for text in flags], "S1")
        height = np.tile([22.0, 100.0], truth.count // 2)
        name = f"{gas}_mole_fraction"
        values = truth.column(f"x{gas}")
        uncertainty = truth.uncertainty(f"x{gas}")
        own = {"units": unit, "_FillValue": np.float32(-999.999)}
        metres = {"units": "m", "_FillValue": np.float32(-999.999)}
        items: list[Item] = [
            (
                "time",
                time.astype("datetime64[s]").astype("i4"),
                n,
                {"units": "seconds since 1970-01-01T00:00:00Z"},
            ),
            ("time_decimal", np.full(truth.count, 2019.25), n, {}),
            ("value", store(values / scale, "f4", -999.999), n, own),
            ("value_unc", store(uncertainty / scale, "f4", -999.999), n, own),
            ("nvalue", np.full(truth.count, 12, "i4"), n, {}),
            ("latitude", truth.latitude.astype("f4"), n, {"units": "degrees_north"}),
            ("longitude", truth.longitude.astype("f4"), n, {"units": "degrees_east"}),
            ("altitude", (height + 1584.0).astype("f4"), n, metres),
            ("elevation", np.full(truth.count, 1584.0, "f4"), n, metres),
            ("intake_height", height.astype("f4"), n, metres),
            ("qcflag", texts, ("obs", "string_of_10chars"), {}),
            ("obs_num", np.arange(1, truth.count + 1, dtype="i4"), n, {}),
            ("obspack_num", np.arange(truth.count, dtype="i4") + 2218018, n, {}),
        ]
        attributes = {
            "site_code": "BAO",
            "dataset_parameter": gas,
            "dataset_name": f"{gas}_bao_tower-insitu_1_ccgg_all",
            "obspack_name": f"obspack_{gas}_1_GLOBALVIEWplus_v2.0_2020-04-24",
        }
        write_netcdf(path, items, attributes)
        return {
            **truth.place(),
            name: values,
            f"{name}_uncertainty": uncertainty,
            "sampling_altitude": height + 1584.0,
            "sampling_height": height,
            "surface_altitude": np.full(truth.count, 1584.0),
        }

    return write


CASES = [
    Case(
        "tccon_ggg2020", tccon("R0"), "xh20190331_20190401.public.qc.nc", "2020.R0", note="R0", relative=2e-5
    ),
    Case(
        "tccon_ggg2020", tccon("R1"), "xh20190331_20190402.public.qc.nc", "2020.R1", note="R1", relative=2e-6
    ),
    Case("tccon_ggg2014", write_ggg2014, "xh20190331_20190401.public.nc", ""),
    Case("coccon", write_coccon, "COCCON_mc_SN115_2019-03-31.nc", ""),
    Case("obspack", obspack("ch4", "mol mol-1"), "ch4_bao_tower-insitu_1_ccgg_all.nc", "2.0", note="ch4"),
    Case(
        "obspack", obspack("co2", "micromol mol-1"), "co2_bao_tower-insitu_1_ccgg_all.nc", "2.0", note="co2"
    ),
    Case("obspack", obspack("co", "nanomol mol-1"), "co_bao_tower-insitu_1_ccgg_all.nc", "2.0", note="co"),
]
