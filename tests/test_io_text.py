"""Tables of text behind the container: headings, kinds of columns, refusals, and what is read how often."""

from __future__ import annotations

import os
import pickle
import tarfile
import threading
from pathlib import Path

import dask
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import yaotan
from contract.case_table import write_tccon
from contract.truth import make_truth
from yaotan.cli.main import main
from yaotan.errors import NotAGranuleError, UnitsError
from yaotan.io import text_store
from yaotan.io.container import open_container
from yaotan.io.decode import to_numbers, to_text
from yaotan.io.text_store import Kept, read_names
from yaotan.io.text_table import read_columns, read_heading, split_lines

PRODUCT = """\
product: own
title: {en: Own, zh: 自有}
platform: own
instrument: own
references: [https://example.org]
licence: internal
gases: [xco2]
checked: file
identify: {required: [when, lat, lon, xco2]}
size_of: xco2
variables:
  latitude: {path: lat, units: degree}
  longitude: {path: lon, units: degree}
  xco2: {path: xco2, units: ppm}
time: [{path: when, kind: text}]
"""
ROWS = "2019-04-01T05:00:00,30.5,110.5,410.25\n2019-04-01T05:00:10,30.6,110.6,410.5\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(PRODUCT, encoding="utf-8")
    return tmp_path


def write(folder: Path, text: str | bytes, name: str = "points.csv") -> Path:
    content = text.encode("utf-8") if isinstance(text, str) else text
    (folder / name).write_bytes(content)
    return folder / name


def columns(text: str) -> dict[str, np.ndarray]:
    lines = split_lines(text)
    return read_columns(lines, read_heading(lines, "t"), "t")


def opened(folder: Path, path: Path, **options: object) -> list[float]:
    return yaotan.open_soundings(path, product=str(folder / "own.yaml"), **options).xco2.values.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "when,lat,lon,xco2\n" + ROWS,
        "when;lat;lon;xco2\n" + ROWS.replace(",", ";"),
        "when\tlat\tlon\txco2\n" + ROWS.replace(",", "\t"),
        "when lat lon xco2\n" + ROWS.replace(",", "  "),
        "# who: me\n#\n\nwhen, lat, lon, xco2\n\n" + ROWS.replace(",", ", ") + "\n,,,\n",
        "# when;lat;lon;xco2\n" + ROWS.replace(",", ";"),
        '"when","lat","lon","xco2"\r\n' + ROWS.replace("\n", "\r\n"),
        "\ufeffwhen,lat,lon,xco2\n" + ROWS,
        "when,lat,lon,xco2\n" + ROWS.rstrip("\n"),
        "when,lat,lon,xco2\n"
        + ROWS.replace("\n2019", '\n# a remark, with a comma\n"2019').replace("10,", '10",'),
    ],
    ids=[
        "comma",
        "semicolon",
        "tab",
        "blanks",
        "loose",
        "names in a comment",
        "quoted CRLF",
        "BOM",
        "open",
        "remark",
    ],
)
def test_every_spelling_reads_the_same(own: Path, text: str) -> None:
    assert opened(own, write(own, text)) == [410.25, 410.5]


def test_kinds_of_columns() -> None:
    table = columns(
        "whole,broken,gap,date,id,word,long\n"
        f"1,1.5,,070115,2019040112345678901,a,{'x' * 70}\n-2,2e3,NA,190401,2019040112345678902,b,y\n"
    )
    assert table["whole"].tolist() == [1, -2]
    assert table["whole"].dtype == np.int64
    assert table["broken"].tolist() == [1.5, 2000.0]
    assert np.isnan(table["gap"]).all()
    assert table["date"].tolist() == ["070115", "190401"]  # 070115 is no number
    assert table["id"].tolist() == ["2019040112345678901", "2019040112345678902"]  # float64 would lose digits
    assert table["long"].tolist() == ["x" * 70, "y"]
    assert to_numbers(table["date"]).tolist() == [70115.0, 190401.0]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
@example([0.1, 5e-324, -0.0])
def test_numbers_come_back_exactly(values: list[float]) -> None:
    table = columns("a,b\n" + "".join(f"{value!r},x\n" for value in values))
    assert table["a"].astype(float).tolist() == values


def test_rows_of_several_blocks_are_one_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yaotan.io.text_table._BLOCK", 7)
    table = columns("a,b,c\n" + "".join(f"{k},{k / 2},{'w' * (k % 5)}\n" for k in range(20)))
    assert table["a"].tolist() == list(range(20))
    assert table["b"].tolist() == [k / 2 for k in range(20)]
    assert table["c"].tolist() == ["w" * (k % 5) for k in range(20)]


def test_numbers_are_written_out_where_text_is_wanted() -> None:
    assert to_text(np.array([20190401.0, np.nan, 1.5])).tolist() == ["20190401", "", "1.5"]
    assert to_text(np.array([3, -1])).tolist() == ["3", "-1"]


def test_what_comment_lines_say(own: Path) -> None:
    path = write(own, "# site: X: y\n# site: Z\n# xco2:units : ppb\n# xco2:_FillValue : -9\na,xco2\n1,2\n")
    with open_container(path) as container:
        assert container.attributes["site"] == "X: y"
        assert container.attributes_of("xco2") == {"units": "ppb", "_FillValue": -9.0}
        assert "# xco2:units" in container.attributes["header"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("when,lat,lon,xco2\n" + ROWS[:-12], r"points\.csv: line 3 has 3 fields.*4, one for each.*cut short"),
        ("when,lat,lon,xco2\n" + ROWS + "1,2,3,4,5\n", "line 4 has 5 fields"),
        ('when,lat,lon,xco2\n2019-04-01,"30,110,400\n' + ROWS, "line 4 has 2 fields"),
        ("when,lat,lon,co2\n" + ROWS, r"a text file with 4 columns \(when, lat, lon, co2\).*lacks xco2"),
        ("when,lat,lat,xco2\n" + ROWS, "two columns are called 'lat'"),
        ("when,lat,lon,xco2\n" + ROWS.replace("410.5", "410 ppm"), r"xco2: holds '410 ppm' where a number"),
        ("when,lat,lon,xco2\n" + ROWS.replace("410.5", "4_10"), "holds '4_10' where a number"),
        ("when;lat;lon;xco2\n" + ROWS.replace(",", ";").replace(".", ","), "holds '30,5' where a number"),
        (ROWS, "text file without a line of column names"),
        ("Dear colleague,\nno data today.\n", "text file without a line of column names"),
        ("no data today, I am afraid\n\nyours\n", "no product that is known: a text file with 2 columns"),
        ("站点,备注\n".encode("gb18030") + b"1,2\n", r"not UTF-8 \(line 1: byte 0x\w\w\).*iconv -f GB18030"),
        (b"a,b\n" * 5 + "上海,2\n".encode("gb18030"), r"not UTF-8 \(line 6"),
        (("when,lat,lon,xco2\n" + ROWS).encode("utf-16"), "text file in UTF-16"),
        ("when,lat,lon,xco2\n" + ROWS.replace("2019", "soon"), "no time can be read"),
    ],
    ids=lambda value: None,
)
def test_refused_in_words(own: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(NotAGranuleError, match=words):
        opened(own, write(own, text))


def test_bytes_that_are_not_utf8_beyond_the_heading(own: Path) -> None:
    path = write(own, ("when,lat,lon,xco2\n" + ROWS * 4000).encode() + b"2019-04-01,1,2,\xff\n")
    with pytest.raises(NotAGranuleError, match=r"line 8002: byte 0xff"):
        opened(own, path)


def test_unit_that_nobody_states_is_asked_for(own: Path) -> None:
    (own / "own.yaml").write_text(PRODUCT.replace(", units: ppm", ""), encoding="utf-8")
    with pytest.raises(UnitsError, match="the dataset has no unit"):
        opened(own, write(own, "when,lat,lon,xco2\n" + ROWS))
    assert opened(own, write(own, "# xco2:units : ppb\nwhen,lat,lon,xco2\n" + ROWS)) == pytest.approx(
        [0.41025, 0.4105]
    )


@pytest.mark.parametrize("end", ["", "\n", "\n\n# nothing today\n"])
def test_heading_alone_gives_an_empty_table(own: Path, end: str) -> None:
    path = write(own, "when,lat,lon,xco2" + end)
    ds = yaotan.open_soundings(path, product=str(own / "own.yaml")).load()
    assert (ds.sizes["sounding"], ds.xco2.dtype, ds.time.dtype.kind) == (0, np.float64, "M")
    match = yaotan.identify(path, product=str(own / "own.yaml"))
    assert (match.count, match.period, match.extent) == (0, None, None)


def test_table_that_is_too_large_is_refused(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(own, "when,lat,lon,xco2\n" + ROWS)
    monkeypatch.setattr(text_store, "LARGEST", 50)
    with pytest.raises(NotAGranuleError, match="at most 0 MiB"):
        opened(own, path)


def test_other_formats_do_not_take_text_for_a_table(own: Path) -> None:
    with pytest.raises(yaotan.YaotanError, match=r"points\.csv"):
        yaotan.open_grid(write(own, "when,lat,lon,xco2\n" + ROWS))


class Counter:
    """Counts how often a table is parsed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self._parse = 0, text_store._parse
        monkeypatch.setattr(text_store, "_parse", self)
        monkeypatch.setattr(text_store, "_KEPT", Kept(10**7))

    def __call__(self, content: bytes, where: str) -> dict[str, np.ndarray]:
        self.count += 1
        return self._parse(content, where)


def test_a_table_is_parsed_once(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter(monkeypatch)
    path = own / "saga.csv"
    write_tccon(path, make_truth())
    assert read_names(str(path))[0] == "tccon_xco2"
    with open_container(path) as container:
        assert "tccon_xco2" in container
        assert container.paths()[-1] == "longitude"
    assert counter.count == 0  # the heading is enough to tell what it is
    ds = yaotan.open_soundings(path, chunks=5)
    with dask.config.set(scheduler="threads"):
        ds.load()
    yaotan.identify(path).extent  # noqa: B018
    assert counter.count == 1


def test_a_changed_table_is_parsed_anew(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = Counter(monkeypatch)
    path = write(own, "when,lat,lon,xco2\n" + ROWS)
    assert opened(own, path) == [410.25, 410.5]
    state = path.stat()
    path.write_text("when,lat,lon,xco2\n" + ROWS.replace("410.5", "411.5"), encoding="utf-8")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))  # same size, same time of change
    assert opened(own, path) == [410.25, 411.5]
    assert counter.count == 2


def test_relative_paths_are_told_apart(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, value in (("a", "410.5"), ("b", "411.5")):
        (own / folder).mkdir()
        write(own / folder, "when,lat,lon,xco2\n" + ROWS.replace("410.5", value))
        monkeypatch.chdir(own / folder)
        assert opened(own, Path("points.csv"))[1] == float(value)


def test_tables_are_kept_within_the_budget() -> None:
    kept = Kept(1000)
    calls: list[int] = []

    def read(number: int, size: int) -> dict[str, np.ndarray]:
        calls.append(number)
        return {"a": np.zeros(size // 8)}

    for number in (1, 2, 1, 3, 1, 2):  # 2 goes for 3, as 1 was asked for later
        kept.get(number, 100, lambda n=number: read(n, 400))
    assert calls == [1, 2, 3, 2]
    kept.get(9, 5000, lambda: read(9, 80))  # too large for the budget, but the last one stays
    assert len(kept) == 1


def test_threads_that_want_one_table_wait_for_it() -> None:
    kept, gate, calls = Kept(1000), threading.Event(), []

    def read() -> dict[str, np.ndarray]:
        calls.append(1)
        gate.wait(5)
        return {}

    threads = [threading.Thread(target=kept.get, args=("t", 1, read)) for _ in range(4)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join()
    assert calls == [1]


def test_what_is_read_cannot_spoil_what_is_kept(own: Path) -> None:
    path = write(own, "when,lat,lon,xco2\n" + ROWS)
    with open_container(path) as container:
        container.read("xco2")[:] = 0.0
        assert container.read("xco2", np.array([1, 0])).tolist() == [410.5, 410.25]
        assert pickle.loads(pickle.dumps(container.attributes_of("xco2"))) == {}  # noqa: S301


def test_a_folder_gives_tables_of_known_products_only(own: Path) -> None:
    write_tccon(own / "saga.csv", make_truth())
    write(own, "Tables of a station, and how they were got\n", "README.txt")
    write(own, "region,xco2,count\nr1,410,3\n", "results.csv")
    assert yaotan.open_soundings(own).attrs["source"] == "saga.csv"
    write(own, "when,lat,lon,xco2\n" + ROWS)
    assert opened(own, own / "points*.csv") == [410.25, 410.5]  # own tables are named, by file or pattern


def test_a_member_of_a_package_may_be_named(own: Path) -> None:
    path = write(own, "when,lat,lon,xco2\n" + ROWS)
    with tarfile.open(own / "p.tar.gz", "w:gz") as archive:
        archive.add(path, "day/points.csv")
    assert opened(own, Path(f"{own / 'p.tar.gz'}::day/points.csv")) == [410.25, 410.5]


def test_info_on_a_table(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tccon(own / "saga.csv", make_truth())
    with pytest.raises(SystemExit) as done:
        main(["info", str(own / "saga.csv")])
    assert done.value.code == 0
    assert "soundings 24" in capsys.readouterr().out
    with pytest.raises(SystemExit) as done:
        main(["info", str(write(own, "when,lat,lon,xco2\n" + ROWS))])
    assert done.value.code == 2
    assert "a text file with 4 columns (when, lat, lon, xco2)" in capsys.readouterr().err
