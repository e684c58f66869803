"""Lists of point sources: tables, vector files, the plants of CoCO2, and what is wrong with a list."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.source import open_sources
from yaotan.plume.source import check_sources

TABLE = pd.DataFrame(
    {
        "编号": ["0012", "0013"],
        "名称": ["某电厂", "某钢厂"],
        "kind": ["power_plant", "steel_works"],
        "经度": [116.4, 190.0],
        "纬度": [39.9, -20.0],
        "diameter_m": [np.nan, 3000.0],
        "nox_kt": [1.0, 2.0],
        "remark": ["a", "b"],
    }
)


def test_csv(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "a.csv", index=False)
    made = check_sources(open_sources(tmp_path / "a.csv"))
    assert made["source"].tolist() == ["0012", "0013"]
    assert made["name"].tolist() == ["某电厂", "某钢厂"]
    assert made["diameter"].tolist() == [1000.0, 3000.0]
    assert made.geometry.x.tolist() == pytest.approx([116.4, -170.0])
    # 1 kt a year of 365.25 days of 86400 s
    assert float(made["emission_nox"][0]) == pytest.approx(1e6 / 31557600.0)
    assert made["remark"].tolist() == ["a", "b"]
    assert made.attrs["columns"]["longitude"] == "经度"


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".parquet"])
def test_vector_files_of_any_crs(tmp_path: Path, suffix: str) -> None:
    points = gpd.GeoDataFrame(
        {"id": ["x"], "plant": ["X"]}, geometry=gpd.points_from_xy([14.45], [51.84]), crs=4326
    )
    points = points if suffix == ".geojson" else points.to_crs(32633)
    file = tmp_path / f"a{suffix}"
    points.to_parquet(file) if suffix == ".parquet" else points.to_file(file)
    made = check_sources(open_sources(file))
    assert made[["source", "name"]].values.tolist() == [["x", "X"]]
    assert made.geometry.x[0] == pytest.approx(14.45, abs=1e-6)
    assert made.geometry.y[0] == pytest.approx(51.84, abs=1e-6)


def test_columns_can_be_named(tmp_path: Path) -> None:
    pd.DataFrame({"code": ["a"], "east": [1.0], "north": [2.0]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(SchemaError, match="no column for longitude, latitude"):
        open_sources(tmp_path / "a.csv")
    made = open_sources(
        tmp_path / "a.csv", columns={"source": "code", "longitude": "east", "latitude": "north"}
    )
    assert made["source"].tolist() == ["a"]
    with pytest.raises(SchemaError, match="no column 'x' for longitude"):
        open_sources(tmp_path / "a.csv", columns={"longitude": "x"})
    with pytest.raises(SchemaError, match="nothing a column is for"):
        open_sources(tmp_path / "a.csv", columns={"colour": "code"})


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("id,lon,lat\na,1.0,99\n", r"row\(s\) 1 have no place"),
        ("id,lon,lat\na,,2\n", r"row\(s\) 1 have no place"),
        ("id,lon,lat\na,east,2\n", r"row\(s\) 1 of 'lon' are no numbers"),
        ("id,lon,lat\n,1,2\n", "have no identifier"),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(SchemaError, match=word):
        open_sources(tmp_path / "a.csv")


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(NotAGranuleError, match="does not exist"):
        open_sources(tmp_path / "none.csv")
    TABLE.iloc[:0].to_parquet(tmp_path / "empty.parquet")
    with pytest.raises(SchemaError, match="no source"):
        open_sources(tmp_path / "empty.parquet")
    (tmp_path / "a.gpkg").write_bytes(b"nothing")
    with pytest.raises(NotAGranuleError, match="cannot be read"):
        open_sources(tmp_path / "a.gpkg")
    area = gpd.GeoDataFrame({"id": ["x"]}, geometry=gpd.points_from_xy([1.0], [2.0]).buffer(0.1), crs=4326)
    area.to_file(tmp_path / "b.geojson")
    with pytest.raises(SchemaError, match="no points"):
        open_sources(tmp_path / "b.geojson")


def test_plants_of_coco2(data_root: Path) -> None:
    made = check_sources(open_sources(data_root / "plume" / "coco2_power_plants_3Mt.csv"))
    # the table has 1077 plants of at least 3 Mt a year
    assert len(made) == 1077
    assert float(made["emission_co2"].min()) == pytest.approx(3e9 / 31557600.0, rel=0.001)
    assert made["ID_HourFact"].str.startswith("FH_").all()
