"""Draw docs/image/report_plume.png: a source on the page, from the scene of examples/13_real_smartcarb.py.

Needs Chromium, as `make test-page` does.
"""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
from PIL import Image

from yaotan.plume.table import estimate_table, member_table
from yaotan.report.page import report
from yaotan.report.point_source import PointSourceResult
from yaotan.report.result import StudyResults

ROOT = Path(__file__).resolve().parents[1]
SIZE = (1280, 3400)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1")
#: what is kept: image, slices, ways and terms of the first source
CROP = (100, 1984, 1190, 3004)


def study() -> StudyResults:
    """Make the page's results of what the example has found."""
    made = runpy.run_path(str(ROOT / "examples" / "13_real_smartcarb.py"))
    scene, plants = made["made"], made["plants"]
    found = PointSourceResult(
        str(scene.estimate.attrs["substance"]),
        plants,
        estimate_table(scene.estimate, "smartcarb"),
        member_table(scene.estimate, "smartcarb"),
        scene.plumes.assign(scene="smartcarb"),
        scene.lines.assign(scene="smartcarb"),
        {("smartcarb", name): view for name, view in scene.views.items()},
        facts={"scenes": 1},
    )
    nothing = pd.DataFrame()
    regions = gpd.GeoDataFrame({"region_id": [], "name": [], "name_zh": []}, geometry=[], crs=4326)
    return StudyResults(
        title="Jänschwalde, 23 April 2015",
        language="en",
        period=("2015-04-23", "2015-04-23"),
        bounds=(13.0, 50.7, 16.5, 53.0),
        columns=(),
        regions=regions,
        contrasts=nothing,
        comparison=nothing,
        losses=nothing,
        point_sources=found,
    )


def main() -> None:
    """Write the page, have it laid out, and keep the part of one source."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("Chromium is absent. To do: apt-get install chromium fonts-noto-cjk")
    with tempfile.TemporaryDirectory() as folder:
        page = report(study(), Path(folder) / "page.html")
        picture = Path(folder) / "page.png"
        wide, high = SIZE
        options = [f"--screenshot={picture}", f"--window-size={wide},{high}", f"--user-data-dir={folder}/p"]
        subprocess.run([browser, *FLAGS, *options, page.as_uri()], check=True, capture_output=True)
        with Image.open(picture) as whole:
            kept = whole.crop(CROP).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE)
            kept.save(ROOT / "docs" / "image" / "report_plume.png", optimize=True)


if __name__ == "__main__":
    main()
