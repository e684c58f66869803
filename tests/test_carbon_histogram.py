"""The land histogram: made of tables, one date of two, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from yaotan.carbon.histogram import check_histogram, densities_of, make_histogram
from yaotan.carbon.marginal import one_date
from yaotan.errors import SchemaError
from yaotan.io.tabular import read_table
from yaotan.io.write import write

ROWS = pd.DataFrame(
    {
        "region": ["a", "a", "b", "b", "b"],
        "before": [1, 1, 2, 2, None],
        "after": [1, 2, 2, None, 1],
        "area": [5.0, 3.0, 2.0, 7.0, 11.0],
        "count": [5, 3, 2, 7, 11],
        "soil_sum": [50.0, 33.0, 8.0, np.nan, np.nan],
        "soil_area": [5.0, 3.0, 1.0, np.nan, np.nan],
    }
)


def pairs() -> xr.Dataset:
    names = {1: ("Cropland", "耕地"), 2: ("Forest", "森林")}
    return make_histogram(ROWS, scheme="clcd", names=names, units={"soil": "kg m-2"})


def test_a_table_becomes_a_histogram() -> None:
    made = pairs()
    assert made.area.dims == ("region", "before", "after")
    assert float(made.area.sel(region="a", before=1, after=2)) == 3.0
    assert float(made.area_before_only.sel(region="b", before=2)) == 7.0
    assert float(made.area_after_only.sel(region="b", after=1)) == 11.0
    assert float(made["count"].sum()) == 10.0
    assert made.before_name_zh.values.tolist() == ["耕地", "森林"]
    assert densities_of(made) == ["soil"]
    assert made.soil_sum.attrs["density_units"] == "kg m-2"


def test_one_date_of_two() -> None:
    before, after = one_date(pairs(), "before"), one_date(pairs(), "after")
    assert before.area.values.tolist() == [[8.0, 0.0], [0.0, 9.0]]
    assert after.area.values.tolist() == [[5.0, 3.0], [11.0, 2.0]]
    assert before.attrs["left_out"] == "soil_sum, soil_area"
    both = one_date(pairs(), "before", valid="both")
    assert both.area.values.tolist() == [[8.0, 0.0], [0.0, 2.0]]
    assert float(both.soil_sum.sel(region="a", **{"class": 1})) == 83.0


def test_it_is_written_as_a_table(tmp_path) -> None:
    table = read_table(write(pairs(), tmp_path / "pairs.csv"))
    row = table[(table["variable"] == "area") & (table["region"] == "a") & (table["after"] == 2)]
    assert row["value"].sum() == 3.0
    assert "森林" in set(row["after_name_zh"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="area"), "no column area"),
        (lambda t: t.drop(columns="before"), "class, or before and after"),
        (lambda t: t.assign(before=1.5), "no class code"),
        (lambda t: t.assign(before=None, after=None), "name no class"),
        (lambda t: t.assign(area=-1.0), "negative or missing"),
    ],
)
def test_bad_tables_are_refused(change, message) -> None:
    with pytest.raises(SchemaError, match=message):
        make_histogram(change(ROWS), scheme="clcd", units={"soil": "kg m-2"})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.drop_vars("area_after_only"), "area_after_only is missing"),
        (lambda h: h.assign_attrs(scheme=""), "no attribute scheme"),
        (lambda h: h.assign_coords(after=[1, 3]), "other codes"),
        (lambda h: h.assign(area=-h.area), "negative"),
        (lambda h: h.assign(soil_sum=h.soil_sum.drop_attrs()), "unit of its density"),
        (lambda h: h.transpose(..., "region"), "has dims"),
    ],
)
def test_broken_histograms_are_refused(change, message) -> None:
    with pytest.raises(SchemaError, match=message):
        check_histogram(change(pairs()))


def test_published_transitions_of_shenyang(data_root: Path) -> None:
    """CLCD 2000 to 2005: rows and columns of the published pairs are the published areas of the two years."""
    folder = data_root / "geo" / "landcover"
    rows = pd.read_csv(folder / "clcd_shenyang_transitions_2000_2025.csv")
    rows = rows[rows["from_year"] == 2000].rename(columns={"from_class": "before", "to_class": "after"})
    pairs = make_histogram(rows.assign(area=rows["pixels"] * 900.0), scheme="clcd")
    areas = pd.read_csv(folder / "clcd_shenyang_area_2000_2025.csv")
    for date, year in (("before", 2000), ("after", 2005)):
        made = one_date(pairs, date)
        for _, row in areas[areas["year"] == year].iterrows():
            one = made.sel({"class": row["class_code"]}).isel(region=0)
            assert float(one.area) == pytest.approx(row["area_km2"] * 1e6)
            assert str(one.class_name.values) == row["class_name"]
