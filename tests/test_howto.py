"""The how-to pages do what they say: their files and commands are taken from the Markdown and run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "howto" / "add_product.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)```", re.DOTALL)


def write_delivery(path: Path) -> None:
    """Write the file that the page speaks of."""
    rng, count, levels = np.random.default_rng(3), 40, 5
    with netCDF4.Dataset(path, "w") as root:
        root.createDimension("n", count)
        root.createDimension("m", levels)
        pressure = np.linspace(1000.0, 101325.0, levels) * np.ones((count, 1))
        values = {
            "lat": rng.uniform(25, 35, count),
            "lon": rng.uniform(105, 115, count),
            "t": 24.0 * 90 + rng.uniform(0, 20, count),
            "co2col": np.where(np.arange(count) == 4, -999.0, rng.normal(410e-6, 1e-6, count)),
            "co2err": np.full(count, 1e-6),
            "good": (np.arange(count) % 4 != 0).astype("i1"),
            "plev": pressure,
            "ap": np.full((count, levels), 405e-6),
            "ak": np.linspace(0.5, 1.0, levels) * np.ones((count, 1)),
        }
        units = {"t": "hours since 2019-01-01", "co2col": "mol/mol", "plev": "Pa", "ap": "mol/mol"}
        for name, array in values.items():
            dims = ("n", "m")[: array.ndim]
            variable = root.createVariable(name, array.dtype, dims)
            variable[:] = array
            if name in units:
                variable.units = units[name]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("howto")
    write_delivery(folder / "retrieval_20190401.nc")
    square = [[[104, 24], [116, 24], [116, 36], [104, 36], [104, 24]]]
    feature = {
        "type": "Feature",
        "properties": {"region_id": "box", "name": "Box", "name_zh": "方框"},
        "geometry": {"type": "Polygon", "coordinates": square},
    }
    regions = {"type": "FeatureCollection", "features": [feature]}
    (folder / "regions.geojson").write_text(json.dumps(regions), encoding="utf-8")
    for kind, title, text in BLOCK.findall(PAGE):
        if kind in ("yaml", "csv") and title:
            (folder / title).write_text(text, encoding="utf-8")
    return folder


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def commands() -> list[str]:
    blocks = [text for kind, _, text in BLOCK.findall(PAGE) if kind == "console"]
    return [line.removeprefix("$ ") for text in blocks for line in text.splitlines() if line.startswith("$ ")]


def test_commands_of_the_page(folder: Path) -> None:
    lines = commands()
    assert len(lines) == 5
    for number, line in enumerate(lines):
        done = run([sys.executable, "-m", *shlex.split(line)], folder)
        if number == 0:  # before it is described
            assert done.returncode == 2
            assert "co2col" in done.stderr
            assert "docs/howto/add_product.md" in done.stderr
        else:
            assert done.returncode == 0, f"{line}: {done.stderr}"
            assert "Warning" not in done.stderr
    assert (folder / "grid.nc").exists()
    record = json.loads((folder / "results" / "provenance.json").read_text(encoding="utf-8"))
    assert record["catalog"]["my_product"]["title"]["en"] == "My XCO2 retrieval"
    assert "My XCO2 retrieval" in (folder / "results" / "report.html").read_text(encoding="utf-8")


def test_python_of_the_page(folder: Path) -> None:
    for kind, _, text in BLOCK.findall(PAGE):
        if kind == "python":
            done = run([sys.executable, "-c", text], folder)
            assert done.returncode == 0, done.stderr


def test_changed_product_file_runs_its_steps_again(folder: Path) -> None:
    (folder / "again").mkdir()
    for name in ("retrieval_20190401.nc", "my_product.yaml", "study.yaml", "regions.geojson"):
        (folder / "again" / name).write_bytes((folder / name).read_bytes())
    words = [sys.executable, "-m", "yaotan", "run", "study.yaml"]
    assert run(words, folder / "again").returncode == 0
    assert "; 0 steps run" in run(words, folder / "again").stdout
    entry = folder / "again" / "my_product.yaml"
    entry.write_text(entry.read_text(encoding="utf-8").replace("good: [1]", "good: [0, 1]"), encoding="utf-8")
    done = run(words, folder / "again")
    assert "; 0 steps run" not in done.stdout
    assert "my_product: 40 soundings read, 39 kept" in done.stdout
