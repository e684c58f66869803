"""What became of what: CORINE 2006 and 2012 of Vaud, whose pixels do not match; land of China by province.

Needs the folder of real data (YAOTAN_TEST_DATA).
"""

import os
from pathlib import Path

import yaotan
from yaotan.carbon.crosswalk import merge_classes
from yaotan.carbon.land import transition_table

data = Path(os.environ["YAOTAN_TEST_DATA"]) / "geo"
before, after = (
    yaotan.open_raster(data / "landcover" / f"vaud_clc_ls100_{year}.tif", product="corine")
    for year in ("06", "12")
)
pairs = yaotan.transition_matrix(before, after)
both = pairs.area.sum()
stays = pairs.area.where(pairs.before == pairs.after).sum()
print(f"{float(both) / 1e6:.1f} km2 valid at both dates, {float(stays / both):.1%} unchanged")
alone = [float(pairs[f"area_{date}_only"].sum()) / 1e6 for date in ("before", "after")]
print(f"valid in 2006 only {alone[0]:.2f} km2, in 2012 only {alone[1]:.2f} km2")
yaotan.write(pairs, "transitions.csv")

six = merge_classes(pairs, "six_class")
print(transition_table(six, form="matrix").round(2).to_string(index=False))

patches = yaotan.carbon.change_patches(before, after, least_area=100_000.0, limit=20)
print(f"{patches.attrs['found']} patches of 10 ha and more, the largest:")
print(patches[["before_name", "after_name", "area"]].head(3).round(0).to_string(index=False))
yaotan.carbon.write_patches(patches, "patches.gpkg")

# the file's reference system has no name: the product says which it is
china = yaotan.open_raster(data / "landcover" / "mcd12c1_2019_igbp_china.tif", product="mcd12c1")
provinces = yaotan.open_regions(data / "boundaries" / "cn_province_tianditu_wgs84.geojson")
table = yaotan.carbon.class_area(china, regions=provinces)
yaotan.write(table, "china_igbp.csv")
for choice, name in ((None, "savanna is grassland"), ({9: 1}, "savanna is forest land")):
    made = merge_classes(table, "six_class", choices=choice)
    forest = made.area.sel({"class": 1})
    most = str(made.region_name_zh.values[forest.values.argmax()])
    print(f"{name}: {float(forest.sum()) / 1e12:.2f} million km2 of forest land, most in {most}")
