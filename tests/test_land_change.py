"""Adjusted areas, maps and patches of change, and real maps: Vaud and China."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import scipy.ndimage
import shapely
import xarray as xr
from affine import Affine

import yaotan
from land_truth import AEA, ALBERS, CODES, make_codes, write_raster
from yaotan.carbon import patch, patch_search
from yaotan.carbon.accuracy import adjusted_area, pair_classes
from yaotan.carbon.alignment import align_classes
from yaotan.carbon.change_layer import change_map
from yaotan.carbon.histogram import make_histogram
from yaotan.carbon.land import transition_table
from yaotan.carbon.patch import FIELD, change_patches, write_patches
from yaotan.errors import GridError, RegionError, SchemaError

DENSITY = {11: 15.0, 13: 14.0, 21: 9.0, 41: 20.0, 51: 8.0, 61: 4.0}


def test_adjusted_areas_are_those_of_the_published_example() -> None:
    """Olofsson et al. 2014, section 5: the matrix of table 8, and the results given in the text."""
    pixels = {1: 200_000, 2: 150_000, 3: 3_200_000, 4: 6_450_000}
    rows = pd.DataFrame({"class": list(pixels), "area": [900.0 * n for n in pixels.values()]})
    counts = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
    matrix = pd.DataFrame(counts, index=[1, 2, 3, 4], columns=[1, 2, 3, 4])
    made = adjusted_area(make_histogram(rows, scheme="change"), matrix)
    hectares = made[["area", "area_upper"]].isel(region=0) / 1e4
    np.testing.assert_allclose(hectares.area, [21_158, 11_686, 285_770, 581_386], atol=1)
    half = (hectares.area_upper - hectares.area).values
    np.testing.assert_allclose(half, [6_158, 3_756, 15_510, 16_282], atol=2)
    np.testing.assert_allclose(made.users_accuracy, [0.88, 0.73, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(made.producers_accuracy, [0.75, 0.85, 0.93, 0.96], atol=0.005)
    np.testing.assert_allclose(1.96 * made.users_accuracy_uncertainty, [0.07, 0.10, 0.04, 0.02], atol=0.005)
    np.testing.assert_allclose(
        1.96 * made.producers_accuracy_uncertainty, [0.21, 0.25, 0.03, 0.02], atol=0.005
    )
    assert made.attrs["overall_accuracy"] == pytest.approx(0.95, abs=0.005)
    assert 1.96 * made.attrs["overall_accuracy_uncertainty"] == pytest.approx(0.02, abs=0.005)
    assert float(made.area.sum()) == pytest.approx(sum(rows["area"]))


def test_adjusted_areas_of_a_map_with_known_errors() -> None:
    """A map whose errors are drawn: intervals cover the true area about as often as they say."""
    rng, inside = np.random.default_rng(5), 0
    areas, right = np.array([7.5e9, 2.5e9]), np.array([0.97, 0.80])
    true = areas[1] * right[1] + areas[0] * (1 - right[0])
    land = make_histogram(pd.DataFrame({"class": [1, 2], "area": areas}), scheme="x")
    for _ in range(60):
        good = rng.binomial(200, right)
        counts = [[good[0], 200 - good[0]], [200 - good[1], good[1]]]
        made = adjusted_area(land, pd.DataFrame(counts, index=[1, 2], columns=[1, 2]))
        inside += int(made.area_lower[0, 1] <= true <= made.area_upper[0, 1])
    assert 52 <= inside <= 60  # 57 expected
    assert abs(areas[1] - true) > 0.2e9  # counting pixels is off by more than that


def test_transitions_are_adjusted_as_classes_of_change() -> None:
    rows = pd.DataFrame({"before": [1, 1, 2], "after": [1, 2, 2], "area": [7e6, 1e6, 2e6]})
    pairs = make_histogram(rows, scheme="clcd", names={1: ("Cropland", "耕地"), 2: ("Forest", "森林")})
    with pytest.raises(SchemaError, match="two dates"):
        adjusted_area(pairs, pd.DataFrame())
    change = pair_classes(pairs)
    assert change.class_name_zh.values.tolist() == ["耕地 > 耕地", "耕地 > 森林", "森林 > 森林"]
    codes = [1001, 1002, 2002]
    matrix = pd.DataFrame([[45, 3, 2], [10, 30, 10], [0, 0, 50]], index=codes, columns=codes)
    made = adjusted_area(change, matrix)
    assert float(made.area[0].sel({"class": 1002})) == pytest.approx(7e6 * 3 / 50 + 1e6 * 30 / 50)


def patches_by_hand(before: np.ndarray, after: np.ndarray) -> list[tuple[int, int, int]]:
    """Pair and number of pixels of every patch, by scipy."""
    out = []
    for a in CODES:
        for b in CODES:
            label, count = scipy.ndimage.label((before == a) & (after == b))
            if a != b:
                sizes = np.bincount(label.ravel())[1:]
                out += [(a, b, int(size)) for size in sizes]
                assert len(sizes) == count
    return out


@pytest.mark.parametrize("window", [1 << 22, 700])
def test_patches_are_all_found_whatever_the_windows(tmp_path: Path, monkeypatch, window: int) -> None:
    monkeypatch.setattr(patch_search, "_WINDOW", window)
    before, _ = make_codes((60, 50), 3, gap=0.0)
    after = scipy.ndimage.shift(before, (2, 3), order=0, mode="nearest")
    paths = [write_raster(tmp_path / f"{k}.tif", c, AEA, ALBERS) for k, c in enumerate((before, after))]
    rasters = [yaotan.open_raster(path, scheme="survey") for path in paths]
    made = change_patches(*rasters, densities=DENSITY, least_area=4 * 900.0, limit=900, pictures=False)
    truth = [row for row in patches_by_hand(before, after) if row[2] >= 4]
    got = [(int(a), int(b), round(area / 900)) for a, b, area in made[["before", "after", "area"]].values]
    assert sorted(got) == sorted(truth)
    value = [abs(900.0 * n * (DENSITY[b] - DENSITY[a])) for a, b, n in got]
    np.testing.assert_allclose(made["carbon_change"].abs(), value)
    assert (np.diff(value) <= 1e-6).all()
    np.testing.assert_allclose(made.area, made.geometry.area, rtol=1e-9)  # an equal-area plane
    assert made.geometry.is_valid.all()


def test_patches_are_written_for_the_field(tmp_path: Path) -> None:
    before, after = make_codes((90, 70), 3)
    paths = [write_raster(tmp_path / f"{k}.tif", c, AEA, ALBERS) for k, c in enumerate((before, after))]
    rasters = [yaotan.open_raster(path, scheme="survey") for path in paths]
    made = change_patches(*rasters, densities=DENSITY, limit=5, least_area=0.0)
    path = write_patches(made, tmp_path / "patches.gpkg")
    back = pyogrio.read_dataframe(path)
    assert len(back) == 5
    assert set(FIELD) <= set(back.columns)
    with rasterio.open(tmp_path / back["picture"][0]) as file:
        assert (file.count, file.driver) == (3, "PNG")
        assert len(np.unique(file.read(1))) > 2
    point = gpd.points_from_xy(back["longitude"], back["latitude"], crs=4326).to_crs(back.crs)
    assert back.geometry.contains(gpd.GeoSeries(point)).all()
    with pytest.MonkeyPatch.context() as patch_limit:
        patch_limit.setattr(patch, "_OUTLINE", 0)
        large = change_patches(*rasters, limit=2, least_area=0.0)
    assert large["outline"].tolist() == ["extent", "extent"]
    back = pyogrio.read_dataframe(write_patches(large, tmp_path / "large.gpkg"))
    assert back["picture"].fillna("").tolist() == ["", ""]
    with pytest.raises(SchemaError, match="61 Residential land"):
        change_patches(*rasters, densities={k: v for k, v in DENSITY.items() if k != 61}, least_area=0.0)
    with pytest.raises(SchemaError, match="no patch of 1e"):
        change_patches(*rasters, least_area=1e9)


def test_change_map(tmp_path: Path) -> None:
    before, after = make_codes((90, 70), 3)
    paths = [write_raster(tmp_path / f"{k}.tif", c, AEA, ALBERS) for k, c in enumerate((before, after))]
    first, second = (yaotan.open_raster(path, scheme="survey", chunks=(32, 64)) for path in paths)
    made = change_map(first, second, DENSITY)
    values = np.full(256, np.nan)
    values[list(DENSITY)] = list(DENSITY.values())
    np.testing.assert_allclose(made.values, values[after] - values[before], rtol=1e-6)
    with rasterio.open(yaotan.write(made, tmp_path / "change.tif")) as file:
        np.testing.assert_allclose(file.read(1), made.values)
        assert file.units == ("kg m-2",)
        assert file.tags(1)["units"] == "kg m-2"
        assert file.transform.almost_equals(ALBERS)
    with pytest.raises(SchemaError, match="without a density: 41 Marsh"):
        change_map(first, second, {k: v for k, v in DENSITY.items() if k != 41}).compute()
    # a third of a pixel aside most of each pixel stays what it was
    moved = write_raster(tmp_path / "m.tif", after, AEA, ALBERS @ Affine.translation(0.3, 0))
    aside = change_map(first, yaotan.open_raster(moved, scheme="survey"), DENSITY)
    np.testing.assert_allclose(aside.values[:, 1:], made.values[:, 1:])


def test_classes_go_to_another_lattice_by_largest_share(tmp_path: Path) -> None:
    """Both lattices are coarsenings of a fine one, on which shares are counted."""
    rng = np.random.default_rng(6)
    codes = rng.choice(np.array([11, 51, 61, 255], np.uint8), (30, 28))
    fine = np.full((160, 150), 255, np.uint8)
    fine[4:154, 6:146] = np.kron(codes, np.ones((5, 5), np.uint8))
    path = write_raster(tmp_path / "a.tif", codes, AEA, Affine(50, 0, 6e5 + 60, 0, -50, 35e5 - 40))
    coarse = write_raster(
        tmp_path / "b.tif", np.full((13, 12), 11, np.uint8), AEA, Affine(120, 0, 6e5, 0, -120, 35e5)
    )
    landuse, like = (yaotan.open_raster(p, scheme="survey", chunks=(8, 8)) for p in (path, coarse))
    made = align_classes(landuse, like)
    cells = fine[:156, :144].reshape(13, 12, 12, 12).transpose(0, 2, 1, 3).reshape(13, 12, 144)
    counts = np.stack([(cells == code).sum(-1) for code in (11, 51, 61)])
    truth = np.where(counts.sum(0) >= 72, np.array([11, 51, 61])[counts.argmax(0)], 255)
    np.testing.assert_array_equal(made.values, truth)
    assert made.attrs["scheme"] == "survey"


def test_bad_pairs_of_rasters_are_refused(tmp_path: Path) -> None:
    codes = np.full((8, 8), 1, np.uint8)
    path = write_raster(tmp_path / "a.tif", codes, AEA, ALBERS)
    clcd, igbp = (yaotan.open_raster(path, scheme=scheme) for scheme in ("clcd", "igbp"))
    with pytest.raises(SchemaError, match="before is in clcd, after in igbp"):
        yaotan.transition_matrix(clcd, igbp)
    far = write_raster(tmp_path / "b.tif", codes, AEA, ALBERS @ Affine.translation(100, 0))
    with pytest.raises(GridError, match="no valid land in common"):
        yaotan.transition_matrix(clcd, yaotan.open_raster(far, scheme="clcd"))
    outside = gpd.GeoDataFrame({"region_id": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    with pytest.raises(RegionError, match="no region touches land"):
        yaotan.carbon.class_area(clcd, regions=outside)
    with pytest.raises(SchemaError, match="does not say the scheme"):
        yaotan.carbon.class_area(clcd.assign_attrs(scheme=""))
    strange = clcd.data.map_blocks(lambda block: np.where(block == 1, 77, block).astype("uint8"))
    hidden = clcd.copy(data=strange)
    with pytest.raises(SchemaError, match="77, which are not in clcd"):
        yaotan.carbon.class_area(hidden)
    path = write_raster(tmp_path / "d.tif", codes, "EPSG:4326", Affine(0.01, 0, 100, 0, -0.01, 30))
    degrees = yaotan.open_raster(path, scheme="clcd")
    with pytest.raises(GridError, match="planar areas of degrees"):
        yaotan.carbon.class_area(degrees, area="planar")
    with pytest.raises(SchemaError, match="has no unit"):
        yaotan.carbon.class_area(clcd, densities={"x": clcd.astype(float).assign_attrs(units="")})


def test_two_dates_of_vaud(data_root: Path) -> None:
    """CORINE 2006 and 2012: origins and pixel sizes differ, so that arrays cannot be subtracted."""
    folder = data_root / "geo" / "landcover"
    before, after = (
        yaotan.open_raster(folder / f"vaud_clc_ls100_{year}.tif", product="corine") for year in ("06", "12")
    )
    pairs = yaotan.transition_matrix(before, after)
    # every pixel of a date is either in a pair or on its own
    for date, raster in (("before", before), ("after", after)):
        single = yaotan.carbon.class_area(raster)
        both = pairs.area.sum("after" if date == "before" else "before") + pairs[f"area_{date}_only"]
        codes = single["class"].values
        np.testing.assert_allclose(both.sel({date: codes}).values, single.area.values, rtol=1e-7)
    total = float(pairs.area.sum())
    stays = sum(float(pairs.area[0].sel(before=code, after=code)) for code in pairs.before.values)
    assert 0.75e9 < total < 0.773e9  # 77 289 and 77 731 pixels of about a hectare are valid
    assert 0.9 < stays / total < 0.999  # six years, and borders displaced by parts of a pixel
    assert transition_table(pairs)["area_km2"].iloc[0] > 400  # arable land that stays


def test_igbp_of_china_by_province(data_root: Path, provinces: Path) -> None:
    """Areas as computed apart (formats of the data set): 1e3 km2 inside the Tianditu provinces."""
    raster = yaotan.open_raster(
        data_root / "geo" / "landcover" / "mcd12c1_2019_igbp_china.tif", product="mcd12c1"
    )
    table = yaotan.carbon.class_area(raster, regions=yaotan.open_regions(provinces))
    thousand = table.area.sum("region") / 1e9
    known = {10: 2899, 16: 2199, 12: 1287, 8: 907, 9: 721, 4: 369, 2: 304, 13: 121, 0: 99, 15: 26}
    for code, area in known.items():
        assert float(thousand.sel({"class": code})) == pytest.approx(area, rel=0.01, abs=4)
    assert float(thousand.sum()) == pytest.approx(9506, abs=1)
    assert table.sizes["region"] == 34
    six = yaotan.carbon.reclassify(raster, "six_class", choices={9: 1})
    forest = yaotan.carbon.class_area(six, regions=yaotan.open_regions(provinces)).area.sum("region")
    assert float(forest.sel({"class": 1}) / 1e9) == pytest.approx(65 + 304 + 369 + 239 + 907 + 721, rel=0.03)
    assert isinstance(table, xr.Dataset)
