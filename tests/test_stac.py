"""STAC catalogs are valid (offline), self-contained, equal for equal input, and point to the right files."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pystac
import pytest
import shapely
from pystac.errors import STACValidationError
from pystac.validation import JsonSchemaSTACValidator, validate_dict
from pystac.validation.stac_validator import GetSchemaError

from stac_validation import OfflineValidator, no_network, validate_tree
from yaotan.errors import OutputError, YaotanError
from yaotan.io.index.scan import index_granules
from yaotan.io.stac.catalog import write_catalog
from yaotan.io.stac.granule import write_stac
from yaotan.io.stac.item import make_item
from yaotan.io.stac.record import File, Group, Record, make_key
from yaotan.simulate.layout import (
    Retrieval,
    nies_gosat_name,
    oco2_lite_name,
    write_nies_gosat,
    write_oco2_lite,
)

WEST, EAST = oco2_lite_name("2020-01-15"), oco2_lite_name("2020-01-16")


def make_folder(base: Path) -> Path:
    (base / "sub folder").mkdir(parents=True)
    write_oco2_lite(base / WEST, Retrieval.make(10))
    longitude = (np.linspace(179.0, 181.0, 10) + 180) % 360 - 180
    write_oco2_lite(base / EAST, Retrieval.make(10, longitude=longitude))
    write_nies_gosat(base / "sub folder" / nies_gosat_name("2020-01-15"), Retrieval.make(1))
    (base / "page.nc").write_text("<html>")
    return base


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("stac") / "data")
    index_granules(folder)
    write_stac(folder, folder.parent / "stac")
    return folder


@pytest.fixture(scope="module")
def tree(base):
    return validate_tree(base.parent / "stac")


def test_all_is_valid(tree):
    assert {kind: len(items) for kind, items in tree.items()} == {"Catalog": 1, "Collection": 2, "Feature": 3}


def item_of(tree, name):
    return next(item for item in tree["Feature"] if name in item["id"])


def test_what_cannot_be_an_item_is_counted(base):
    summary = write_stac(base, base.parent / "stac")
    assert (summary.items, summary.left_out) == ({"nies_gosat_co2": 1, "oco2_lite": 2}, {"error": 1})


def test_an_item_says_where_the_file_is_and_what(tree, base):
    item = item_of(tree, WEST)
    asset = item["assets"]["data"]
    place = base.parent / "stac" / "oco2_lite" / "item" / asset["href"]
    assert place.resolve() == (base / WEST).resolve()
    assert asset["type"] == "application/netcdf"
    assert asset["file:size"] == place.stat().st_size
    assert asset["file:checksum"] == "1220" + hashlib.sha256(place.read_bytes()).hexdigest()
    assert item["properties"]["platform"] == "OCO-2"
    assert item["properties"]["start_datetime"] == "2020-01-15T05:30:00Z"
    assert shapely.geometry.shape(item["geometry"]).bounds == tuple(item["bbox"])


def test_one_moment_is_a_datetime(tree):
    item = item_of(tree, nies_gosat_name("2020-01-15")[:20])
    assert item["properties"]["datetime"] == item["properties"]["start_datetime"]


def test_across_the_dateline_west_is_above_east(tree):
    item = item_of(tree, EAST)
    west, _, east, _ = item["bbox"]
    assert item["geometry"]["type"] == "MultiPolygon"
    assert (west, east) == (179.0, -178.75)
    collection = next(one for one in tree["Collection"] if one["id"] == "oco2_lite")
    assert collection["extent"]["spatial"]["bbox"] == [[114.75, 30.0, -178.75, 30.25]]


def test_links_survive_spaces(tree, base):
    item = item_of(tree, "sub-folder")
    assert "/sub%20folder/" in item["assets"]["data"]["href"]


def test_equal_input_gives_equal_files(base, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(base, again / "data", symlinks=True)
    index_granules(again / "data", refresh=True, workers=1)
    write_stac(again / "data", again / "stac")
    first = {p.relative_to(base.parent): p.read_bytes() for p in (base.parent / "stac").rglob("*.json")}
    assert first == {p.relative_to(again): p.read_bytes() for p in (again / "stac").rglob("*.json")}


def test_pystac_reads_it(base):
    catalog = pystac.Catalog.from_file(str(base.parent / "stac" / "catalog.json"))
    items = list(catalog.get_items(recursive=True))
    assert len(items) == 3
    assert {item.get_collection().id for item in items} == {"oco2_lite", "nies_gosat_co2"}
    found = [item.assets["data"].get_absolute_href() for item in items if item.collection_id == "oco2_lite"]
    assert all(Path(name).is_file() for name in found)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda item: item.pop("bbox"),
        lambda item: item["properties"].pop("datetime"),
        lambda item: item["properties"].update(datetime="yesterday"),
        lambda item: item["assets"]["data"].update({"file:size": "large"}),
        lambda item: item["assets"]["data"].update({"file:checksum": "XYZ"}),
        lambda item: item["assets"]["data"].pop("href"),
        lambda item: item["properties"].update({"proj:code": 4326}),
        lambda item: item.update(id=""),
    ],
)
def test_a_broken_item_is_found(tree, spoil):
    item = copy.deepcopy(item_of(tree, WEST))
    item["stac_extensions"].append("https://stac-extensions.github.io/projection/v2.0.0/schema.json")
    item["properties"]["proj:code"] = "EPSG:4326"
    validate_dict(item, validator=OfflineValidator())
    spoil(item)
    with pytest.raises(STACValidationError):
        validate_dict(item, validator=OfflineValidator())


def test_validation_asks_no_network(tree):
    """`validate_tree` cuts the network; here it is seen that it does, and who would ask it but for us."""
    item = copy.deepcopy(item_of(tree, WEST))
    item["stac_extensions"].append("https://stac-extensions.github.io/projection/v2.0.0/schema.json")
    item["properties"]["proj:projjson"] = {"type": "GeographicCRS", "name": "x"}  # leads to a third schema
    with no_network():
        with pytest.raises(STACValidationError, match=r"projection/v2\.0\.0"):
            validate_dict(item, validator=OfflineValidator())
        with pytest.raises((GetSchemaError, AssertionError), match="the network was asked"):
            validate_dict(item, validator=JsonSchemaSTACValidator())


def test_an_unknown_extension_is_no_pass(tree):
    item = copy.deepcopy(item_of(tree, WEST))
    item["stac_extensions"].append("https://stac-extensions.github.io/eo/v1.1.0/schema.json")
    with pytest.raises(AssertionError, match="not kept with the tests"):
        validate_dict(item, validator=OfflineValidator())


def test_a_folder_of_others_is_not_replaced(base, tmp_path):
    for name, content in (("notes.txt", "mine"), ("catalog.json", '{"type": "Catalog"}')):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).write_text(content)
        with pytest.raises(OutputError, match="no catalog that yaotan wrote"):
            write_stac(base, folder)
        assert (folder / name).read_text() == content


def test_an_older_catalog_is_replaced_whole(base, tmp_path):
    target = tmp_path / "stac"
    write_stac(base, target)
    (target / "oco2_lite" / "item" / "stale.json").write_text("{}")
    write_stac(base, target)
    validate_tree(target)
    assert [path.name for path in tmp_path.iterdir()] == ["stac"]


def test_places_that_cannot_be_written(base, tmp_path, monkeypatch):
    with pytest.raises(OutputError, match="the folder does not exist"):
        write_stac(base, tmp_path / "no" / "stac")
    monkeypatch.setattr("yaotan.io.stac.catalog.os.access", lambda *_: False)
    with pytest.raises(OutputError, match="permission denied"):
        write_stac(base, tmp_path / "stac")


def test_without_index(tmp_path):
    with pytest.raises(YaotanError, match="there is no index"):
        write_stac(tmp_path, tmp_path / "stac")


def make_record(tmp_path, **properties):
    moment = np.datetime64("2020-01-01", "ns")
    files = {"data": File(tmp_path / "a.nc", "a")}
    return Record("a", moment, moment + np.timedelta64(1, "D"), shapely.box(0, 0, 1, 1), files, properties)


def test_projection_fields_bring_their_extension(tmp_path):
    fields = {
        "proj:code": "EPSG:4326",
        "proj:shape": [10, 20],
        "proj:transform": [0.1, 0.0, 0.0, 0.0, 0.1, 0.0],
        "proj:bbox": [0.0, 0.0, 2.0, 1.0],
    }
    item = make_item(make_record(tmp_path, **fields), "grids", tmp_path)
    assert [name.split("/")[3] for name in item["stac_extensions"]] == ["projection"]
    validate_dict(item, validator=OfflineValidator())


def test_a_record_without_place_is_valid(tmp_path):
    record = make_record(tmp_path)
    record = Record(record.key, record.start, record.end, None, record.files)
    group = Group("g", "G", "without place", [record])
    write_catalog(
        [group, Group("none", "N", "empty", [])], tmp_path / "c", key="c", title="C", description="c"
    )
    assert [one["id"] for one in validate_tree(tmp_path / "c")["Collection"]] == ["g"]


def test_keys_are_never_shared():
    paths = ["a/b.nc", "a__b.nc", "a b.nc", "a-b.nc", "中.nc", "文.nc", "x" * 300, "x" * 301]
    keys = [make_key(path) for path in paths]
    assert len(set(keys)) == len(paths)
    assert all(len(key.encode()) < 200 for key in keys)


def test_the_index_can_be_opened_beside(base):
    assert isinstance(gpd.read_parquet(base / "granule_index.parquet"), gpd.GeoDataFrame)
    content = json.loads((base.parent / "stac" / "catalog.json").read_text())
    assert content["generator"] == "yaotan"
