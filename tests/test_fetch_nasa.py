"""Fetching from NASA Earthdata, played by servers on loopback: search, login, data host, storage."""

from __future__ import annotations

import json
import logging
import sys

import pytest

import yaotan
from servers.earthdata import PASSWORD, TOKEN, USER, Earthdata
from servers.fetching import LASTING, LOGINS, PASSING, PROXIES, Waits, hdf5_bytes, quick, secret_free
from yaotan.errors import CredentialsError, FetchError, MissingDependencyError

pytest.importorskip("earthaccess")

NAMES = [f"oco2_LtCO2_1901{day:02d}_B11_1.nc4" for day in (1, 2, 3)]
FIRST = NAMES[0]
BODIES = {name: hdf5_bytes(number) for number, name in enumerate(NAMES)}
SEARCH = "/search/granules.umm_json"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in (*PROXIES, *LOGINS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("EARTHDATA_TOKEN", TOKEN)


@pytest.fixture
def nasa():
    earthdata = Earthdata(BODIES, page=2000)
    yield earthdata
    earthdata.close()


def get(nasa, folder, *, patience=None, **options):
    return yaotan.fetch(
        "oco2_lite",
        period=("2019-01", "2019-01"),
        target=folder / "got",
        base_url=nasa.base_url,
        login_url=nasa.urs.url,
        patience=patience or quick(),
        **options,
    )


@pytest.fixture
def single():
    earthdata = Earthdata({FIRST: BODIES[FIRST]})
    yield earthdata
    earthdata.close()


def test_search_asks_for_product_period_and_region(nasa, tmp_path):
    result = get(nasa, tmp_path, region=(73, 18, 135, 54), list_only=True)
    assert [file.name for file in result.files] == NAMES
    assert result.size == sum(len(body) for body in BODIES.values())
    query = nasa.main.requests(SEARCH)[0].query
    assert query["short_name"] == ["OCO2_L2_Lite_FP"]
    assert query["version"] == ["11.2r"]
    assert query["temporal[]"] == ["2019-01-01T00:00:00Z,2019-01-31T23:59:59Z"]
    assert [float(part) for part in query["bounding_box"][0].split(",")] == [73, 18, 135, 54]


def test_a_region_across_the_dateline_and_another_version(nasa, tmp_path):
    get(nasa, tmp_path, region=(170, -10, -170, 10), list_only=True, version="10r")
    query = nasa.main.requests(SEARCH)[0].query
    assert [float(part) for part in query["bounding_box"][0].split(",")] == [170, -10, -170, 10]
    assert query["version"] == ["10r"]


def test_listing_needs_no_account(nasa, tmp_path, monkeypatch):
    monkeypatch.delenv("EARTHDATA_TOKEN")
    assert len(get(nasa, tmp_path, list_only=True).files) == 3
    assert "authorization" not in nasa.main.requests(SEARCH)[0].headers
    assert not nasa.urs.seen


def test_search_turns_the_pages(tmp_path):
    earthdata = Earthdata({f"oco2_{number:05d}.nc4": b"" for number in range(2003)}, page=2000)
    try:
        assert len(get(earthdata, tmp_path, list_only=True).files) == 2003
        assert len(earthdata.main.requests(SEARCH)) == 2
    finally:
        earthdata.close()


@pytest.mark.parametrize(
    ("product", "name"),
    [
        ("tropomi_ch4", "S5P_L2__CH4____HiR"),
        ("tropomi_co", "S5P_L2__CO_____HiR"),
        ("tropomi_no2", "S5P_L2__NO2____HiR"),
    ],
)
def test_the_first_year_of_tropomi_is_asked_of_the_same_collection(nasa, tmp_path, product, name):
    period = ("2018-05-01", "2019-09-10")
    yaotan.fetch(
        product, period=period, target=tmp_path, base_url=nasa.base_url, list_only=True, patience=quick()
    )
    (seen,) = nasa.main.requests(SEARCH)
    assert (seen.query["short_name"], seen.query["version"]) == ([name], ["2"])
    assert seen.query["temporal[]"] == ["2018-05-01T00:00:00Z,2019-09-10T23:59:59Z"]


def test_token_goes_to_the_data_host_and_nowhere_else(nasa, tmp_path):
    result = get(nasa, tmp_path)
    assert len(result.of("fetched")) == 3
    for file in result.files:
        assert file.path.read_bytes() == BODIES[file.name]
    assert nasa.main.requests(f"/data/{FIRST}")[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert all("authorization" not in seen.headers for seen in nasa.store.seen)
    assert not nasa.urs.seen
    entry = json.loads(result.record.read_text())["files"][FIRST]
    assert entry["doi"] == "10.5067/70K2B2W8MNGY"
    assert entry["source"] == f"{nasa.main.url}/data/{FIRST}"


def test_user_and_password_get_a_token(nasa, tmp_path, monkeypatch):
    monkeypatch.delenv("EARTHDATA_TOKEN")
    monkeypatch.setenv("EARTHDATA_USERNAME", USER)
    monkeypatch.setenv("EARTHDATA_PASSWORD", PASSWORD)
    assert len(get(nasa, tmp_path).of("fetched")) == 3
    assert len(nasa.urs.requests("/api/users/find_or_create_token")) == 1


def test_netrc_gets_a_token(nasa, tmp_path, monkeypatch):
    monkeypatch.delenv("EARTHDATA_TOKEN")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert len(get(nasa, tmp_path).of("fetched")) == 3
    # an entry for this host must not push the token aside on the way to data and storage
    assert nasa.main.requests(f"/data/{FIRST}")[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert all("authorization" not in seen.headers for seen in nasa.store.seen)


def test_login_by_redirect_and_cookie(single, tmp_path, monkeypatch):
    single.accepts_bearer = False
    monkeypatch.delenv("EARTHDATA_TOKEN")
    monkeypatch.setenv("EARTHDATA_USERNAME", USER)
    monkeypatch.setenv("EARTHDATA_PASSWORD", PASSWORD)
    (file,) = get(single, tmp_path).files
    assert file.status == "fetched"
    assert single.urs.requests("/oauth/authorize")[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in single.store.seen[0].headers


@pytest.mark.parametrize("trouble", LASTING)
def test_what_cannot_help_is_not_tried_again(single, tmp_path, trouble):
    single.main.forever[f"/data/{FIRST}"] = trouble
    (file,) = get(single, tmp_path).files
    assert file.status == "failed"
    assert LASTING[trouble] in file.reason
    assert len(single.main.requests(f"/data/{FIRST}")) == 1
    assert {"401": "EARTHDATA_TOKEN", "403": "licence (EULA)"}.get(trouble, "") in file.fix
    assert {path.name for path in (tmp_path / "got").iterdir()} == {"fetch.json"}


@pytest.mark.parametrize("trouble", PASSING)
def test_what_passes_is_tried_again(single, tmp_path, trouble):
    single.store.trouble[f"/store/{FIRST}"] = [trouble]
    (file,) = get(single, tmp_path, patience=quick(trouble=trouble)).files
    assert file.status == "fetched"
    assert file.path.read_bytes() == BODIES[FIRST]


@pytest.mark.parametrize("trouble", ["429:0", "500", "503", "stall", "cut:40", *LASTING])
def test_the_search_fails_in_one_message(single, tmp_path, trouble):
    single.main.forever[SEARCH] = trouble
    with pytest.raises(FetchError) as caught:
        get(single, tmp_path, patience=quick(trouble=trouble))
    assert caught.value.fix
    assert len(single.main.requests(SEARCH)) == (1 if trouble in LASTING else 4)
    assert not (tmp_path / "got").exists()


LOGIN = "/api/users/find_or_create_token"


@pytest.mark.parametrize("trouble", ["429:0", "500", "503", "stall", "cut:20", "chop:20", *LASTING])
def test_the_login_fails_in_one_message_before_any_file(single, tmp_path, monkeypatch, trouble):
    monkeypatch.delenv("EARTHDATA_TOKEN")
    monkeypatch.setenv("EARTHDATA_USERNAME", USER)
    monkeypatch.setenv("EARTHDATA_PASSWORD", PASSWORD)
    single.urs.forever[LOGIN] = trouble
    with pytest.raises(FetchError) as caught:
        get(single, tmp_path, patience=quick(trouble=trouble))
    assert caught.value.fix
    assert PASSWORD not in str(caught.value)
    assert len(single.urs.requests(LOGIN)) == (1 if trouble in LASTING else 4)
    assert not single.main.requests(f"/data/{FIRST}")
    assert isinstance(caught.value, CredentialsError) == (trouble in ("401", "html", "json"))


@pytest.mark.parametrize("trouble", [*LASTING, *PASSING])
def test_a_file_that_is_there_is_never_replaced_by_a_bad_one(single, tmp_path, trouble):
    single.store.forever[f"/store/{FIRST}"] = trouble
    path = tmp_path / "got" / FIRST
    path.parent.mkdir()
    path.write_bytes(hdf5_bytes(99))
    (file,) = get(single, tmp_path, patience=quick(trouble=trouble)).files
    assert file.status == "failed"
    assert path.read_bytes() == hdf5_bytes(99)
    single.store.forever.clear()
    assert get(single, tmp_path).of("fetched")
    assert path.read_bytes() == BODIES[FIRST]


def test_retry_after_of_the_data_host_is_honoured_in_seconds(single, tmp_path):
    waits = Waits()
    single.main.trouble[f"/data/{FIRST}"] = ["429:7"]
    single.store.trouble[f"/store/{FIRST}"] = ["503:9"]
    assert get(single, tmp_path, patience=quick(waits)).of("fetched")
    assert waits.asked == [7.0, 9.0]


def test_the_search_goes_on_after_a_passing_failure(single, tmp_path):
    waits = Waits()
    single.main.trouble[SEARCH] = ["500", "429:9", "cut:40", "stall"]
    assert get(single, tmp_path, patience=quick(waits, attempts=8, trouble="stall")).of("fetched")
    assert waits.asked == [1.0, 9.0, 4.0, 8.0]


def test_without_checksum_and_size_a_cut_file_is_found(tmp_path):
    earthdata = Earthdata({FIRST: BODIES[FIRST][:-2000]})
    earthdata.sizes = earthdata.checksums = False
    try:
        (file,) = get(earthdata, tmp_path).files
        assert file.status == "failed"
        assert "damaged HDF5" in file.reason
    finally:
        earthdata.close()


def test_without_checksum_and_size_a_good_file_is_not_fetched_again(single, tmp_path):
    single.sizes = single.checksums = False
    assert get(single, tmp_path).of("fetched")
    count = len(single.store.seen)
    assert get(single, tmp_path).of("already good")
    assert len(single.store.seen) == count
    (tmp_path / "got" / "fetch.json").unlink()
    assert get(single, tmp_path).of("already good")


def test_a_missing_login_is_one_message_before_any_file(nasa, tmp_path, monkeypatch):
    monkeypatch.setenv("EARTHDATA_TOKEN", "")
    monkeypatch.setenv("EARTHDATA_USERNAME", USER)
    monkeypatch.setenv("EARTHDATA_PASSWORD", PASSWORD)
    nasa.urs.forever["/api/users/find_or_create_token"] = "401"
    with pytest.raises(CredentialsError) as caught:
        get(nasa, tmp_path)
    assert "EARTHDATA_TOKEN" in str(caught.value)
    assert not nasa.main.requests(f"/data/{FIRST}")


def test_without_the_package_the_install_line_is_said(nasa, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "earthaccess", None)
    with pytest.raises(MissingDependencyError, match=r"yaotan\[fetch\]"):
        get(nasa, tmp_path)
    assert not nasa.main.seen


def test_nothing_found_is_one_message(nasa, tmp_path):
    nasa.bodies.clear()
    with pytest.raises(FetchError, match="nothing was found"):
        get(nasa, tmp_path)


def test_no_secret_is_shown(nasa, tmp_path, monkeypatch, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("EARTHDATA_USERNAME", USER)
    monkeypatch.setenv("EARTHDATA_PASSWORD", PASSWORD)
    nasa.accepts_bearer = False
    nasa.store.forever[f"/store/{NAMES[1]}"] = "403"
    nasa.store.forever[f"/store/{NAMES[2]}"] = "404"
    result = get(nasa, tmp_path, parallel=1)
    assert len(result.of("failed")) == 2
    captured = capsys.readouterr()
    texts = [captured.out, captured.err, caplog.text, repr(result)]
    secret_free(tmp_path, texts, [TOKEN, PASSWORD, "SIGNATUREsecret", "CODEsecret"])
    assert "oauth/authorize?***" in caplog.text
