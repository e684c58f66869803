"""Four real days of GOSAT over China and its surroundings to a filled map, and what the map is worth.

Data: set YAOTAN_TEST_DATA to a folder with `satellite/` and `geo/boundaries/` (default ../shared/data beside
the repository). NIES files may not be redistributed. Four days of one month hold no season, so the mean has
none.
"""

import os
import sys
from pathlib import Path

import yaotan

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve()
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))
granules = sorted((data / "satellite" / "nies_gosat_swir_l2").glob("*.h5"))
soundings = yaotan.open_soundings(granules, region=(60, 5, 150, 65))
print("soundings:", soundings.sizes["sounding"])

filler = yaotan.SpaceTimeKriging(yaotan.column.MeanModel(space=1, time=0, harmonics=0)).fit(soundings)
model = filler.model_
far, late = model.practical_ranges
print(f"variance of the field {model.sill:.2f} ppm2, of it micro-scale {model.micro:.2f}")
print(f"correlation down to 5 % at {far / 1e3:.0f} km and {late:.0f} days")
for scheme in ("observation", "overpass", "block"):
    found = yaotan.column.cross_validate(filler, scheme=scheme)
    print(
        f"leaving out each {scheme:<11} rmse {found.rmse:.2f} ppm, bias {found.bias:+.2f}, "
        f"inside 68 %: {found.coverage_68:.0%}, inside 95 %: {found.coverage_95:.0%}"
    )

# land of China only: the other cells are left out
land = yaotan.open_regions(data / "geo" / "boundaries" / "cn_province_tianditu_wgs84.geojson")
spec = yaotan.GridSpec.regular(1.0, bounds=(73, 3, 136, 54))
filled = filler.predict(spec, [("2018-11-02", "2018-11-24")], region=land).compute()
flags = filled["xco2_measured"]
print("cells measured:", int((flags == 1).sum()), "filled:", int((flags == 0).sum()))
print("1 sigma [ppm]:", filled["xco2_uncertainty"].quantile([0.05, 0.5, 0.95]).values.round(2))
