"""`column_mass`: numbers by hand, each correction by itself, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from yaotan.errors import SchemaError, UnitsError, YaotanError
from yaotan.plume.mass import column_mass, normal_gravity


def scene(**more: object) -> xr.Dataset:
    image = ("y", "x")
    data = {
        "xco2": (image, np.full((2, 3), 410.0), {"units": "ppm"}),
        "surface_pressure": (image, np.full((2, 3), 1013.25), {"units": "hPa"}),
        "latitude": (image, np.full((2, 3), 45.0)),
        "longitude": (image, np.full((2, 3), 10.0)),
    }
    return xr.Dataset({**data, **more})


def factor(data: xr.Dataset, **options: object) -> float:
    made = column_mass(data, **options)
    return float(made[f"{made.attrs['plume_variable']}_mass_factor"][0, 0])


def test_one_ppm_over_sea_level() -> None:
    # p / (g M_air) M_co2 1e-6 = 101325 / (9.80665 x 0.0289647) x 0.0440095e-6 = 0.01570 kg m-2
    assert factor(scene(), gravity=False) == pytest.approx(0.01570, rel=5e-4)
    ppb = scene(xch4=(("y", "x"), np.full((2, 3), 1900.0), {"units": "ppb"}))
    assert factor(ppb, variable="xch4", gravity=False) == pytest.approx(5.72e-6, rel=5e-4)
    pascal = scene(surface_pressure=(("y", "x"), np.full((2, 3), 101325.0), {"units": "Pa"}))
    assert factor(pascal, gravity=False) == pytest.approx(0.01570, rel=5e-4)


def test_amounts_need_no_air() -> None:
    data = xr.Dataset({"no2": (("y", "x"), np.full((2, 3), 1e-4), {"units": "mol m-2"})})
    made = column_mass(data, kernel=1 / 1.27)
    assert float(made.no2_mass_factor[0, 0]) == pytest.approx(0.046005 * 1.27)
    assert made.attrs["mass_corrections"] == "kernel"
    assert column_mass(data).attrs["mass_uncertainty"] == pytest.approx(0.27)


@pytest.mark.parametrize(
    ("options", "relative"),
    [
        ({"water_vapour": 20.0}, -0.00194),  # 20 of 10332 kg m-2
        ({"water_vapour": 50.0}, -0.00484),
        ({"surface_pressure": 700.0}, 700 / 1013.25 - 1),
        ({"kernel": 0.9}, 1 / 0.9 - 1),
        ({"gravity": True}, 9.80665 / (9.80620 - 0.02253) - 1),
    ],
)
def test_each_correction_by_itself(options: dict[str, float], relative: float) -> None:
    changed = factor(scene(), **{"gravity": False, **options}) / factor(scene(), gravity=False) - 1
    assert changed == pytest.approx(relative, abs=2e-5)


def test_result_lists_what_was_and_was_not_corrected() -> None:
    wet = scene(total_column_water_vapour=(("y", "x"), np.full((2, 3), 30.0), {"units": "kg m-2"}))
    made = column_mass(wet)
    assert made.attrs["mass_corrections"] == "surface_pressure,water_vapour,gravity"
    assert made.attrs["mass_not_corrected"] == "kernel"
    dry = column_mass(wet, water_vapour=False, gravity=False, kernel=1.0)
    assert dry.attrs["mass_corrections"] == "surface_pressure,kernel"
    assert dry.attrs["mass_not_corrected"] == "water_vapour,gravity"
    assert dry.attrs["mass_uncertainty"] == pytest.approx(np.sqrt(0.002**2 + 0.0014**2 + 0.0015**2 + 0.01**2))


def test_kernel_is_the_mean_of_the_plume_layer() -> None:
    levels = np.array([1000.0, 950.0, 900.0, 500.0])
    kernel = np.array([0.8, 0.9, 1.0, 1.2])
    shape = (2, 3, 4)
    data = scene(
        xco2_averaging_kernel=(("y", "x", "level"), np.broadcast_to(kernel, shape)),
        pressure_level=(("y", "x", "level"), np.broadcast_to(levels, shape)),
    )
    # linear from 0.8 to 1.0 over 100 hPa: 0.9; over 50 hPa: 0.85
    assert factor(data) / factor(data, kernel="product") == pytest.approx(0.9)
    assert factor(data) / factor(data, kernel="product", plume_depth=50.0) == pytest.approx(0.85)
    edges = np.array([1000.0, 940.0, 700.0])
    layered = scene(
        xco2_averaging_kernel=(("y", "x", "layer"), np.broadcast_to([0.8, 1.1], (2, 3, 2))),
        pressure_edge=(("y", "x", "edge"), np.broadcast_to(edges, (2, 3, 3))),
    )
    assert factor(layered) / factor(layered, kernel="product") == pytest.approx(0.6 * 0.8 + 0.4 * 1.1)


@pytest.mark.parametrize(
    ("change", "options", "error", "word"),
    [
        ({}, {"variable": "xch4"}, SchemaError, "no column 'xch4'"),
        ({}, {"kernel": "product"}, SchemaError, "xco2_averaging_kernel"),
        ({}, {"surface_pressure": 101325.0}, YaotanError, "1100 hPa"),
        ({}, {"water_vapour": 500.0}, YaotanError, "0 to 100"),
        ({}, {"kernel": 0.0}, YaotanError, "kernel is 0"),
        ({"xco2": (("y", "x"), np.full((2, 3), 1.0), {"units": "furlong"})}, {}, UnitsError, "furlong"),
    ],
)
def test_what_is_refused(change: dict, options: dict, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        column_mass(scene(**change), **options)


def test_pressure_is_not_guessed() -> None:
    with pytest.raises(SchemaError, match="surface_pressure"):
        column_mass(scene().drop_vars("surface_pressure"))


def test_mean_height_of_air_is_that_of_the_standard_atmosphere() -> None:
    # US Standard Atmosphere 1976: mass-weighted mean temperature of its layers up to 47 km
    base, lapse = [0, 11e3, 20e3, 32e3, 47e3], [-6.5e-3, 0.0, 1e-3, 2.8e-3]
    temperature, pressure, mean = 288.15, 1.0, 0.0
    for low, high, slope in zip(base[:-1], base[1:], lapse, strict=True):
        z = np.linspace(low, high, 2001)
        t = temperature + slope * (z - low)
        p = pressure * np.exp(
            -np.concatenate([[0.0], np.cumsum(9.80665 / 287.053 * np.diff(z) / ((t[1:] + t[:-1]) / 2))])
        )
        mean += float((-(np.diff(p)) * (t[1:] + t[:-1]) / 2).sum())
        temperature, pressure = t[-1], p[-1]
    assert 287.053 * mean / 9.80665 == pytest.approx(7300.0, rel=0.01)
    assert normal_gravity(45.0, 7300.0) == pytest.approx(9.80620 - 0.02253, abs=2e-5)
