"""Numbers, means and verdicts of the report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from report_results import make_results
from yaotan.report.chart import month_ticks
from yaotan.report.number import decimals_for, fixed, interval, measured, percent
from yaotan.report.palette import make_scale
from yaotan.report.projection import INSET_BOUNDS, covers_china, make_frame
from yaotan.report.section.strip import main_kind
from yaotan.report.summary import area_rows, judge, mean_of_months, sounding_totals


def plain(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


@settings(deadline=None, max_examples=200)
@given(st.floats(-1e5, 1e5), st.floats(1e-6, 1e4))
def test_value_matches_two_digits_of_uncertainty(value, sigma):
    shown, spread = measured(value, sigma)
    decimals = decimals_for(sigma)
    assert abs(plain(shown) - value) <= 0.5 * 10.0**-decimals * (1 + 1e-9)
    assert plain(spread) == pytest.approx(sigma, rel=0.051)
    assert len(shown.partition(".")[2]) == len(spread.partition(".")[2]) == decimals


@settings(deadline=None, max_examples=100)
@given(st.floats(0, 1))
def test_percent_never_claims_all_or_nothing(share):
    shown = percent(share)
    assert (shown == "0 %") == (share == 0)
    assert (shown in ("100 %", "100.0 %")) == (share == 1)


def test_missing_numbers_are_a_dash():
    assert fixed(float("nan"), 2) == "–"
    assert measured(float("nan"), float("nan")) == ("–", "–")
    assert measured(1.5, float("nan")) == ("1.50", "–")
    assert interval(float("nan"), float("nan"), float("nan")) == ("–", "–", "–")


def test_minus_zero_is_zero():
    assert fixed(-0.001, 2) == "0.00"
    assert fixed(0.001, 2, sign=True) == "0.00"


def test_systematic_part_does_not_average_out():
    rows = pd.DataFrame(
        {
            "value": [1.0] * 100,
            "uncertainty": np.hypot(0.5, 0.3),
            "uncertainty_systematic": 0.3,
            "count": 1,
            "coverage": 1.0,
        }
    )
    assert mean_of_months(rows).uncertainty == pytest.approx(np.hypot(0.05, 0.3))


def test_unknown_uncertainty_stays_unknown():
    rows = pd.DataFrame({"value": [1.0, 2.0], "uncertainty": [0.5, np.nan], "count": 1, "coverage": 1.0})
    mean = mean_of_months(rows)
    assert mean.value == 1.5
    assert np.isnan(mean.uncertainty)


def test_whole_area_comes_from_its_own_rows_else_from_regions():
    results = make_results(months=2, regions=4, products=1, resolution=4.0)
    column = results.columns[0]
    own = area_rows(column, results)
    assert list(own["value"]) == list(column.table.loc[column.table["region_id"] == "*", "value"])
    regions_only = type(column)(**{**vars(column), "table": column.table[column.table["region_id"] != "*"]})
    joined = area_rows(regions_only, results)
    assert joined["value"].to_numpy() == pytest.approx(own["value"].to_numpy(), abs=0.3)
    assert (joined["uncertainty"] >= own["uncertainty"]).all()


def test_totals_do_not_count_overlapping_regions_twice():
    results = make_results(months=1, regions=4, products=1, resolution=4.0)
    whole = results.losses[results.losses["region_id"] == "*"]
    kept, read = sounding_totals(results)
    assert kept == whole.loc[(whole["kind"] == "kept") & (whole["unit"] == "sounding"), "count"].sum()
    assert read == whole.loc[whole["kind"] == "read", "count"].sum()


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"orbit_day": 31}, "orbit"),
        ({"file_day": 31}, "file"),
        ({"file_day": 30, "orbit_day": 1}, "orbit"),
        ({"orbit_day": 30, "cloud_day": 1}, "cloud"),
        ({"orbit_day": 30, "cloud_day": 1, "flag_sounding": 4}, "flag"),
        ({"flag_sounding": 4, "rule_sounding": 5}, "rule"),
        ({}, "orbit"),
    ],
)
def test_an_empty_month_is_named_after_what_emptied_it(row, kind):
    assert main_kind(row) == kind


def test_verdict_needs_both_numbers():
    assert judge(1.0, float("nan")) == "no_data"


def test_scale_marks_the_ends_that_are_clipped():
    values = np.concatenate([np.linspace(400, 410, 1000), [350.0]])
    scale = make_scale([values])
    assert scale.below
    assert not scale.above
    assert scale.steps(np.array([350.0, np.nan])).tolist() == [0, -1]
    assert make_scale([np.full(3, np.nan)]) is None


@settings(deadline=None, max_examples=30)
@given(st.floats(-1e3, 1e3), st.floats(0, 10), st.integers(1, 30))
def test_every_value_has_a_colour(middle, width, count):
    values = middle + width * np.linspace(-1, 1, count)
    scale = make_scale([values])
    assert (scale.steps(values) >= 0).all()
    assert len(scale.colours) == len(scale.levels) - 1


def test_diverging_scale_is_centred():
    scale = make_scale([np.array([-0.2, 1.9])], kind="diverging")
    assert scale.levels[0] == -scale.levels[-1]


def test_china_is_albers_with_inset():
    import geopandas as gpd
    import shapely

    mainland = shapely.box(74, 18.5, 134, 53)
    islands = shapely.box(112, 4, 117, 16)
    frame_of = gpd.GeoDataFrame(
        {"region_id": ["CN"], "name": ["China"], "name_zh": ["中国"]},
        geometry=[shapely.union(mainland, islands)],
        crs="EPSG:4326",
    )
    assert covers_china(frame_of)
    frame = make_frame(frame_of, (73, 3, 136, 54))
    assert "Albers" in frame.crs.to_wkt()
    assert frame.inset is not None
    west, south, east, north = INSET_BOUNDS
    x, y = frame.project(np.array([(west + east) / 2]), np.array([(south + north) / 2]))
    left, bottom, right, top = frame.inset.extent
    assert left < x[0] < right
    assert bottom < y[0] < top


def test_other_regions_are_azimuthal_without_inset():
    results = make_results(months=1, regions=2, products=1, resolution=6.0)
    frame = make_frame(results.regions, results.bounds)
    assert "Lambert Azimuthal" in frame.crs.to_wkt()
    assert frame.inset is None


@pytest.mark.parametrize(
    ("first", "last", "labels"),
    [
        ("2020-01-05", "2020-01-05", ["2020-01-05"]),
        ("2020-01-02T04:00", "2020-01-29", ["2020-01-02", "2020-01-09", "2020-01-16", "2020-01-23"]),
        ("2020-01-15", "2020-03-15", ["2020-02", "2020-03"]),
    ],
)
def test_times_within_a_month_have_ticks(first, last, labels):
    ticks, words = month_ticks(pd.DatetimeIndex([first, last]), "en")
    assert (len(ticks), words) == (len(labels), labels)
