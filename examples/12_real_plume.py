"""Matimba and Medupi (South Africa), 25 July 2021: TROPOMI NO2 and ERA5 to an emission with its error.

Data: set YAOTAN_TEST_DATA to a folder with `plume/` (default ../shared/data beside the repository).
"""

import os
import sys
from pathlib import Path

import yaotan
from yaotan.plume.detection import plume_features
from yaotan.plume.estimate import meanings

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve() / "plume"
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))

scene = yaotan.open_scene(data / "tropomi_no2_matimba_20210725.nc").load()
winds = yaotan.open_wind(data / "era5_matimba_20210725.nc").load()
# two plants 6 km apart, less than a pixel and a half: one source as wide as both
plants = yaotan.plume.make_sources(["MM"], [27.59], [-23.69], name=["Matimba and Medupi"], diameter=8e3)

wind = yaotan.plume.effective_wind(winds, plants, scene.time.values[0])
one = wind["MM"]
print(f"wind {one.speed:.1f} m/s from {one.direction:.0f} degrees ({one.height})")
print("  " + ", ".join(f"{name} {abs(complex(*pair)):.1f}" for name, pair in one.choices.items()) + " m/s")

# the retrieval's profile is not that of a plume: 1.27 is the ratio of air mass factors in ddeq's tutorial
massed = yaotan.column_mass(scene, variable="no2", kernel=1 / 1.27)
found = yaotan.detect_plumes(massed, plants)
print(plume_features(found)[["sources", "pixels", "greatest_z"]].to_string(index=False))

for method in ("cross_section", "gaussian", "ime", "light_cross_section"):
    made = yaotan.estimate_point_source(found, plants, wind, method=method, length=60e3, lifetime=4 * 3600.0)
    terms = {str(name)[21:]: round(float(made[name][0]), 2) for name in made if "uncertainty_" in str(name)}
    value, sigma = float(made.emission[0]), float(made.emission_uncertainty[0])
    print(f"{method:20s} NO2 {value:.2f} +- {sigma:.2f} kg/s {meanings(made)[1][0]} {terms}")
