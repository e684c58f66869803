"""Stated uncertainty against many simulated truths (``make truth``): the table of docs/uncertainty.md."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import yaotan
from truth.ensemble import BOUNDS, rms, score, simulate_month, simulate_months

pytestmark = pytest.mark.truth
SENSORS = ("oco2", "gosat", "gmi")


@pytest.fixture(scope="module")
def ensemble() -> tuple[pd.DataFrame, pd.DataFrame]:
    return simulate_months(range(2000, 2100))


def scores(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    both = rows["measured"] + rows["sampled"]
    return {
        "measurement / random": score(rows["measured"], rows["random"]),
        "both / random": score(both, rows["random"]),
        "both / random + sampling": score(both, np.hypot(rows["random"], rows["sampling"])),
        "all / total": score(both + rows["bias"], rows["total"]),
    }


def test_regions(ensemble, capsys) -> None:
    areas = ensemble[0]
    lines, found = [], {}
    for name in SENSORS:
        for whole in (False, True):
            rows = areas[(areas["sensor"] == name) & ((areas["region"] == "all") == whole)]
            found[name, whole] = scores(rows)
            lines.append(
                {"sensor": name, "whole": whole, "n": len(rows), "mean sampled": rows["sampled"].mean()}
            )
            for key in ("measured", "random", "sampled", "sampling"):
                lines[-1][key] = rms(rows[key])
            for key, values in found[name, whole].items():
                lines[-1] |= {f"{key} {part}": value for part, value in values.items()}
    with capsys.disabled():
        print("\n" + pd.DataFrame(lines).round(3).T.to_string())  # noqa: T201
    for (name, whole), one in found.items():
        # 100 months; the whole area has one row a month: sd of an rms z of 1 is 1 / sqrt(2 n) = 0.07, so
        # 0.28 is 4 sd. A sigma wrong by 1.5 gives 0.67 or 1.5
        where = f"{name}, {'whole area' if whole else 'regions'}"
        assert one["measurement / random"]["rms_z"] == pytest.approx(1.0, abs=0.28), where
        assert one["both / random + sampling"]["rms_z"] == pytest.approx(0.95, abs=0.28), where
        # one draw of the bias a month, whatever the number of regions
        assert one["all / total"]["rms_z"] == pytest.approx(1.0, abs=0.28), where
        assert one["both / random + sampling"]["within_95"] > 0.88, where


def test_cells(ensemble, capsys) -> None:
    cells = ensemble[1]
    lines = []
    for name in SENSORS:
        rows = cells[cells["sensor"] == name]
        line = {"sensor": name, "n": len(rows)} | score(rows["measured"], rows["overpass"])
        month = score(rows["measured"] + rows["sampled"], rows["overpass"])
        lines.append(line | {f"month {key}": value for key, value in month.items()})
        # thousands of cells, neighbours alike: what is left is how well the model of errors is met
        assert line["rms_z"] == pytest.approx(1.0, abs=0.15), name
        assert 0.93 < line["within_95"] < 0.985, name
    with capsys.disabled():
        print("\n" + pd.DataFrame(lines).round(3).to_string())  # noqa: T201


@pytest.mark.parametrize("seed", [4, 8])
def test_files_give_what_memory_gives(tmp_path, seed) -> None:
    """A study through its files, by the public verbs, has the estimate and sigma of the ensemble."""
    study = yaotan.simulate_study(tmp_path, seed, months=1)
    areas = simulate_month(seed)[0]
    for name in SENSORS:
        files = sorted((study.parent / "data" / name).iterdir())
        soundings = yaotan.open_soundings(files, region=BOUNDS, period=("2020-03-01", "2020-03-31"))
        grid = yaotan.grid_soundings(soundings, yaotan.GridSpec.regular(1.0, BOUNDS), period="month")
        table = yaotan.zonal_statistics(grid, yaotan.open_regions(study.parent / "regions.geojson"))
        table = table.squeeze("time").load()
        rows = areas[areas["sensor"] == name].set_index("region").loc[list(table["region"].values)]
        # footprints are those of the reader here and of the simulator there, so weights differ at the
        # edges of cells, by up to 8 per cent of sigma for GOSAT
        np.testing.assert_allclose(table["xco2_uncertainty_random"], rows["random"], rtol=0.15)
        if name == "oco2":
            # for the other two noise hides the field: the term of one region-month is 0 or 0.3 ppm by a few
            # cells at the edge, and only its mean over many has a meaning (docs/uncertainty.md)
            np.testing.assert_allclose(table["xco2_uncertainty_sampling"], rows["sampling"], atol=0.05)
