"""Real granules through a whole study: four NIES GOSAT days, two ACOS GOSAT days, one OCO-2 Lite granule.

Data: set YAOTAN_TEST_DATA to a folder with `satellite/` and `geo/boundaries/` (default ../shared/data beside
the repository). The NIES files may not be redistributed; see the product pages for terms.
"""

import os
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

import yaotan

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve()
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))
provinces = {
    "path": str(data / "geo" / "boundaries" / "cn_province_tianditu_wgs84.geojson"),
    "source": "天地图 Tianditu",
}
place = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
satellite = data / "satellite"
# the OCO-2 granule lies over Pennsylvania: the report says of every province why it has none of its data
study = {
    "title": {"en": "Real granules of three products", "zh": "三种真实卫星产品"},
    "period": ["2009-09-01", "2018-11-30"],
    "inputs": [
        {"path": str(satellite / "nies_gosat_swir_l2")},
        {"path": str(satellite / "acos_lite")},
        {"path": str(satellite / "oco2_lite" / "oco2_LtCO2_160727_B99999r_sampledata.nc4")},
    ],
    "regions": provinces,
}
place.mkdir(parents=True, exist_ok=True)
(place / "study.yaml").write_text(yaml.safe_dump(study, allow_unicode=True), encoding="utf-8")
result = yaotan.run(place / "study.yaml")

table = pd.concat(map(pd.read_csv, sorted(result.folder.glob("columns/*_regions.csv"))))
print(table[table["count"] > 0][["product", "name", "time", "value", "uncertainty", "count"]].round(2))
losses = pd.read_csv(result.folder / "columns" / "losses.csv")
print(losses.groupby(["product", "unit", "reason"])["count"].sum())
print("report:", result.report)
