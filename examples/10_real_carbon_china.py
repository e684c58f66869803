"""Carbon stocks of China and its provinces from real maps, beside published totals, and why they differ.

Land cover: MODIS IGBP 2019 (0.05 degrees). Soil: Sanderman et al. 2017. Biomass: Yang et al. 2022 (forest),
Ma et al. 2016 (grassland). Nothing is fitted to the totals that it is compared with.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

import yaotan
from yaotan.carbon.overlay import land_histogram
from yaotan.carbon.reconciliation import waterfall

geo = Path(os.environ["YAOTAN_TEST_DATA"]) / "geo"
provinces = yaotan.open_regions(geo / "boundaries" / "cn_province_tianditu_wgs84.geojson")
land = yaotan.open_raster(geo / "landcover" / "mcd12c1_2019_igbp_china.tif", product="mcd12c1")
soils = {
    f"soil_{depth}cm": yaotan.open_raster(
        geo / "soil" / f"socs_0_{depth}cm_2010_china_10km.tif", product=f"soc_debt_0_{depth}cm"
    )
    for depth in (30, 100)
}
pixels = land_histogram(land, regions=provinces, densities=soils)

# Densities of biomass [t C/ha]. Woody savanna (8) counts as forest, savanna (9) as grassland: a choice. Four
# maps of Chinese forest biomass differ by 35 per cent of their mean (Sci Data 2024, table 3). No source here
# speaks of shrubland (6, 7: below 1 per cent of the land): it gets the numbers of grassland. Crops count for
# nothing, as in Xu et al. 2018.
GROUPS = {
    "forest": (1, 2, 3, 4, 5, 8),
    "shrub": (6, 7),
    "grass": (9, 10),
    "crop": (12, 14),
    "other": (0, 11, 13, 15, 16),
}
NONE, HERB = (0.0, 0.0), (0.83, 4.18)
DENSITY = {"forest": (45.8, 0.0), "shrub": HERB, "grass": HERB, "crop": NONE, "other": NONE}
rows = [
    (code, pool, DENSITY[group][k], 0.35 * DENSITY[group][k] if group == "forest" else None)
    for group, codes in GROUPS.items()
    for code in codes
    for k, pool in enumerate(("c_above", "c_below"))
]
pools = yaotan.carbon.open_pools(
    pd.DataFrame(rows, columns=["class", "pool", "value", "sd"]), scheme="igbp", units="t ha-1"
)
stocks = {}
for depth in (30, 100):
    soil = yaotan.carbon.RasterPool(f"soil_{depth}cm", depth=depth / 100, missing="class_mean")
    stocks[depth] = yaotan.carbon_stock(pixels, pools, rasters={"c_soil": soil})
biomass = yaotan.carbon_stock(pixels, pools)

stock = stocks[100]
low, mid, high = (float(stock[f"stock{end}"].sel(region="*")) / 1e12 for end in ("_lower", "", "_upper"))
print(f"China: {mid:.1f} Pg C ({low:.1f} to {high:.1f}); without the errors of the soil map and of grassland")
for name, value in zip(stock.region_name.values[:-1], stock.stock.values[:-1], strict=True):
    print(f"  {name!s:<24} {value / 1e12:6.2f} Pg C")


def by_group(result):
    whole = result.sel(region="*")
    return np.array([float(whole.class_stock.sel({"class": list(GROUPS[g])}).sum()) for g in FOUR])


FOUR = ("forest", "shrub", "grass", "crop")
table = pd.DataFrame({"ours": by_group(stock) / 1e12}, index=FOUR)
table["Xu 2018"], table["Tang 2018"] = [34.08, 7.42, 25.69, 15.17], [30.83, 6.69, 25.40, 16.32]
print(table.round(2).to_string())
print(f"all land: ours {mid:.1f}, Xu 99.15 ± 8.71; the four: ours {table.ours.sum():.1f}, Tang 79.24 ± 2.42")

# Why. Areas of Tang et al. as recalled, for their paper could not be opened (188.2, 74.3, 281.3, 171.3 Mha:
# they imply 90 t C/ha of grassland, Ma et al. have 87). What they call shrubland the map shows as savanna.
whole = stock.class_area.sel(region="*")
area = np.array([float(whole.sel({"class": list(GROUPS[group])}).sum()) for group in FOUR])
savanna = float(whole.sel({"class": 9}))
areas = np.array([188.2, 74.3, 281.3, 171.3]) * 1e10
plants = by_group(biomass) / area
for depth in (100, 30):
    soil = by_group(stocks[depth]) / area - plants
    deeper = (by_group(stocks[100]) / area - plants) / soil
    ours = pd.DataFrame({"class": FOUR, "area": area, "biomass": plants, "soil": soil, "depth": 1.0})
    theirs = pd.DataFrame(
        {
            "class": FOUR,
            "area": areas,
            "definition": [1.0, 1 + savanna / area[1], 1 - savanna / area[2], 1.0],
            "soil": (table["Tang 2018"].to_numpy() * 1e12 / areas - plants) / deeper,
            "depth": deeper,
        }
    )
    split = yaotan.carbon.reconcile_stock(ours, theirs)
    print(f"from ours with soil to {depth} cm to Tang 2018; not told apart: {split.attrs['not_separated']}")
    print((waterfall(split).set_index("name")[["change", "end"]] / 1e12).round(2).to_string())
