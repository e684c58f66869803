"""The whole path by its verbs: granules to grid to file and back, parts merged from disk, CF checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from compliance_checker.runner import CheckSuite

import yaotan
from yaotan.io.netcdf import open_grid
from yaotan.simulate.layout import Retrieval, oco2_lite_name, write_oco2_lite

SPEC = yaotan.GridSpec.regular(0.25, (114, 29, 117, 32))


@pytest.fixture(scope="module")
def granules(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write four days of OCO-2 Lite."""
    folder = tmp_path_factory.mktemp("granules")
    paths = []
    for day in range(4):
        rng = np.random.default_rng(day)
        moment = np.datetime64(f"2020-01-{day + 10}T05:30:00", "ns") + np.arange(300).astype("timedelta64[s]")
        soundings = Retrieval.make(
            300,
            time=moment,
            latitude=rng.uniform(29.2, 31.8, 300),
            longitude=rng.uniform(114.2, 116.8, 300),
            xgas=rng.normal(412, 1, 300),
        )
        paths.append(folder / oco2_lite_name(f"2020-01-{day + 10}"))
        write_oco2_lite(paths[-1], soundings)
    return paths


def make_grid(paths: list[Path]) -> xr.Dataset:
    return yaotan.grid_soundings(yaotan.open_soundings(paths), SPEC, period="month", systematic=0.3)


def test_parts_from_disk_merge_to_the_whole(granules: list[Path], tmp_path: Path) -> None:
    parts = []
    for number, part in enumerate((granules[:1], granules[1:])):
        yaotan.write(make_grid(part), tmp_path / f"{number}.nc")
        parts.append(open_grid(tmp_path / f"{number}.nc"))
    merged, whole = yaotan.merge_grids(parts).compute(), make_grid(granules).compute()
    for name in whole.data_vars:
        if whole[name].dtype.kind == "f":
            np.testing.assert_allclose(merged[name], whole[name], rtol=1e-12, atol=1e-12, err_msg=str(name))
        elif whole[name].dtype.kind == "M":
            # a file holds times as float64 days: good to a tenth of a microsecond
            gap = np.abs(merged[name].values - whole[name].values)
            assert (np.isnat(merged[name].values) == np.isnat(whole[name].values)).all()
            assert gap[~np.isnat(gap)].max() < np.timedelta64(1, "us")
        else:
            np.testing.assert_array_equal(merged[name], whole[name], err_msg=str(name))


@pytest.mark.parametrize("chunks", [None, 37, 1000])
def test_chunks_and_order_of_files_do_not_matter(granules: list[Path], chunks: int | None) -> None:
    whole = make_grid(granules).compute()
    soundings = yaotan.open_soundings(granules[::-1], chunks=chunks)
    other = yaotan.grid_soundings(soundings, SPEC, period="month", systematic=0.3).compute()
    for name in whole.data_vars:
        if whole[name].dtype.kind == "f":
            np.testing.assert_allclose(other[name], whole[name], rtol=1e-12, atol=1e-12, err_msg=str(name))


@pytest.mark.filterwarnings("ignore")
def test_a_real_grid_passes_the_cf_checker(granules: list[Path], tmp_path: Path) -> None:
    path = yaotan.write(make_grid(granules), tmp_path / "grid.nc")
    suite = CheckSuite()
    suite.load_all_available_checkers()
    dataset = suite.load_dataset(str(path))
    results, _ = suite.run_all(dataset, ["cf:1.8"])["cf:1.8"]
    failed = [message for result in results if result.value[0] != result.value[1] for message in result.msgs]
    assert failed == []


def test_soundings_are_lazy_until_asked(granules: list[Path]) -> None:
    soundings = yaotan.open_soundings(granules)
    assert all(soundings[name].chunks is not None for name in soundings.data_vars)
    for path in granules:
        assert path.name in soundings.attrs["source"]


def test_regional_table_to_csv(granules: list[Path], tmp_path: Path) -> None:
    import geopandas as gpd
    import pandas as pd
    import shapely

    regions = gpd.GeoDataFrame(
        {"region_id": ["1", "2"]},
        geometry=[shapely.box(114.1, 29.1, 115.6, 31), shapely.box(115.6, 29.1, 116.9, 31)],
        crs="EPSG:4326",
    )
    estimate = yaotan.zonal_statistics(make_grid(granules), regions)
    table = pd.read_csv(yaotan.write(estimate, tmp_path / "table.csv"), dtype={"region": str})
    row = table.set_index("region").loc["1"]
    assert row["value"] == pytest.approx(float(estimate["xco2"][0, 0]))
    assert row["count"] == pytest.approx(float(estimate["xco2_count"][0, 0]))
    assert row["uncertainty"] > 0.3
