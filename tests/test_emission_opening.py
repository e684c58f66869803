"""Panels from tables of a user: real ones, three kinds of file, and what is refused."""

from __future__ import annotations

import io
import zipfile

import pandas as pd
import pytest

import emission_panel
from workbook_file import write_xlsx
from yaotan.emission import open_panel
from yaotan.errors import CatalogError, NotAGranuleError, PanelError, SchemaError
from yaotan.io import workbook
from yaotan.io.workbook import Workbook

DESCRIPTION = {
    "keys": {"region": "code", "period": "year"},
    "columns": {
        "co2": {"role": "target", "unit": "Mt yr-1", "lag": 2},
        "people": {"from": "population", "role": "scale", "unit": "1"},
        "mark": {"role": "flag", "unit": "1"},
    },
    "ignore": {"remark": "not used"},
}
TEXT = "code,year,co2,population,mark,remark\n010000,2001,7.25,1000,,NA\n010000,2002,,1100,NA,\n"


def test_the_panel_of_provinces(data_root):
    panel = emission_panel.province_panel(data_root)
    assert len(panel) == 600
    assert panel.table["region"].nunique() == 30
    # README of the data: targets to 2016, Hainan 2002 and Ningxia 2001-2002 marked (2000 is before the panel)
    marked = panel.table[panel.flagged]
    assert list(zip(marked["region"], marked["period"], strict=True)) == [
        ("460000", 2002),
        ("640000", 2001),
        ("640000", 2002),
    ]
    assert len(panel.observed()) == 480 - 3
    assert panel.observed().table["period"].max() == 2016
    assert panel.table["zone"].unique().tolist() == ["1", "2", "3", "4", "5", "6"]
    assert "chen2020_ntl_co2_mt" not in panel.features
    assert len(panel.features) == 14
    row = panel.select(regions=["110000"], period=(2001, 2001)).table.iloc[0]
    assert (row["co2_mt"], row["population"], row["npp_mean"]) == (77.3551, 1.21677e7, 191.095)


def test_the_panel_of_cities(data_root):
    panel = emission_panel.city_panel(data_root)
    assert panel.level == "parent"
    assert panel.table["region"].nunique() == 361
    assert int(panel.has_target.sum()) == 2342
    assert panel.table.loc[panel.table["region"] == "110000", "region_name_zh"].unique() == ["北京市"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_three_kinds_of_file_give_one_panel(tmp_path, kind):
    path = tmp_path / f"panel.{kind}"
    table = pd.read_csv(io.StringIO(TEXT), dtype={"code": str}, keep_default_na=False, na_values=[""])
    if kind == "csv":
        path.write_text("\ufeff" + TEXT, encoding="utf-8")
    elif kind == "parquet":
        table.to_parquet(path)
    else:
        rows = table.astype(object).where(table.notna(), None).values
        write_xlsx(path, {"data": [list(table.columns), *rows]})
    panel = open_panel(path, DESCRIPTION)
    assert panel.table["region"].tolist() == ["010000"] * 2
    assert panel.table["mark"].tolist() == ["", "NA"]
    assert panel.values().tolist()[0] == 7.25
    assert panel.table["people"].tolist() == [1000.0, 1100.0]


def test_numbers_as_codes_of_a_workbook_have_no_point(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", {"data": [["code", "year", "co2"], [110000.0, 2001.0, 5.0]]})
    columns = {"co2": DESCRIPTION["columns"]["co2"]}
    panel = open_panel(tmp_path / "a.xlsx", {"keys": DESCRIPTION["keys"], "columns": columns})
    assert panel.table["region"].tolist() == ["110000"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ignore": {}}, "not described: remark"),
        ({"keys": {"region": "cod", "period": "year"}}, "no column 'cod'.*Expected: code"),
        ({"keys": {"region": "code"}}, "keys.period: Field required"),
        ({"colums": {}}, "colums: Extra inputs"),
        ({"ignore": {"remark": "", "other": ""}}, "no column 'other'"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path, change, message):
    (tmp_path / "a.csv").write_text(TEXT, encoding="utf-8")
    with pytest.raises(PanelError, match=message):
        open_panel(tmp_path / "a.csv", DESCRIPTION | change)


def test_files_that_are_no_tables_are_refused(tmp_path):
    (tmp_path / "gb.csv").write_bytes("code,省\n1,北京\n".encode("gb18030"))
    (tmp_path / "two.csv").write_text("code,code\n1,2\n")
    (tmp_path / "text.xlsx").write_text("no workbook")
    (tmp_path / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    (tmp_path / "a.yaml").write_text("keys: [")
    for name in ("gb.csv", "none.csv", "text.xlsx", "a.xls"):
        with pytest.raises(NotAGranuleError, match=name):
            open_panel(tmp_path / name, DESCRIPTION)
    with pytest.raises(SchemaError, match="name of their own: code"):
        open_panel(tmp_path / "two.csv", DESCRIPTION)
    with pytest.raises(CatalogError, match="not valid YAML"):
        open_panel(tmp_path / "two.csv", tmp_path / "a.yaml")


def test_a_workbook_that_swells_is_refused(tmp_path, monkeypatch):
    write_xlsx(tmp_path / "a.xlsx", {"data": [["a"], [1.0]]})
    assert Workbook(tmp_path / "a.xlsx").rows("data") == [["a"], [1.0]]
    with pytest.raises(NotAGranuleError, match="no sheet 'other'"):
        Workbook(tmp_path / "a.xlsx").rows("other")
    with zipfile.ZipFile(tmp_path / "a.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(3 * 2**20))
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 2**20)
    with pytest.raises(NotAGranuleError, match="unpack to 3 MiB"):
        Workbook(tmp_path / "a.xlsx")
    monkeypatch.setattr(workbook, "MOST_BYTES", 100)
    with pytest.raises(NotAGranuleError, match="Expected: up to 0 MiB"):
        Workbook(tmp_path / "a.xlsx")


def test_one_far_cell_does_not_set_up_a_whole_sheet(tmp_path):
    write_xlsx(tmp_path / "a.xlsx", {"data": [["a"]]})
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    far = b'<row r="1048576"><c s="0" r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts[sheet] = parts[sheet].replace(b"</sheetData>", far)
    with zipfile.ZipFile(tmp_path / "far.xlsx", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(NotAGranuleError, match="spans 1048576 rows and 16384 columns"):
        Workbook(tmp_path / "far.xlsx")
