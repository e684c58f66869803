"""Many granules as one table: selection, counting, order, laziness, and the errors of the whole call."""

from __future__ import annotations

import json
import pickle
import tracemalloc
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

from yaotan.catalog.product import find_product, load_products, read_product
from yaotan.catalog.source import root
from yaotan.errors import CatalogError, NotAGranuleError, RegionError, YaotanError
from yaotan.io.bound import Box, parse_period, parse_region
from yaotan.io.identify import identify
from yaotan.io.soundings import find_files, open_soundings
from yaotan.schema import check_soundings
from yaotan.simulate.layout import (
    Retrieval,
    nies_gosat_name,
    oco2_lite_name,
    write_nies_gosat,
    write_oco2_lite,
)


def write_day(folder: Path, day: int, *, count: int = 8, **given: object) -> Path:
    start = np.datetime64(f"2020-01-{day:02d}T05:30:00", "ns")
    time = start + np.arange(count) * np.timedelta64(1, "s")
    path = folder / oco2_lite_name(f"2020-01-{day:02d}")
    write_oco2_lite(path, Retrieval.make(count, **{"time": time, "xgas": 400.0 + day, **given}))
    return path


@pytest.fixture
def month(tmp_path: Path) -> Path:
    folder = tmp_path / "granules"
    folder.mkdir()
    for day in (14, 15, 16):
        write_day(folder, day)
    return folder


def reading(ds: xr.Dataset) -> list[dict]:
    return json.loads(ds.attrs["reading"])


def test_folder_pattern_and_list_in_any_order_give_the_same(month: Path) -> None:
    files = sorted(month.iterdir())
    ways = [month, str(month / "*.nc4"), files, files[::-1], [files[1], month]]
    tables = [open_soundings(way).load() for way in ways]
    for table in tables:
        assert table.sizes["sounding"] == 24
        table.attrs.pop("history")
        xr.testing.assert_identical(table, tables[0])
    assert tables[0].granule.values.tolist() == sorted(tables[0].granule.values.tolist())
    assert tables[0].attrs["source"].split(", ") == [path.name for path in files]


def test_unsorted_time_is_sorted_within_a_granule(tmp_path: Path) -> None:
    start = np.datetime64("2020-01-15T05:30:00", "ns")
    time = start + np.array([3, 1, 2, 0]) * np.timedelta64(1, "s")
    path = write_day(tmp_path, 15, count=4, time=time, xgas=[403.0, 401.0, 402.0, 400.0])
    ds = open_soundings(path).load()
    assert ds.xco2.values.tolist() == [400.0, 401.0, 402.0, 403.0]
    assert (np.diff(ds.time.values) > np.timedelta64(0)).all()


@pytest.mark.parametrize("chunks", [None, 3, {"sounding": 5}, 1000])
def test_values_do_not_depend_on_chunks(month: Path, chunks: object) -> None:
    ds = open_soundings(month, chunks=chunks)
    expected = {None: (8, 8, 8), 3: (3, 3, 2) * 3, 1000: (8, 8, 8)}.get(
        chunks if not isinstance(chunks, dict) else 0
    )
    if expected:
        assert ds.xco2.chunks == (expected,)
    ds, plain = ds.load(), open_soundings(month).load()
    for name in plain:
        np.testing.assert_array_equal(ds[name].values, plain[name].values)


@pytest.mark.parametrize("chunks", [0, -1, "auto", {"sounding": 0}])
def test_bad_chunks(month: Path, chunks: object) -> None:
    with pytest.raises(YaotanError, match="no chunk size"):
        open_soundings(month, chunks=chunks)


def test_table_is_lazy_and_picklable(month: Path) -> None:
    ds = open_soundings(month)
    assert all(dask.is_dask_collection(ds[name]) for name in ds)
    again = pickle.loads(pickle.dumps(ds))  # noqa: S301
    xr.testing.assert_identical(again.load(), ds.load())


def test_level_variables_are_not_read_unless_asked_for(month: Path) -> None:
    for path in month.iterdir():
        with h5py.File(path, "r+") as file:
            shape = file["xco2_averaging_kernel"].shape
            del file["xco2_averaging_kernel"]
            file.create_dataset("xco2_averaging_kernel", shape, "f4", chunks=(4, 20), compression="gzip")[
                ...
            ] = 1
            offset = file["xco2_averaging_kernel"].id.get_chunk_info(0).byte_offset
            size = file["xco2_averaging_kernel"].id.get_chunk_info(0).size
        content = bytearray(path.read_bytes())
        content[offset : offset + size] = b"\xff" * size  # cannot be decompressed any more
        path.write_bytes(content)
    ds = open_soundings(month, variables=["xco2"])
    assert set(ds) == {"time", "latitude", "longitude", "quality", "xco2", "granule"}
    ds.load()
    with pytest.raises(NotAGranuleError, match="xco2_averaging_kernel cannot be read"):
        open_soundings(month).xco2_averaging_kernel.compute()


def test_unknown_variable_lists_what_there_is(month: Path) -> None:
    with pytest.raises(YaotanError, match=r"xco3 is not in these files.*xco2_prior"):
        open_soundings(month, variables=["xco3"])


def test_each_loss_is_counted_once_under_its_first_reason(tmp_path: Path) -> None:
    path = write_day(
        tmp_path,
        15,
        count=7,
        latitude=[30.0, np.nan, 60.0, 60.0, 30.0, 30.0, 30.0],
        longitude=[115.0] * 7,
        xgas=[400.0, np.nan, np.nan, 400.0, 400.0, np.nan, 400.0],
        quality=[0, 1, 1, 0, 1, 0, 0],
    )
    ds = open_soundings(path, region=(110, 20, 120, 40))
    (entry,) = reading(ds)
    assert entry["dropped"] == {"no_geolocation": 1, "outside_region": 2, "quality_flag": 1, "no_value": 1}
    assert entry["kept"] + sum(entry["dropped"].values()) == entry["read"] == 7


def test_quality_choices(tmp_path: Path) -> None:
    path = write_day(tmp_path, 15, count=4, quality=[0, 1, 0, -1])
    sizes = {q: open_soundings(path, quality=q).sizes["sounding"] for q in ("good", "all", "bad")}
    assert sizes == {"good": 2, "all": 4, "bad": 2}
    with pytest.raises(YaotanError, match="good, all or bad"):
        open_soundings(path, quality="best")


def test_period_includes_its_end(month: Path) -> None:
    ds = open_soundings(month, period=("2020-01-15", "2020-01-16"))
    assert ds.attrs["source"].count("oco2") == 2
    assert open_soundings(month, period=("2020-01", "2020-01")).sizes["sounding"] == 24
    assert open_soundings(month, period=("2020-01-15T05:30:02", "2020-01-15T05:30:04")).sizes["sounding"] == 3
    empty = check_soundings(open_soundings(month, period=("2021-01-01", "2021-01-02")))
    assert empty.sizes["sounding"] == 0
    assert empty.load().xco2.shape == (0,)
    assert [entry["dropped"] for entry in reading(empty)] == [{"outside_period": 8}] * 3


@pytest.mark.parametrize("period", ["2020-01-15", ("2020-01-15",), ("x", "y"), ("2020-02-01", "2020-01-01")])
def test_bad_period(period: object) -> None:
    with pytest.raises(YaotanError, match="period"):
        parse_period(period)


def test_region_box_over_the_dateline(tmp_path: Path) -> None:
    path = write_day(tmp_path, 15, count=4, latitude=[0.0] * 4, longitude=[179.5, -179.5, 0.0, 170.0])
    lon = open_soundings(path, region=(175, -5, -175, 5)).longitude.values
    assert lon.tolist() == [179.5, -179.5]
    assert open_soundings(path, region=(175, -5, 185, 5)).longitude.values.tolist() == [179.5, -179.5]
    assert open_soundings(path, region=(-180, -90, 180, 90)).sizes["sounding"] == 4
    assert open_soundings(path, region=(0, -90, 360, 90)).sizes["sounding"] == 4


@settings(deadline=None, max_examples=60)
@given(
    west=st.floats(-180, 180),
    width=st.floats(0.1, 359),
    lon=st.floats(-180, 179.999),
    turn=st.sampled_from([0, 360]),
)
def test_box_is_the_same_however_its_edges_are_written(
    west: float, width: float, lon: float, turn: int
) -> None:
    east = west + width
    inside = (lon - west) % 360 <= width
    if east > 360 or min((lon - west) % 360, (lon - east) % 360) < 1e-6:
        return
    if (lon - west) % 360 > 359.9999 or (lon - east) % 360 > 359.9999:
        return
    written = east if not turn or east < 180 else east - 360
    if abs(written - west) < 1e-9:
        return
    assert Box(west, -90, written, 90).holds(np.array([0.0]), np.array([lon]))[0] == inside


def test_region_polygons(tmp_path: Path) -> None:
    path = write_day(
        tmp_path, 15, count=4, latitude=[30.0, 30.0, 35.0, 30.5], longitude=[115.0, 117.0, 115.0, 115.5]
    )
    triangle = shapely.Polygon([(114, 29), (116, 29), (115, 33)])
    for crs in (4326, 3857):
        regions = gpd.GeoDataFrame(geometry=[triangle], crs=4326).to_crs(crs)
        assert open_soundings(path, region=regions).sizes["sounding"] == 2
    with pytest.raises(RegionError, match="no coordinate reference system"):
        open_soundings(path, region=gpd.GeoDataFrame(geometry=[triangle]))


def test_polygon_beyond_the_dateline(tmp_path: Path) -> None:
    path = write_day(tmp_path, 15, count=3, latitude=[0.0] * 3, longitude=[179.5, -179.5, 0.0])
    beyond = gpd.GeoDataFrame(geometry=[shapely.box(179, -1, 181, 1)], crs=4326)
    assert open_soundings(path, region=beyond).longitude.values.tolist() == [179.5, -179.5]


@pytest.mark.parametrize("region", [(1, 2, 3), (0, 10, 5, 0), (0, -95, 5, 0), (0, 0, 400, 5), "China"])
def test_bad_region(region: object) -> None:
    with pytest.raises(RegionError, match="west, south, east, north"):
        parse_region(region)


# ----------------------------------------------------------------------------------------- duplicates


def test_duplicates_within_and_across_files(tmp_path: Path) -> None:
    path = write_day(tmp_path, 15)
    with h5py.File(path, "r+") as file:
        file["sounding_id"][3] = file["sounding_id"][2]
    copy = tmp_path / path.name.replace("B11210Ar_24", "B11210Ar_25")
    copy.write_bytes(path.read_bytes())
    ds = open_soundings([path, copy])
    assert ds.sizes["sounding"] == 7
    first, second = reading(ds)
    assert first["dropped"] == {"duplicate": 1}
    assert second["dropped"] == {"duplicate": 8}
    assert second["kept"] == 0


def test_newest_version_of_a_sounding_stays(tmp_path: Path) -> None:
    time = np.datetime64("2020-01-15T05:30:00", "ns") + np.arange(3) * np.timedelta64(1, "s")
    for version, value in (("10", 400.0), ("9", 390.0), ("11.2", 410.0)):
        path = tmp_path / oco2_lite_name("2020-01-15", version=version)
        write_oco2_lite(path, Retrieval.make(3, time=time, xgas=value), version=version)
    ds = open_soundings(tmp_path).load()
    assert ds.xco2.values.tolist() == [410.0] * 3
    assert ds.attrs["product_version"] == "11.2"


def test_duplicates_without_ids_by_time_and_place(tmp_path: Path) -> None:
    path = tmp_path / nies_gosat_name("2018-11-02")
    time = np.datetime64("2018-11-02T05:30:00", "ns") + np.array([0, 4, 4, 4]) * np.timedelta64(1, "s")
    write_nies_gosat(path, Retrieval.make(4, time=time, latitude=[30.0, 31.0, 31.0, 32.0], longitude=115.0))
    ds = open_soundings(path)
    assert ds.latitude.values.tolist() == [30.0, 31.0, 32.0]


@pytest.mark.parametrize("gap", ["no ids", "one fill"])
def test_a_file_without_ids_is_compared_by_time_and_place(gap: str, tmp_path: Path) -> None:
    path = write_day(tmp_path, 15)
    copy = tmp_path / f"z_{path.name}"
    copy.write_bytes(path.read_bytes())
    with h5py.File(copy, "r+") as file:
        if gap == "no ids":
            del file["sounding_id"]
        else:
            file["sounding_id"][4] = 0
    ds = open_soundings([path, copy]).load()
    assert ds.sizes["sounding"] == 8
    assert [entry["dropped"] for entry in reading(ds)] == [{}, {"duplicate": 8}]


def test_a_table_holds_no_more_than_its_row_index(tmp_path: Path) -> None:
    counts = 40_000, 80_000
    for day, count in zip((15, 16), counts, strict=True):
        start = np.datetime64(f"2020-01-{day:02d}T00:00:00", "ns")
        time = start + np.arange(count) * np.timedelta64(1, "s")
        write_day(tmp_path, day, count=count, time=time, latitude=30.0, longitude=115.0)
    held = []
    for path in sorted(tmp_path.iterdir()):
        open_soundings(path)
        tracemalloc.start()
        ds = open_soundings(path, quality="all")
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert ds.granule.values.tolist() == [0] * ds.sizes["sounding"]
    assert held[1] - held[0] < 6 * (counts[1] - counts[0])  # four bytes a sounding and some overhead


# ---------------------------------------------------------------------------------- mixed and bad files


@pytest.fixture
def mixed(month: Path) -> Path:
    write_nies_gosat(month / nies_gosat_name("2020-01-15"), Retrieval.make(4))
    return month


def test_mixed_products_are_named(mixed: Path) -> None:
    for on_error in ("raise", "skip"):
        with pytest.raises(NotAGranuleError, match=r"several products: nies_gosat_co2 .*oco2_lite.*product="):
            open_soundings(mixed, on_error=on_error)


def test_product_selects_among_mixed_files(mixed: Path) -> None:
    ds = open_soundings(mixed, product="nies_gosat_co2")
    assert ds.sizes["sounding"] == 4
    assert sum("not_selected" in entry for entry in reading(ds)) == 3
    with pytest.raises(CatalogError, match=r"oco9.*one of"):
        open_soundings(mixed, product="oco9")
    with pytest.raises(NotAGranuleError, match="no file could be used"):
        open_soundings(mixed, product="acos_lite")


def test_bad_files_are_listed_when_skipped(month: Path) -> None:
    (month / "page.nc4").write_text("<html>Login</html>")
    cut = sorted(month.glob("oco2*"))[0]
    cut.write_bytes(cut.read_bytes()[:4000])
    with pytest.raises(NotAGranuleError):
        open_soundings(month)
    ds = open_soundings(month, on_error="skip")
    assert ds.sizes["sounding"] == 16
    errors = [entry["error"] for entry in reading(ds) if "error" in entry]
    assert len(errors) == 2
    assert any("web page" in error for error in errors)
    assert any("cut short" in error for error in errors)


def test_nothing_readable_is_an_error_even_when_skipping(tmp_path: Path) -> None:
    (tmp_path / "page.nc4").write_text("<html>Login</html>")
    with pytest.raises(NotAGranuleError, match=r"no file could be used.*web page"):
        open_soundings(tmp_path, on_error="skip")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotAGranuleError, match="no data file"):
        find_files(tmp_path)
    with pytest.raises(NotAGranuleError, match="no such file or folder"):
        find_files(tmp_path / "nowhere")
    with pytest.raises(NotAGranuleError, match="pattern matches no file"):
        find_files(tmp_path / "*.nc4")


def test_unknown_file_says_what_was_found_and_what_is_nearest(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["latitude"], file["longitude"], file["time"], file["xco2"] = [1.0], [2.0], [3.0], [4.0]
    with pytest.raises(NotAGranuleError) as caught:
        identify(path)
    text = str(caught.value)
    assert "HDF5 file with 4 datasets (latitude, longitude, time, xco2)" in text
    assert "nearest is" in text
    assert "lacks xco2_quality_flag" in text


def test_variable_that_some_files_lack_is_nan_there(tmp_path: Path) -> None:
    first = write_day(tmp_path, 15)
    with h5py.File(write_day(tmp_path, 16), "r+") as file:
        del file["xco2_x2019"], file["Sounding/operation_mode"]
    ds = open_soundings(tmp_path).load()
    assert np.isnan(ds.xco2_x2019.values).tolist() == [False] * 8 + [True] * 8
    assert ds["mode"].values.tolist() == [0] * 8 + [255] * 8
    assert first.name not in ds.xco2_x2019.attrs["missing_in"]
    assert "200116" in ds.xco2_x2019.attrs["missing_in"]


# -------------------------------------------------------------------------------- identify and back end


def test_match_gives_what_info_prints(tmp_path: Path) -> None:
    match = identify(
        write_day(tmp_path, 15, count=4, quality=[0, 1, 1, 0], longitude=[179.0, -179.0, 178.0, -178.0])
    )
    assert (match.product, match.count) == ("oco2_lite", 4)
    assert match.period == ("2020-01-15T05:30:00.000", "2020-01-15T05:30:03.000")
    assert match.extent[0::2] == (178.0, -178.0)  # over the dateline
    assert match.by_quality == {"good": 2, "bad": 2}
    assert match.by_mode == {"nadir": 4}
    assert match.variables["xco2"] == "ppm"
    assert match.matched["surface_pressure"] == "Retrieval/psurf"
    assert match.title["zh"]


def test_match_of_an_empty_day(tmp_path: Path) -> None:
    match = identify(write_day(tmp_path, 15, count=0))
    assert (match.count, match.period, match.extent) == (0, None, None)
    assert match.by_quality == {"good": 0, "bad": 0}


def test_xarray_engine(month: Path) -> None:
    path = sorted(month.iterdir())[0]
    with xr.open_dataset(path, engine="yaotan", drop_variables=["mode"]) as ds:
        check_soundings(ds)
        assert "mode" not in ds
        assert ds.sizes["sounding"] == 8
    assert "yaotan" not in {type(xr.backends.plugins.guess_engine(str(path))).__name__}


# ------------------------------------------------------------------------------------------- catalog


def test_every_product_file_is_complete() -> None:
    assert set(load_products()) >= {
        "oco2_lite",
        "oco3_lite",
        "acos_lite",
        "nies_gosat_co2",
        "nies_gosat_ch4",
        "gf5b_gmi",
    }
    for name, entry in load_products().items():
        assert (root("catalogs") / "products" / f"{name}.yaml").is_file()
        for words in (entry.title, *entry.reasons.values(), *(rule.words for rule in entry.rules)):
            assert set(words) == {"en", "zh"}
        known = set(entry.variables) | set(entry.aliases)
        assert {rule.variable for rule in entry.rules} <= known
        page = Path(__file__).parents[1] / "docs" / "product" / f"{name}.md"
        assert page.read_text(encoding="utf-8").startswith(f"# {name}")
        assert ("never run on a real file" in page.read_text(encoding="utf-8")) == (entry.checked == "note")
        assert entry.references
        assert entry.licence


def test_unknown_key_in_a_product_file(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("extends: oco2_lite\nproduct: own\nfootprnt: []\n")
    with pytest.raises(CatalogError, match="footprnt"):
        read_product(path)


def test_users_own_product_file(tmp_path: Path) -> None:
    granule = write_day(tmp_path, 15)
    with h5py.File(granule, "r+") as file:
        file.move("xco2", "my_xco2")
    own = tmp_path / "own.yaml"
    own.write_text(
        "extends: oco2_lite\nproduct: own\nidentify: {required: [my_xco2, latitude]}\n"
        "variables:\n  latitude: latitude\n  longitude: longitude\n  xco2: my_xco2\n"
    )
    with pytest.raises(NotAGranuleError, match="no product that is known"):
        open_soundings(granule)
    ds = check_soundings(open_soundings(granule, product=str(own)))
    assert ds.attrs["product"] == "own"
    assert ds.xco2.values.tolist() == [415.0] * 8
    assert find_product(str(own)).product == "own"


@settings(deadline=None, max_examples=25)
@given(share=st.floats(0.001, 0.999), layout=st.sampled_from(["oco2", "nies"]))
def test_a_file_cut_anywhere_is_one_of_our_errors(
    share: float, layout: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    whole = folder / f"{layout}.h5"
    if not whole.exists():
        writer = write_oco2_lite if layout == "oco2" else write_nies_gosat
        writer(whole, Retrieval.make(20))
    content = whole.read_bytes()
    cut = folder / f"cut_{layout}.h5"
    cut.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(NotAGranuleError, match="damaged"):
        open_soundings(cut, quality="all").load()


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_every_sounding_is_kept_or_counted(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    count = data.draw(st.integers(0, 12))
    floats = st.one_of(st.floats(-90, 90), st.just(float("nan")))

    def draw(values: st.SearchStrategy) -> list:
        return data.draw(st.lists(values, min_size=count, max_size=count))

    path = tmp_path_factory.mktemp("property") / oco2_lite_name("2020-01-15")
    source = Retrieval.make(
        count,
        latitude=draw(floats),
        longitude=draw(floats),
        quality=draw(st.sampled_from([0, 1, -1])),
        xgas=draw(st.sampled_from([400.0, float("nan")])),
    )
    write_oco2_lite(path, source)
    sizes = {}
    for quality in ("good", "bad", "all"):
        ds = open_soundings(path, quality=quality, region=(-50, -40, 60, 70), variables=[])
        (entry,) = reading(ds)
        assert entry["kept"] + sum(entry["dropped"].values()) == entry["read"] == count
        assert entry["kept"] == ds.sizes["sounding"]
        sizes[quality] = entry["kept"] + entry["dropped"].get("no_value", 0)
    assert sizes["good"] + sizes["bad"] == sizes["all"]
