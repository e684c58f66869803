"""Peaks of OCO-2 tracks (2014 to 2020) to emissions, beside those that another group states for them.

Data: set YAOTAN_TEST_DATA to a folder with `plume/` (default ../shared/data beside the repository).
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import yaotan
from yaotan.plume.estimate import CALM

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve() / "plume"
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))

peaks = pd.read_csv(data / "oco2_track_peaks.csv.gz")
soundings = xr.Dataset(
    {
        "xco2": ("sounding", peaks["intercept"], {"units": "ppm"}),
        "latitude": ("sounding", peaks["latitude"]),
        "surface_pressure": ("sounding", peaks["surface_pressure"], {"units": "hPa"}),
        "total_column_water_vapour": ("sounding", peaks["tcwv"]),
    }
)
# the area of the fitted peak [ppm km], times the mass of the column, is the mass in a metre of the plume
mass = yaotan.column_mass(soundings)
density = peaks["amplitude"] * 1e3 * mass.xco2_mass_factor.values
# the ground track of an orbit of 98.2 degrees, the Earth turning under it
lat = np.radians(peaks["latitude"])
heading = np.arcsin(np.clip(np.cos(np.radians(98.2)) / np.cos(lat), -1.0, 1.0))
east, north = 6750.0 * np.sin(heading) - 465.0 * np.cos(lat), 6750.0 * np.cos(heading)
across = np.abs(east * peaks["windspeed_v"] - north * peaks["windspeed_u"]) / np.hypot(east, north)
speed = np.hypot(peaks["windspeed_u"], peaks["windspeed_v"])

oblique, calm = across / speed < 0.4, speed < CALM
good = ~oblique & ~calm
emission = (density * across)[good]
ratio = (peaks["gCO2_per_s"] / 1e3)[good] / emission
print(f"{len(peaks)} peaks: {oblique.sum()} too oblique, {calm.sum()} in calm air, {good.sum()} left")
print(f"corrected for: {mass.attrs['mass_corrections']}")
print(f"median {emission.median():.0f} kg/s, middle half {emission.quantile(0.25):.0f} to ", end="")
print(f"{emission.quantile(0.75):.0f}; stated over ours: median {ratio.median():.3f}, middle half ", end="")
print(f"{ratio.quantile(0.25):.2f} to {ratio.quantile(0.75):.2f}")
for low, high in ((1.0, 3.0), (3.0, 6.0), (6.0, 30.0)):
    some = emission[(speed[good] >= low) & (speed[good] < high)]
    print(f"  wind {low:g} to {high:g} m/s: {len(some)} peaks, median {some.median():.0f} kg/s")
