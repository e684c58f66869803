"""Anomalies: honest against years that are not their own, free of growth, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr
from scipy.stats import binom, t

from anomaly_truth import series
from yaotan import anomaly, fit_trend, zonal_statistics
from yaotan.column import anomaly_table, region_series
from yaotan.errors import SchemaError, SeriesError, UnitsError, YaotanError


@pytest.mark.parametrize(
    ("growth", "options"),
    [
        ("none", {"years": 8, "rate": 0.0}),
        ("fit", {"years": 6}),
        ("fit", {"years": 8, "correlation": 0.0}),
        ("fit", {"years": 12, "bend": 0.05}),
        ("fit", {"years": 10, "missing": 0.2}),
    ],
)
def test_one_of_twenty_usual_months_stands_out(growth: Any, options: dict[str, Any]) -> None:
    """Of 3,000 series, a month of the first, a middle and the last year: within 0.1 and 99.9 %."""
    found = anomaly(series(3, places=3000, **options), growth=growth)
    for month in (1, 40, -1):
        verdict = found.xco2_anomaly_verdict.values[:, month]
        judged = int((verdict <= 2).sum())
        assert judged > 2000
        low, high = binom.ppf([0.001, 0.999], judged, 0.05)
        assert low <= np.isin(verdict, (1, 2)).sum() <= high


def test_growth_does_not_become_the_anomaly() -> None:
    """Twelve years of 2.3 ppm each and a curvature; two more years than the base period holds."""
    table = series(5, years=12, places=400, bend=0.05)
    last = slice(132, 144)
    fitted, plain = (anomaly(table, growth=growth, base=("2010", "2019")) for growth in ("fit", "none"))
    assert float(plain.xco2_anomaly[:, last].mean()) > 10
    assert (fitted.xco2_anomaly_verdict[:, last] == 1).mean() < 0.04
    assert float(fitted.xco2_anomaly[:, last].mean()) == pytest.approx(0.0, abs=0.1)
    # inside the base period growth that stays hides what is planted
    table["xco2"][:, 64] += 2.5
    assert (anomaly(table).xco2_anomaly_verdict[:, 64] == 1).mean() > 0.9
    assert (anomaly(table, growth="none").xco2_anomaly_verdict[:, 64] == 1).mean() < 0.1
    # a straight line through a curved growth leaves the ends high
    straight = anomaly(table, terms=2)
    assert float(straight.xco2_anomaly[:, last].mean()) > 0.5


def test_growth_is_that_of_the_trend_fit() -> None:
    """The slope inside twelve years is that of column.trend's polynomial, which sees the year judged too."""
    table = series(6, years=12, places=3, bend=0.05)
    found = anomaly(table, terms=3)
    fit = fit_trend(table, terms=3)
    year = 2016.0 + 0.5 / 12 - fit.origin.values
    expected = fit.coefficient.values[:, 1] + 2 * fit.coefficient.values[:, 2] * year
    np.testing.assert_allclose(found.xco2_anomaly_growth[:, 72], expected, atol=0.05)
    np.testing.assert_allclose(expected, 2.3 + 0.05 * 6, atol=0.1)


def test_planted_anomalies_are_found() -> None:
    table = series(7, years=10, places=400)
    clean = anomaly(table, terms=2)
    planted = table.copy(deep=True)
    planted["xco2"][:, 64] += 2.5
    found = anomaly(planted, terms=2)
    assert (found.xco2_anomaly_verdict[:, 64] == 1).mean() > 0.9
    # the year is not in its own climatology
    own = slice(60, 72)
    np.testing.assert_allclose(
        found.xco2_anomaly_climatology[:, own], clean.xco2_anomaly_climatology[:, own], rtol=1e-12
    )
    np.testing.assert_allclose(found.xco2_anomaly[:, 64], clean.xco2_anomaly[:, 64] + 2.5, atol=1e-9)
    assert (found.xco2_anomaly_climatology[:, 76] > clean.xco2_anomaly_climatology[:, 76]).all()


def test_without_growth_it_is_the_prediction_of_a_mean() -> None:
    table = series(8, years=7, places=1, rate=0.0)
    found = anomaly(table, growth="none").isel(region=0)
    values = table.xco2.values[0].reshape(7, 12)
    others = np.delete(values[:, 4], 2)
    spread = others.std(ddof=1)
    at = 2 * 12 + 4
    assert float(found.xco2_anomaly[at]) == pytest.approx(values[2, 4] - others.mean())
    assert float(found.xco2_anomaly_spread[at]) == pytest.approx(spread)
    assert float(found.xco2_anomaly_z[at]) == pytest.approx((values[2, 4] - others.mean()) / spread)
    score = (values[2, 4] - others.mean()) / (spread * np.sqrt(1 + 1 / 6))
    assert float(found.xco2_anomaly_p[at]) == pytest.approx(2 * t.sf(abs(score), 5))
    assert int(found.xco2_anomaly_years[at]) == 6
    assert "xco2_anomaly_growth" not in found


def test_one_month_a_year_is_the_prediction_of_a_regression() -> None:
    """Only Junes: nothing but the line through the other Junes tells the growth."""
    year = np.arange(8.0)
    value = 390 + 2.0 * year + np.array([0.1, -0.4, 0.3, 0.2, -0.5, 0.4, -0.2, 1.5])
    time = (np.datetime64("2010-06") + 12 * np.arange(8)).astype("datetime64[ns]")
    found = anomaly(xr.Dataset({"xco2": ("time", value, {"units": "ppm"})}, {"time": time}))
    x, y = year[:7], value[:7]
    slope, level = np.polyfit(x, y, 1)
    rest = y - level - slope * x
    s = np.sqrt((rest**2).sum() / 5)
    wide = s * np.sqrt(1 + 1 / 7 + (7 - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    excess = value[7] - level - slope * 7
    assert float(found.xco2_anomaly[7]) == pytest.approx(excess, rel=5e-3)
    assert float(found.xco2_anomaly_uncertainty[7]) == pytest.approx(wide, rel=5e-3)
    assert float(found.xco2_anomaly_p[7]) == pytest.approx(2 * t.sf(excess / wide, 5), rel=3e-2)


def test_more_uncertain_months_need_more() -> None:
    """Stated errors of all years alike are in their scatter; what one month has more is added."""
    table = series(9, years=8, places=1)
    sigma = xr.full_like(table.xco2, 0.3)
    sigma[0, 50] = 1.0
    alike = table.assign(xco2_uncertainty=xr.full_like(table.xco2, 0.3))
    one = table.assign(xco2_uncertainty=sigma)
    plain, same, worse = (anomaly(d).isel(region=0, time=50) for d in (table, alike, one))
    assert float(same.xco2_anomaly_uncertainty) == pytest.approx(float(plain.xco2_anomaly_uncertainty))
    wide = np.sqrt(float(plain.xco2_anomaly_uncertainty) ** 2 + 1.0 - 0.09)
    assert float(worse.xco2_anomaly_uncertainty) == pytest.approx(wide)
    # what all months share moves none against another: random and sampling terms only
    shared = one.assign(xco2_uncertainty_random=alike.xco2_uncertainty)
    assert float(anomaly(shared).isel(region=0, time=50).xco2_anomaly_uncertainty) == pytest.approx(
        float(plain.xco2_anomaly_uncertainty)
    )


def test_base_period_and_months_outside() -> None:
    table = series(10, years=10, places=2, rate=0.0)
    found = anomaly(table, growth="none", base=("2010", "2015"))
    assert found.xco2_anomaly.attrs["base"] == "2010-01 to 2015-12"
    assert found.xco2_anomaly_years.values[0, ::12].tolist() == [5] * 6 + [6] * 4
    mean = table.xco2.values[:, :72].reshape(2, 6, 12).mean(axis=1)
    np.testing.assert_allclose(found.xco2_anomaly_climatology[:, 108:], mean)
    with pytest.raises(YaotanError, match="holds none of the data"):
        anomaly(table, base=("1990", "1999"))
    with pytest.raises(YaotanError, match="two ISO dates"):
        anomaly(table, base=("long ago", "2015"))


def square(lat: tuple[float, float], name: str) -> dict[str, Any]:
    return {
        "region_id": name,
        "name": name.title(),
        "name_zh": name,
        "geometry": shapely.box(100, lat[0], 104, lat[1]),
    }


def test_grid_and_regions_through_zonal_statistics() -> None:
    """A cell, and the region that holds it; missing months and few years are said, not dropped."""
    axis = np.arange(0.5, 4.0)
    made = series(11, years=8, places=16, correlation=0.3)
    values = made.xco2.values.T.reshape(96, 4, 4)
    values[70, 2:] += 3.0
    values[5:60, 0, 0] = np.nan
    axes = {"time": made.time.values, "lat": axis, "lon": axis + 100}
    grid = xr.Dataset({"xco2": (("time", "lat", "lon"), values, {"units": "ppm"})}, axes)
    before = grid.copy(deep=True)
    found = anomaly(grid)
    xr.testing.assert_identical(grid, before)
    assert found.xco2_anomaly.dims == ("time", "lat", "lon")
    assert (found.xco2_anomaly_verdict[70, 2:] == 1).mean() > 0.7
    flags = dict(zip(range(5), found.xco2_anomaly_verdict.attrs["flag_meanings"].split(), strict=True))
    words = [flags[int(v)] for v in found.xco2_anomaly_verdict[[10, 70], 0, 0]]
    assert words == ["not_measured", "too_few_years"]
    counted = json.loads(found.xco2_anomaly.attrs["counted"])
    assert sum(counted.values()) == 96 * 16
    assert counted["not_measured"] == 55
    assert found.xco2_anomaly.attrs["by_chance"] == pytest.approx(
        0.05 * (96 * 16 - 55 - counted["too_few_years"]), abs=0.1
    )
    regions = gpd.GeoDataFrame([square((2, 4), "north"), square((0, 2), "south")], crs=4326)
    for table in (zonal_statistics(grid, regions), region_series(grid, regions)):
        rows = anomaly_table(anomaly(table))
        assert list(rows.columns) == [
            "region_id", "name", "name_zh", "time", "anomaly", "climatology", "spread", "z", "years", "p",
            "verdict",
        ]  # fmt: skip
        month = rows[rows["time"] == made.time.values[70]].set_index("region_id")
        assert month.loc["north", "verdict"] == "high"
        assert month.loc["north", "anomaly"] == pytest.approx(3.0, abs=0.6)
        assert month.loc["south", "verdict"] == "usual"
        assert month.loc["north", "name"] == "North"
        assert rows.attrs["variable"] == "xco2"
    with pytest.raises(SchemaError, match="average over regions first"):
        anomaly_table(found)
    with pytest.raises(SchemaError, match="none: anomaly"):
        anomaly_table(grid)


def test_series_without_region_is_the_whole_area() -> None:
    table = series(12, years=7, places=1).isel(region=0, drop=True)
    table["xco2"][3] = np.nan
    rows = anomaly_table(anomaly(table))
    assert set(rows["region_id"]) == {"*"}
    assert len(rows) == 83
    assert rows.attrs["not_measured"] == 1
    assert pd.api.types.is_datetime64_any_dtype(rows["time"])


def test_what_is_refused_by_name() -> None:
    table = series(13, years=5, places=1)
    with pytest.raises(
        SeriesError, match=r"no calendar month of xco2 has more than 4 other years.*at least 5"
    ):
        anomaly(table)
    assert (anomaly(table, min_years=4).xco2_anomaly_years == 4).all()
    doubled = table.isel(time=[0, 0, 1]).assign_coords(
        time=pd.to_datetime(["2010-01-01", "2010-01-17", "2010-02-01"])
    )
    with pytest.raises(SeriesError, match="1 months have several values, the first 2010-01"):
        anomaly(doubled)
    mixed = table.assign(xco2_uncertainty=xr.full_like(table.xco2, 1.0).assign_attrs(units="ppb"))
    with pytest.raises(UnitsError, match="'ppb'"):
        anomaly(mixed)
    with pytest.raises(SeriesError, match="xch4"):
        anomaly(table, variable="xch4")
    long = series(13, years=8, places=1)
    for wrong in ({"growth": "some"}, {"terms": 5}, {"min_years": 2}, {"level": 1.5}):
        with pytest.raises(YaotanError, match=f"{next(iter(wrong))} is"):
            anomaly(long, **wrong)
