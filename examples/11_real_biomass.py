"""Biomass: honest scores of a model, what a map holds in carbon, and plots from their trees. Real data."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import rioxarray  # noqa: F401  (registers the accessor)
import xarray as xr

import yaotan

geo = Path(os.environ["YAOTAN_TEST_DATA"]) / "geo"

# 1. A model of biomass in Beijing, 1 km cells, from climate and soil: blocks of 20 km left out
cells = pd.read_csv(geo / "biomass" / "beijing_agbd_1km_points.csv")
known = cells.dropna(subset=["AGBD"]).iloc[::4]
model = yaotan.BiomassModel(block_size=20e3, trees=40).fit(
    known[["PAI", "H", "CC", "MAP", "MAT", "SOM", "TN"]],
    known["AGBD"],
    longitude=known["x"],
    latitude=known["y"],
)
for split, score in model.scores_.items():
    print(
        f"Beijing, {split:<7} r2 {score['r2']:5.2f}, rmse {score['rmse']:.1f} t/ha, bias {score['bias']:.1f}"
    )
print(f"90 % intervals hold {model.coverage_:.0%}; predictions end near {model.saturation_:.0f} t/ha,")
print(f"which {model.above_saturation_:.0%} of the cells exceed")
print(model.levels_.round(1).to_string(index=False))

# 2. Plots of the world with nothing but their place: random splits flatter
plots = pd.read_csv(geo / "biomass" / "agb_plots_plottomap.csv").iloc[::4]
place = {"longitude": plots["POINT_X"], "latitude": plots["POINT_Y"]}
for size in (100e3, 500e3):
    world = yaotan.BiomassModel(block_size=size, trees=40, implausible="drop").fit(
        pd.DataFrame(place), plots["AGB_T_HA"], **place
    )
    scores = {split: round(score["r2"], 2) for split, score in world.scores_.items()}
    print(f"world, blocks of {size / 1e3:.0f} km, r2: {scores}; dropped: {world.dropped_['implausible']}")

# 3. Carbon above the ground in Beijing from the map itself
lat, lon = (cells[axis].round(4).drop_duplicates().sort_values().to_numpy() for axis in ("y", "x"))
steps = [float(np.median(np.diff(axis))) for axis in (lat, lon)]
row = np.rint((lat.max() - cells["y"]) / steps[0]).astype(int)
column = np.rint((cells["x"] - lon.min()) / steps[1]).astype(int)
values = np.full((row.max() + 1, column.max() + 1), np.nan)
values[row, column] = cells["AGBD"]
axes = {
    "y": lat.max() - np.arange(values.shape[0]) * steps[0],
    "x": lon.min() + np.arange(values.shape[1]) * steps[1],
}
about = {"units": "Mg ha-1", "substance": "dry_matter"}
agb = xr.DataArray(values, coords=axes, dims=("y", "x"), name="agbd", attrs=about).rio.write_crs("EPSG:4326")
land = yaotan.open_raster(geo / "landcover" / "mcd12c1_2019_igbp_china.tif", product="mcd12c1")
provinces = yaotan.open_regions(geo / "boundaries" / "cn_province_tianditu_wgs84.geojson")
beijing = provinces[provinces["region_id"].astype(str) == "110000"]
below = yaotan.carbon.below_ground(agb, "mokany2006")
for fraction in (0.47, 0.50):
    stock = yaotan.carbon_stock(
        land,
        rasters={
            "c_above": yaotan.carbon.RasterPool(agb, "dry_matter", (fraction, 0.015), missing="zero"),
            "c_below": yaotan.carbon.RasterPool(below, "dry_matter", (fraction, 0.015), missing="zero"),
        },
        regions=beijing,
    )
    above, root = stock.pool_stock.values[0] / 1e9
    print(f"Beijing, carbon fraction {fraction}: {above:.2f} Tg C above, {root:.2f} below the ground")

# 4. A plot of one hectare of rain forest (Nouragues, French Guiana) from diameters, wood density and heights
trees = pd.read_csv(geo / "biomass" / "nouragues_plot_trees.csv")
print(yaotan.carbon.plot_biomass(trees, 1.0, stress=-0.1).round(1).to_string())
