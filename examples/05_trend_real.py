"""Growth of carbon dioxide at Mauna Loa, against NOAA's figures, and of the column over Hefei (trend.png).

Data: set YAOTAN_TEST_DATA to a folder with `satellite/tccon/` and `geo/timeseries/` (default ../shared/data
beside the repository). Mauna Loa: NOAA GML, free, cite as its heading says. Hefei: TCCON, its licence.
"""

import os
import sys
from pathlib import Path

import matplotlib
import numpy as np

import yaotan

matplotlib.use("Agg")
import matplotlib.pyplot as plt

default = Path(__file__).resolve().parents[2] / "shared" / "data"
data = Path(os.environ.get("YAOTAN_TEST_DATA") or default).resolve()
if not data.is_dir():
    sys.exit(print(f"no real data at {data}; set YAOTAN_TEST_DATA"))
# annual growth from 2010 as NOAA publishes it: co2_gr_mlo.csv of 14 March 2025 [ppm per year]
noaa = [2.30, 1.92, 2.65, 1.99, 2.17, 2.95, 3.03, 1.90, 2.85, 2.49, 2.30, 2.34, 1.83]
noaa = dict(enumerate(noaa, start=2010))

figure, axes = plt.subplots(2, 2, figsize=(9, 5.5), sharex="col")
mauna_loa, hefei = "geo/timeseries/co2_mm_mlo_noaa.csv", "satellite/tccon/TCCON_Hefei_12-14h_monthly.csv"
for name, path, column in (("Mauna Loa CO2", mauna_loa, axes[:, 0]), ("Hefei XCO2", hefei, axes[:, 1])):
    fit = yaotan.fit_trend(yaotan.open_soundings(data / path).load())
    cycle = yaotan.column.seasonal_cycle(fit).sel(year=slice(2016, None))
    print(f"{name}: amplitude {float(cycle.amplitude.mean()):.1f} ppm ({fit.attrs['time_placement']})")
    part = fit.sel(time=slice("2010", None))
    column[0].plot(part.time, part.value, ".", color="0.6", markersize=4)
    column[0].plot(part.time, part.smooth, part.time, part.trend, linewidth=1)
    column[0].set(title=name, ylabel="ppm")
    for method in ("filter", "endpoint"):
        rates = yaotan.growth(fit, method=method).sel(year=slice(2010, None))
        good = rates.isel(year=np.flatnonzero((rates.flag == 0).values))
        print(f"  {method}: mean of {good.sizes['year']} years {float(good.growth.mean()):.2f} ppm a year")
        if name.startswith("Mauna"):
            gap = [float(good.growth.sel(year=year)) - noaa[year] for year in good.year.values]
            print(f"  against NOAA: rms {np.sqrt(np.mean(np.square(gap))):.2f} ppm a year")
        middle = np.array([f"{year}-07-02" for year in good.year.values], "datetime64[ns]")
        column[1].errorbar(middle, good.growth, good.growth_uncertainty, fmt="o-", capsize=2, label=method)
    column[1].set(ylabel="ppm per year")
axes[1, 0].plot(
    np.array([f"{y}-07-02" for y in noaa], "datetime64[ns]"), list(noaa.values()), "kx", label="NOAA"
)
for panel in axes[1]:
    panel.legend(fontsize=8)
figure.autofmt_xdate()
figure.tight_layout()
figure.savefig("trend.png", dpi=110)
