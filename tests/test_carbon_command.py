"""``yaotan carbon``: rasters and a table in, tables out; every mistake is one message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from yaotan.cli.main import main
from yaotan.io.tabular import read_table

POOLS = pd.DataFrame(
    {
        "class": [1, 2, 4],
        "C_above": [5.0, 60.0, 1.0],
        "C_above_sd": [1.0, 6.0, 0.3],
        "C_soil": [80.0, 120.0, 100.0],
    }
)


def save(path: Path, codes: np.ndarray, west: float = 1e6) -> Path:
    place = rasterio.transform.from_origin(west, 3e6, 100.0, 100.0)
    profile = {
        "driver": "GTiff",
        "height": codes.shape[0],
        "width": codes.shape[1],
        "count": 1,
        "dtype": "uint8",
    }
    with rasterio.open(path, "w", crs="EPSG:6933", transform=place, nodata=0, **profile) as file:
        file.write(codes.astype("uint8"), 1)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(1)
    for name in ("before.tif", "after.tif"):
        save(tmp_path / name, random.choice([0, 1, 2, 4], size=(30, 40)))
    POOLS.to_csv(tmp_path / "pools.csv", index=False)
    return tmp_path


def command(folder: Path, *files: str, **options: object) -> list[str]:
    given = {"pools": folder / "pools.csv", "scheme": "clcd", "units": "t ha-1", "depth": 1.0, **options}
    words = [str(folder / file) for file in files]
    for name, value in given.items():
        parts = value if isinstance(value, tuple) else (value,)
        words += [] if value is None else [f"--{name.replace('_', '-')}", *map(str, parts)]
    return ["carbon", *words]


def run(words: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        main(words)
    return int(stop.value.code or 0)


def test_stock_of_one_raster(folder: Path, capsys) -> None:
    assert run(command(folder, "before.tif", "out.csv", accounted="c_above", draws=500)) == 0
    table = read_table(folder / "out.csv")
    with rasterio.open(folder / "before.tif") as file:
        codes = file.read(1)
    wanted = sum(v * 1e3 * (codes == c).sum() for c, v in zip(POOLS["class"], POOLS["C_above"], strict=True))
    row = table[table["variable"] == "stock"].iloc[0]
    assert row["value"] == pytest.approx(wanted, rel=1e-8)
    assert row["lower"] < row["value"] < row["upper"]
    assert row["uncertainty"] == pytest.approx(row["uncertainty_density"], rel=0.1)
    said = capsys.readouterr().out
    assert "Tg C (" in said


def test_change_between_two(folder: Path, capsys) -> None:
    done = run(
        command(folder, "before.tif", "after.tif", "out.csv", period=(2010, 2020), uncertainty="propagation")
    )
    assert done == 0
    table, stocks = read_table(folder / "out.csv"), read_table(folder / "out_stock.csv")
    assert {"stock_change", "transition_change", "soil_committed", "flux"} <= set(table["variable"])
    assert set(stocks["year"]) == {2010, 2020}
    said = capsys.readouterr().out
    assert "valid at one date only" in said
    assert "land changed evenly" in said
    assert "without the uncertainty of 3 densities" in said


def change_pools(**columns: object) -> Callable[[Path], None]:
    return lambda folder: POOLS.assign(**columns).to_csv(folder / "pools.csv", index=False)


def nothing(folder: Path) -> None:
    del folder


BAD = {
    "class_absent": (lambda f: POOLS[:2].to_csv(f / "pools.csv", index=False), {}, "class 4"),
    "pool_blank": (change_pools(C_soil=[80.0, np.nan, 100.0]), {}, "c_soil of class 2"),
    "scheme_not_declared": (nothing, {"scheme": None}, "scheme"),
    "unit_not_said": (nothing, {"units": None}, "unit of the densities"),
    "unit_implausible": (nothing, {"units": "kg m-2"}, "no class holds"),
    "depth_not_declared": (nothing, {"depth": None}, "depth of the soil pool"),
    "editions_mixed": (change_pools(edition=["ipcc2006", "ipcc2019", ""]), {}, "editions are mixed"),
    "depths_mixed": (change_pools(depth=[0.3, 1.0, 1.0]), {"depth": None}, "soil depths"),
    "dates_in_the_wrong_order": (nothing, {"period": (2020, 2010)}, "wrong order"),
    "no_period": (nothing, {"period": None}, "without a period"),
    "no_pools": (nothing, {"pools": None}, "no table of pools"),
    "pools_absent": (nothing, {"pools": "nowhere.csv"}, "nowhere.csv"),
    "empty_overlap": (
        lambda f: save(f / "after.tif", np.ones((3, 3)), west=3e6) and None, {}, "in common|no land is valid",
    ),
    "code_not_in_legend": (lambda f: save(f / "after.tif", np.full((30, 40), 77)) and None, {}, "77"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_mistakes_are_one_message(folder: Path, name: str, capsys) -> None:
    import re

    spoil, options, words = BAD[name]
    spoil(folder)
    given = {"period": (2010, 2020), "uncertainty": "propagation", **options}
    assert run(command(folder, "before.tif", "after.tif", "out.csv", **given)) == 2
    said = capsys.readouterr().err
    assert said.startswith("yaotan: error: ")
    assert re.search(words, said), said
    assert "Traceback" not in said
    assert not list(folder.glob("out*"))
