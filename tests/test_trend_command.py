"""The command trend on tables, grids and stations, and regional tables read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from yaotan.cli.main import main
from yaotan.errors import SchemaError, UnitsError
from yaotan.io.netcdf import open_estimate
from yaotan.io.series import open_series
from yaotan.io.tabular import open_table, region_estimate

MONTHS = pd.period_range("2010-01", periods=72, freq="M")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["trend", *[str(argument) for argument in arguments]])
    return int(stop.value.code or 0)


@pytest.fixture(scope="module")
def grid() -> xr.Dataset:
    random = np.random.default_rng(0)
    lat, lon = 20.5 + np.arange(4), 100.5 + np.arange(4)
    year = 2010 + (np.arange(72) + 0.5) / 12
    level = 390 + 2 * (year - 2010) + 3 * np.sin(2 * np.pi * year)
    value = level[:, None, None] + 0.2 * (lat - 22)[None, :, None] + 0.3 * random.standard_normal((72, 4, 4))
    value[random.random(value.shape) < 0.4] = np.nan
    edges = pd.period_range("2010-01", periods=73, freq="M").to_timestamp().to_numpy("datetime64[ns]")
    count = np.isfinite(value).astype(float)
    return xr.Dataset(
        {
            "xco2": (("time", "lat", "lon"), value, {"units": "ppm"}),
            "xco2_uncertainty": (("time", "lat", "lon"), np.where(count > 0, 0.5, np.nan), {"units": "ppm"}),
            "xco2_count": (("time", "lat", "lon"), count, {"units": "1"}),
        },
        {
            "time": ("time", edges[:-1], {"bounds": "time_bnds"}),
            "time_bnds": (("time", "bnds"), np.stack([edges[:-1], edges[1:]], axis=1)),
            "lat": ("lat", lat, {"bounds": "lat_bnds"}),
            "lat_bnds": (("lat", "bnds"), np.stack([lat - 0.5, lat + 0.5], axis=1)),
            "lon": ("lon", lon, {"bounds": "lon_bnds"}),
            "lon_bnds": (("lon", "bnds"), np.stack([lon - 0.5, lon + 0.5], axis=1)),
        },
    )


@pytest.fixture(scope="module")
def table(grid: xr.Dataset) -> xr.Dataset:
    return yaotan.column.band_series(grid, [20, 22, 24])


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".nc"])
def test_a_regional_table_comes_back_from_each_format(suffix: str, table: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / f"table{suffix}"
    yaotan.write(table.drop_vars("xco2_plain"), path)
    again = open_series(path).load()
    for name in ("xco2", "xco2_uncertainty", "xco2_uncertainty_random", "xco2_coverage"):
        np.testing.assert_allclose(again[name].transpose("region", "time"), table[name], rtol=1e-12)
    assert again["xco2"].attrs["units"] == "ppm"
    label = "region" if "region" in again.coords else "region_id"
    assert again[label].values.tolist() == ["20N-22N", "22N-24N"]
    wanted, found = yaotan.fit_trend(table), yaotan.fit_trend(again)
    np.testing.assert_array_equal(found["time"], wanted["time"])  # CSV has no bounds: months by their starts
    np.testing.assert_allclose(found["trend"], wanted["trend"], rtol=1e-9)


def test_a_table_of_a_study_is_read() -> None:
    time = MONTHS.to_timestamp()
    rows = pd.DataFrame(
        {
            "product": "oco2_lite", "variable": "xco2", "units": "ppm", "region_id": "*", "name": "all",
            "name_zh": "全部", "time": time, "value": np.arange(72.0), "uncertainty": 0.5, "count": 3.0,
            "change": 1.0,
        }
    )  # fmt: skip
    estimate = region_estimate(rows)
    assert estimate["region"].values.tolist() == ["*"]
    assert (str(estimate["region_name"].values[0]), str(estimate["region_name_zh"].values[0])) == (
        "all",
        "全部",
    )
    assert set(estimate.data_vars) == {"xco2", "xco2_uncertainty", "xco2_count"}
    mixed = pd.concat([rows, rows.assign(region_id="a", units="ppb")])
    with pytest.raises(UnitsError, match="xco2 is given in 'ppm' and 'ppb'"):
        region_estimate(mixed)
    with pytest.raises(SchemaError, match="72 rows repeat a region and time"):
        region_estimate(pd.concat([rows, rows]))
    with pytest.raises(SchemaError, match="holds several products: oco2_lite, nies"):
        region_estimate(pd.concat([rows, rows.assign(product="nies")]))
    with pytest.raises(SchemaError, match="is no regional table"):
        region_estimate(rows.drop(columns="time"))


def test_table_to_table(table: xr.Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaotan.write(table, tmp_path / "in.csv")
    assert run(tmp_path / "in.csv", tmp_path / "out.csv", "--variable", "xco2", "--method", "endpoint") == 0
    shown = capsys.readouterr().out
    assert "every time is the first moment of one" in shown
    assert "20N-22N: " in shown
    rows = pd.read_csv(tmp_path / "out.csv")
    fit = yaotan.fit_trend(table)
    wanted = yaotan.growth(fit, method="endpoint")
    growth = rows[(rows["variable"] == "growth") & (rows["region"] == "20N-22N")].set_index("year")
    np.testing.assert_allclose(growth["value"], wanted["growth"].isel(region=0), rtol=1e-9)
    np.testing.assert_allclose(growth["uncertainty"], wanted["growth_uncertainty"].isel(region=0), rtol=1e-9)
    assert set(growth["units"]) == {"ppm year-1"}
    slope = rows[(rows["variable"] == "slope")]
    assert slope["year"].isna().all()
    assert len(slope) == 2
    curves = open_estimate(tmp_path / "out_curves.nc")
    np.testing.assert_allclose(curves["trend"].transpose("region", "time"), fit["trend"], rtol=1e-9)


def test_grid_to_netcdf(grid: xr.Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaotan.write(grid, tmp_path / "grid.nc")
    edges = ("--edges", "20", "--edges", "22", "--edges", "24")
    assert (
        run(tmp_path / "grid.nc", tmp_path / "out.nc", *edges, "--uncertainty", "bootstrap", "--seed", "3")
        == 0
    )
    found = open_estimate(tmp_path / "out.nc")
    assert found["region_id"].values.tolist() == ["20N-22N", "22N-24N"]
    assert found.attrs["growth_method"] == "filter"
    assert found["year"].values.tolist() == list(range(2010, 2016))
    capsys.readouterr()
    assert run(tmp_path / "grid.nc", tmp_path / "out.nc") == 2
    assert "a grid needs regions" in capsys.readouterr().err


def test_a_station_has_its_file_as_name(data_root: Path, tmp_path: Path) -> None:
    path = data_root / "satellite" / "tccon" / "TCCON_Hefei_12-14h_monthly.csv"
    assert run(path, tmp_path / "hefei.parquet") == 0
    rows = pd.read_parquet(tmp_path / "hefei.parquet")
    assert set(rows["region"]) == {"TCCON_Hefei_12-14h_monthly"}
    growth = rows[rows["variable"] == "growth"].set_index("year")["value"]
    assert 2.2 < growth[range(2017, 2024)].mean() < 2.8


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (("--method", "slope"), ("method", "filter or endpoint")),
        (("--uncertainty", "none"), ("uncertainty", "model or bootstrap")),
        (("--prewhitening", "yes"), ("prewhitening", "iterative or trend_free or none")),
        (("--period", "fortnight"), ("period", "'fortnight'")),
        (("--variable", "xch4"), ("xch4", "one of")),
        (("--terms", "0"), ("at least 1 term",)),
        (("--regions", "key_regions"), ("is no grid",)),
    ],
)
def test_wrong_options_are_one_message(
    table: xr.Dataset,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: tuple[str, str],
    words: tuple[str, ...],
) -> None:
    yaotan.write(table.drop_vars("xco2_plain"), tmp_path / "in.csv")
    assert run(tmp_path / "in.csv", tmp_path / "out.csv", *option) == 2
    message = capsys.readouterr().err
    assert message.startswith("yaotan: error: ")
    for word in words:
        assert word in message
    assert not (tmp_path / "out.csv").exists()


def test_a_short_table_names_the_file(
    table: xr.Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    yaotan.write(table.isel(time=slice(0, 14)), tmp_path / "in.csv")
    assert run(tmp_path / "in.csv", tmp_path / "out.csv", "--variable", "xco2") == 2
    message = capsys.readouterr().err
    assert "in.csv: none of 2 regions can be fitted" in message
    assert "1.1" in message
    assert "at least 2 years" in message


def test_missing_and_foreign_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "nothing.csv", tmp_path / "out.csv") == 2
    assert "there is no such file" in capsys.readouterr().err
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    assert run(tmp_path / "other.csv", tmp_path / "out.csv") == 2
    assert "other.csv" in capsys.readouterr().err
    (tmp_path / "bad.parquet").write_text("nothing")
    with pytest.raises(yaotan.YaotanError, match="cannot be opened as a table"):
        open_table(tmp_path / "bad.parquet")
