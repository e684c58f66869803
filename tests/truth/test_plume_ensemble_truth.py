"""The ensemble of plume methods: its stated error, its disagreement, and a batch of 1,000 scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import yaotan
from plume_ensemble_truth import run_ensembles
from plume_truth import score
from yaotan.recipes.plume import quantify_files
from yaotan.simulate.plume import PlumeSetting, simulate_plume

pytestmark = pytest.mark.truth


def test_stated_error_of_200_ensembles() -> None:
    found, chances = run_ensembles(range(3000, 3200))
    scored = score(found)
    # one standard error of a share of 200 is 3.3 %: 63 to 73 and 92 to 98 per cent, two of them wider
    assert 0.58 < scored["one"] < 0.80, scored
    assert 0.90 < scored["two"] < 0.995, scored
    assert scored["sigma"] < 1.5 * scored["rmse"], scored
    # methods that agree within their errors have chances that are even; a few outliers are real
    assert np.nanmean(chances < 0.05) < 0.2


def test_a_batch_of_1000_with_bad_scenes_goes_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    bad: dict[str, str] = {}
    winds = []
    for number in range(1000):
        setting = PlumeSetting(
            rate=1500.0, size=30, pixel=3000.0, place=(0.5, 0.5), direction=float(rng.uniform(0.0, 360.0))
        )
        scene, _ = simulate_plume(setting, number)
        time = np.datetime64("2020-01-01T11:00", "ns") + np.timedelta64(number * 3, "h")
        scene = scene.assign_coords(time=time)
        name = f"s{number:04d}.nc"
        speed = 5.0
        kind = ("damaged", "unit", "cloudy", "no_wind", "low_wind", "outside", "column")[number % 7]
        if number % 5 == 0:
            bad[name] = kind
            if kind == "unit":
                scene = scene.assign(xco2=scene.xco2.assign_attrs(units="K"))
            elif kind == "cloudy":
                scene = scene.assign(xco2=scene.xco2.where(False), no2=scene.no2.where(False))
            elif kind == "column":
                scene = scene.drop_vars(["xco2", "xco2_uncertainty"])
            elif kind == "outside":
                scene = scene.assign_coords(
                    latitude=scene.latitude - 40.0, latitude_corner=scene.latitude_corner - 40.0
                )
            elif kind == "low_wind":
                speed = 0.7
        if bad.get(name) != "no_wind":
            row = {"source": "P", "time": str(time)[:19], "wind_speed": speed}
            winds.append({**row, "wind_direction": setting.direction})
        if bad.get(name) == "damaged":
            (tmp_path / name).write_bytes(rng.bytes(100))
        else:
            scene.to_netcdf(tmp_path / name, engine="h5netcdf")
    pd.DataFrame(winds).to_csv(tmp_path / "wind.csv", index=False)
    plant = yaotan.plume.make_sources(["P"], [14.4], [51.8], diameter=100.0)
    made = quantify_files(
        [str(tmp_path / "s*.nc")],
        sources=plant,
        wind=tmp_path / "wind.csv",
        gas="xco2",
        mask_gas="no2",
        method=["gaussian"],
    )
    assert made.scenes == 1000
    failed = {name for name, kind in bad.items() if kind in ("damaged", "unit", "column")}
    assert set(made.failures["scene"]) == failed
    status = made.estimates.set_index("scene")["status"]
    for name, kind in bad.items():
        if kind in ("cloudy", "no_wind", "low_wind"):
            assert status[name] == kind
    assert made.outside >= sum(kind == "outside" for kind in bad.values())
    assert (status[[name for name in status.index if name not in bad]] == "estimated").all()
