"""Real maps: soil carbon of China against sums that were worked out without this package."""

from __future__ import annotations

from pathlib import Path

import pytest

import yaotan


@pytest.mark.parametrize(("depth", "known"), [(30, 63.4), (100, 145.9)])
def test_soil_carbon_of_china(data_root: Path, depth: int, known: float) -> None:
    """Sums of the two maps of Sanderman et al. inside the provinces, in the notes on the data [Pg C]."""
    geo = data_root / "geo"
    name = f"socs_0_{depth}cm_2010_china_10km.tif"
    soil = yaotan.open_raster(geo / "soil" / name, product=f"soc_debt_0_{depth}cm")
    land = yaotan.open_raster(geo / "landcover" / "mcd12c1_2019_igbp_china.tif", product="mcd12c1")
    provinces = yaotan.open_regions(geo / "boundaries" / "cn_province_tianditu_wgs84.geojson")
    source = yaotan.carbon.RasterPool(soil, missing="zero")
    stock = yaotan.carbon_stock(
        land, rasters={"c_soil": source}, regions=provinces, uncertainty="propagation"
    )
    assert float(stock.stock.sel(region="*")) / 1e12 == pytest.approx(known, abs=0.4)
    assert stock.attrs["soil_depth"] == f"{depth / 100:g} m"
    assert stock.sizes["region"] == 35
