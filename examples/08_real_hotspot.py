"""Hot and cold spots of methane in two orbits over China, and what one day cannot show.

Data: set YAOTAN_TEST_DATA to a folder with `satellite/s5p_ch4_blended/` (default ../shared/data beside the
repository): blended TROPOMI and GOSAT methane (Balasus et al. 2023), 2 May 2018.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

import yaotan

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve()
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))
granules = sorted((data / "satellite" / "s5p_ch4_blended").glob("*china.nc"))
soundings = yaotan.open_soundings(granules).load()
excess = yaotan.enhancement(soundings, background=yaotan.background(soundings, method="along_track"))
print("soundings by status of the background:", excess.xch4_background.attrs["counted"])
spec = yaotan.GridSpec.regular(0.5, bounds=(73, 18, 136, 54))
grid = yaotan.grid_soundings(excess, spec, variables=["xch4_enhancement"]).compute()

found = {}
for null in ("independent", "correlated"):
    found[null] = yaotan.hot_spots(grid, variable="xch4_enhancement", distance=75e3, null=null)
    told = json.loads(found[null].attrs["hotspot"])[0]
    print(f"{null}: {told['hot']} hot and {told['cold']} cold of {told['cells']} cells")
print(f"correlation: {told['length'] / 1e3:.0f} km; share of null fields as striking: {told['anywhere']}")

flags = found["correlated"].hotspot.isel(time=0)
for row, column in np.argwhere(flags.values == 2):
    place = flags.isel(lat=row, lon=column)
    value = float(grid.xch4_enhancement.isel(time=0, lat=row, lon=column))
    print(f"cold: {float(place.lat):.2f} N {float(place.lon):.2f} E {value:+.0f} ppb")
# sources last, weather and errors of a surface do not: only several months could tell them apart
try:
    yaotan.column.persistence(found["correlated"])
except yaotan.YaotanError as error:
    print("persistence:", error)
