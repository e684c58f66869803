"""Granules stream: memory does not grow with their number, and where they are read does not matter."""

from __future__ import annotations

import gc
import tracemalloc
import warnings
from collections.abc import Iterator
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

import yaotan
from yaotan.simulate.layout import Retrieval, oco2_lite_name, write_oco2_lite

SPEC = yaotan.GridSpec.regular(1.0, (110, 25, 120, 35))
COUNT = 2000
#: bytes that gridding reads of one file: 12 numbers a sounding (place, corners, time, value, error)
READ = COUNT * 13 * 8


def write_day(folder: Path, day: int) -> Path:
    date = np.datetime64("2020-01-01") + day
    rng = np.random.default_rng(day)
    path = folder / oco2_lite_name(str(date))
    moment = date.astype("datetime64[ns]") + (np.arange(COUNT) * 0.01e9).astype("timedelta64[ns]")
    write_oco2_lite(
        path,
        Retrieval.make(
            COUNT,
            time=moment,
            latitude=rng.uniform(25.1, 34.9, COUNT),
            longitude=rng.uniform(110.1, 119.9, COUNT),
            xgas=rng.normal(412, 1, COUNT),
        ),
    )
    return path


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("days")
    return [write_day(folder, day) for day in range(40)]


def make_grid(paths: list[Path]) -> xr.Dataset:
    wanted = ["xco2", "xco2_uncertainty", "latitude_corner", "longitude_corner"]
    return yaotan.grid_soundings(yaotan.open_soundings(paths, variables=wanted), SPEC)


def peak_of(paths: list[Path]) -> int:
    # what other tests left makes full collections rare, and cycles of this one would be counted as kept
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(100, 5, 2)
    tracemalloc.start()
    try:
        with dask.config.set(scheduler="synchronous"):
            grid = make_grid(paths)
        assert int(grid.xco2_count.max()) > 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*usual)
        gc.unfreeze()


def test_memory_has_no_slope_in_the_number_of_files(days: list[Path]) -> None:
    """What stays of a file is its record (name, counts, tasks: 13 kB), none of what is read of it."""
    peak_of(days[:2])  # what is imported and compiled on first use
    few, many = peak_of(days[:10]), peak_of(days)
    slope = (many - few) / 30
    assert few > READ  # the measure sees what one file takes
    assert slope < 20_000, f"{slope:.0f} bytes a file of {READ} read"


@pytest.fixture
def cluster() -> Iterator[object]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=40
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def test_two_worker_processes_give_the_same(days: list[Path], cluster: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the finished grid is small, yet distributed warns of its size
        there = make_grid(days[:4]).compute()
    with dask.config.set(scheduler="threads"):
        here = make_grid(days[:4]).compute()
    for name in here.data_vars:
        if here[name].dtype.kind == "f":
            np.testing.assert_allclose(there[name], here[name], rtol=1e-12, atol=0, err_msg=str(name))
        else:
            np.testing.assert_array_equal(there[name], here[name], err_msg=str(name))
