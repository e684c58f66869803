"""OCO-2 against five East Asian TCCON sites: 740 matched soundings to bias, scatter and their intervals.

Data: set YAOTAN_TEST_DATA to a folder with `satellite/` (default ../shared/data beside the repository). The
table (MATLAB) holds no coordinates of the soundings, no stated errors and no kernels: each sounding is put at
its site, and the columns are compared as they are.
"""

import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.io
import xarray as xr

import yaotan
from yaotan.column.validation.validation import score_table

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve()
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))
matched = scipy.io.loadmat(data / "satellite" / "oco2_derived" / "full_site_aggragate_data.mat")
rows = matched["full_site_data"]
# columns, from 1: 1 L2Std, 2 TCCON, 6 sounding id (YYYYMMDDhhmmss, footprint), 42 Lite (corrected), 47 site
time = pd.to_datetime((rows[:, 5].astype(np.int64) // 100).astype(str), format="%Y%m%d%H%M%S").values
sites = {
    1: ("Xianghe", 39.80, 116.96),
    2: ("Saga", 33.24, 130.29),
    3: ("Hefei", 31.90, 117.17),
    4: ("Tsukuba", 36.05, 140.12),
    5: ("Rikubetsu", 43.46, 143.77),
}
place = np.array([sites[int(code)][1:] for code in rows[:, 46]])


def table(values: np.ndarray, keep: np.ndarray, platform: str) -> xr.Dataset:
    columns = {"time": time, "latitude": place[:, 0], "longitude": place[:, 1], "xco2": values}
    made = xr.Dataset({name: ("sounding", column[keep]) for name, column in columns.items()})
    made["xco2"].attrs["units"] = "ppm"
    return made.assign_attrs(platform=platform, product=platform)


stations = {
    name: table(rows[:, 1], rows[:, 46] == code, "TCCON ground station") for code, (name, *_) in sites.items()
}
everything = np.ones(len(rows), bool)
pairs = yaotan.collocate(table(rows[:, 41], everything, "OCO-2 Lite"), stations, kernel="none")
scores = yaotan.validate(pairs)
raw = yaotan.validate(yaotan.collocate(table(rows[:, 0], everything, "OCO-2 L2Std"), stations, kernel="none"))
columns = [
    "station",
    "pairs",
    "bias",
    "bias_lower",
    "bias_upper",
    "scatter",
    "scatter_lower",
    "scatter_upper",
]
for title, result in (("Lite, bias corrected [ppm]", scores), ("L2Std, as retrieved [ppm]", raw)):
    print(title)
    print(score_table(result)[columns].round(2).to_string(index=False))
    spread = [float(result[f"station_spread{end}"]) for end in ("", "_lower", "_upper")]
    drift = [float(result[f"mean_drift{end}"]) for end in ("", "_lower", "_upper")]
    print("station to station {:.2f} [{:.2f}, {:.2f}] ppm".format(*spread))
    print("drift {:+.2f} [{:+.2f}, {:+.2f}] ppm per year".format(*drift))
