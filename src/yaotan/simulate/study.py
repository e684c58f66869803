"""A small study over made-up regions with known truth, written in the products' own layouts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import OutputError
from yaotan.io.atomic import output_error, replacing
from yaotan.simulate.field import Field, daily_wind
from yaotan.simulate.layout import (
    Retrieval,
    gmi_name,
    nies_gosat_name,
    oco2_lite_name,
    write_gmi,
    write_nies_gosat,
    write_oco2_lite,
)
from yaotan.simulate.plant import write_plants
from yaotan.simulate.province import simulate_provinces
from yaotan.simulate.region import region_features
from yaotan.simulate.scenery import Cloud
from yaotan.simulate.sensor import SENSORS, Sensor, World, observe_day
from yaotan.simulate.truth import describe_truth, month_days
from yaotan.typing import PathLike

#: west, south, east, north of the study [degrees]
BOUNDS: Final = (104.0, 22.0, 124.0, 42.0)
#: first line of a study file that this module may overwrite
_MARK: Final = "# Simulated study with known truth; made by yaotan, safe to delete."
_FILES: Final = ("panel.csv", "panel.yaml", "panel_truth.csv", "regions.geojson", "study.yaml", "truth.nc")
_NIES_VERSION: Final = "V02.97"


def simulate_study(
    folder: PathLike, seed: int = 0, *, start: str = "2020-03-01", months: int = 3, language: str = "en"
) -> Path:
    """Write a study whose truth is known.

    Parameters
    ----------
    folder : path-like
        Where to; made when absent.
    seed : int
        All randomness follows from it: equal arguments give equal files, bit for bit.
    start : str
        ISO date; the study begins on the first of its month.
    months : int
        Number of months, at least 1.
    language : str
        Language of the report, "en" or "zh".

    Returns
    -------
    pathlib.Path
        The study file. Beside it lie ``data/oco2`` (OCO-2 Lite v11.2), ``data/gosat`` (NIES GOSAT V02.97),
        ``data/gmi`` (GF-5B GMI, a made-up delivery), ``data/plume`` (images of two plants with their list,
        winds and true emissions), ``regions.geojson``, ``truth.nc``, and a panel of emissions by region and
        year with its description and truth (`yaotan.simulate.province`).

    Raises
    ------
    OutputError
        The folder holds a study or data that this function did not write, or cannot be written.

    Notes
    -----
    The columns are truth plus error: averaging kernels and priors are written but do not smooth the
    truth. Winds are one vector a day, plumes do not bend. Far from the region the tracks are thinned.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = simulate_study(folder, seed=1, months=1)
    ...     sorted(path.name for path in study.parent.iterdir())
    ['data', 'panel.csv', 'panel.yaml', 'panel_truth.csv', 'regions.geojson', 'study.yaml', 'truth.nc']
    """
    if months < 1:
        raise OutputError(f"a study of {months} months", where="simulate_study", expected="at least 1 month")
    folder = Path(folder)
    _refuse_foreign(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write(folder, int(seed), month_days(start, months), language)
    except OSError as error:
        raise output_error(error, folder) from error


def _refuse_foreign(folder: Path) -> None:
    study = folder / "study.yaml"
    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file", where=folder, expected="a folder", fix="give another name")
    ours = study.is_file() and study.read_text(encoding="utf-8", errors="replace").startswith(_MARK)
    taken = [name for name in ("data", *_FILES) if (folder / name).exists()]
    if taken and not ours:
        raise OutputError(
            f"already holds {taken[0]!r}, which is not of a simulated study",
            where=folder,
            fix="give another folder",
        )


def _write(folder: Path, seed: int, days: NDArray[np.datetime64], language: str) -> Path:
    world = make_world(seed, days)
    sensors = {name: sensor.drawn(seed) for name, sensor in SENSORS.items()}
    # the mark goes first: a killed run leaves a folder that may be overwritten
    study = folder / "study.yaml"
    with replacing(study) as temporary:
        Path(temporary).write_text(study_text(days, sensors, language), encoding="utf-8")
    shutil.rmtree(folder / "data", ignore_errors=True)
    for name, sensor in sensors.items():
        (folder / "data" / name).mkdir(parents=True)
        for day in days:
            soundings = observe_day(sensor, world, day)
            if soundings is not None:
                write_day(name, folder / "data" / name, soundings, day)
    write_plants(folder / "data" / "plume", seed, days)
    features = region_features()
    with replacing(folder / "regions.geojson") as temporary:
        Path(temporary).write_text(json.dumps(features, ensure_ascii=False, indent=1), encoding="utf-8")
    names = [tuple(item["properties"].values()) for item in features["features"]]
    simulate_provinces(seed, names=names, first=int(str(days[-1])[:4]) - 9).write(folder)
    truth = describe_truth(world, sensors, features, days)
    with replacing(folder / "truth.nc") as temporary:
        truth.to_netcdf(temporary, engine="h5netcdf")
    return study


def make_world(seed: int, days: NDArray[np.datetime64]) -> World:
    """Make what all sensors of a study share."""
    winds = {day: (float(u), float(v)) for day, (u, v) in zip(days, daily_wind(seed, days), strict=True)}
    return World(Field(), Cloud(seed), winds, BOUNDS, seed)


def write_day(name: str, folder: Path, soundings: Retrieval, day: np.datetime64) -> Path:
    """Write the soundings of one day in the layout of their product."""
    if name == "oco2":
        path = folder / oco2_lite_name(day)
    elif name == "gosat":
        path = folder / nies_gosat_name(day, version=_NIES_VERSION)
    else:
        middle = len(soundings) // 2
        place = float(soundings.latitude[middle]), float(soundings.longitude[middle])
        path = folder / gmi_name(day, *place, int(soundings.orbit[middle]))
    with replacing(path) as temporary:
        if name == "oco2":
            write_oco2_lite(temporary, soundings, deflate=4)
        elif name == "gosat":
            write_nies_gosat(temporary, soundings, version=_NIES_VERSION)
        else:
            write_gmi(temporary, soundings)
    return path


def study_text(days: NDArray[np.datetime64], sensors: dict[str, Sensor], language: str) -> str:
    """Write the study file: inputs with the 1 sigma of their bias, grid, regions, truth."""
    pattern = {"oco2": "*.nc4", "gosat": "*.h5", "gmi": "*.h5"}
    inputs = "\n".join(
        f"  - {{path: data/{name}/{pattern[name]}, "
        f"systematic: {sensor.errors.systematic}, trust_layout: true}}"
        for name, sensor in sensors.items()
    )
    west, south, east, north = BOUNDS
    return f"""{_MARK}
title:
  en: Simulated XCO2 over eastern China
  zh: 中国东部 XCO2 模拟研究
language: {language}
output: results
period: [{days[0]}, {days[-1]}]
region: [{west}, {south}, {east}, {north}]
inputs:
{inputs}
grid: {{resolution: 1.0, frequency: month}}
regions: {{path: regions.geojson, source: {{en: made up, zh: 虚构示例}}}}
contrasts: {{west_east: 112.0, zonal: 33.0, regions: [[east, west], [north, northwest]]}}
hotspots: {{products: [oco2_lite], draws: 99}}
claims:
  - {{a: east, b: west, text: {{en: The east is higher than the west, zh: 东部高于西部}}}}
  - {{a: east, b: west, at_least: 2.0}}
plumes:
  scenes: data/plume/*.nc
  sources: data/plume/plants.csv
  wind: data/plume/winds.csv
  gas: xco2
  mask_gas: no2
truth: truth.nc
emission:
  panel: panel.csv
  description: panel.yaml
  model: simulated_province
  truth: panel_truth.csv
"""
