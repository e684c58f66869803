"""Swaths as images: what stands where, what a region keeps, what is masked, and what is refused."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from pathlib import Path

import dask
import geopandas as gpd
import h5py
import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import yaotan
from conftest import REPOSITORY
from contract.case_tropomi import ch4
from contract.case_tropomi_gas import write_no2
from contract.swath import LINES, PIXELS
from contract.truth import make_truth
from yaotan.errors import NotAGranuleError, RegionError, SchemaError, UncheckedLayoutWarning, YaotanError
from yaotan.io.bound import Box, Polygons, parse_region
from yaotan.io.scene import open_scene
from yaotan.io.soundings import open_soundings
from yaotan.io.trust import forget_warnings
from yaotan.schema import check_scene

REPROCESSED = "s5p_ch4/S5P_RPRO_L2__CH4____20220722T025309_*.SUB.nc4"
ORBIT = "s5p_ch4/S5P_OFFL_L2__CH4____20190319T110835_*_variables.nc4"
TWO_LINES = "s5p_co/emissions_api_co_two_scanlines_20190913.nc"
MATIMBA = "s5p_no2_era5_matimba/Matimba_S5P_RPRO_L2__NO2____20210725T110715.nc"
#: around the two power stations
BOX = (27.0, -24.5, 28.5, -23.0)


def one(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def record(scene: xr.Dataset) -> dict:
    (entry,) = json.loads(scene.attrs["reading"])
    return entry


@pytest.fixture(scope="module")
def methane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "granule.nc"
    ch4("2.4.0")(path, make_truth((LINES, PIXELS)))
    return path


def test_image_of_the_truth(methane: Path) -> None:
    truth = make_truth((LINES, PIXELS))
    scene = check_scene(open_scene(methane)).load()
    assert dict(scene.sizes) == {"y": LINES, "x": PIXELS, "corner": 4, "layer": 12, "edge": 13}
    np.testing.assert_allclose(scene.xch4, truth.column("xch4").reshape(LINES, PIXELS), rtol=1e-6)
    np.testing.assert_allclose(scene.latitude, truth.latitude.reshape(LINES, PIXELS))
    np.testing.assert_allclose(
        scene.longitude_corner, truth.longitude_corner.reshape(LINES, PIXELS, 4), atol=1e-5
    )
    kernel = truth.kernel("xch4", 12).reshape(LINES, PIXELS, 12)
    np.testing.assert_allclose(scene.xch4_averaging_kernel, kernel, rtol=1e-6)
    assert scene.xch4_averaging_kernel.attrs["vertical_kind"] == "layer"
    assert scene.time.dims == ("y",)
    np.testing.assert_array_equal(scene.time, truth.time.reshape(LINES, PIXELS)[:, 0])
    np.testing.assert_array_equal(scene.y, np.arange(1143, 1143 + LINES))  # as PRODUCT/scanline says
    np.testing.assert_array_equal(scene.x, np.arange(PIXELS))
    assert record(scene)["no_value"] == 1


def test_bad_pixels_are_masked_only_when_asked(methane: Path) -> None:
    whole, good = open_scene(methane).load(), open_scene(methane, quality="good").load()
    bad = whole.quality.values == 1
    assert bad.sum() == 2
    assert np.isfinite(whole.xch4.values[bad]).all()
    assert record(whole)["masked"] == {}
    for name in ("xch4", "xch4_raw", "xch4_uncertainty", "xch4_averaging_kernel", "ch4_prior_profile"):
        assert np.isnan(good[name].values[bad]).all(), name
        np.testing.assert_array_equal(good[name].values[~bad], whole[name].values[~bad])
    for name in ("wind_u", "surface_pressure", "latitude", "quality", "qa_value", "pressure_edge"):
        np.testing.assert_array_equal(good[name], whole[name])
    assert record(good)["masked"] == {"quality_flag": 2}


def test_lazy_picklable_and_independent_of_chunks(methane: Path) -> None:
    whole = open_scene(methane, quality="good")
    assert all(dask.is_dask_collection(whole[name].data) for name in whole.data_vars)
    pieces = pickle.loads(pickle.dumps(open_scene(methane, quality="good", chunks=5)))  # noqa: S301
    assert pieces.xch4.chunks[0] == (5, 5, 2)
    xr.testing.assert_identical(whole.load().drop_attrs(), pieces.load().drop_attrs())


def test_chosen_variables(methane: Path) -> None:
    scene = open_scene(methane, variables=["xch4"])
    assert set(scene.data_vars) == {"quality", "xch4"}
    assert {"time", "latitude", "longitude", "latitude_corner", "y", "x"} <= set(scene.coords)
    with pytest.raises(YaotanError, match="xco2 is not in this file"):
        open_scene(methane, variables=["xco2"])


def test_unchecked_layout_is_said(tmp_path: Path) -> None:
    write_no2(tmp_path / "granule.nc", make_truth((LINES, PIXELS)))
    forget_warnings()
    with pytest.warns(UncheckedLayoutWarning, match="tropomi_no2") as said:
        open_scene(tmp_path / "granule.nc")
    assert Path(said[0].filename).name == Path(__file__).name
    forget_warnings()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scene = yaotan.open_scene(tmp_path / "granule.nc", trust_layout=True)
    assert scene.no2_averaging_kernel.dims == ("y", "x", "layer")


def test_howto_page_runs(methane: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (REPOSITORY / "docs" / "howto" / "scene.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(methane.parent)
    space: dict[str, xr.Dataset] = {}
    exec(code, space)
    assert space["scene"].sizes["y"] <= LINES
    for word in record(space["scene"]):
        assert word in ("file", "product", "version", "read", "kept", "lines", "pixels", "no_value", "masked")


def test_scene_holds_the_soundings_of_a_real_cut(satellite: Path) -> None:
    path = one(satellite, REPROCESSED)
    scene = check_scene(open_scene(path)).load()
    assert dict(scene.sizes) | {} == {"y": 39, "x": 23, "corner": 4, "layer": 12, "edge": 13}
    assert int(scene.xch4.notnull().sum()) == 463
    assert (int(scene.y[0]), int(scene.x[0])) == (1143, 40)  # numbers in the orbit, kept by the cut
    ds = open_soundings(path, quality="all").load()
    placed = np.isfinite(scene.latitude.values)
    assert placed.sum() == ds.sizes["sounding"] == 615
    for name in ("xch4", "latitude", "wind_u", "ch4_prior_profile", "quality", "longitude_corner"):
        np.testing.assert_array_equal(scene[name].values[placed], ds[name].values)
    good = open_scene(path, quality="good").load()
    assert int(good.xch4.notnull().sum()) == 269
    assert record(good)["masked"] == {"quality_flag": 194}


def test_region_of_a_real_scene(satellite: Path) -> None:
    path = satellite / MATIMBA
    whole = open_scene(path).load()
    scene = check_scene(open_scene(path, region=BOX)).load()
    assert record(scene)["kept"] == scene.sizes["y"] * scene.sizes["x"] < record(scene)["read"] == 22_308
    rows, columns = (slice(*record(scene)[key]) for key in ("lines", "pixels"))
    part = whole.isel(y=rows, x=columns)
    xr.testing.assert_equal(scene, part)
    west, south, east, north = BOX
    centre = (whole.longitude >= west) & (whole.longitude <= east)
    centre &= (whole.latitude >= south) & (whole.latitude <= north)
    inside = centre.isel(y=rows, x=columns)
    assert int(inside.sum()) == int(centre.sum())  # no pixel of the region is lost
    assert bool((~inside).any())  # and pixels of the rectangle outside it stay
    # the outermost lines and pixels are there for a reason: their footprints touch the box
    lon, lat = scene.longitude_corner.values, scene.latitude_corner.values
    reach = shapely.intersects(
        shapely.box(*BOX), shapely.envelope(shapely.linestrings(np.stack([lon, lat], -1)))
    )
    assert reach[0].any()
    assert reach[-1].any()
    assert reach[:, 0].any()
    assert reach[:, -1].any()


def test_region_smaller_than_a_pixel(satellite: Path) -> None:
    scene = open_scene(satellite / MATIMBA, region=(27.5, -23.7, 27.501, -23.699)).load()
    assert 1 <= scene.sizes["y"] <= 2
    assert 1 <= scene.sizes["x"] <= 2
    assert float(scene.latitude_corner.min()) < -23.699
    assert float(scene.latitude_corner.max()) > -23.7


def test_polygon_region(satellite: Path) -> None:
    triangle = gpd.GeoDataFrame(geometry=[shapely.Polygon([(27, -24.5), (28.5, -24.5), (27, -23)])], crs=4326)
    scene = open_scene(satellite / MATIMBA, region=triangle)
    box = open_scene(satellite / MATIMBA, region=BOX)
    assert record(scene)["lines"][0] >= record(box)["lines"][0]
    assert record(scene)["lines"][1] <= record(box)["lines"][1]
    assert record(scene)["kept"] < record(box)["kept"]


def test_region_across_the_dateline_and_at_the_pole(satellite: Path) -> None:
    path = one(satellite, ORBIT)
    scene = open_scene(path, region=(170.0, 60.0, -170.0, 88.0), variables=["xch4"]).load()
    assert 0 < scene.sizes["y"] < 3245
    touched = np.abs(scene.longitude.values) >= 170.0
    assert touched.any()
    pole = open_scene(path, region=(10.0, 89.99, 11.0, 90.0), variables=["xch4"])
    assert 1 <= pole.sizes["y"] <= 4  # those pixels that hold or touch the last 0.01 degrees
    with pytest.raises(RegionError, match="no pixel of the swath touches the region"):
        open_scene(path, region=(-100.0, 0.0, -90.0, 10.0))


def test_full_orbit_without_quality(satellite: Path) -> None:
    path = one(satellite, ORBIT)
    scene = open_scene(path, variables=["xch4"])
    assert dict(scene.sizes) == {"y": 3245, "x": 215, "corner": 4}
    assert record(scene)["no_value"] == 3245 * 215 - 52_210
    with pytest.raises(NotAGranuleError, match="qa_value is missing"):
        open_scene(path, quality="good")


def test_axes_that_the_file_only_names_count_from_0(satellite: Path) -> None:
    scene = check_scene(open_scene(satellite / TWO_LINES)).load()
    np.testing.assert_array_equal(scene.x, np.arange(215))
    assert "counted from 0" in scene.x.attrs["comment"]
    assert int(scene.co.notnull().sum()) == 226


def test_lists_are_refused(satellite: Path) -> None:
    with pytest.raises(NotAGranuleError, match="a list of soundings, no scan lines"):
        open_scene(one(satellite, "s5p_ch4_blended/*_02844_*.nc"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quality": "bad"}, "no quality of a scene"),
        ({"chunks": 0}, "no chunk size"),
        ({"region": 3}, "region"),
    ],
)
def test_arguments_are_checked(methane: Path, options: dict, words: str) -> None:
    with pytest.raises(YaotanError, match=words):
        open_scene(methane, **options)


def test_check_scene_says_what_is_wrong(methane: Path) -> None:
    scene = open_scene(methane)
    for broken, words in (
        (scene.rename(y="line"), "dims"),
        (scene.drop_vars("latitude"), "'latitude' is missing"),
        (scene.drop_vars(["xch4", "xch4_raw"]), "neither a column variable nor a spectrum"),
        (scene.assign(xch4=scene.xch4.assign_attrs(units="ppm")), "units 'ppm'"),
        (scene.assign(wind_u=scene.wind_u.transpose("x", "y")), "wind_u has dims"),
        (scene.assign(quality=scene.quality.drop_attrs()), "flag_meanings"),
    ):
        with pytest.raises(SchemaError, match=words):
            check_scene(broken)


CORNERS = st.tuples(
    st.floats(-179.9, 179.9), st.floats(-80.0, 80.0), st.floats(0.01, 2.0), st.floats(0.01, 2.0)
)


@settings(max_examples=150, deadline=None)
@given(pixel=CORNERS, west=st.floats(-180, 179), width=st.floats(0.1, 90), south=st.floats(-85, 80))
def test_touching_agrees_with_geometry(
    pixel: tuple[float, float, float, float], west: float, width: float, south: float
) -> None:
    """A box, and the same box as polygon, touch a pixel exactly if one of its turns meets it."""
    lon, lat, half_x, half_y = pixel
    east, north = west + width, south + 4.0
    x = np.array([[lon - half_x, lon + half_x, lon + half_x, lon - half_x]])
    y = np.array([[lat - half_y, lat - half_y, lat + half_y, lat + half_y]])
    wrapped = (x + 180.0) % 360.0 - 180.0
    shape = shapely.box(lon - half_x, lat - half_y, lon + half_x, lat + half_y)
    turns = [shapely.box(west + turn, south, east + turn, north) for turn in (-360, 0, 360)]
    meets = any(shape.buffer(-1e-6).intersects(turn) for turn in turns)
    if not meets and min(shape.distance(turn) for turn in turns) < 1e-6:
        return  # edge to edge: rounding decides
    area = Polygons(shapely.box(west, south, east, north))
    box = Box(west, south, (east + 180.0) % 360.0 - 180.0 if east > 180.0 else east, north)
    assert box.touches(y, wrapped)[0] == meets
    assert area.touches(y, wrapped)[0] == meets


def test_pixel_around_the_pole_touches_every_longitude() -> None:
    lat, lon = np.full((1, 4), 89.9), np.array([[0.0, 90.0, 180.0, -90.0]])
    for area in (Box(44.0, 89.95, 45.0, 90.0), Polygons(shapely.box(44.0, 89.95, 45.0, 90.0))):
        assert area.touches(lat, lon)[0]
        assert not area.touches(-lat, lon)[0]
        assert not area.touches(lat, lon / 10.0)[0]


def test_missing_corners_touch_nothing() -> None:
    nothing = np.full((2, 4), np.nan)
    for area in (parse_region((0, 0, 10, 10)), Polygons(shapely.box(0, 0, 10, 10))):
        assert area is not None
        assert not area.touches(nothing, nothing).any()


def test_time_of_each_pixel_where_lines_have_none(methane: Path, tmp_path: Path) -> None:
    """A product that gives time by pixel keeps it so."""
    path = tmp_path / "granule.nc"
    path.write_bytes(methane.read_bytes())
    with h5py.File(path, "a") as file:
        delta = file["PRODUCT/delta_time"][()]
        units = file["PRODUCT/delta_time"].attrs["units"]
        del file["PRODUCT/delta_time"], file["PRODUCT/time_utc"]
        file["PRODUCT/delta_time"] = np.repeat(delta[:, :, None], PIXELS, axis=2) + np.arange(PIXELS)
        file["PRODUCT/delta_time"].attrs["units"] = units
    scene = check_scene(open_scene(path)).load()
    assert scene.time.dims == ("y", "x")
    assert (scene.time[:, 1] - scene.time[:, 0] == np.timedelta64(1, "ms")).all()
