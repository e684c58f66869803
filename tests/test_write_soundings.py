"""Soundings of real layouts in every format: empty days, bits of the quality flag, text in any script."""

from __future__ import annotations

import time
from pathlib import Path

import dask.array as da
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from yaotan.errors import OutputError, YaotanError
from yaotan.io.soundings import open_soundings
from yaotan.io.wide import unpack
from yaotan.io.write import write
from yaotan.simulate.layout import (
    Retrieval,
    acos_lite_name,
    gmi_name,
    nies_gosat_name,
    oco2_lite_name,
    write_acos_lite,
    write_gmi,
    write_nies_gosat,
    write_oco2_lite,
)

FORMATS = ("a.nc", "a.zarr", "a.parquet", "a.geoparquet", "a.csv")


def make(folder: Path, product: str, count: int) -> xr.Dataset:
    times = np.datetime64("2020-01-15T05:30:00", "ns") + np.arange(count) * np.timedelta64(4, "s")
    source = Retrieval.make(count, time=times, quality=(np.arange(count) % 2).tolist())
    match product:
        case "oco2_lite":
            path = folder / oco2_lite_name("2020-01-15")
            write_oco2_lite(path, source)
        case "acos_lite":
            path = folder / acos_lite_name("2020-01-15")
            write_acos_lite(path, source)
        case "nies_gosat_co2":
            path = folder / nies_gosat_name("2020-01-15")
            write_nies_gosat(path, source)
        case _:
            path = folder / gmi_name("2020-01-15", 30.0, 115.0, 7)
            write_gmi(path, source)
    return open_soundings(path, quality="all")


def failures(path: Path) -> list[str]:
    from compliance_checker.runner import CheckSuite

    CheckSuite.load_all_available_checkers()
    suite = CheckSuite()
    dataset = suite.load_dataset(str(path))
    results, crashes = suite.run_all(dataset, ["cf:1.8"])["cf:1.8"]
    dataset.close()
    assert not crashes
    return [text for result in results if result.value[0] != result.value[1] for text in result.msgs]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("count", [0, 1, 20])
@pytest.mark.parametrize("product", ["oco2_lite", "acos_lite", "nies_gosat_co2", "gf5b_gmi"])
def test_every_product_passes_the_cf_checker_with_and_without_soundings(
    product: str, count: int, tmp_path: Path
) -> None:
    soundings = make(tmp_path, product, count)
    path = write(soundings, tmp_path / "a.nc")
    assert failures(path) == []
    with xr.open_dataset(path, engine="h5netcdf") as stored:
        again = unpack(stored)
        assert again.sizes["sounding"] == count
        if "quality_bits" in soundings:
            np.testing.assert_array_equal(again.quality_bits, soundings.quality_bits)
            for key in ("flag_masks", "flag_meanings"):
                np.testing.assert_array_equal(
                    again.quality_bits.attrs[key], soundings.quality_bits.attrs[key]
                )


@pytest.mark.parametrize("name", FORMATS)
def test_a_day_without_soundings_is_an_empty_table(name: str, tmp_path: Path) -> None:
    soundings = make(tmp_path, "oco2_lite", 0)
    path = write(soundings, tmp_path / name)
    if name.endswith(".csv"):
        table = pd.read_csv(path)
    elif name.endswith("parquet"):
        table = gpd.read_parquet(path)
    else:
        engine = "zarr" if name.endswith("zarr") else "h5netcdf"
        with xr.open_dataset(path, engine=engine) as stored:
            assert stored.sizes["sounding"] == 0
            assert stored.sizes["level"] == 20
            assert "time_coverage_start" not in stored.attrs
        return
    assert len(table) == 0
    assert {"xco2", "latitude", "longitude_corner_3", "pressure_level_19"} <= set(table)


@pytest.mark.parametrize("name", ["a.nc", "a.zarr"])
def test_text_in_any_script(name: str, tmp_path: Path) -> None:
    soundings = make(tmp_path, "oco2_lite", 3).assign_attrs(title="中国 XCO₂", comment="δ ≤ 0.3 ‰")
    soundings.xco2.attrs["comment"] = "柱浓度"
    path = write(soundings, tmp_path / name)
    with xr.open_dataset(path, engine="zarr" if name.endswith("zarr") else "h5netcdf") as stored:
        assert stored.attrs["title"] == "中国 XCO₂"
        assert stored.attrs["comment"] == "δ ≤ 0.3 ‰"
        assert stored.xco2.attrs["comment"] == "柱浓度"


@pytest.mark.parametrize("name", FORMATS)
def test_an_older_file_survives_a_write_that_fails_and_no_task_comes_late(name: str, tmp_path: Path) -> None:
    soundings = make(tmp_path, "oco2_lite", 20)
    path = write(soundings, tmp_path / name)
    before = sorted((item.name, item.stat().st_mtime_ns, item.stat().st_size) for item in tmp_path.rglob("*"))

    def compute(block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
        if block_info and block_info[0]["chunk-location"] == (0,):
            raise RuntimeError("broken granule")
        time.sleep(0.2)  # still at work when the first block has failed
        return block

    values = da.from_array(soundings.xco2.values, chunks=4)
    broken = soundings.assign(
        xco2=("sounding", values.map_blocks(compute, dtype=float), soundings.xco2.attrs)
    )
    with pytest.raises(RuntimeError, match="broken granule"):
        write(broken, path)
    time.sleep(0.5)
    after = sorted((item.name, item.stat().st_mtime_ns, item.stat().st_size) for item in tmp_path.rglob("*"))
    assert after == before


def test_a_raster_without_reference_system_is_refused(tmp_path: Path) -> None:
    raster = xr.DataArray(np.ones((3, 4)), dims=("y", "x"), coords={"y": [2.0, 1.0, 0.0], "x": range(4)})
    for name in ("a.nc", "a.tif", "a.zarr"):
        with pytest.raises(YaotanError, match=r"coordinate reference system|crs|CRS"):
            write(raster, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORMATS)
def test_missing_folder(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder does not exist"):
        write(make(tmp_path, "oco2_lite", 1), tmp_path / "nowhere" / name)
