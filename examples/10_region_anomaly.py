"""Key regions of China from a monthly grid to a table of anomalies: eleven simulated years, known truth.

Planted: growth with a curvature, a season, departures that last for months, cells that are not seen, and
2 ppm too much over the Yangtze River Delta in May to July 2021.
"""

import numpy as np
import pandas as pd
import shapely
import xarray as xr

import yaotan

random = np.random.default_rng(7)
lat, lon = np.arange(21.0, 44.0, 2.0), np.arange(105.0, 124.0, 2.0)
time = pd.date_range("2014-01", "2024-12", freq="MS")
year = (np.arange(time.size) + 0.5) / 12
field = 396 + 2.3 * year + 0.02 * year**2 + 3 * np.sin(2 * np.pi * year)
waves = [random.standard_normal(4)]  # departures of months: a plane and a ripple over the area
while len(waves) < time.size:
    waves.append(0.6 * waves[-1] + 0.8 * random.standard_normal(4))
y, x = np.meshgrid((lat - 32) / 12, (lon - 114) / 10, indexing="ij")
shapes = np.stack([np.ones_like(x), x, y, np.cos(3 * x) * np.cos(3 * y)])
values = field[:, None, None] + 0.3 * np.einsum("tk,kyx->tyx", np.array(waves), shapes)
values += random.normal(0, 0.8, values.shape)

regions = yaotan.open_regions("key_regions")
delta = regions.set_index("region_id").geometry["yangtze_delta"]
inside = shapely.intersects_xy(delta.buffer(1.0), *np.meshgrid(lon, lat))
values[(time >= "2021-05") & (time < "2021-08")] += 2.0 * inside
values[random.random(values.shape) < 0.3] = np.nan
grid = xr.Dataset(
    {
        "xco2": (("time", "lat", "lon"), values, {"units": "ppm"}),
        "xco2_uncertainty": (("time", "lat", "lon"), np.full_like(values, 0.8), {"units": "ppm"}),
    },
    {"time": time, "lat": lat, "lon": lon},
)

table = yaotan.zonal_statistics(grid, regions)
found = yaotan.anomaly(table, base=("2014", "2023"))
rows = yaotan.column.anomaly_table(found)
print("growth taken out [ppm per year]:", found.xco2_anomaly_growth.isel(time=60).values.round(1))
print(f"{len(rows)} months judged, by chance {rows.attrs['by_chance']:.0f} high or low")
print(rows.groupby("region_id").verdict.value_counts().unstack(fill_value=0))
picked = rows[(rows.region_id == "yangtze_delta") & (rows.time.dt.year == 2021)]
columns = ["time", "anomaly", "spread", "z", "years", "p", "verdict"]
print(picked[columns].to_string(index=False, float_format="%.3f"))
