"""The real granules as one folder: known ones with facts, the others with a reason, the catalog valid."""

from __future__ import annotations

import shapely

from stac_validation import validate_tree
from yaotan.io.index.query import find_granules, open_index
from yaotan.io.index.scan import index_granules
from yaotan.io.paths import find_files
from yaotan.io.soundings import open_soundings
from yaotan.io.stac.granule import write_stac


def test_folder_of_real_granules(satellite, tmp_path):
    summary = index_granules(satellite, target=tmp_path / "index.parquet")
    table = open_index(summary.path)
    assert len(table) == len(find_files(satellite))
    good = table[table["error"].isna()]
    assert {"acos_lite", "nies_gosat_co2", "oco2_lite"} <= set(good["product"])
    assert good[["start", "end", "count", "size", "mtime", "sha256"]].notna().all().all()
    assert (good["start"] <= good["end"]).all()
    placed = good[good.geometry.notna()]
    assert placed.geometry.is_valid.all()
    assert set(good["product"][good.geometry.isna()]) == {"rt_retrieval"}  # files that hold no position
    assert table["error"].dropna().str.len().gt(10).all()
    for path in find_granules(summary.path, product="nies_gosat_co2"):
        soundings = open_soundings(path, quality="all")
        row = good[[path.endswith(name) for name in good["path"]]].iloc[0]
        assert row["count"] == soundings.sizes["sounding"]
        points = shapely.points(soundings["longitude"].values, soundings["latitude"].values)
        assert row["geometry"].covers(points).all()
    written = write_stac(summary.path, tmp_path / "stac")
    assert written.left_out == {"error": len(summary.errors)}
    assert len(validate_tree(tmp_path / "stac")["Feature"]) == len(good)
