"""Fetching by Sentinel Hub's Catalog, Process and Statistical services, played by a server on loopback."""

from __future__ import annotations

import json
import logging
import sys

import geopandas as gpd
import pytest
import rasterio
from shapely.geometry import box

import yaotan
from servers.fetching import LASTING, LOGINS, PASSING, PROXIES, Waits, quick, secret_free
from servers.loopback import Answer, json_answer
from servers.sentinelhub import (
    CATALOG,
    CLIENT,
    CLIENT_SECRET,
    PROCESS,
    STATISTICS,
    TOKEN_PATH,
    SentinelHub,
)
from yaotan.errors import CredentialsError, FetchError, MissingDependencyError
from yaotan.io.fetch import read_statistics
from yaotan.io.fetch.source import find_source

pytest.importorskip("sentinelhub")

DAYS = ["2020-01-01", "2020-01-03", "2020-01-04"]
REGION = (110.0, 35.0, 111.0, 36.0)
#: a damaged pixel of a raster without checksum cannot be told
PASSING_HERE = [trouble for trouble in PASSING if trouble != "wrong"]


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in (*PROXIES, *LOGINS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SH_CLIENT_ID", CLIENT)
    monkeypatch.setenv("SH_CLIENT_SECRET", CLIENT_SECRET)


@pytest.fixture
def hub():
    played = SentinelHub(DAYS)
    yield played
    played.close()


def get(hub, folder, *, product="tropomi_ch4", patience=None, **options):
    return yaotan.fetch(
        product,
        **{"period": ("2020-01-01", "2020-01-04"), "region": REGION, "service": "copernicus", **options},
        target=folder / "got",
        base_url=hub.server.url,
        login_url=hub.login_url,
        patience=patience or quick(),
    )


def one(hub, folder, **options):
    hub.days = hub.days[:1]
    (file,) = get(hub, folder, **options).files
    return file


def test_a_raster_for_each_day_with_data(hub, tmp_path):
    result = get(hub, tmp_path)
    assert [file.about["day"] for file in result.files] == DAYS
    assert {file.status for file in result.files} == {"fetched"}
    with rasterio.open(result.files[0].path) as raster:
        assert raster.shape == (20, 20)
        assert tuple(raster.bounds) == REGION
    asked = hub.asked(PROCESS)[0]
    assert asked["input"]["data"][0]["type"] == "sentinel-5p-l2"
    assert asked["input"]["data"][0]["processing"] == {"minQa": 50}
    assert "CH4" in asked["evalscript"]
    assert hub.asked(CATALOG)[0]["datetime"] == "2020-01-01T00:00:00Z/2020-01-04T23:59:59Z"
    assert hub.tokens == 1
    record = json.loads(result.record.read_text())
    assert {entry["units"] for entry in record["files"].values()} == {"ppb"}


@pytest.mark.parametrize(
    ("product", "band", "quality"),
    [
        ("tropomi_co", "CO", 50),
        ("tropomi_no2", "NO2", 75),
        ("sentinel2_scene_class", "SCL", None),
        ("worldcover", "Map", None),
    ],
)
def test_bands_of_other_products(hub, tmp_path, product, band, quality):
    with rasterio.open(one(hub, tmp_path, product=product, resolution=0.1).path) as raster:
        assert raster.dtypes == ("uint8" if quality is None else "float32",)
    (asked,) = hub.asked(PROCESS)
    assert f'bands: ["{band}", "dataMask"]' in asked["evalscript"]
    assert asked["input"]["data"][0].get("processing", {}).get("minQa") == quality


def test_several_bands_come_in_one_raster(hub, tmp_path):
    file = one(hub, tmp_path, product="sentinel2_reflectance", resolution=0.1)
    with rasterio.open(file.path) as raster:
        assert raster.count == len(file.about["bands"]) == 6


def test_a_raster_that_is_there_is_not_asked_for_again(hub, tmp_path):
    get(hub, tmp_path)
    assert len(get(hub, tmp_path).of("already good")) == 3
    assert len(hub.asked(PROCESS)) == 3
    get(hub, tmp_path, resolution=0.1)
    assert len(hub.asked(PROCESS)) == 6


def test_a_table_for_each_region(hub, tmp_path):
    shapes = [box(110, 35, 111, 36), box(112, 35, 113, 36)]
    regions = gpd.GeoDataFrame({"region_id": ["140100", "140/200"]}, geometry=shapes, crs=4326)
    result = get(hub, tmp_path, region=regions, form="table")
    assert [file.about["region"] for file in result.files] == ["140100", "140/200"]
    for file in result.files:
        assert json.loads(file.path.read_text())["data"][0]["outputs"]["default"]["bands"]["B0"]["stats"]
    asked = hub.asked(STATISTICS)[0]
    assert asked["aggregation"]["aggregationInterval"] == {"of": "P1D"}
    assert asked["aggregation"]["timeRange"] == {"from": "2020-01-01T00:00:00Z", "to": "2020-01-05T00:00:00Z"}
    assert asked["input"]["bounds"]["geometry"]["type"] == "Polygon"


def test_tables_are_read_back(hub, tmp_path):
    shapes = [box(110, 35, 111, 36), box(112, 35, 113, 36)]
    regions = gpd.GeoDataFrame({"region_id": ["b", "a"]}, geometry=shapes, crs=4326)
    result = get(hub, tmp_path, region=regions, form="table")
    table = read_statistics(result.paths)
    assert list(table["region"]) == ["a", "b"]
    first = table.iloc[0]
    assert (first["band"], first["units"], first["mean"], first["spread"]) == ("CH4", "ppb", 1850.0, 9.0)
    assert (first["count"], first["missing"]) == (96, 4)
    assert (str(first["start"]), str(first["end"])) == ("2020-01-01 00:00:00", "2020-01-02 00:00:00")
    (tmp_path / "got" / "fetch.json").unlink()
    with pytest.raises(FetchError, match="not in the record"):
        read_statistics(result.paths)


@pytest.mark.parametrize("form", ["raster", "table"])
@pytest.mark.parametrize("trouble", LASTING)
def test_what_cannot_help_is_not_tried_again(hub, tmp_path, form, trouble):
    path = PROCESS if form == "raster" else STATISTICS
    hub.server.forever[path] = trouble
    file = one(hub, tmp_path, form=form)
    assert file.status == "failed"
    wanted = LASTING[trouble]
    if form == "table" and trouble in ("html", "json"):
        wanted = {"html": "not valid JSON", "json": "no statistics"}[trouble]
    assert wanted in file.reason
    assert {"401": "SH_CLIENT_ID", "403": "collection"}.get(trouble, "") in file.fix
    assert len(hub.server.requests(path)) <= (2 if trouble == "html" else 1)
    assert {path.name for path in (tmp_path / "got").iterdir()} == {"fetch.json"}


@pytest.mark.parametrize("form", ["raster", "table"])
@pytest.mark.parametrize("trouble", PASSING_HERE)
def test_what_passes_is_tried_again(hub, tmp_path, form, trouble):
    path = PROCESS if form == "raster" else STATISTICS
    hub.server.trouble[path] = [trouble.replace("700", "50")]
    assert one(hub, tmp_path, form=form, patience=quick(trouble=trouble)).status == "fetched"
    assert len(hub.server.requests(path)) == 2
    # a request with a body is never gone on with in the middle
    assert all("range" not in seen.headers for seen in hub.server.requests(path))


@pytest.mark.parametrize("path", [CATALOG, TOKEN_PATH])
@pytest.mark.parametrize("trouble", ["429:0", "500", "stall", "cut:20", *LASTING])
def test_search_and_login_fail_in_one_message(hub, tmp_path, path, trouble):
    hub.server.forever[path] = trouble
    with pytest.raises(FetchError) as caught:
        get(hub, tmp_path, patience=quick(trouble=trouble))
    assert caught.value.fix
    assert len(hub.server.requests(path)) == (1 if trouble in LASTING else 4)
    assert not (tmp_path / "got").exists()
    if trouble == "401":
        assert isinstance(caught.value, CredentialsError)


def test_retry_after_is_honoured(hub, tmp_path):
    """The service counts milliseconds in an answer 429, its login and HTTP itself count seconds."""
    waits = Waits()
    hub.server.trouble[TOKEN_PATH] = ["429:3"]
    hub.server.trouble[CATALOG] = ["429:900"]
    hub.server.trouble[PROCESS] = ["429:11000", "503:5"]
    assert one(hub, tmp_path, patience=quick(waits)).status == "fetched"
    assert waits.asked == [3.0, 0.9, 11.0, 5.0]


@pytest.mark.parametrize("form", ["raster", "table"])
@pytest.mark.parametrize("trouble", [*LASTING, *PASSING_HERE])
def test_a_file_that_is_there_is_never_replaced_by_a_bad_one(hub, tmp_path, form, trouble):
    path = one(hub, tmp_path, form=form).path
    path.write_bytes(path.read_bytes()[:-1] + b" ")  # not what was recorded, so it is asked for again
    before = path.read_bytes()
    hub.server.forever[PROCESS if form == "raster" else STATISTICS] = trouble.replace("700", "50")
    assert one(hub, tmp_path, form=form, patience=quick(trouble=trouble)).status == "failed"
    assert path.read_bytes() == before
    hub.server.forever.clear()
    assert one(hub, tmp_path, form=form).status == "fetched"
    assert path.read_bytes() != before


def test_a_raster_of_another_shape_is_refused(hub, tmp_path):
    small = one(hub, tmp_path, resolution=0.5).path.read_bytes()
    hub.server.routes[PROCESS] = lambda seen: Answer(200, {"Content-Type": "image/tiff"}, small)
    file = one(hub, tmp_path)
    assert file.status == "failed"
    assert "2 x 2 pixels and 1 bands, 20 x 20 and 1 were asked for" in file.reason


def test_a_deployment_that_alone_holds_a_collection_is_asked():
    options = {"service": None, "form": None, "version": None, "resolution": None, "registry": None}
    options |= {"period": ("2020", "2020"), "region": REGION, "patience": quick()}
    given = {"base_url": "https://own.example", "login_url": "https://own.example/token"}
    for product, addresses, host in (
        ("worldcover", {"base_url": None, "login_url": None}, "https://services.sentinel-hub.com"),
        ("worldcover", given, "https://own.example"),
        ("tropomi_co", {"base_url": None, "login_url": None}, "https://sh.dataspace.copernicus.eu"),
    ):
        source = find_source(product, **{**options, **addresses, "service": "copernicus"})
        assert source.asked_words()["address"] == host


def test_failed_intervals_are_no_table(hub, tmp_path):
    failed = {"interval": {}, "error": {"type": "EXECUTION_ERROR"}}
    hub.server.routes[STATISTICS] = lambda seen: json_answer({"data": [failed], "status": "PARTIAL"})
    file = one(hub, tmp_path, form="table")
    assert file.status == "failed"
    assert "1 intervals failed" in file.reason


def test_a_token_is_renewed_before_it_ends(hub, tmp_path):
    hub.holds = 0.0
    assert len(get(hub, tmp_path, parallel=1).of("fetched")) == 3
    assert hub.tokens >= 4


def test_a_wrong_secret_is_one_message(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("SH_CLIENT_SECRET", "wrongSECRET")
    with pytest.raises(CredentialsError) as caught:
        get(hub, tmp_path)
    assert "SH_CLIENT_SECRET" in str(caught.value)
    assert "wrongSECRET" not in str(caught.value)


def test_no_client_is_one_message(hub, tmp_path, monkeypatch):
    monkeypatch.delenv("SH_CLIENT_SECRET")
    with pytest.raises(CredentialsError, match="no Sentinel Hub client"):
        get(hub, tmp_path)
    assert not hub.server.seen
    assert not (tmp_path / "config").exists()


def test_the_own_configuration_of_sentinelhub_is_used(hub, tmp_path, monkeypatch):
    monkeypatch.delenv("SH_CLIENT_ID")
    monkeypatch.delenv("SH_CLIENT_SECRET")
    folder = tmp_path / "config" / "sentinelhub"
    folder.mkdir(parents=True)
    text = f'[default-profile]\nsh_client_id = "{CLIENT}"\nsh_client_secret = "{CLIENT_SECRET}"\n'
    (folder / "config.toml").write_text(text)
    assert len(get(hub, tmp_path).of("fetched")) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"region": None}, "a region is needed"),
        ({"region": (170, 0, -170, 10)}, "crosses the dateline"),
        ({"resolution": 0.0001}, "more than one request may have"),
        ({"form": "file"}, "not what copernicus offers"),
        ({"form": "table", "product": "worldcover"}, "codes of classes"),
        ({"form": "table", "product": "sentinel2_scene_class"}, "codes of classes"),
    ],
)
def test_what_the_service_cannot_do_is_one_message(hub, tmp_path, options, words):
    with pytest.raises(FetchError, match=words):
        get(hub, tmp_path, **options)


def test_without_the_package_the_install_line_is_said(hub, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentinelhub", None)
    with pytest.raises(MissingDependencyError, match=r"yaotan\[fetch\]"):
        get(hub, tmp_path)
    assert not hub.server.seen


def test_no_data_is_one_message(hub, tmp_path):
    hub.days = []
    with pytest.raises(FetchError, match="nothing was found"):
        get(hub, tmp_path)


def test_no_secret_is_shown(hub, tmp_path, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    hub.server.trouble[PROCESS] = ["403", "500"]
    result = get(hub, tmp_path, parallel=1)
    assert len(result.of("failed")) == 1
    captured = capsys.readouterr()
    secret_free(tmp_path, [captured.out, captured.err, caplog.text, repr(result)], ["SECRET"])
