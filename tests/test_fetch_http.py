"""Fetching from plain HTTP and local mirrors, and the rules that every download keeps."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import pty
import subprocess
import sys
import threading
from email.utils import format_datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import yaotan
from servers.fetching import (
    LASTING,
    LOGINS,
    PASSING,
    PROXIES,
    Waits,
    hdf5_bytes,
    quick,
    secret_free,
    sha256_of,
)
from servers.loopback import Answer, Loopback, wait_for
from yaotan.cli.main import main
from yaotan.errors import CatalogError, CredentialsError, FetchError, RegionError, YaotanError
from yaotan.io.fetch.patience import read_retry_after

SECRET = "s3cr3tTOKEN"
NAMES = [f"oco2_LtCO2_1901{day:02d}_B11_1.nc4" for day in (1, 2, 3)]
FIRST = NAMES[0]
BODIES = {name: hdf5_bytes(number) for number, name in enumerate(NAMES)}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch, tmp_path):
    for name in (*PROXIES, *LOGINS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("NETRC", raising=False)


def write_registry(server, bodies=BODIES, names=None):
    lines = ["# files", *(f"{name} sha256:{sha256_of(bodies[name])}" for name in names or bodies)]
    server.files["/data/registry.txt"] = "\n".join(lines).encode()


@pytest.fixture
def server():
    loopback = Loopback()
    for name, body in BODIES.items():
        loopback.files[f"/data/{name}"] = body
    write_registry(loopback)
    yield loopback
    loopback.close()


def get(server, folder, *, period=("2019-01", "2019-01"), patience=None, **options):
    options.setdefault("base_url", f"{server.url}/data")
    return yaotan.fetch(
        "oco2_lite",
        period=period,
        target=folder / "got",
        service="http",
        patience=patience or quick(),
        **options,
    )


def one(server, folder, **options):
    """Fetch the first file only."""
    return get(server, folder, period=("2019-01-01", "2019-01-01"), **options)


def content(folder):
    return {path.name for path in (folder / "got").iterdir()}


def test_files_of_the_period_come_and_are_recorded(server, tmp_path):
    result = get(server, tmp_path, period=("2019-01-01", "2019-01-02"))
    assert [file.status for file in result.files] == ["fetched", "fetched"]
    assert result.notes == ("1 files lie outside the period",)
    for file in result.files:
        assert file.path.read_bytes() == BODIES[file.name]
        assert file.sha256 == sha256_of(BODIES[file.name])
    record = json.loads(result.record.read_text())
    assert set(record["files"]) == set(NAMES[:2])
    assert record["files"][FIRST]["source"] == f"{server.url}/data/{FIRST}"
    assert record["requests"][0]["asked"]["start"] == "2019-01-01T00:00:00Z"
    assert content(tmp_path) == {*NAMES[:2], "fetch.json"}
    assert list(result.table()["status"]) == ["fetched", "fetched"]


def test_a_good_file_is_not_fetched_again_and_recorded_once(server, tmp_path):
    first = get(server, tmp_path)
    before = json.loads(first.record.read_text())
    again = get(server, tmp_path)
    assert [file.status for file in again.files] == ["already good"] * 3
    assert len(server.requests(f"/data/{FIRST}")) == 1
    after = json.loads(again.record.read_text())
    assert after["files"] == before["files"]
    assert len(after["requests"]) == 1


def test_listing_gives_sizes_and_writes_nothing(server, tmp_path):
    result = get(server, tmp_path, list_only=True)
    assert result.size == sum(len(body) for body in BODIES.values())
    assert {file.status for file in result.files} == {"listed"}
    assert not (tmp_path / "got").exists()
    assert {seen.method for seen in server.requests(f"/data/{FIRST}")} == {"HEAD"}


@pytest.mark.parametrize("trouble", LASTING)
def test_what_cannot_help_is_not_tried_again(server, tmp_path, trouble):
    server.forever[f"/data/{FIRST}"] = trouble
    result = one(server, tmp_path)
    (file,) = result.files
    assert file.status == "failed"
    assert LASTING[trouble] in file.reason
    assert file.fix
    assert len(server.requests(f"/data/{FIRST}")) == 1
    assert content(tmp_path) == {"fetch.json"}


@pytest.mark.parametrize("trouble", PASSING)
def test_what_passes_is_tried_again(server, tmp_path, trouble):
    server.trouble[f"/data/{FIRST}"] = [trouble]
    (file,) = one(server, tmp_path, patience=quick(trouble=trouble)).files
    assert file.status == "fetched"
    assert file.path.read_bytes() == BODIES[FIRST]
    assert len(server.requests(f"/data/{FIRST}")) == 2


@pytest.mark.parametrize("trouble", PASSING)
def test_what_does_not_pass_is_given_up_and_never_replaces_a_good_file(server, tmp_path, trouble):
    server.forever[f"/data/{FIRST}"] = trouble
    good = hdf5_bytes(99)
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / FIRST).write_bytes(good)
    (file,) = one(server, tmp_path, patience=quick(trouble=trouble)).files
    assert file.status == "failed"
    assert (tmp_path / "got" / FIRST).read_bytes() == good
    assert len(server.requests(f"/data/{FIRST}")) <= (1000 if trouble == "cut:700" else 4)


def test_one_bad_member_does_not_stop_the_others(server, tmp_path):
    server.forever[f"/data/{NAMES[1]}"] = "500"
    result = get(server, tmp_path)
    assert [file.status for file in result.files] == ["fetched", "failed", "fetched"]
    record = json.loads(result.record.read_text())
    assert set(record["files"]) == {NAMES[0], NAMES[2]}
    assert record["requests"][0]["failed"][0]["name"] == NAMES[1]
    server.forever.clear()
    assert [file.status for file in get(server, tmp_path).files] == [
        "already good",
        "fetched",
        "already good",
    ]


def test_waits_double_and_honour_retry_after(server, tmp_path):
    waits = Waits()
    server.trouble[f"/data/{FIRST}"] = ["500", "503", "429:7"]
    assert one(server, tmp_path, patience=quick(waits)).of("fetched")
    assert waits.asked == [1.0, 2.0, 7.0]


def test_retry_after_as_a_date(server, tmp_path):
    waits = Waits()
    moment = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100), usegmt=True)
    server.trouble[f"/data/{FIRST}"] = [f"429:{moment}"]
    assert one(server, tmp_path, patience=quick(waits)).of("fetched")
    assert 90 < waits.asked[0] <= 100


def test_a_wait_beyond_the_limit_is_said(server, tmp_path):
    server.trouble[f"/data/{FIRST}"] = ["429:86400"]
    (file,) = one(server, tmp_path).files
    assert "86400 s" in file.reason
    assert len(server.requests(f"/data/{FIRST}")) == 1


@pytest.mark.parametrize("text", ["", "soon", "-3", "Wed, 99 Foo"])
def test_retry_after_that_cannot_be_read_is_no_wait(text):
    assert read_retry_after(text) is None


def test_a_cut_body_is_gone_on_with(server, tmp_path):
    server.trouble[f"/data/{FIRST}"] = ["cut:5000"]
    assert one(server, tmp_path).of("fetched")
    second = server.requests(f"/data/{FIRST}")[1]
    assert second.headers["range"] == "bytes=5000-"
    assert second.headers["if-range"] == f'"{hashlib.md5(BODIES[FIRST]).hexdigest()}"'
    assert second.status == 206


def test_a_file_that_changed_meanwhile_is_begun_anew(server, tmp_path):
    server.forever[f"/data/{FIRST}"] = "cut:5000"
    server.ranges = False
    assert one(server, tmp_path).of("failed")
    server.forever.clear()
    server.ranges = True
    changed = {**BODIES, FIRST: hdf5_bytes(50)}
    server.files[f"/data/{FIRST}"] = changed[FIRST]
    write_registry(server, changed)
    (file,) = one(server, tmp_path).files
    assert file.path.read_bytes() == changed[FIRST]
    assert server.requests(f"/data/{FIRST}")[-1].status == 200


@pytest.mark.parametrize(("ranges", "tags"), [(False, True), (True, False)])
def test_without_ranges_or_tags_a_cut_body_is_begun_anew(server, tmp_path, ranges, tags):
    server.ranges, server.tags = ranges, tags
    server.trouble[f"/data/{FIRST}"] = ["cut:5000"]
    (file,) = one(server, tmp_path).files
    assert file.path.read_bytes() == BODIES[FIRST]


def test_a_bad_file_is_replaced_by_a_good_one(server, tmp_path):
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / FIRST).write_bytes(BODIES[FIRST][:3000])
    (file,) = one(server, tmp_path).files
    assert file.status == "fetched"
    assert file.path.read_bytes() == BODIES[FIRST]


def test_progress_counts_bytes_up_to_their_sum(server, tmp_path):
    told, listings = [], []
    server.trouble[f"/data/{FIRST}"] = ["cut:5000", "wrong"]
    get(server, tmp_path, progress=lambda *news: told.append(news), found=listings.append, parallel=1)
    total = sum(len(body) for body in BODIES.values())
    assert listings[0].size == total
    assert told[-1] == ("fetch", total, total)
    assert all(0 <= done <= whole for _, done, whole in told)


def test_regions_by_file(server, tmp_path):
    square = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]}
    features = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {"region_id": "a", "name": "A"}, "geometry": square}],
    }
    (tmp_path / "a.geojson").write_text(json.dumps(features))
    result = one(server, tmp_path, regions=tmp_path / "a.geojson")
    assert "not chosen by region" in result.notes[-1]
    assert json.loads(result.record.read_text())["requests"][0]["asked"]["box"] == [1, 1, 2, 2]
    with pytest.raises(FetchError, match="besides region"):
        one(server, tmp_path, regions=tmp_path / "a.geojson", region=(1, 1, 2, 2))


def test_not_more_than_the_limit_at_once(server, tmp_path):
    for name in NAMES:
        server.trouble[f"/data/{name}"] = ["drip:0.15"]
    assert len(get(server, tmp_path, parallel=2).of("fetched")) == 3
    assert server.most_active == 2


def test_a_refused_login_is_not_tried_with_every_file(server, tmp_path):
    for name in NAMES:
        server.forever[f"/data/{name}"] = "401"
    result = get(server, tmp_path, parallel=1)
    assert len(result.of("failed")) == 3
    assert sum(len(server.requests(f"/data/{name}")) for name in NAMES) == 1


def test_redirect_to_another_host_carries_no_login(server, tmp_path, monkeypatch):
    monkeypatch.setenv("YAOTAN_HTTP_TOKEN", SECRET)
    other = Loopback()
    try:
        other.files["/store"] = BODIES[FIRST]
        server.routes[f"/data/{FIRST}"] = lambda seen: Answer(
            302, {"Location": f"{other.url}/store?sig={SECRET}"}
        )
        (file,) = one(server, tmp_path).files
        assert file.status == "fetched"
        assert server.requests(f"/data/{FIRST}")[0].headers["authorization"] == f"Bearer {SECRET}"
        assert "authorization" not in other.seen[0].headers
    finally:
        other.close()
    secret_free(tmp_path / "got", [], [SECRET])


def test_redirects_in_a_circle_end(server, tmp_path):
    server.routes[f"/data/{FIRST}"] = lambda seen: Answer(302, {"Location": seen.path})
    (file,) = one(server, tmp_path).files
    assert "circle" in file.reason


def test_secrets_of_the_address_are_used_and_never_shown(server, tmp_path, capsys, caplog):
    caplog.set_level(logging.DEBUG)
    base = f"http://me:{SECRET}@127.0.0.1:{server.port}/data?token={SECRET}2"
    server.forever[f"/data/{NAMES[1]}"] = "500"
    server.forever[f"/data/{NAMES[2]}"] = "403"
    result = get(server, tmp_path, base_url=base)
    assert len(result.of("fetched")) == 1
    first = server.requests(f"/data/{FIRST}")[0]
    assert first.headers["authorization"].startswith("Basic ")
    assert first.query == {"token": [SECRET + "2"]}
    captured = capsys.readouterr()
    texts = [
        captured.out,
        captured.err,
        caplog.text,
        repr(result),
        str([seen.reason for seen in result.files]),
    ]
    secret_free(tmp_path, texts, [SECRET])
    assert "token=***" in result.files[0].source


def test_secrets_stay_out_of_errors(server, tmp_path):
    server.close()
    base = f"http://me:{SECRET}@127.0.0.1:{server.port}/data?token={SECRET}"
    with pytest.raises(FetchError) as caught:
        get(server, tmp_path, base_url=base)
    chain = [caught.value, caught.value.__cause__]
    assert all(SECRET not in str(error) for error in chain)
    assert caught.value.__suppress_context__
    assert "refuses the connection" in str(caught.value)


def test_a_host_that_is_not_found_is_one_message(tmp_path):
    with pytest.raises(FetchError, match="cannot be found") as caught:
        yaotan.fetch(
            "x",
            period=("2019", "2019"),
            target=tmp_path,
            service="http",
            base_url="http://nothing.invalid/",
            patience=quick(),
        )
    assert "To do:" in str(caught.value)


def test_a_login_in_netrc_is_used(server, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert one(server, tmp_path).of("fetched")
    assert server.requests(f"/data/{FIRST}")[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("scheme", ["path", "file"])
def test_a_local_mirror(tmp_path, scheme):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for name, body in BODIES.items():
        (mirror / name).write_bytes(body)
    (mirror / NAMES[2]).write_bytes(b"\x89HDF")
    lines = [f"{name} md5:{hashlib.md5(body).hexdigest()}" for name, body in BODIES.items()]
    (mirror / "registry.txt").write_text("\n".join(lines))
    base = str(mirror) if scheme == "path" else mirror.as_uri()
    result = yaotan.fetch(
        "oco2_lite",
        period=("2019-01", "2019-01"),
        target=tmp_path / "got",
        service="http",
        base_url=base,
        patience=quick(),
    )
    assert [file.status for file in result.files] == ["fetched", "fetched", "failed"]
    assert content(tmp_path) == {*NAMES[:2], "fetch.json"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"<html>login</html>", "web page"),
        (b"a b c d e", "line of the registry"),
        (b"a.nc crc32:00ff00ff", "no checksum that can be used"),
        (b"a.nc sha256:xyz", "no checksum that can be used"),
        (b".hidden sha256:" + b"0" * 64, "no name for one"),
    ],
)
def test_a_bad_registry_is_refused(server, tmp_path, text, words):
    server.files["/data/registry.txt"] = text
    with pytest.raises(FetchError, match=words):
        get(server, tmp_path)
    assert not (tmp_path / "got").exists()


@pytest.mark.parametrize("trouble", ["429:0", "500", "503", "stall", "cut:20", "chop:20", *LASTING])
def test_a_registry_that_cannot_be_had_is_one_message(server, tmp_path, trouble):
    server.forever["/data/registry.txt"] = trouble
    with pytest.raises(FetchError) as caught:
        get(server, tmp_path, patience=quick(trouble=trouble))
    assert caught.value.fix
    assert len(server.requests("/data/registry.txt")) == (1 if trouble in LASTING else 4)
    assert isinstance(caught.value, CredentialsError) == (trouble == "401")
    assert not (tmp_path / "got").exists()


def test_two_processes_do_not_write_one_file(server, tmp_path):
    server.trouble[f"/data/{FIRST}"] = ["drip:0.6"]
    first = threading.Thread(target=one, args=(server, tmp_path), kwargs={"patience": quick(stall=5)})
    first.start()
    wait_for(lambda: bool(server.requests(f"/data/{FIRST}")))
    (file,) = one(server, tmp_path).files
    first.join()
    assert "another process" in file.reason
    assert (tmp_path / "got" / FIRST).read_bytes() == BODIES[FIRST]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    troubles=st.lists(
        st.one_of(
            st.sampled_from(["500", "503:0", "429:0", "401", "403", "html", "json", "wrong"]),
            st.integers(0, len(BODIES[FIRST])).map(lambda count: f"cut:{count}"),
        ),
        max_size=6,
    ),
    before=st.sampled_from(["nothing", "good", "bad"]),
    ranges=st.booleans(),
    tags=st.booleans(),
)
def test_the_right_file_or_none_whatever_happens(server, tmp_path_factory, troubles, before, ranges, tags):
    folder = tmp_path_factory.mktemp("any")
    (folder / "got").mkdir()
    path = folder / "got" / FIRST
    there = {"nothing": None, "good": BODIES[FIRST], "bad": BODIES[FIRST][:-1]}[before]
    if there is not None:
        path.write_bytes(there)
    server.ranges, server.tags = ranges, tags
    server.trouble[f"/data/{FIRST}"] = list(troubles)
    for _ in range(8):
        (file,) = one(server, folder).files
        held = path.read_bytes() if path.exists() else None
        assert held == (there if file.status == "failed" else BODIES[FIRST])
        assert file.status == ("already good" if before == "good" else file.status)
        if file.status != "failed":
            break
    assert file.status != "failed"


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"period": None}, FetchError, "first and a last date"),
        ({"period": ("2019-01", "")}, FetchError, "first and a last date"),
        ({"period": ("2019-02", "2019-01")}, YaotanError, "before it starts"),
        ({"period": ("2001", "2002")}, FetchError, "begins on 2014-09-06"),
        ({"region": (0, 50, 10, 40)}, RegionError, "no region"),
        ({"region": (0, 0, 10, 95)}, RegionError, "no region"),
        ({"parallel": 0}, FetchError, "at least 1"),
        ({"service": "ftp"}, FetchError, "one of nasa, copernicus, http"),
        ({"service": "copernicus"}, FetchError, "does not hold"),
        ({"form": "raster"}, FetchError, "file"),
        ({"resolution": 0}, FetchError, "above 0"),
        ({"base_url": None, "service": "http"}, FetchError, "no plain address"),
    ],
)
def test_what_cannot_be_asked_is_one_message(tmp_path, options, kind, words):
    asked = {"period": ("2019-01", "2019-01"), "target": tmp_path / "got", **options}
    with pytest.raises(kind, match=words):
        yaotan.fetch("oco2_lite", **asked)
    assert not (tmp_path / "got").exists()


def test_an_unknown_product_names_the_known_ones(tmp_path):
    with pytest.raises(CatalogError, match="tropomi_ch4"):
        yaotan.fetch("oco9", period=("2019", "2019"), target=tmp_path)


def test_a_foreign_record_is_not_overwritten(server, tmp_path):
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / "fetch.json").write_text("[1]")
    with pytest.raises(FetchError, match="not a record"):
        get(server, tmp_path)
    assert (tmp_path / "got" / "fetch.json").read_text() == "[1]"


def run_main(*arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


def command(server, folder, *more):
    target = folder / "got"
    base = f"{server.url}/data"
    return run_main(
        "fetch",
        "oco2_lite",
        "--period",
        "2019-01",
        "2019-01",
        "--target",
        target,
        "--service",
        "http",
        "--base-url",
        base,
        *more,
    )


def test_command_lists_then_fetches_quietly_in_a_pipe(server, tmp_path, capsys):
    assert command(server, tmp_path, "--list-only") == 0
    listed = capsys.readouterr()
    assert "found at http: 3 files" in listed.out
    assert FIRST in listed.out
    assert command(server, tmp_path) == 0
    done = capsys.readouterr()
    assert "3 fetched, 0 already good, 0 failed" in done.out
    assert not done.err


def test_command_shows_progress_on_a_terminal(server, tmp_path):
    server.trouble[f"/data/{FIRST}"] = ["drip:0.5"]
    ours, theirs = pty.openpty()
    options = ["--period", "2019-01", "2019-01", "--service", "http", "--base-url", f"{server.url}/data"]
    with subprocess.Popen(
        [sys.executable, "-m", "yaotan", "fetch", "oco2_lite", *options, "--target", str(tmp_path / "got")],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "NO_PROXY": "*", "TERM": "xterm", "COLUMNS": "80"},
    ) as child:
        os.close(theirs)
        shown = b""
        while piece := read_or_end(ours):
            shown += piece
        told = child.stdout.read().decode()
    os.close(ours)
    assert child.returncode == 0
    assert "3 fetched" in told
    assert b"fetch" in shown
    assert b"100%" in shown


def read_or_end(handle: int) -> bytes:
    """Read from a terminal, whose other side raises an error when it is closed."""
    try:
        return os.read(handle, 4096)
    except OSError:
        return b""


def test_command_says_what_failed_with_status_2(server, tmp_path, capsys):
    server.forever[f"/data/{NAMES[1]}"] = "403"
    assert command(server, tmp_path) == 2
    captured = capsys.readouterr()
    assert f"failed {NAMES[1]}: 127.0.0.1 does not let this account read it (403). To do:" in captured.err
    assert "1 of 3 files could not be fetched" in captured.err
    assert "Traceback" not in captured.err


def test_command_shows_no_secret_even_with_its_traceback(server, tmp_path):
    server.forever["/data/registry.txt"] = "403"
    base = f"http://me:{SECRET}@127.0.0.1:{server.port}/data?token={SECRET}"
    arguments = ["--debug", "fetch", "x", "--period", "2019", "2019", "--service", "http", "--base-url", base]
    run = subprocess.run(
        [sys.executable, "-m", "yaotan", *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "*", "YAOTAN_HTTP_TOKEN": SECRET},
    )
    assert run.returncode != 0
    assert "403" in run.stderr
    secret_free(tmp_path, [run.stdout, run.stderr], [SECRET])


def test_command_without_period(capsys):
    assert run_main("fetch", "oco2_lite") == 2
    assert "a first and a last date are needed" in capsys.readouterr().err


def test_missing_login_of_a_public_service_is_one_message(server, tmp_path):
    from yaotan.catalog.archive import archives
    from yaotan.io.fetch import nasa

    with pytest.raises(Exception, match="no Earthdata login") as caught:
        nasa.login(archives().services["nasa"], quick(), own_base=False)
    assert "EARTHDATA_TOKEN" in caught.value.fix
    assert issubclass(CredentialsError, FetchError)
