"""The index of a folder: complete, honest about what cannot be read, updated by size and time."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pytest
import shapely

from contract.cases import all_cases
from contract.truth import make_truth
from yaotan.catalog.product import load_products
from yaotan.cli.main import main
from yaotan.errors import OutputError, YaotanError
from yaotan.io.container import open_container
from yaotan.io.identify import identify_container
from yaotan.io.index import folder as folder_module
from yaotan.io.index import pool
from yaotan.io.index.facts import read_facts
from yaotan.io.index.query import find_granules, open_index
from yaotan.io.index.scan import INDEX_NAME, index_granules
from yaotan.io.index.table import COLUMNS, sort_rows, to_table
from yaotan.io.soundings import open_soundings
from yaotan.simulate.layout import (
    Retrieval,
    nies_gosat_name,
    oco2_lite_name,
    write_nies_gosat,
    write_oco2_lite,
)


def write_day(path: Path, day: str = "2020-01-15", count: int = 10, west: float = 114.0, **fields) -> Path:
    time = np.datetime64(f"{day}T05:30:00", "ns") + np.arange(count).astype("timedelta64[s]")
    longitude = (np.linspace(west, west + 1, count) + 180) % 360 - 180
    write_oco2_lite(path, Retrieval.make(count, time=time, longitude=longitude, **fields))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder of two products, a package, and everything that goes wrong."""
    base = tmp_path_factory.mktemp("granules")
    (base / "a").mkdir()
    write_day(base / "a" / oco2_lite_name("2020-01-15"), quality=np.repeat([0, 1], 5))
    write_day(base / oco2_lite_name("2020-02-15"), "2020-02-15", west=179.5)
    write_nies_gosat(base / nies_gosat_name("2020-01-15"), Retrieval.make(7))
    good = (base / "a" / oco2_lite_name("2020-01-15")).read_bytes()
    (base / "cut.nc4").write_bytes(good[: len(good) // 2])
    (base / "page.nc").write_text("<html>please log in</html>")
    (base / "empty.h5").write_bytes(b"")
    (base / "link.nc").symlink_to(base / "nowhere.nc")
    (base / "notes.txt").write_text("no data file")
    (base / ".unfinished.part.nc").write_bytes(good[:100])
    members = base / "members"
    members.mkdir()
    (members / "good.nc").write_bytes(good)
    (members / "bad.nc").write_bytes(good[:3000])
    for name in ("packed.tar.gz", "plain.tar"):
        with tarfile.open(base / name, "w:gz" if name.endswith("gz") else "w") as archive:
            for member in ("good.nc", "bad.nc"):
                archive.add(members / member, f"day/{member}")
    shutil.rmtree(members)
    (base / "cut.tar.gz").write_bytes((base / "packed.tar.gz").read_bytes()[:5000])
    return base


@pytest.fixture(scope="module")
def indexed(folder, tmp_path_factory):
    target = tmp_path_factory.mktemp("index") / "index.parquet"
    return index_granules(folder, target=target)


def test_every_data_file_is_a_row(indexed):
    table = open_index(indexed.path).set_index("path")
    lite, second, gosat = (
        oco2_lite_name("2020-01-15"),
        oco2_lite_name("2020-02-15"),
        nies_gosat_name("2020-01-15"),
    )
    assert list(table.index[table["error"].isna()]) == sorted(
        [f"a/{lite}", gosat, second, "packed.tar.gz::day/good.nc", "plain.tar::day/good.nc"]
    )
    assert dict(table["error"].dropna().str[:12]) == {
        "cut.nc4": "is damaged o",
        "cut.tar.gz": "is not a tar",
        "empty.h5": "is empty (0 ",
        "link.nc": "is a link to",
        "packed.tar.gz::day/bad.nc": table["error"]["packed.tar.gz::day/bad.nc"][:12],
        "page.nc": "is a web pag",
        "plain.tar::day/bad.nc": table["error"]["plain.tar::day/bad.nc"][:12],
    }
    assert indexed.rows == len(table) == 12
    assert [path for path, _ in indexed.errors] == list(table.index[table["error"].notna()])


def test_facts_are_those_of_the_file(indexed, folder):
    table = open_index(indexed.path).set_index("path")
    path = f"a/{oco2_lite_name('2020-01-15')}"
    row, status = table.loc[path], (folder / path).stat()
    assert (row["product"], row["version"], row["count"], row["good"]) == ("oco2_lite", "11.2", 10, 5)
    assert row["size"] == status.st_size
    assert row["mtime"].value == status.st_mtime_ns
    assert row["sha256"] == hashlib.sha256((folder / path).read_bytes()).hexdigest()
    assert str(row["start"]) == "2020-01-15 05:30:00+00:00"
    assert str(row["end"]) == "2020-01-15 05:30:09+00:00"
    soundings = open_soundings(folder / path, quality="all")
    points = shapely.points(soundings.longitude.values, soundings.latitude.values)
    assert row["geometry"].covers(points).all()
    member = table.loc["packed.tar.gz::day/good.nc"]
    assert member["sha256"] == hashlib.sha256((folder / "packed.tar.gz").read_bytes()).hexdigest()
    assert member["geometry"].equals(row["geometry"])


def test_across_the_dateline_the_footprint_is_cut(indexed):
    row = open_index(indexed.path).set_index("path").loc[oco2_lite_name("2020-02-15")]
    assert row["geometry"].geom_type == "MultiPolygon"
    assert row["geometry"].bounds[::2] == (-180.0, 180.0)
    assert row["geometry"].area < 1.5


def test_other_readers_take_it_for_geoparquet(indexed):
    table = gpd.read_parquet(indexed.path)
    assert table.crs.to_authority() == ("OGC", "CRS84")  # WGS84, longitude first
    assert set(table.geometry.dropna().geom_type) == {"Polygon", "MultiPolygon"}


def test_equal_for_any_number_of_workers(folder, indexed, tmp_path):
    again = index_granules(folder, target=tmp_path / "other.parquet", workers=3)
    assert (
        open_index(again.path)
        .drop(columns="geometry")
        .equals(open_index(indexed.path).drop(columns="geometry"))
    )
    alone = index_granules(folder, target=tmp_path / "alone.parquet", workers=1)
    assert alone.path.read_bytes() == again.path.read_bytes()


def make_some(base: Path, number: int = 4) -> Path:
    base.mkdir(exist_ok=True)
    for day in range(1, number + 1):
        write_day(base / oco2_lite_name(f"2020-01-{day:02d}"), f"2020-01-{day:02d}")
    return base


def test_only_what_changed_is_read_again(tmp_path):
    base = make_some(tmp_path / "data")
    first = index_granules(base)
    assert (first.read, first.kept, first.gone) == (4, 0, 0)
    written = (base / INDEX_NAME).stat().st_mtime_ns
    second = index_granules(base)
    assert (second.read, second.kept, second.gone) == (0, 4, 0)
    assert (base / INDEX_NAME).stat().st_mtime_ns == written
    write_day(base / oco2_lite_name("2020-01-02"), "2020-01-02", count=12)
    (base / oco2_lite_name("2020-01-03")).unlink()
    write_day(base / oco2_lite_name("2020-01-09"), "2020-01-09")
    third = index_granules(base)
    assert (third.read, third.kept, third.gone) == (2, 2, 1)
    assert list(open_index(base)["count"]) == [10, 12, 10, 10]
    assert index_granules(base, target=tmp_path / "fresh.parquet").rows == 4
    fresh, updated = open_index(tmp_path / "fresh.parquet"), open_index(base)
    assert fresh.drop(columns="geometry").equals(updated.drop(columns="geometry"))
    assert index_granules(base, refresh=True).read == 4


def test_a_touched_file_is_read_again(tmp_path):
    base = make_some(tmp_path / "data", 2)
    index_granules(base)
    os.utime(base / oco2_lite_name("2020-01-01"), (1, 1))
    assert index_granules(base).read == 1


def test_a_package_with_a_bad_member_is_kept_too(folder, tmp_path):
    base = tmp_path / "data"
    base.mkdir()
    shutil.copy(folder / "packed.tar.gz", base)
    index_granules(base)
    assert (index_granules(base).read, index_granules(base).kept) == (0, 2)


def test_without_checksum_then_with(tmp_path):
    base = make_some(tmp_path / "data", 2)
    index_granules(base, checksum=False)
    assert open_index(base)["sha256"].isna().all()
    assert index_granules(base).read == 2
    assert index_granules(base, checksum=False).read == 0
    assert open_index(base)["sha256"].notna().all()


def test_other_options_read_all_again(tmp_path):
    base = make_some(tmp_path / "data", 1)
    index_granules(base)
    assert index_granules(base, product="oco2_lite").read == 1
    assert index_granules(base, product="oco2_lite").read == 0


def test_a_file_that_may_be_read_now_is_read(tmp_path):
    base = make_some(tmp_path / "data", 2)
    closed = base / oco2_lite_name("2020-01-01")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("permissions do not bind this user")
    summary = index_granules(base)
    assert summary.errors == [(closed.name, "cannot be read (Permission denied)")]
    assert index_granules(base).read == 0
    closed.chmod(0o644)
    assert index_granules(base).read == 1


def test_permission_denied_is_a_row(tmp_path, monkeypatch):
    base = make_some(tmp_path / "data", 1)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("yaotan.io.index.facts._hash", refuse)
    assert index_granules(base, workers=1).errors[0][1] == "cannot be read (Permission denied)"


def test_an_emptied_folder_empties_its_index(tmp_path):
    base = make_some(tmp_path / "data", 1)
    index_granules(base)
    (base / oco2_lite_name("2020-01-01")).unlink()
    summary = index_granules(base)
    assert (summary.rows, summary.gone) == (0, 1)


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(YaotanError, match="there is no data file"):
        index_granules(tmp_path)
    with pytest.raises(YaotanError, match="there is no such folder"):
        index_granules(tmp_path / "none")


def test_what_is_no_index_is_not_overwritten(tmp_path):
    base = make_some(tmp_path / "data", 1)
    for name, content in (("text.parquet", b"mine"), ("table.parquet", None)):
        target = tmp_path / name
        if content is None:
            gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(0, 0)], crs=4326).to_parquet(target)
        else:
            target.write_bytes(content)
        before = target.read_bytes()
        with pytest.raises(OutputError, match="no index of granules"):
            index_granules(base, target=target)
        assert target.read_bytes() == before


def test_a_place_that_cannot_be_written_is_told_before_reading(tmp_path, monkeypatch):
    base = make_some(tmp_path / "data", 1)
    monkeypatch.setattr("yaotan.io.index.scan.os.access", lambda *_: False)
    monkeypatch.setattr("yaotan.io.index.scan.read_all", None)
    with pytest.raises(OutputError, match="permission denied"):
        index_granules(base)
    with pytest.raises(OutputError, match="the folder does not exist"):
        index_granules(base, target=tmp_path / "no" / "index.parquet")


def test_a_name_that_is_no_unicode_is_a_row(tmp_path):
    base = make_some(tmp_path / "data", 1)
    shutil.copy(base / oco2_lite_name("2020-01-01"), os.fsencode(base) + b"/caf\xe9.nc")
    assert index_granules(base).errors == [("caf\\xe9.nc", "its name is not Unicode (UTF-8): rename it")]


def test_a_crash_of_the_reader_loses_one_file_only(tmp_path, monkeypatch):
    base = make_some(tmp_path / "data", 3)
    real = pool._Reader.ask

    def ask(reader, task):
        if "200102" in task["path"]:
            os.kill(reader._process.pid, signal.SIGSEGV)
        return real(reader, task)

    monkeypatch.setattr(pool._Reader, "ask", ask)
    summary = index_granules(base, workers=2)
    assert summary.errors == [
        (
            oco2_lite_name("2020-01-02"),
            "the reading process died of it (SIGSEGV): the file is damaged or too large",
        )
    ]
    assert summary.products["oco2_lite"].files == 2


def test_a_script_without_main_guard_and_with_clashing_modules(tmp_path):
    base = make_some(tmp_path / "data", 3)
    (tmp_path / "numpy.py").write_text("raise RuntimeError('not the numpy you want')")
    script = tmp_path / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(
        "import yaotan\nprint('once')\n"
        f"print(yaotan.index_granules({str(base)!r}, workers=2).products['oco2_lite'].files)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.stdout.split() == ["once", "3"], done.stderr


def test_where_python_cannot_be_started_this_process_reads(tmp_path, monkeypatch):
    base = make_some(tmp_path / "data", 3)
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert index_granules(base, workers=2).products["oco2_lite"].files == 3


def test_an_interrupted_scan_leaves_the_old_index(tmp_path):
    base = make_some(tmp_path / "data", 2)
    index_granules(base)
    before = (base / INDEX_NAME).read_bytes()
    write_day(base / oco2_lite_name("2020-01-09"), "2020-01-09")

    def stop(what, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index_granules(base, progress=stop)
    assert (base / INDEX_NAME).read_bytes() == before
    assert sorted(base.glob(".*")) == []


def test_damaged_further_in_keeps_what_is_known(tmp_path, monkeypatch):
    path = write_day(tmp_path / oco2_lite_name("2020-01-15"))
    monkeypatch.setattr(
        "yaotan.io.granule.Granule._read_time", lambda self, *_: np.full(10, "NaT", "datetime64[ns]")
    )
    (row,) = read_facts({"path": str(path)})
    assert (row["product"], row["count"], row["start"]) == ("oco2_lite", 10, None)
    assert row["error"].startswith("no time can be read")


def test_find_by_product_period_and_region(indexed, folder):
    lite = [f"a/{oco2_lite_name('2020-01-15')}", oco2_lite_name("2020-02-15")]
    packed = ["packed.tar.gz::day/good.nc", "plain.tar::day/good.nc"]
    base = os.path.relpath(folder, indexed.path.parent)

    def found(**options):
        return [
            os.path.relpath(p, indexed.path.parent / base) for p in find_granules(indexed.path, **options)
        ]

    assert found(product="oco2_lite") == [lite[0], lite[1], *packed]
    assert found(period=("2020-02", "2020-02")) == [lite[1]]
    assert found(product="oco2_lite", period=("2020-01-15", "2020-01-15")) == [lite[0], *packed]
    assert found(region=(178, 20, -179, 40)) == [lite[1]]
    assert found(region=(-180, 20, -179.5, 40)) == [lite[1]]
    assert found(region=(0, -40, 10, -20)) == []
    polygon = gpd.GeoDataFrame(geometry=[shapely.box(179.9, 20, 190, 40)], crs=4326)
    assert found(region=polygon) == [lite[1]]
    with pytest.raises(YaotanError, match="no file of 'tropomi_ch4'"):
        found(product="tropomi_ch4")


def test_what_is_found_can_be_opened(indexed, folder):
    files = find_granules(indexed.path, product="oco2_lite", region=(113, 20, 116, 40))
    assert len(files) == 3
    assert open_soundings(files, quality="all").sizes["sounding"] == 10  # the same ones three times


def test_index_and_granules_can_be_moved_together(tmp_path):
    base = make_some(tmp_path / "data", 1)
    index_granules(base)
    moved = base.rename(tmp_path / "moved")
    assert all(Path(name).is_file() for name in find_granules(moved))
    (moved / INDEX_NAME).rename(tmp_path / "index.parquet")
    assert find_granules(tmp_path / "index.parquet", folder=moved) == [
        str(moved / oco2_lite_name("2020-01-01"))
    ]


def test_no_index(tmp_path):
    with pytest.raises(YaotanError, match="there is no index"):
        find_granules(tmp_path)
    (tmp_path / "text").write_text("nothing")
    with pytest.raises(YaotanError, match="is no index"):
        open_index(tmp_path / "text")


def run_main(*arguments) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return stop.value.code


def test_command_line(folder, tmp_path, capsys):
    target = tmp_path / "index.parquet"
    assert run_main("catalog", folder, "--target", target, "--stac", tmp_path / "stac") == 0
    captured = capsys.readouterr()
    assert "oco2_lite" in captured.out
    assert "2020-01-15 to 2020-02-15" in captured.out
    assert "7 of 12 files cannot be read" in captured.out
    assert "5 items, 7 left out (error)" in captured.out
    assert captured.err.count("\nerror ") == 4
    assert "and 2 more" in captured.err
    assert (tmp_path / "stac" / "catalog.json").is_file()


def test_command_line_with_nothing_readable(tmp_path, capsys):
    (tmp_path / "page.nc").write_text("<html>")
    assert run_main("catalog", tmp_path) == 2
    assert "none of the 1 files can be read" in capsys.readouterr().err


def test_second_scan_is_quick(tmp_path):
    base = make_some(tmp_path / "data", 1)
    one = base / oco2_lite_name("2020-01-01")
    for number in range(500):
        os.link(one, base / f"n{number:04d}.nc4")
    index_granules(base, checksum=False)
    start = time.perf_counter()
    assert index_granules(base, checksum=False).read == 0
    assert time.perf_counter() - start < 1.0


def test_an_interrupted_scan_leaves_no_process(tmp_path, monkeypatch):
    base = make_some(tmp_path / "data", 8)
    started = []
    real = pool._Reader.__init__

    def start(reader):
        real(reader)
        started.append(reader._process)

    def stop(what, done, total):
        raise KeyboardInterrupt

    monkeypatch.setattr(pool._Reader, "__init__", start)
    with pytest.raises(KeyboardInterrupt):
        index_granules(base, workers=2, progress=stop)
    time.sleep(0.3)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


def test_more_products_open_no_more_of_a_file(tmp_path, monkeypatch):
    """What a file lacks is told by names, so that a growing catalog costs next to nothing."""
    path = write_day(tmp_path / oco2_lite_name("2020-01-15"))
    few = load_products()
    many = dict(few)
    for number, entry in enumerate(few.values()):
        for place in ("absent", "absent/deeper/variable", "Sounding/absent", "Retrieval/absent"):
            required = (*entry.identify.required, f"{place}_{number}")
            rule = entry.identify.model_copy(update={"required": required})
            name = f"{entry.product}_{place.replace('/', '_')}"
            many[name] = entry.model_copy(update={"product": name, "identify": rule})
    opened, real = [], h5py.h5o.open

    def note(place, name, **options):
        opened.append(name)
        return real(place, name, **options)

    def identify(products):
        opened.clear()
        monkeypatch.setattr("yaotan.io.identify.load_products", lambda: products)
        with open_container(path) as container:
            return identify_container(container).product.product, len(opened)

    monkeypatch.setattr(h5py.h5o, "open", note)
    assert len(many) == 5 * len(few)
    name, before = identify(few)
    assert identify(many) == (name, before) == ("oco2_lite", before)


def test_rows_in_order_are_not_copied():
    moment = {"size": 1, "mtime": None, "count": None, "good": None, "start": None, "end": None}
    names = ["a", "a.tar::b/c.nc", "a.tar::d.nc", "a.tar.nc", "b/c.nc", "b0.nc"]
    rows = [{**dict.fromkeys(COLUMNS.names), **moment, "path": name} for name in names]
    table = to_table(rows)
    assert sort_rows(table) is table
    mixed = sort_rows(to_table([rows[place] for place in (3, 1, 5, 0, 4, 2)]))
    assert mixed.equals(table)


def test_text_that_is_known_is_not_looked_into_again(tmp_path, monkeypatch):
    case = next(case for case in all_cases() if case.product == "tccon_table")
    case.write(tmp_path / case.file_name, make_truth(case.shape))
    (tmp_path / "readme.txt").write_text("no table")
    first = index_granules(tmp_path)
    assert list(first.products) == ["tccon_table"]
    real, looked = folder_module.is_data_file, []
    monkeypatch.setattr(folder_module, "is_data_file", lambda path: looked.append(path) or real(path))
    assert (index_granules(tmp_path).kept, [Path(path).name for path in looked]) == (1, ["readme.txt"])
