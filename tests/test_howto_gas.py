"""A gas by catalog alone: docs/howto/add_gas.md is run, and what must not be added is refused."""

from __future__ import annotations

import json
import pickle
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from conftest import REPOSITORY
from test_howto import BLOCK, run
from yaotan.catalog.gas import gases
from yaotan.catalog.product import read_product
from yaotan.errors import CatalogError

PAGE = (REPOSITORY / "docs" / "howto" / "add_gas.md").read_text(encoding="utf-8")


def write_columns(path: Path) -> None:
    """Write eight months in which the west has 3 ppb more than the east."""
    rng, count = np.random.default_rng(3), 1600
    lon = rng.uniform(104, 116, count)
    with netCDF4.Dataset(path, "w") as root:
        root.createDimension("n", count)
        values = {
            "lat": rng.uniform(24, 36, count),
            "lon": lon,
            "t": np.sort(rng.uniform(0, 243 * 24, count)),
            "hcho": (8 + np.where(lon < 110, 3, 0) + rng.normal(0, 1, count)) * 1e-9,
            "hcho_err": np.full(count, 1e-9),
            "good": (np.arange(count) % 4 != 0).astype("i1"),
        }
        for name, array in values.items():
            variable = root.createVariable(name, array.dtype, ("n",))
            variable[:] = array
        root["t"].units = "hours since 2019-01-01"


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the gases of these tests from other tests."""
    monkeypatch.setattr("yaotan.catalog.gas._own", {})
    gases.cache_clear()
    yield
    monkeypatch.undo()
    gases.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gas")
    write_columns(folder / "hcho_201904.nc")
    features = [
        {
            "type": "Feature",
            "properties": {"region_id": name, "name": name.title(), "name_zh": word},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[x, 24], [x + 6, 24], [x + 6, 36], [x, 36], [x, 24]]],
            },
        }
        for name, word, x in (("west", "西", 104), ("east", "东", 110))
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    (folder / "regions.geojson").write_text(text, encoding="utf-8")
    for kind, title, text in BLOCK.findall(PAGE):
        if kind == "yaml" and title:
            (folder / title).write_text(text, encoding="utf-8")
    return folder


def test_python_of_the_page(folder: Path) -> None:
    (text,) = [text for kind, _, text in BLOCK.findall(PAGE) if kind == "python"]
    done = run([sys.executable, "-c", text], folder)
    assert done.returncode == 0, done.stderr
    assert "XHCHO" in done.stdout
    assert "ppb" in done.stdout


def test_commands_of_the_page(folder: Path) -> None:
    lines = [
        line[2:] for kind, _, text in BLOCK.findall(PAGE) if kind == "console" for line in text.splitlines()
    ]
    assert len(lines) == 3
    for line in lines:
        done = run([sys.executable, "-m", *shlex.split(line)], folder)
        assert done.returncode == 0, f"{line}: {done.stderr}"
    assert "higher" in done.stdout
    page = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "XHCHO" in page


def test_another_process_learns_the_gas_with_the_entry(folder: Path) -> None:
    packed = pickle.dumps(read_product(folder / "my_hcho.yaml"))
    code = (
        "import pickle, sys; from yaotan.catalog.gas import gases; assert 'xhcho' not in gases();"
        "pickle.loads(sys.stdin.buffer.read()); assert gases()['xhcho'].units == 'ppb'"
    )
    done = subprocess.run([sys.executable, "-c", code], input=packed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_one_name_has_one_meaning_in_a_process(folder: Path, tmp_path: Path) -> None:
    text = (folder / "my_hcho.yaml").read_text(encoding="utf-8")
    (tmp_path / "other.yaml").write_text(text.replace("[-5, 50]", "[-5, 90]"), encoding="utf-8")
    read_product(folder / "my_hcho.yaml")
    assert gases()["xhcho"].plausible == (-5, 50)
    read_product(folder / "my_hcho.yaml")
    with pytest.raises(CatalogError, match="xhcho is known with other facts"):
        read_product(tmp_path / "other.yaml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  xhcho:\n    units: ppb ", "  xco2:\n    units: ppb ", "xco2 is known with other facts"),
        ("  xhcho:\n    units", "  X-HCHO:\n    units", "'X-HCHO' is no name"),
        ("units: ppb ", "units: ppx ", "ppx"),
        ("    symbol: XHCHO\n", "", "symbol"),
    ],
)
def test_what_cannot_be_added_is_refused(
    folder: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = (folder / "my_hcho.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "other.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CatalogError, match=message):
        read_product(tmp_path / "other.yaml")
