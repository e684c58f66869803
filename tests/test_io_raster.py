"""Rasters of classes and of densities: what is declared, what is refused, what travels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine

import yaotan
from land_truth import AEA, ALBERS, LONLAT, write_raster
from yaotan.catalog.landcover import crosswalk, find_legend, legends
from yaotan.catalog.raster import raster_catalog
from yaotan.errors import CatalogError, GridError, NotAGranuleError, RegionError, SchemaError, UnitsError

CLASSES = np.tile(np.array([[11, 12], [51, 61]], np.uint8), (40, 30))


def made(folder: Path, values=CLASSES, crs=AEA, place=ALBERS, nodata=255, name="a.tif") -> Path:
    return write_raster(folder / name, values, crs, place, nodata)


@pytest.mark.parametrize(
    ("values", "nodata", "options", "error", "message"),
    [
        (CLASSES, 255, {}, CatalogError, "these codes occur in cnlucc, survey"),
        (CLASSES, 255, {"scheme": "nowhere"}, CatalogError, "there is no scheme 'nowhere'"),
        (CLASSES, 255, {"scheme": "clcd"}, SchemaError, "11, 12, 51, 61, which are not in the scheme clcd"),
        (CLASSES, 11, {"scheme": "survey"}, SchemaError, "nodata 11 is the class 'Broadleaf forest'"),
        (CLASSES, 255, {"scheme": "survey", "nodata": 61}, SchemaError, "nodata 61 is the class"),
        (CLASSES, 255, {"product": "nothing"}, CatalogError, "no raster product"),
        (CLASSES.astype(np.float32), -1, {"scheme": "survey"}, SchemaError, "no class codes"),
        (CLASSES, 255, {"scheme": "survey", "band": 2}, NotAGranuleError, "has 1 band"),
        (CLASSES, 255, {"scheme": "survey", "region": (0, 0, 1, 1)}, RegionError, "outside the raster"),
        (CLASSES, 255, {"quantity": "biomass"}, UnitsError, "nobody says the unit"),
        (CLASSES, 255, {"quantity": "biomass", "units": "Mg ha-1"}, SchemaError, "dry_matter or carbon"),
        (CLASSES, 255, {"quantity": "biomass", "units": "K"}, UnitsError, "cannot be turned into"),
        (CLASSES, 255, {"quantity": "soil_carbon", "units": "kg m-2"}, SchemaError, "unknown depth"),
        (
            CLASSES.astype(np.float32) * 6,
            -1,
            {"quantity": "biomass", "units": "kg m-2", "substance": "dry_matter"},
            SchemaError,
            "biomass of 366 kg m-2 is not possible",
        ),
        (
            np.where(CLASSES > 50, -9999.0, CLASSES).astype(np.float32),
            None,
            {"quantity": "carbon", "units": "Mg ha-1"},
            SchemaError,
            "give nodata=",
        ),
    ],
)
def test_what_is_not_declared_or_cannot_be_is_refused(
    tmp_path: Path, values, nodata, options, error, message
) -> None:
    with pytest.raises(error, match=message) as caught:
        yaotan.open_raster(made(tmp_path, values, nodata=nodata), **options)
    assert "a.tif" in str(caught.value) or "nowhere" in message or "product" in message


@pytest.mark.parametrize(
    ("crs", "place", "message"),
    [
        (None, ALBERS, "no coordinate reference system"),
        ("+proj=longlat +a=6378206.4 +b=6356583.8 +no_defs", LONLAT, "without a name"),
        ("EPSG:4326", ALBERS, "no degrees of WGS 84"),
        ("EPSG:32650", LONLAT, "looks like degrees"),
    ],
)
def test_reference_systems_that_cannot_be_are_refused_and_mended(tmp_path: Path, crs, place, message) -> None:
    path = made(tmp_path, crs=crs, place=place)
    with pytest.raises(GridError, match=message):
        yaotan.open_raster(path, scheme="survey")
    right = AEA if place is ALBERS else "EPSG:4326"
    mended = yaotan.open_raster(path, scheme="survey", crs=right)
    assert mended.rio.crs == xr.DataArray().rio.write_crs(right).rio.crs
    assert mended.attrs["crs_source"].startswith("assigned")


def test_a_rotated_raster_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAGranuleError, match="rotated"):
        yaotan.open_raster(made(tmp_path, place=ALBERS @ Affine.rotation(10)), scheme="survey")


def test_classes_keep_codes_and_scheme(tmp_path: Path) -> None:
    raster = yaotan.open_raster(made(tmp_path), scheme="survey")
    assert raster.dtype == np.uint8
    assert raster.chunks is not None
    np.testing.assert_array_equal(raster.values, CLASSES)
    assert (raster.attrs["scheme"], raster.attrs["_FillValue"]) == ("survey", 255)
    again = yaotan.open_raster(yaotan.write(raster, tmp_path / "cog.tif"))  # the file says it now
    assert again.attrs["scheme"] == "survey"
    np.testing.assert_array_equal(again.values, CLASSES)


def test_densities_get_one_unit(tmp_path: Path) -> None:
    values = np.where(CLASSES == 61, -32767, CLASSES.astype(np.int16)).astype(np.int16)
    path = made(tmp_path, values, nodata=-32767)
    raster = yaotan.open_raster(path, quantity="soil_carbon", units="Mg ha-1", depth_cm=(0, 30))
    truth = np.where(CLASSES == 61, np.nan, CLASSES * 0.1)  # 1 Mg/ha is 0.1 kg m-2
    np.testing.assert_allclose(raster.values, truth, rtol=1e-12)
    assert raster.attrs["depth_cm"] == [0.0, 30.0]
    assert (raster.attrs["units"], raster.attrs["substance"]) == ("kg m-2", "carbon")
    again = yaotan.open_raster(yaotan.write(raster, tmp_path / "cog.tif"))
    assert again.attrs["depth_cm"] == [0.0, 30.0]
    np.testing.assert_allclose(again.values, truth, rtol=1e-12)


def test_tiles_are_one_raster(tmp_path: Path) -> None:
    whole = np.random.default_rng(1).choice(np.array([1, 2, 9], np.uint8), (60, 80))
    paths = []
    for row, column in ((0, 0), (0, 40), (30, 40)):  # one tile is not there
        place = ALBERS @ Affine.translation(column, row)
        tile = whole[row : row + 30, column : column + 40]
        paths.append(made(tmp_path, tile, place=place, nodata=0, name=f"t{row}_{column}.tif"))
    raster = yaotan.open_raster(paths, scheme="clcd")
    expected = whole.copy()
    expected[30:, :40] = 0
    np.testing.assert_array_equal(raster.values, expected)
    assert float(raster.x[0]) == ALBERS.c + 15
    assert float(raster.y[0]) == ALBERS.f - 15
    shifted = made(tmp_path, whole, place=ALBERS @ Affine.translation(0.4, 0), nodata=0, name="s.tif")
    with pytest.raises(GridError, match="off the lattice"):
        yaotan.open_raster([paths[0], shifted], scheme="clcd")
    other = made(tmp_path, whole.astype(np.int16), nodata=0, name="i.tif")
    with pytest.raises(GridError, match="has dtype"):
        yaotan.open_raster([paths[0], other], scheme="clcd")
    corners = [ALBERS @ Affine.translation(40 * k, 30 * k) for k in (0, 1)]
    tile = whole[:30, :40]
    bare = [made(tmp_path, tile, place=place, nodata=None, name=f"{place.c}.tif") for place in corners]
    with pytest.raises(GridError, match="holes"):
        yaotan.open_raster(bare, scheme="clcd")


def test_a_region_opens_its_window(tmp_path: Path) -> None:
    path = made(tmp_path, crs="EPSG:4326", place=LONLAT)
    part = yaotan.open_raster(path, scheme="survey", region=(110.0054, 31.04, 110.0108, 31.0446))
    assert part.shape == (18, 20)
    np.testing.assert_array_equal(part.values, CLASSES[20:38, 20:40])


def test_every_legend_names_its_source_and_maps_to_the_six_classes() -> None:
    for name, legend in legends().items():
        assert legend.source
        assert legend.check
        if name not in ("six_class", "ipcc"):
            assert set(crosswalk(name, "six_class").values()) <= set(range(1, 7))
            assert set(crosswalk(name, "ipcc").values()) <= set(range(1, 7))
    for entry in raster_catalog().products.values():
        assert entry.scheme is None or entry.scheme in legends()


@pytest.mark.parametrize(
    ("scheme", "code", "name", "six", "ipcc"),
    [  # typed from the products' own tables
        ("worldcover", 95, "Mangroves", "Forest land", "Wetlands"),
        ("worldcover", 60, "Bare / sparse vegetation", "Unused land", "Other land"),
        ("globeland30", 80, "Artificial surfaces", "Built-up land", "Settlements"),
        ("globeland30", 20, "Forest", "Forest land", "Forest land"),
        ("clcd", 8, "Impervious", "Built-up land", "Settlements"),
        ("clcd", 9, "Wetland", "Water and wetland", "Wetlands"),
        ("igbp", 12, "Cropland", "Cropland", "Cropland"),
        ("igbp", 16, "Barren", "Unused land", "Other land"),
        ("cnlucc", 64, "Swampland", "Water and wetland", "Wetlands"),
        ("cnlucc", 44, "Permanent ice and snow", "Water and wetland", "Other land"),
        ("corine", 12, "Non-irrigated arable land", "Cropland", "Cropland"),
        ("corine", 25, "Mixed forest", "Forest land", "Forest land"),
        ("corine", 41, "Water bodies", "Water and wetland", "Wetlands"),
        ("corine_clc", 313, "Mixed forest", "Forest land", "Forest land"),
    ],
)
def test_legends(scheme: str, code: int, name: str, six: str, ipcc: str) -> None:
    assert legends()[scheme].names()[code][0] == name
    for target, expected in (("six_class", six), ("ipcc", ipcc)):
        assert legends()[target].names()[crosswalk(scheme, target)[code]][0] == expected


def test_a_legend_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaotan.catalog.landcover._own", {})
    legends.cache_clear()
    text = (
        "scheme: mine\ntitle: {en: Mine, zh: 自有}\nedition: '2024'\nsource: own survey\nlicence: internal\n"
        "checked: note\ncheck: by hand\nno_data: {0: none}\nclasses:\n"
        "  1: {name: {en: Wood, zh: 林}, to: {six_class: 1}}\n"
        "  9: {name: {en: Rest, zh: 其余}, to: {six_class: 6}}\n"
    )
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    values = np.where(CLASSES > 50, 9, 1).astype(np.uint8)
    raster = yaotan.open_raster(made(tmp_path, values), scheme=path)
    assert yaotan.carbon.class_area(raster).class_name.values.tolist() == ["Wood", "Rest"]
    assert yaotan.carbon.reclassify(raster, "six_class").values[0, 0] == 1
    path.write_text(text.replace("Rest", "Other"), encoding="utf-8")
    with pytest.raises(CatalogError, match="known with other classes"):
        find_legend(path)
    (tmp_path / "bad.yaml").write_text(text.replace("no_data: {0", "no_data: {1"), encoding="utf-8")
    with pytest.raises(CatalogError, match="are classes and no data"):
        find_legend(tmp_path / "bad.yaml")
    legends.cache_clear()


def test_reclassify_reports_choices(tmp_path: Path) -> None:
    raster = yaotan.open_raster(made(tmp_path, np.full((4, 4), 9, np.uint8)), scheme="igbp")
    assert (yaotan.carbon.reclassify(raster, "ipcc").values == 3).all()
    chosen = yaotan.carbon.reclassify(raster, "ipcc", choices={9: 1})
    assert (chosen.values == 1).all()
    assert "9" in yaotan.carbon.reclassify(raster, "ipcc").attrs["open_choices"].split(", ")
    assert "9" not in chosen.attrs["open_choices"].split(", ")
    with pytest.raises(CatalogError, match="neither legend"):
        yaotan.carbon.reclassify(raster, "ipcc", choices={9: 17})
