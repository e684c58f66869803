"""A legend by YAML alone: docs/howto/add_legend.md is run."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from conftest import REPOSITORY
from land_truth import AEA, ALBERS, write_raster
from test_howto import BLOCK, run

PAGE = (REPOSITORY / "docs" / "howto" / "add_legend.md").read_text(encoding="utf-8")


def test_python_of_the_page(tmp_path: Path) -> None:
    codes = np.array([[0, 11, 21], [51, 99, 99]], np.uint8)
    write_raster(tmp_path / "land.tif", codes, AEA, ALBERS, nodata=None)
    for kind, title, text in BLOCK.findall(PAGE):
        if kind == "yaml":
            (tmp_path / title).write_text(text, encoding="utf-8")
    (code,) = [text for kind, _, text in BLOCK.findall(PAGE) if kind == "python"]
    done = run([sys.executable, "-c", code], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "['Forest land', 'Cropland']" in done.stdout
