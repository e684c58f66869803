"""Areas, transitions and one map of change of two land-use rasters, beside the lower bound in the same run.

Inputs come from ``peers/make_landuse.py`` beside the real data (``--size 10000`` is the size of the bar), the
bound from ``peers/landuse_limit.py``. Every case runs in a process of its own; CPU seconds tell more than
wall seconds on a busy machine. ``--sparse`` adds a VRT of 100,000 x 100,000 pixels, two tiles of which exist.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PEERS = Path(os.environ.get("YAOTAN_TEST_DATA", "../shared/data")).resolve().parent / "peers"
GRIDS = ("equal_area", "lonlat")


def case(kind: str, folder: Path, out: Path) -> dict[str, float]:
    """Run one case in this process."""
    import yaotan

    paths = [folder / f"landuse_{year}.tif" for year in (2010, 2020)]
    names = ("C_above", "C_below", "C_soil", "C_dead")
    lines = (folder.parent / "carbon_pools.csv").read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    table = {int(row["lucode"]): 0.1 * sum(float(row[name]) for name in names) for row in rows}
    before, after = (yaotan.open_raster(path, scheme="survey") for path in paths)
    middle = tuple(slice(size // 2 - 100, size // 2 + 100) for size in before.shape)
    yaotan.transition_matrix(before[middle], after[middle])  # compiles
    import numpy as np

    wall, cpu = time.perf_counter(), time.process_time()
    result: dict[str, float] = {}
    if kind == "histogram":
        before, after = (yaotan.open_raster(path, scheme="survey") for path in paths)
        pairs = yaotan.transition_matrix(before, after)
        density = np.array([table[int(code)] for code in pairs["before"].values])
        area = pairs["area"].values[0]
        change = float((area * (density[None, :] - density[:, None])).sum())
        result["change_tC"] = change / 1e3
    elif kind in ("propagation", "monte_carlo"):
        import pandas as pd

        from yaotan.carbon.marginal import one_date

        table_of = pd.DataFrame(rows).drop(columns="LULC_Name").astype(float)
        pools = yaotan.carbon.open_pools(
            table_of.assign(**{f"{name}_sd": 0.2 * table_of[name] for name in names}),
            scheme="survey", units="t ha-1", depth=1.0,
        )  # fmt: skip
        wall, cpu = time.perf_counter(), time.process_time()
        before, after = (yaotan.open_raster(path, scheme="survey") for path in paths)
        pairs = yaotan.transition_matrix(before, after)
        stocks = [
            yaotan.carbon_stock(one_date(pairs, d), pools, uncertainty=kind) for d in ("before", "after")
        ]
        change = yaotan.stock_change(
            pairs, None, pools, period=(2010, 2020), soil_years=0.0, dead_years=0.0, uncertainty=kind
        )
        result["change_tC"] = float(change.stock_change[0]) / 1e3
        result |= {
            f"total_{year}": float(s.stock[0]) / 1e3 for year, s in zip((2010, 2020), stocks, strict=True)
        }
    elif kind == "map":
        yaotan.write(yaotan.carbon.change_map(before, after, table), out / "change.tif")
    result |= {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return result | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def sparse(out: Path) -> dict[str, float]:
    """Area of a VRT of 1e10 pixels, all but one tile of it missing."""
    import numpy as np
    import rasterio
    from affine import Affine

    import yaotan

    tile = np.full((1000, 1000), 1, np.uint8)
    place = Affine(30, 0, 0, 0, -30, 3_000_000)
    profile = {"driver": "GTiff", "width": 1000, "height": 1000, "count": 1, "dtype": "uint8", "nodata": 0}
    corners = ((0, 0), (99_000, 99_000))
    paths = [out / f"tile{k}.tif" for k in range(2)]
    for path, (row, column) in zip(paths, corners, strict=True):
        moved = place @ Affine.translation(column, row)
        with rasterio.open(path, "w", **profile, crs="EPSG:6933", transform=moved, tiled=True) as file:
            file.write(tile, 1)
    raster = yaotan.open_raster(paths, scheme="clcd")
    wall, cpu = time.perf_counter(), time.process_time()
    area = float(yaotan.carbon.class_area(raster).area.sum())
    result = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "pixels": raster.size}
    assert abs(area / 1.8e9 - 1) < 1e-9
    return result | {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def run(*words: str) -> dict[str, float]:
    """Run this file in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def bound(folder: Path, out: Path, grid: str) -> dict[str, float]:
    """Run the lower bound; its CPU seconds are those of its process, reading twice and writing a map."""
    words = [sys.executable, str(PEERS / "landuse_limit.py"), str(folder), str(out), "--grid", grid]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def show(name: str, figures: dict[str, float]) -> None:
    print(f"{name:28s}" + "  ".join(f"{key} {value:.6g}" for key, value in figures.items()), flush=True)


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--speckle", type=float, default=0.0)
    parser.add_argument("--input", help="folder of an earlier run of make_landuse.py")
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--case", nargs=3, metavar=("KIND", "FOLDER", "OUT"), help="used by the run itself")
    options = parser.parse_args()
    if options.case:
        kind, folder, out = options.case
        print(json.dumps(sparse(Path(out)) if kind == "sparse" else case(kind, Path(folder), Path(out))))
        return
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        if options.sparse:
            show("sparse VRT", run("--case", "sparse", "-", name))
        if not PEERS.is_dir():
            print(f"no {PEERS}: nothing to compare with")
            return
        folder = Path(options.input) if options.input else out / "input"
        if not options.input:
            words = ["--size", str(options.size), "--speckle", str(options.speckle), "--out", str(folder)]
            subprocess.run([sys.executable, str(PEERS / "make_landuse.py"), *words], check=True)
        for grid in GRIDS:
            if not (folder / grid / "truth.json").is_file():
                continue
            limit = bound(folder, out, grid)
            keys = ("read_s", "read_and_histogram_s", "read_lut_write_one_float32_s", "peak_rss_mib")
            show(f"{grid} bound", {key: limit[key] for key in keys})
            truth = json.loads((folder / grid / "truth.json").read_text())
            mine = run("--case", "histogram", str(folder / grid), name)
            mine["off"] = abs(mine["change_tC"] / truth["change_tC_where_both_valid"] - 1)
            mine["of_bound"] = mine["wall"] / limit["read_and_histogram_s"]
            show(f"{grid} areas, transitions", mine)
            for kind in ("propagation", "monte_carlo"):
                carbon = run("--case", kind, str(folder / grid), name)
                carbon["off"] = abs(carbon["change_tC"] / truth["change_tC_where_both_valid"] - 1)
                show(f"{grid} stocks, change, {kind}", carbon)
            show(f"{grid} map of change (COG)", run("--case", "map", str(folder / grid), name))


if __name__ == "__main__":
    main()
