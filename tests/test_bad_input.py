"""Every wrong input that a user can meet, through the command line: one clear message, status 2, no output.

One table holds them all. Input that is odd but usable (duplicates, unsorted time, NaN corners) must run, and
say what it did in the provenance.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pytest
import shapely
import yaml

from yaotan.cli.main import main
from yaotan.simulate.layout import Retrieval, write_nies_gosat, write_oco2_lite

NAME = "oco2_LtCO2_200115_B11210Ar_240820000231s.nc4"
NOBODY = 65534


class Folder:
    """A study folder with one good granule, which a case then spoils."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self.data.mkdir()
        self.granule = self.data / NAME
        self.study = {
            "title": "test",
            "period": ["2020-01-01", "2020-01-31"],
            "inputs": [{"path": "data"}],
            "regions": {"path": "regions.geojson"},
        }
        self.write()
        self.write_regions(shapely.box(114, 29, 117, 32))

    def write(self, count: int = 40, **given: object) -> None:
        write_oco2_lite(self.granule, Retrieval.make(count, **given))

    def write_regions(self, polygon: shapely.Geometry, name: str = "regions.geojson") -> None:
        gpd.GeoDataFrame({"id": ["r1"], "name": ["R"]}, geometry=[polygon], crs="EPSG:4326").to_file(
            self.path / name
        )

    def save(self) -> Path:
        path = self.path / "study.yaml"
        path.write_text(yaml.safe_dump(self.study), encoding="utf-8")
        return path


@dataclass(frozen=True)
class Case:
    """How to spoil the folder, and what the user must read."""

    name: str
    spoil: Callable[[Folder], None]
    words: tuple[str, ...]
    run: Callable[[Folder], list[str]] = field(default=lambda folder: ["run", str(folder.save())])


def truncated(folder: Folder) -> None:
    folder.granule.write_bytes(folder.granule.read_bytes()[: folder.granule.stat().st_size // 2])


def transposed(path: str) -> Callable[[Folder], None]:
    def spoil(folder: Folder) -> None:
        with h5py.File(folder.granule, "r+") as file:
            values, attributes = file[path][()].T, dict(file[path].attrs)
            attributes = {
                k: v for k, v in attributes.items() if not k.startswith(("DIMENSION", "REFERENCE", "_Net"))
            }
            del file[path]
            changed = file.create_dataset(path, data=values)
            for name, value in attributes.items():
                changed.attrs[name] = value

    return spoil


def undefined_crs(folder: Folder) -> None:
    square = gpd.GeoDataFrame({"id": ["r1"]}, geometry=[shapely.box(114, 29, 117, 32)])
    square.to_file(folder.path / "regions.shp")
    folder.study["regions"] = {"path": "regions.shp"}


def no_aliases(folder: Folder) -> None:
    folder.study["inputs"] = [{"path": "data", "aliases": "names.yaml"}]


def set_rule(**rule: object) -> Callable[[Folder], None]:
    def spoil(folder: Folder) -> None:
        folder.study["inputs"][0]["rules"] = [{"name": "thick", **rule}]

    return spoil


def put(content: bytes) -> Callable[[Folder], None]:
    return lambda folder: folder.granule.write_bytes(content) and None


def grid_command(folder: Folder) -> list[str]:
    return ["grid", str(folder.data), str(folder.path / "results")]


HTML = b"<!DOCTYPE html><html><head><title>Earthdata Login</title></head><body>401</body></html>"
CASES = [
    Case("truncated", truncated, (NAME, "truncated")),
    Case("empty", put(b""), (NAME, "empty")),
    Case("wrong type", put(b"\x89PNG\r\n\x1a\n" + b"\0" * 2000), (NAME, "type", "netCDF")),
    Case("HTML inside", put(HTML), (NAME, "HTML")),
    Case("text inside", put(b"sounding_id,xco2\n1,400\n" * 9), (NAME,)),
    Case("vertices transposed", transposed("vertex_latitude"), (NAME, "vertex_latitude", "(4, 40)")),
    Case("levels transposed", transposed("pressure_levels"), (NAME, "pressure_levels", "(20, 40)")),
    Case("all NaN", lambda f: f.write(xgas=np.full(40, np.nan)), ("no sounding is left", "no_value 40")),
    Case("all bad", lambda f: f.write(quality=np.ones(40, int)), ("no sounding is left", "quality_flag 40")),
    Case(
        "nothing after screening",
        set_rule(variable="airmass", max=0.5),
        ("no sounding is left", "rule thick 40", "relax"),
    ),
    Case("rule on nothing", set_rule(variable="clouds", max=1.0), ("thick", "clouds")),
    Case(
        "rule on nothing, checked",
        set_rule(variable="clouds", max=1.0),
        ("thick", "clouds", "airmass"),
        lambda f: ["run", str(f.save()), "--check"],
    ),
    Case(
        "period outside the data, checked",
        lambda f: f.study.update(period=["2019-01-01", "2019-01-31"]),
        ("2019-01-01 to 2019-01-31", "2020-01-15"),
        lambda f: ["run", str(f.save()), "--check"],
    ),
    Case(
        "report of a folder without a run",
        lambda f: None,
        ("provenance.json", "yaotan run"),
        lambda f: ["report", str(f.data), str(f.path / "page.html")],
    ),
    Case(
        "regions in place of the grid",
        lambda f: None,
        ("regions.geojson", "grid"),
        lambda f: ["zonal", *[str(f.path / "regions.geojson")] * 2, str(f.path / "out.csv")],
    ),
    Case(
        "granule in place of the grid",
        lambda f: None,
        (NAME, "lat, lon"),
        lambda f: ["zonal", str(f.granule), str(f.path / "regions.geojson"), str(f.path / "out.csv")],
    ),
    Case("empty day", lambda f: f.write(0), ("no sounding is left",)),
    Case(
        "mixed products",
        lambda f: write_nies_gosat(
            f.data / "GOSATTFTS20200115_02C01SV0280R200115GU000.h5", Retrieval.make(3)
        ),
        ("oco2_lite", "nies_gosat_co2", "product"),
        lambda f: [*grid_command(f)[:2], str(f.path / "out.nc")],
    ),
    Case("wrong product named", lambda f: f.study["inputs"][0].update(product="acos_lite"), ("acos_lite",)),
    Case("region file without CRS", undefined_crs, ("regions.shp", "coordinate reference system")),
    Case("region file missing", lambda f: (f.path / "regions.geojson").unlink(), ("regions.geojson",)),
    Case(
        "region file is no vector file",
        lambda f: (f.path / "regions.geojson").write_text("no geometry") and None,
        ("regions.geojson",),
    ),
    Case(
        "region outside the data",
        lambda f: f.write_regions(shapely.box(-60, -20, -50, -10)),
        ("no sounding is left", "outside_region 40"),
    ),
    Case(
        "period outside the data",
        lambda f: f.study.update(period=["2019-01-01", "2019-01-31"]),
        ("no sounding is left", "period"),
    ),
    Case("no input file", lambda f: f.granule.unlink(), ("data",)),
    Case("alias file missing", no_aliases, ("names.yaml",)),
    Case("unknown key", lambda f: f.study.update(regoins={}), ("regoins", "regions")),
    Case("unknown suffix", lambda f: None, ("results",), grid_command),
    Case(
        "output is a file",
        lambda f: (f.path / "taken").write_text("x") and None,
        ("taken",),
        lambda f: ["run", str(f.save()), "--output", str(f.path / "taken")],
    ),
]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command line; give its one message."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    captured = capsys.readouterr()
    assert stop.value.code == 2, captured
    assert captured.err.startswith("yaotan: error: ")
    assert captured.err.count("yaotan: error") == 1
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused_with_one_message(case: Case, folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    case.spoil(folder)
    arguments = case.run(folder)
    before = sorted(folder.path.rglob("*"))
    message = refused(arguments, capsys)
    for word in case.words:
        assert word in message
    assert sorted(folder.path.rglob("*")) == before, "something half-written was left"


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Give up root's right to read everything, for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_unreadable_file(capsys: pytest.CaptureFixture[str]) -> None:
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        folder = Folder(place)
        folder.granule.chmod(0)
        arguments = ["run", str(folder.save())]
        with ordinary_user():
            message = refused(arguments, capsys)
        assert NAME in message
        assert "permission" in message.lower()
    finally:
        shutil.rmtree(place)


def provenance(folder: Folder) -> dict:
    main_ok(["run", str(folder.save())])
    return json.loads((folder.path / "results" / "provenance.json").read_text(encoding="utf-8"))


def main_ok(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0


def month(folder: Folder):
    from yaotan.io.netcdf import open_grid

    return open_grid(folder.path / "results" / "columns" / "oco2_lite_202001.nc").load()


def test_duplicates_are_dropped_and_counted(folder: Folder) -> None:
    once = Retrieval.make(40)
    write_oco2_lite(folder.granule, Retrieval.join([once, once.take(np.arange(7))]))
    counts = provenance(folder)["products"]["oco2_lite"]
    assert counts["dropped"]["duplicate"] == 7
    assert counts["kept"] == 40


def test_unsorted_time_changes_nothing(folder: Folder) -> None:
    one = Retrieval.make(40, xgas=np.linspace(400, 420, 40))
    write_oco2_lite(folder.granule, one)
    provenance(folder)
    ordered = month(folder)
    shutil.rmtree(folder.path / "results")
    write_oco2_lite(folder.granule, one.take(np.random.default_rng(0).permutation(40)))
    provenance(folder)
    np.testing.assert_allclose(month(folder)["xco2"], ordered["xco2"], rtol=1e-12)


def test_nan_corners_are_rejected_and_counted(folder: Folder) -> None:
    good = Retrieval.make(40)
    corners = good.corner_latitude.copy()
    corners[:3, 2] = np.nan
    folder.write(corner_latitude=corners)
    counts = provenance(folder)["products"]["oco2_lite"]
    assert counts["rejected"]["nan_corner"] == 3


def test_bad_member_is_skipped_and_listed_on_request(folder: Folder) -> None:
    (folder.data / "broken.nc4").write_bytes(HTML)
    folder.study["on_error"] = "skip"
    content = provenance(folder)
    assert [item["file"] for item in content["skipped"]] == ["data/broken.nc4"]
    assert "HTML" in content["skipped"][0]["reason"]
    assert content["products"]["oco2_lite"]["kept"] == 40
