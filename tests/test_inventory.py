"""Inventories: numbers typed from the files and their read-me, all spellings of CEADs, what is refused."""

from __future__ import annotations

import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

from workbook_file import write_xlsx
from yaotan import open_grid
from yaotan.catalog.inventory import inventory_catalog
from yaotan.errors import NotAGranuleError, SchemaError, UncheckedLayoutWarning
from yaotan.geodesy import cell_area
from yaotan.io import open_cdiac, open_inventory, open_power_plants
from yaotan.io.trust import forget_warnings

#: kg s-1 -> Mt a year of 365.25 days
MT = 365.25 * 86400 / 1e9
FUELS = [
    "Raw Coal", "Cleaned Coal", "Other Washed Coal", "Briquettes", "Coke", "Coke Oven Gas", "Other Gas",
    "Other Coking Products", "Crude Oil", "Gasoline", "Kerosene", "Diesel Oil", "Fuel Oil", "LPG",
    "Refinery Gas", "Other Petroleum Products", "Natural Gas",
]  # fmt: skip


@pytest.fixture
def emissions(data_root):
    return data_root / "geo" / "emissions"


def sheet(total="Total Consumption", spell=str, corner="", sum_name="Scope 1 Total", second=("Mt CO2",)):
    """A sheet of CEADs: fuels, the row of units, an empty one, the total, sectors; scope 2 stands between."""
    names = [*FUELS, "Scope 2 Heat", "Scope 2 Electricity", "Other Energy", "Process", sum_name]
    power = [3.0, *[0.0] * 16, 5.0, 7.0, 0.5, 0.0]
    cement = [1.0, "", *[0.0] * 15, 0.0, 0.0, 0.0, 2.0]
    sums = [a + (b or 0.0) for a, b in zip(power, cement, strict=True)]
    scope_1 = [4.5 - 1.0, 3.0, 6.5]
    return [
        [corner, *[spell(name) for name in names]],
        ["", *(list(second) * len(names))[: len(names)]],
        [""] * (len(names) + 1),
        [total, *sums, scope_1[2]],
        ["Production and Supply of Electric Power   ", *power, scope_1[0]],
        ["Nonmetal Mineral Products", *cement, scope_1[1]],
    ]


SPELLINGS = {
    "until 2016": {},
    "one later sheet": {
        "corner": "Emission_Inventory", "spell": lambda name: name.replace(" ", "_"),
        "total": "Total Emissions", "sum_name": "Scope_1_Total",
    },
    "newer": {
        "corner": "Emission_Inventory", "spell": lambda name: name.replace(" ", ""),
        "total": "TotalEmissions", "sum_name": "Scope_1_Total",
    },
    "capitals": {"spell": str.upper, "total": "TOTAL EMISSIONS", "sum_name": "SCOPE 1 TOTAL"},
}  # fmt: skip


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["InnerMongolia2019", "Inner mongolia2019", "Inner Mongolia 2019"])
def test_every_spelling_of_a_provincial_workbook(tmp_path, spelling, name):
    write_xlsx(tmp_path / "a.xlsx", {"NOTE": [["note"]], name: sheet(**SPELLINGS[spelling])})
    inventory = open_inventory(tmp_path / "a.xlsx")
    assert inventory.region.values.tolist() == ["150000"]
    assert float(inventory.emission[0, 0]) * MT == pytest.approx(6.5, rel=1e-12)
    part = inventory.emission_part.sel(fuel="raw_coal", sector="Nonmetal Mineral Products")
    assert float(part.squeeze()) * MT == pytest.approx(1.0, rel=1e-12)
    assert float(inventory.emission_part.sum()) * MT == pytest.approx(6.5, rel=1e-12)
    assert '"scope 2 heat and electricity [Mt]": 12.0' in inventory.attrs["reading"]
    assert np.isnan(inventory.emission_uncertainty).all()
    assert '"empty_cells_taken_as_0": 1,' in inventory.attrs["reading"]
    assert '"sheets_not_read": ["a.xlsx: NOTE"]' in inventory.attrs["reading"]


def test_a_folder_holds_the_year_whose_name_is_in_another_case(tmp_path):
    write_xlsx(tmp_path / "Emission_Inventories_for_30_Provinces_1998.xlsx", {"Hebei1998": sheet()})
    write_xlsx(tmp_path / "emission_inventories_for_30_provinces_1997.XLSX", {"Hebei1997": sheet()})
    inventory = open_inventory(tmp_path)
    assert inventory.time.dt.year.values.tolist() == [1997, 1998]
    shutil.copy(next(tmp_path.glob("*1998.xlsx")), tmp_path / "copy.xlsx")
    with pytest.raises(SchemaError, match="2 rows share a place: 130000, 1998"):
        open_inventory(tmp_path)
    (tmp_path / "copy.xlsx").unlink()
    write_xlsx(tmp_path / "zz.xlsx", {"1997": sheet()})
    with pytest.raises(SchemaError, match=r"zz.xlsx: no sheet is read of 1997"):
        open_inventory(tmp_path)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([*sheet()[:3], ["Sum of all", *[0.0] * 22]], "no row of totals"),
        ([[*sheet()[0], "Peat"], *[[*row, 0.0] for row in sheet()[1:]]], "unknown columns Peat"),
        ([*sheet(), ["Urban", 9.0, *[0.0] * 20, 9.0]], "parts add up to 15.5, the total is 6.5"),
        ([*sheet()[:4], ["Urban", "n/a", *[0.0] * 21]], "'n/a' stands where a number should"),
        ([row[:-1] for row in sheet()], "no total of scope 1"),
    ],
)
def test_a_damaged_sheet_is_refused(tmp_path, rows, message):
    write_xlsx(tmp_path / "a.xlsx", {"Hebei2010": rows})
    with pytest.raises(SchemaError, match=message):
        open_inventory(tmp_path / "a.xlsx")
    write_xlsx(tmp_path / "a.xlsx", {"Atlantis2010": sheet()})
    with pytest.raises(SchemaError, match="'Atlantis2010' names no known province"):
        open_inventory(tmp_path / "a.xlsx")


def test_real_provincial_workbooks(emissions, data_root):
    books = [emissions / f"Emission_Inventories_for_30_Provinces_{year}.xlsx" for year in (2005, 2016)]
    inventory = open_inventory(books)
    total = (inventory.emission * MT).to_series()
    # read with a spreadsheet program: row "Total Consumption", column "Scope 1 Total"
    assert total["310000", "2005-01-01"] == pytest.approx(158.93896557540904, rel=1e-12)
    assert total["150000", "2005-01-01"] == pytest.approx(240.50272826985747, rel=1e-12)
    assert total["310000", "2016-01-01"] == pytest.approx(194.7097847273696, rel=1e-12)
    # notes of the data: sums of 30 provinces
    assert total.groupby("time").sum().round(1).tolist() == [5567.0, 9918.5]
    assert dict(inventory.sizes) == {"region": 30, "time": 2, "sector": 47, "fuel": 19}
    parts = inventory.emission_part.sum(["sector", "fuel"])
    assert float(np.abs(parts / inventory.emission - 1).max()) < 1e-9
    panel = pd.read_csv(data_root / "ml" / "province_panel.csv", dtype={"province_id": str})
    given = panel[panel["year"].isin([2005, 2016])].set_index(["province_id", "year"])["co2_mt"]
    ours = total.rename(index=lambda time: time.year, level=1)
    assert (ours[given.index] / given.to_numpy() - 1).abs().max() < 5e-6  # six digits are given


def test_real_tables_of_provinces_agree_with_the_workbooks(emissions):
    book = open_inventory(emissions / "Emission_Inventories_for_30_Provinces_2016.xlsx")
    sectors = open_inventory(emissions / "ceads_province_sector_1997_2016.csv")
    fuels = open_inventory(emissions / "ceads_province_fuel_1997_2016.csv")
    assert [sectors.attrs["product"], fuels.attrs["product"]] == ["ceads_sector_table", "ceads_fuel_table"]
    year = "2016-01-01"
    for other in (sectors, fuels):
        assert float(np.abs(other.emission.sel(time=year) / book.emission.sel(time=year) - 1).max()) < 1e-6
        # the placeholders of the source are given as they stand
        assert float(other.emission.sel(region="640000", time="2001-01-01")) * MT < 1
    coal = book.emission_part.sel(fuel="raw_coal", time=year).sum("sector") * MT
    assert np.abs(fuels.emission_part.sel(fuel="raw_coal", time=year) * MT - coal).max() < 1e-5
    assert sorted(sectors.emission_part.sector.values) == sorted(book.emission_part.sector.values)


def test_real_nation(emissions):
    nation = open_inventory(emissions / "ceads_china_national_1997_2019.xlsx")
    total = (nation.emission.sel(region="CN") * MT).to_series()
    assert total.round(1)[["1997-01-01", "2005-01-01", "2016-01-01"]].tolist() == [2923.9, 5398.3, 9256.3]


def test_real_gcp(emissions):
    fossil = open_inventory(emissions / "gcp_national_fossil_2024v1.0.xlsx")
    # Territorial Emissions, Afghanistan 2023 [MtC]; the sheet says 1 MtC = 3.664 Mt CO2
    value = float(fossil.emission.sel(region="Afghanistan", time="2023-01-01")) * MT
    assert value == pytest.approx(3.27494535642353 * 3.664, rel=1e-4)
    assert str(fossil.region_kind.sel(region="World").values) == "sum"
    assert str(fossil.region_kind.sel(region="Bunkers").values) == "remainder"
    alone = fossil.emission.where(fossil.region_kind != "sum").sel(time="2023-01-01").sum()
    assert float(alone / fossil.emission.sel(region="World", time="2023-01-01")) == pytest.approx(1, rel=1e-6)
    used = open_inventory(emissions / "gcp_national_fossil_2024v1.0.xlsx", product="gcp_consumption")
    assert float(used.emission.sel(region="Albania", time="2021-01-01")) * MT == pytest.approx(
        1.62607386560507 * 3.664, rel=1e-4
    )
    land = open_inventory(emissions / "gcp_national_landusechange_2024v1.0.xlsx", sheet="OSCAR")
    assert float(land.emission.sel(region="Algeria", time="2023-01-01")) * MT == pytest.approx(
        -0.44179 * 3.664, rel=1e-4
    )


def test_real_edgar_and_carbon_monitor(emissions):
    edgar = open_inventory(emissions / "edgar_v8.0_ghg_by_country_openclimate.csv")
    assert float(edgar.emission.sel(region="CN", time="2019-01-01")) * MT == pytest.approx(14583.462983)
    assert edgar.attrs["substance"] == "CO2e"
    monitor = open_inventory(emissions / "carbon_monitor_by_sector_openclimate.csv")
    power = monitor.emission_part.sel(region="CN", time="2019-01-01", sector="Power")
    assert float(power) * MT == pytest.approx(4569.01887)
    total = 62.45851 + 923.99509 + 4101.706 + 4569.01887 + 804.38035  # without International Aviation
    assert float(monitor.emission.sel(region="CN", time="2019-01-01")) * MT == pytest.approx(total)


def test_real_grids(emissions):
    grid = open_cdiac(emissions / "cdiac_gridcar.2005.txt")
    area = cell_area(np.arange(-90.0, 91.0), np.arange(-180.0, 181.0))
    carbon = (grid.flux_fossil[0] * area).sum() * MT
    assert float(carbon) == pytest.approx(7592.41, abs=0.01)  # Tg C, read-me of the data
    assert grid.flux_fossil[0].sel(lat=39.5, lon=116.5) > grid.flux_fossil[0].sel(lat=-39.5, lon=116.5)
    edgar = open_grid(emissions / "v6.0_CO2_org_short-cycle_C_2015_TOTALS.5.3x5.1.nc")
    # emi_co2 [kg CO2 m-2 s-1] is largest at 26.46 N, 87.45 E, read with netCDF4
    found = edgar.flux_emission.sel(lat=26.46, lon=87.45, method="nearest")
    assert float(found) == pytest.approx(5.2550355e-08 * 12.011 / 44.009, rel=1e-4)
    assert float(found) == float(edgar.flux_emission.max())


def test_cities_and_unseen_layouts_warn_once(tmp_path):
    forget_warnings()
    rows = [
        ["city", "year", "emission"],
        ["山东济南", 2010.0, 80.5],
        ["山东莱芜", 2010.0, 40.0],
        ["x", 2011.0, ""],
    ]
    write_xlsx(tmp_path / "city.xlsx", {"emission vector": rows})
    with pytest.warns(UncheckedLayoutWarning, match="ceads_city"):
        cities = open_inventory(tmp_path / "city.xlsx")
    assert float(cities.emission.sel(region="山东济南")[0]) * MT == pytest.approx(80.5)
    assert '"no value": 1' in cities.attrs["reading"]
    (tmp_path / "daily.csv").write_text(
        "country,date,sector,value\nChina,01/02/2019,Power,12.5\n"
        "China,01/02/2019,International Aviation,0.1\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        daily = open_inventory(tmp_path / "daily.csv", trust_layout=True)
    assert str(daily.time.values[0])[:10] == "2019-02-01"
    assert float(daily.emission[0, 0]) * 86400 / 1e9 == pytest.approx(12.5)


def test_a_workbook_of_edgar(tmp_path):
    forget_warnings()
    names = ["IPCC_annex", "Country_code_A3", "Name", "ipcc_code_2006_for_standard_report", "Substance",
             "fossil_bio", "Y_1970", "Y_1971"]  # fmt: skip
    rows = [
        *[["about"] + [""] * 7] * 9,
        names,
        ["", "CHN", "China", "1.A.1.a", "CO2", "fossil", 100.0, 110.0],
        ["", "CHN", "China", "2.A.1", "CO2", "fossil", 20.0, ""],
    ]
    write_xlsx(tmp_path / "edgar.xlsx", {"IPCC 2006": rows})
    with pytest.warns(UncheckedLayoutWarning):
        edgar = open_inventory(tmp_path / "edgar.xlsx")
    assert (edgar.emission.sel(region="CHN") * MT).round(12).values.tolist() == [0.12, 0.11]
    assert edgar.attrs["substance"] == "CO2"
    assert '"no value": 1' in edgar.attrs["reading"]


def test_what_is_no_inventory_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    write_xlsx(tmp_path / "b.xlsx", {"Sheet": [["a"]]})
    for name in ("a.csv", "b.xlsx"):
        with pytest.raises(NotAGranuleError, match="is no known inventory"):
            open_inventory(tmp_path / name)
    with pytest.raises(NotAGranuleError, match="inventory 'x' is unknown"):
        open_inventory(tmp_path / "a.csv", product="x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotAGranuleError, match="holds no workbook"):
        open_inventory(tmp_path / "empty")
    (tmp_path / "gridcar.2005").write_text("1 2 3")
    with pytest.raises(NotAGranuleError, match="holds 3 numbers"):
        open_cdiac(tmp_path / "gridcar.2005")


def test_every_entry_says_its_source():
    for name, entry in inventory_catalog().inventories.items():
        assert all(reference.startswith("https://") for reference in entry.references), name


def test_real_power_plants(data_root):
    plants = open_power_plants(data_root / "geo" / "points" / "gppd_wri_china_raw.csv")
    # read-me of the data: 3137 rows, 11 without coordinates, 30 without capacity; 1003 coal = 983 GW
    assert plants.attrs["reading"] == {"read": 3137, "left_out": {"no place": 11}, "repeated_ids": 13}
    assert len(plants) == 3126
    assert int(plants["capacity"].isna().sum()) == 30
    coal = plants[plants["fuel"] == "coal"]
    assert (len(coal), round(coal["capacity"].sum() / 1e3)) == (1003, 983)
    first = plants.iloc[0]
    assert (first["name"], first["fuel"], first["capacity"], first["start"]) == (
        "Xiluodu",
        "hydro",
        12600,
        2013,
    )
    assert not plants["source"].duplicated().any()
    coco2 = open_power_plants(data_root / "plume" / "coco2_power_plants_3Mt.csv")
    assert len(coco2) == 1077
    assert coco2["emission"].iloc[0] * MT == pytest.approx(5.216)
    assert coco2["capacity"].isna().all()


def test_a_tracker_of_units_and_what_is_refused(tmp_path):
    forget_warnings()
    head = "GEM unit/phase ID,Plant name,Capacity (MW),Status,Latitude,Longitude,Start year,Retired year\n"
    (tmp_path / "gem.csv").write_text(
        head + "G1,A,600,operating,36.5,117.1,2004,\nG2,A,600,retired,36.5,117.1,1990,2015"
    )
    with pytest.warns(UncheckedLayoutWarning):
        plants = open_power_plants(tmp_path / "gem.csv")
    assert plants[["fuel", "start", "capacity"]].values.tolist() == [
        ["coal", 2004.0, 600.0],
        ["coal", 1990.0, 600.0],
    ]
    assert plants["end"].iloc[1] == 2015
    for text, error, message in (
        ("a,b\n1,2\n", NotAGranuleError, "no known list"),
        (head + "G1,A,-5,,36.5,117.1,,\n", SchemaError, "capacity is negative"),
        (head + "G1,A,5,,95.0,117.1,,\n", SchemaError, "outside of the globe"),
        (head + "G1,A,many,,36.5,117.1,,\n", SchemaError, "holds 'many'"),
    ):
        (tmp_path / "bad.csv").write_text(text)
        with pytest.raises(error, match=message):
            open_power_plants(tmp_path / "bad.csv", trust_layout=True)
