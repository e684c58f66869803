"""Images of two made-up plants for a study: CO2 and NO2, list of sources, winds, true emissions."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.io.atomic import replacing
from yaotan.simulate.plume import PlumeSetting, simulate_plume

#: identifier, names, longitude, latitude [degrees], mean emission [kg s-1]
PLANTS: Final = (
    ("A", "Plant A", "示例电厂甲", 114.2, 37.4, 1100.0),
    ("B", "Plant B", "示例电厂乙", 118.3, 32.6, 500.0),
)
#: images are of noon, local time [h UTC]
_HOUR: Final = 5
#: errors of the winds that are given [m s-1, degree]
WIND_ERROR: Final = (1.0, 10.0)
_SETTING: Final = PlumeSetting(
    size=56, noise=0.5, turbulence=0.1, rate_variation=0.1, structure=0.15, cloud=0.1, place=(0.5, 0.5)
)


def write_plants(folder: Path, seed: int, days: NDArray[np.datetime64]) -> None:
    """Write images of every plant, one in each month, and what goes with them.

    Parameters
    ----------
    folder : pathlib.Path
        Made when absent.
    seed : int
        Of everything random.
    days : numpy.ndarray
        Days of the study.

    Notes
    -----
    ``<plant>_<date>.nc`` (images in the names of this package), ``plants.csv``, ``winds.csv`` (with the
    errors of `WIND_ERROR`), ``truth.csv`` (emission over the travel of the plume, kg s-1).
    """
    folder.mkdir(parents=True)
    months = np.unique(days.astype("datetime64[M]"))
    winds: list[dict[str, Any]] = []
    truths: list[dict[str, Any]] = []
    for place, (source, _, _, lon, lat, rate) in enumerate(PLANTS):
        for number, month in enumerate(months):
            rng = np.random.default_rng([seed, place, number])
            day = rng.choice(days[days.astype("datetime64[M]") == month])
            time = day.astype("datetime64[ns]") + np.timedelta64(_HOUR, "h")
            setting = replace(
                _SETTING,
                rate=rate,
                speed=float(rng.uniform(3.5, 7.0)),
                direction=float(rng.uniform(0.0, 360.0)),
                longitude=lon,
                latitude=lat,
            )
            scene, truth = simulate_plume(setting, int(rng.integers(2**31)))
            scene = scene.assign_coords(time=time)
            with replacing(folder / f"{source}_{str(day).replace('-', '')}.nc") as temporary:
                scene.to_netcdf(temporary, engine="h5netcdf")
            key = {"source": source, "time": str(time)[:19]}
            speed, direction = rng.normal((truth.speed, truth.direction), WIND_ERROR)
            winds.append(
                {
                    **key,
                    "wind_speed": round(max(float(speed), 0.0), 2),
                    "wind_direction": round(float(direction) % 360.0, 1),
                    "wind_speed_uncertainty": WIND_ERROR[0],
                    "wind_direction_uncertainty": WIND_ERROR[1],
                }
            )
            truths.append({**key, "emission": round(truth.rate, 2)})
    listed = [
        {"source": source, "name": name, "name_zh": zh, "longitude": lon, "latitude": lat, "diameter": 200.0}
        for source, name, zh, lon, lat, _ in PLANTS
    ]
    for name, rows in (("plants", listed), ("winds", winds), ("truth", truths)):
        _write_rows(folder / f"{name}.csv", rows)


def _write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    with replacing(path) as temporary, Path(temporary).open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
