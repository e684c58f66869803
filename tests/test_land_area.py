"""Areas and transitions against truths worked out by plain loops, in every kind of reference system."""

from __future__ import annotations

import decimal
import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr
from affine import Affine
from rasterio.crs import CRS

import yaotan
from land_truth import AEA, ALBERS, CODES, LONLAT, geodesic_pixels, make_codes, pair_areas, write_raster
from yaotan.carbon.land import transition_table
from yaotan.carbon.marginal import one_date
from yaotan.carbon.overlay import land_histogram
from yaotan.errors import SchemaError
from yaotan.geodesy import band_area, cell_area

SHAPE = (150, 130)


def opened(folder: Path, crs, transform, seed: int = 1, shape=SHAPE) -> tuple:
    codes = make_codes(shape, seed)
    paths = [write_raster(folder / f"{k}.tif", c, crs, transform) for k, c in enumerate(codes)]
    return codes, [yaotan.open_raster(path, scheme="survey", chunks=(64, 64)) for path in paths]


def matrix(pairs: xr.Dataset, name: str = "area") -> np.ndarray:
    return pairs[name][0].reindex(before=list(CODES), after=list(CODES), fill_value=0.0).values


def lonlat_pixels() -> np.ndarray:
    lat = LONLAT.f + LONLAT.e * np.arange(SHAPE[0] + 1)
    return (band_area(lat) * np.radians(LONLAT.a))[:, None]


@pytest.mark.parametrize("kind", ["equal_area", "lonlat"])
def test_transitions_equal_plain_sums(tmp_path: Path, kind: str) -> None:
    crs, place = (AEA, ALBERS) if kind == "equal_area" else ("EPSG:4326", LONLAT)
    (before, after), rasters = opened(tmp_path, crs, place)
    pixel = np.full(SHAPE, 900.0) if kind == "equal_area" else lonlat_pixels()
    pairs = yaotan.transition_matrix(*rasters)
    np.testing.assert_allclose(matrix(pairs), pair_areas(before, after, pixel), rtol=1e-9)
    ones = np.ones(SHAPE)
    np.testing.assert_array_equal(matrix(pairs, "count"), pair_areas(before, after, ones))
    alone = np.broadcast_to(pixel, SHAPE)[(before != 255) & (after == 255)].sum()
    assert float(pairs.area_before_only.sum()) == pytest.approx(alone, rel=1e-9)
    for date, codes in (("before", before), ("after", after)):
        single = yaotan.carbon.class_area(rasters[date == "after"])
        both = one_date(pairs, date)
        np.testing.assert_allclose(single.area, both.area, rtol=1e-9)
        first = np.broadcast_to(pixel, SHAPE)[codes == CODES[0]].sum()
        assert float(single.area.sel({"class": CODES[0]})[0]) == pytest.approx(first, rel=1e-9)


def test_workers_and_chunks_change_nothing(tmp_path: Path) -> None:
    _, rasters = opened(tmp_path, "EPSG:4326", LONLAT)
    one = land_histogram(*rasters, workers=1)
    xr.testing.assert_identical(one, land_histogram(*rasters, workers=3))
    loaded = [raster.compute() for raster in rasters]
    for kept, raster in zip(rasters, loaded, strict=True):
        raster.attrs = kept.attrs
    np.testing.assert_allclose(land_histogram(*loaded).area, one.area, rtol=1e-12)


@pytest.mark.parametrize("crs", ["EPSG:32650", "EPSG:3857", "EPSG:2056"])
def test_projected_areas_equal_geodesic_pixels(tmp_path: Path, crs: str) -> None:
    corner = {"EPSG:32650": (210_000, 3_400_000), "EPSG:3857": (12_000_000, 4_800_000)}
    x, y = corner.get(crs, (2_540_000, 1_160_000))
    place, shape = Affine(300, 0, x, 0, -300, y), (24, 20)
    (before, after), rasters = opened(tmp_path, crs, place, shape=shape)
    truth = pair_areas(before, after, geodesic_pixels(crs, place, shape))
    np.testing.assert_allclose(matrix(yaotan.transition_matrix(*rasters)), truth, rtol=2e-8)
    planar = matrix(yaotan.transition_matrix(*rasters, area="planar"))
    np.testing.assert_allclose(planar, pair_areas(before, after, np.full(shape, 9e4)), rtol=1e-12)
    off = {"EPSG:32650": 5e-4, "EPSG:3857": 0.3, "EPSG:2056": 1e-5}[crs]
    assert abs(planar.sum() / truth.sum() - 1) > off


def test_lattices_that_differ_are_cut_at_all_edges(tmp_path: Path) -> None:
    """Both lattices are coarsenings of one fine lattice, on which the truth is counted."""
    rng = np.random.default_rng(4)
    first = rng.choice(np.array(CODES, np.uint8), (12, 10))
    second = rng.choice(np.array(CODES, np.uint8), (9, 11))
    fine = np.full((2, 60, 60), 255, np.uint8)
    fine[0, :36, :30] = np.kron(first, np.ones((3, 3), np.uint8))
    fine[1, 4 : 4 + 45, 5 : 5 + 55] = np.kron(second, np.ones((5, 5), np.uint8))
    a = write_raster(tmp_path / "a.tif", first, AEA, Affine(30, 0, 6e5, 0, -30, 35e5))
    b = write_raster(tmp_path / "b.tif", second, AEA, Affine(50, 0, 6e5 + 50, 0, -50, 35e5 - 40))
    pairs = yaotan.transition_matrix(*(yaotan.open_raster(path, scheme="survey") for path in (a, b)))
    np.testing.assert_allclose(
        matrix(pairs), pair_areas(fine[0], fine[1], np.full((60, 60), 100.0)), rtol=1e-9
    )
    alone = 100.0 * ((fine[0] == 255) & (fine[1] != 255)).sum()
    assert float(pairs.area_after_only.sum()) == pytest.approx(alone, rel=1e-9)
    assert float(pairs["count"].sum()) == pytest.approx(matrix(pairs).sum() / 900.0, rel=1e-9)


def test_another_reference_system_is_met_by_points(tmp_path: Path) -> None:
    """A land of stripes along longitude: the share of each class in the other raster is known."""
    codes = np.tile(np.array([11, 51], np.uint8), (200, 100))
    stripes = write_raster(tmp_path / "a.tif", codes, "EPSG:4326", Affine(0.001, 0, 104.9, 0, -0.001, 31.1))
    whole = np.full((100, 100), 11, np.uint8)
    plane = write_raster(tmp_path / "b.tif", whole, AEA, Affine(60, 0, -3000, 0, -60, 3_290_000))
    first, second = (yaotan.open_raster(path, scheme="survey") for path in (plane, stripes))
    pairs = yaotan.transition_matrix(first, second)
    both = pairs.area[0].sel(before=11)
    assert float(both.sum()) == pytest.approx(100 * 100 * 3600.0, rel=1e-9)
    assert float(both.sel(after=51) / both.sum()) == pytest.approx(0.5, abs=0.01)
    # the land of one date is that of the larger raster around the smaller
    around = yaotan.carbon.class_area(second).area.sum() - both.sum()
    assert float(pairs.area_after_only.sum()) == pytest.approx(float(around), rel=2e-3)


def test_polygons_have_their_exact_share(tmp_path: Path) -> None:
    (before, _), rasters = opened(tmp_path, AEA, ALBERS)
    x0, y0 = ALBERS.c, ALBERS.f
    box = shapely.box(x0 + 310, y0 - 1000, x0 + 1216, y0 - 405)  # cuts pixels by thirds and halves
    overlapping = shapely.box(x0, y0 - 3000, x0 + 2000, y0)
    regions = gpd.GeoDataFrame(
        {"region_id": ["a", "b"], "name": ["A", "B"], "name_zh": ["甲", "乙"]},
        geometry=[box, overlapping],
        crs=CRS.from_string(AEA),
    )
    table = yaotan.carbon.class_area(rasters[0], regions=regions)
    edges_x, edges_y = 30.0 * np.arange(SHAPE[1] + 1), 30.0 * np.arange(SHAPE[0] + 1)
    across = np.clip(np.minimum(edges_x[1:], 1216) - np.maximum(edges_x[:-1], 310), 0, None)
    down = np.clip(np.minimum(edges_y[1:], 1000) - np.maximum(edges_y[:-1], 405), 0, None)
    for code in CODES:
        truth = (np.outer(down, across) * (before == code)).sum()
        assert float(table.area.sel({"region": "a", "class": code})) == pytest.approx(truth, rel=1e-6)
    assert table.region_name_zh.values.tolist() == ["甲", "乙"]
    assert float(table.area.sel(region="b").sum()) > float(table.area.sel(region="a").sum())


def test_region_raster_and_densities(tmp_path: Path) -> None:
    (before, after), rasters = opened(tmp_path, AEA, ALBERS)
    zones = np.zeros((50, 65), np.uint8)
    zones[:, 20:] = 7
    zones[25:, 20:] = 3
    tall, wide = SHAPE[0] // 50, SHAPE[1] // 65
    place = ALBERS @ Affine.scale(wide, tall)
    zone = yaotan.open_raster(
        write_raster(tmp_path / "z.tif", zones, AEA, place, 0), quantity="zone", units="1"
    )
    rng = np.random.default_rng(2)
    amount = rng.gamma(2.0, 60.0, zones.shape).astype(np.float32)
    amount[rng.random(zones.shape) < 0.2] = -9999.0
    path = write_raster(tmp_path / "d.tif", amount, AEA, place, -9999.0)
    density = yaotan.open_raster(path, quantity="biomass", units="Mg ha-1", substance="dry_matter")
    pairs = land_histogram(*rasters, regions=zone, densities={"biomass": density}, squares=True)
    fine_zone = np.kron(zones, np.ones((tall, wide), np.uint8))
    fine = np.kron(amount, np.ones((tall, wide), np.float32)).astype(float)
    for region in (3, 7):
        here = fine_zone == region
        there = here & (fine != -9999.0)
        for a, b in ((11, 11), (51, 11)):
            pixels = (before == a) & (after == b)
            row = pairs.sel(region=str(region), before=a, after=b)
            assert float(row.area) == pytest.approx(900.0 * (pixels & here).sum())
            assert float(row.biomass_area) == pytest.approx(900.0 * (pixels & there).sum())
            values = 0.1 * fine[pixels & there]
            assert float(row.biomass_sum) == pytest.approx(900.0 * values.sum(), rel=1e-9)
            assert float(row.biomass_square_sum) == pytest.approx(900.0 * (values**2).sum(), rel=1e-9)
    whole = zone.fillna(0).astype("uint8").assign_attrs(_FillValue=0)
    again = land_histogram(*rasters, regions=whole, densities={"biomass": density}, squares=True)
    xr.testing.assert_identical(again, pairs)
    with pytest.raises(SchemaError, match="no region codes"):
        land_histogram(*rasters, regions=zone * 0.5)
    assert pairs.biomass_sum.attrs["density_units"] == "kg m-2"
    assert pairs.biomass_sum.attrs["substance"] == "dry_matter"


def test_published_input_maker(tmp_path: Path, data_root: Path) -> None:
    maker = data_root.parent / "peers" / "make_landuse.py"
    if not maker.is_file():
        pytest.skip(f"{maker} is absent")
    words = ["--size", "300", "--out", str(tmp_path), "--second-date-gap", "--speckle", "0.02"]
    subprocess.run([sys.executable, str(maker), *words], check=True, capture_output=True)
    for grid in ("equal_area", "lonlat"):
        truth = json.loads((tmp_path / grid / "truth.json").read_text())
        paths = [tmp_path / grid / f"landuse_{year}.tif" for year in (2010, 2020)]
        pairs = yaotan.transition_matrix(*(yaotan.open_raster(path, scheme="survey") for path in paths))
        codes = truth["codes"]
        got = pairs.area[0].reindex(before=codes, after=codes, fill_value=0.0).values / 1e4
        np.testing.assert_allclose(got, truth["transition_ha"], rtol=1e-9)
        for date, year in (("before", "2010"), ("after", "2020")):
            area = one_date(pairs, date).area[0].reindex({"class": codes}, fill_value=0.0).values / 1e4
            np.testing.assert_allclose(area, list(truth["area_ha"][year].values()), rtol=1e-9)


def exact_band(south: str, north: str) -> decimal.Decimal:
    """Area of a band per radian in 50 digits, by the closed form and series of sine and artanh."""
    with decimal.localcontext(prec=60):
        d = decimal.Decimal
        a, f = d("6378137"), 1 / d("298.257223563")
        e2 = f * (2 - f)
        e = e2.sqrt()
        pi = d("3.14159265358979323846264338327950288419716939937510582097494459")

        def sine(x: decimal.Decimal) -> decimal.Decimal:
            term = total = x
            for n in range(1, 60):
                term *= -x * x / ((2 * n) * (2 * n + 1))
                total += term
            return total

        def northing(text: str) -> decimal.Decimal:
            s = sine(d(text) * pi / 180)
            z = e * s
            artanh = sum((z ** (2 * n + 1) / (2 * n + 1) for n in range(60)), d(0))
            return s / (1 - e2 * s * s) + artanh / e

        return a * a * (1 - e2) / 2 * (northing(north) - northing(south))


@pytest.mark.parametrize("south", ["0", "0.5", "18.25", "30.99973", "53.5", "71.25", "84.999"])
@pytest.mark.parametrize("height", ["0.0002694946", "0.00027", "0.05", "1"])
def test_cell_areas_to_twelve_digits(south: str, height: str) -> None:
    """Edges are taken as the binary numbers that they are: a decimal edge is off by its own rounding."""
    low = float(south)
    high = min(low + float(height), 85.0)
    low_text, high_text = str(decimal.Decimal(low)), str(decimal.Decimal(high))
    truth = float(exact_band(low_text, high_text))
    assert band_area([low, high])[0] == pytest.approx(truth, rel=1e-12)
    assert cell_area([low, high], [10.0, 10.5])[0, 0] == pytest.approx(truth * np.radians(0.5), rel=1e-12)


def test_table_for_people(tmp_path: Path) -> None:
    _, rasters = opened(tmp_path, AEA, ALBERS)
    pairs = yaotan.transition_matrix(*rasters)
    square = transition_table(pairs, form="matrix", language="zh")
    assert "阔叶林" in square.columns
    total = float((pairs.area.sum() + pairs.area_before_only.sum()) / 1e6)
    rows = square[~square["before"].isin(["total", "valid after only"])]
    assert rows["total"].sum() == pytest.approx(total)
    long = transition_table(pairs)
    assert long["area_km2"].is_monotonic_decreasing
    assert long["area_km2"].sum() == pytest.approx(float(pairs.area.sum() / 1e6))
    path = yaotan.write(pairs, tmp_path / "pairs.nc")
    np.testing.assert_allclose(xr.open_dataset(path).area.values, pairs.area.values)
