"""What stands out over Los Angeles in four months of OCO-2, and what the choice of the background does to it.

Data: set YAOTAN_TEST_DATA to a folder with `satellite/oco2_lite/` (default ../shared/data beside the
repository). The file (NASA/JPL, open) states no error of single soundings: their scatter about the background
stands in for it.
"""

import os
import sys
from pathlib import Path

import numpy as np

import yaotan

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve()
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))
granule = data / "satellite" / "oco2_lite" / "OCO2LtCO2v9_L2_20140905_000000_20141231_235959.nc"
soundings = yaotan.open_soundings(granule, region=(-121, 31.5, -114, 37.5)).load()

lat, lon = soundings.latitude.values, soundings.longitude.values
basin = (lat > 33.6) & (lat < 34.4) & (lon > -118.7) & (lon < -117.1)
day = soundings.time.values.astype("datetime64[D]")
found = {}
for method, options in (("regional", {}), ("along_track", {"near": 40e3})):
    near = yaotan.background(soundings, method=method, **options)
    found[method] = yaotan.enhancement(soundings, background=near)
    excess = found[method].xco2_enhancement.values
    score = found[method].xco2_enhancement_significance.values
    print(f"{method}: {near.xco2_background.attrs['counted']}")
    for name, part in (("Los Angeles", basin), ("elsewhere", ~basin)):
        known = part & np.isfinite(score)
        print(
            f"  {name:<11} {known.sum():>6} soundings, median {np.median(excess[known]):+.2f} ppm, "
            f"{np.mean(score[known] > 2):.1%} above 2 sigma"
        )
print("biased:", found["regional"].xco2_background.attrs["bias"])

# days that aim at the city see little else: there no background is clean, and none is made up
for one in np.unique(day[basin]):
    part = basin & (day == one)
    seen = found["along_track"].xco2_enhancement.values[part]
    known = np.isfinite(seen)
    told = f"{np.median(seen[known]):+.2f} ppm" if known.any() else "no clean track"
    print(f"  {one} {part.sum():>5} soundings in the basin, {(day == one).sum():>5} in all: {told}")
