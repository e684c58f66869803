"""Fits of series in every form, growth and season by year, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from noaa_growth import PUBLISHED
from trend_truth import plant, scores
from yaotan import fit_trend, growth
from yaotan.column import seasonal_cycle
from yaotan.column.trend.moment import calendar_time, decimal_year
from yaotan.errors import SeriesError, UnitsError

MONTHS = pd.period_range("2010-01", periods=120, freq="M")
SERIES = plant(1).series["xco2"]


def monthly(count: int = 120, seed: int = 0) -> pd.Series:
    year = 2010 + (np.arange(count) + 0.5) / 12
    noise = 0.3 * np.random.default_rng(seed).standard_normal(count)
    series = pd.Series(390 + 2.1 * (year - 2010) + 3 * np.sin(2 * np.pi * year) + noise, MONTHS[:count])
    series.attrs["units"] = "ppm"
    return series.rename("xco2")


def estimate(count: int = 120, regions: int = 2) -> xr.Dataset:
    """Regional table as zonal_statistics gives it: times are starts of months, with bounds."""
    edges = pd.period_range("2010-01", periods=count + 1, freq="M").to_timestamp().to_numpy("datetime64[ns]")
    values = np.stack([monthly(count, seed).to_numpy() for seed in range(regions)])
    return xr.Dataset(
        {
            "xco2": (("region", "time"), values, {"units": "ppm"}),
            "xco2_uncertainty": (("region", "time"), np.full(values.shape, 0.5), {"units": "ppm"}),
        },
        {
            "region": ("region", np.array(["a", "b", "c"][:regions], dtype=object)),
            "region_name": ("region", np.array(["A", "B", "C"][:regions], dtype=object)),
            "time": ("time", edges[:-1], {"bounds": "time_bnds"}),
            "time_bnds": (("time", "bnds"), np.stack([edges[:-1], edges[1:]], axis=1)),
        },
    )


def test_decimal_years_and_back() -> None:
    times = np.array(["2019-01-01", "2019-12-31T23:59:59", "2020-02-29T12:00"], "datetime64[ns]")
    years = decimal_year(times)
    np.testing.assert_allclose(years, [2019.0, 2020 - 1 / (365 * 86400), 2020 + 59.5 / 366], atol=1e-9)
    assert (calendar_time(years) == times).all()
    assert np.isnan(decimal_year(np.array(["NaT"], "datetime64[ns]"))).all()


def test_every_form_of_a_series_gives_the_same_fit() -> None:
    series, table = monthly(), estimate()
    start = series.copy()
    start.index = MONTHS.to_timestamp()
    middle = fit_trend(series)
    soundings = xr.Dataset(
        {
            "xco2": ("sounding", series.to_numpy()[::-1], {"units": "ppm"}),
            "time": ("sounding", middle["time"].values[::-1]),
            "latitude": ("sounding", np.full(120, 31.9)),
            "longitude": ("sounding", np.full(120, -179.9)),
        }
    )
    array = xr.DataArray(series.to_numpy(), coords={"time": middle["time"].values}, dims="time", name="xco2")
    fits = [
        fit_trend(start),  # every time is the first moment of a month
        fit_trend(soundings),
        fit_trend(array),
        fit_trend(table).isel(region=0),
        fit_trend(table.isel(region=0)),
    ]
    assert "every time is the first moment" in fits[0].attrs["time_placement"]
    for fit in fits:
        np.testing.assert_array_equal(fit["time"], middle["time"])
        for name in ("function", "smooth", "trend", "season", "growth"):
            np.testing.assert_allclose(fit[name], middle[name], rtol=1e-9)
    assert list(fit_trend(table)["region_name"].values) == ["A", "B"]


def test_periods_are_placed_as_told() -> None:
    ends = monthly()
    ends.index = MONTHS.to_timestamp(how="end").normalize()  # 31 January 00:00 and so on
    assert str(fit_trend(ends)["time"].values[0])[:10] == "2010-01-31"
    assert str(fit_trend(ends, period="month")["time"].values[0])[:13] == "2010-01-16T12"
    starts = monthly()
    starts.index = MONTHS.to_timestamp()
    assert str(fit_trend(starts, period="instant")["time"].values[0])[:10] == "2010-01-01"
    with pytest.raises(SeriesError, match=r"period: 'fortnight' is unknown.*'instant'"):
        fit_trend(starts, period="fortnight")


def test_planted_coefficients_are_found() -> None:
    fit = fit_trend(monthly())
    value = dict(zip(fit["term"].values, fit["coefficient"].values, strict=True))
    sigma = dict(zip(fit["term"].values, fit["coefficient_uncertainty"].values, strict=True))
    assert abs(value["p1"] - 2.1) < 3 * sigma["p1"] < 0.1
    assert abs(value["sin1"] - 3.0) < 3 * sigma["sin1"] < 0.3
    assert float(fit["origin"]) == pytest.approx(2015.0, abs=0.01)


def test_a_scaled_and_shifted_series_has_scaled_curves() -> None:
    series = SERIES
    other = series * -2.5 + 7.0
    first, second = fit_trend(series), fit_trend(other)
    for name, shift in (("trend", 7.0), ("season", 0.0), ("growth", 0.0)):
        np.testing.assert_allclose(second[name], -2.5 * first[name] + shift, atol=1e-6)
        np.testing.assert_allclose(
            second[f"{name}_uncertainty"], 2.5 * first[f"{name}_uncertainty"], rtol=1e-5
        )


def test_ends_and_gaps_are_flagged() -> None:
    series = monthly()
    fit = fit_trend(series.where((series.index < "2013-03") | (series.index > "2013-06")))
    flag = fit["trust"].to_series()
    assert fit["trust"].attrs["flag_meanings"] == "trusted end gap"
    assert (flag["2013-03":"2013-06"] == 2).all()
    assert (flag[:"2010-11"] == 1).all()
    assert (flag["2011-01":"2013-02"] == 0).all()
    np.testing.assert_array_less(
        fit["smooth_uncertainty"].sel(time="2012-04").values,
        fit["smooth_uncertainty"].sel(time="2013-04").values,
    )


def test_dense_series_are_averaged_and_say_so() -> None:
    days = pd.date_range("2010-01-01T06", "2017-12-31", freq="6h")
    year = decimal_year(days.to_numpy("datetime64[ns]"))
    series = pd.Series(390 + 2 * (year - 2010) + 3 * np.sin(2 * np.pi * year), days)
    fit = fit_trend(series)
    assert fit.attrs["averaged_days"] == 2.0
    assert fit.sizes["time"] <= 1500
    assert float(growth(fit)["growth"].sel(year=2013)) == pytest.approx(2.0, abs=0.01)
    coarse = fit_trend(series, average=10.0)
    assert coarse.sizes["time"] == pytest.approx(292, abs=2)
    with pytest.raises(SeriesError, match="average is 0 days"):
        fit_trend(series, average=0.0)


def test_weights_need_and_use_stated_uncertainty() -> None:
    table = estimate()
    with pytest.raises(SeriesError, match="states no uncertainty to weight by"):
        fit_trend(monthly(), weighted=True)
    plain = fit_trend(table)
    np.testing.assert_allclose(fit_trend(table, weighted=True)["trend"], plain["trend"], rtol=1e-9)
    table["xco2_uncertainty"][:, ::2] = 5.0
    assert float(np.abs(fit_trend(table, weighted=True)["function"] - plain["function"]).max()) > 0.01


def test_regions_that_cannot_be_fitted_are_listed() -> None:
    table = estimate(regions=3)
    table["xco2"][1] = np.nan
    table["xco2"][2, 12:] = np.nan
    fit = fit_trend(table)
    refused = json.loads(fit.attrs["not_fitted"])
    assert list(refused) == ["b", "c"]
    assert "region c: the series is 1.00 years long. Expected: at least 2 years" in refused["c"]
    assert np.isnan(fit["trend"].sel(region="b")).all()
    rates = growth(fit)
    assert rates["growth"].dims == ("region", "year")
    assert np.isfinite(rates["growth"].sel(region="a", year=2014))
    assert (rates["flag"].sel(region="b") == 3).all()
    with pytest.raises(SeriesError, match="none of 2 regions can be fitted"):
        fit_trend(table.isel(region=[1, 2]))


@pytest.mark.parametrize("regional", [False, True])
def test_a_fit_from_a_file_gives_the_same_growth(regional: bool, tmp_path: Path) -> None:
    fit = fit_trend(estimate() if regional else estimate().isel(region=[0]), weighted=True)
    yaotan.write(fit, tmp_path / "fit.nc")
    again = xr.open_dataset(tmp_path / "fit.nc", engine="h5netcdf").load()
    for method in ("filter", "endpoint"):
        for name in ("growth", "growth_uncertainty"):
            np.testing.assert_allclose(
                growth(again, method=method)[name], growth(fit, method=method)[name], rtol=1e-9
            )
    assert growth(again)["region"].values.tolist() == fit["region"].values.tolist()


BAD = {
    "too short": (monthly(20), SeriesError, r"the series is 1.6\d years long. Expected: at least 2 years"),
    "too thin": (monthly()[::8], SeriesError, r"has 15 values. Expected: at least 22"),
    "constant": (monthly() * 0 + 400, SeriesError, "all 120 values are 400"),
    "empty": (monthly() * np.nan, SeriesError, "xco2 has no finite value"),
    "unsorted": (monthly()[::-1], SeriesError, "times do not rise: .*To do: sort by time"),
    "doubled": (pd.concat([monthly(), monthly()]).sort_index(), SeriesError, "120 times occur more"),
    "no times": (monthly().reset_index(drop=True), SeriesError, "index of the series is RangeIndex"),
    "no series": ([1.0, 2.0], SeriesError, "a list is no time series"),
    "grid": (xr.DataArray(np.ones((3, 2)), dims=("time", "lat")), SeriesError, "average a grid over"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_series_are_refused_by_name(name: str) -> None:
    series, kind, words = BAD[name]
    if name == "grid":
        series = series.assign_coords(time=np.arange(3).astype("datetime64[Y]").astype("datetime64[ns]"))
    with pytest.raises(kind, match=words):
        fit_trend(series)


def test_24_months_are_two_years() -> None:
    fit = fit_trend(monthly(24))
    assert growth(fit)["year"].values.tolist() == [2010, 2011]
    assert (growth(fit)["flag"] == 1).all()


def test_mixed_units_and_unknown_variables_are_refused() -> None:
    table = estimate()
    table["xco2_uncertainty"].attrs["units"] = "1"
    with pytest.raises(UnitsError, match="xco2 is in 'ppm' and xco2_uncertainty in '1'"):
        fit_trend(table)
    both = estimate().assign(xch4=estimate()["xco2"] * 4.5)
    with pytest.raises(SeriesError, match="there are several series: xco2, xch4"):
        fit_trend(both)
    with pytest.raises(SeriesError, match="there is no series 'xn2o'"):
        fit_trend(both, variable="xn2o")
    assert fit_trend(both, variable="xch4").attrs["variable"] == "xch4"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"terms": 0}, "terms=0"),
        ({"short": 700.0}, "0 < short < long"),
        ({"step": 0.0}, "step above 0"),
    ],
)
def test_bad_options_are_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(SeriesError, match=words):
        fit_trend(monthly(), **options)
    with pytest.raises(SeriesError, match="'slope' is unknown"):
        growth(fit_trend(monthly()), method="slope")


def test_soundings_of_several_places_or_heights_are_no_station() -> None:
    time = np.arange("2010-01", "2016-01", dtype="datetime64[M]").astype("datetime64[ns]")
    size = time.size
    table = xr.Dataset(
        {
            "xco2": ("sounding", np.arange(size, dtype=float), {"units": "ppm"}),
            "time": ("sounding", time),
            "latitude": ("sounding", np.linspace(30, 33, size)),
            "longitude": ("sounding", np.full(size, 117.0)),
        }
    )
    with pytest.raises(SeriesError, match=r"lie up to 1\d\d km from their mean place"):
        fit_trend(table)
    table["latitude"] = ("sounding", np.full(size, 30.0))
    table["sampling_height"] = ("sounding", np.where(np.arange(size) % 2, 22.0, 100.0))
    with pytest.raises(SeriesError, match=r"several heights \(22, 100 m\)"):
        fit_trend(table)
    # pairs of flasks: one value a moment, and counted
    pair = xr.concat([table.drop_vars("sampling_height")] * 2, "sounding")
    fit = fit_trend(pair)
    assert (fit.sizes["time"], fit.attrs["averaged_same_time"]) == (size, size)


def test_growth_at_mauna_loa_is_that_of_noaa(data_root: Path) -> None:
    path = data_root / "geo" / "timeseries" / "co2_mm_mlo_noaa.csv"
    fit = fit_trend(yaotan.open_soundings(path).load(), variable="co2_mole_fraction")
    rms = {}
    for method in ("endpoint", "filter"):
        rates = growth(fit, method=method)
        years = rates["year"].values
        assert years.tolist() == list(range(1959, 2023))
        # months to October 2023 were at hand, the published values of 2022 rest on all of them
        gap = rates["growth"].values - np.array([PUBLISHED[year] for year in years])
        rms[method] = float(np.sqrt((gap**2).mean()))
    assert rms["endpoint"] <= 0.10
    assert rms["endpoint"] == pytest.approx(0.036, abs=0.005)
    assert rms["filter"] == pytest.approx(0.185, abs=0.01)
    cycle = seasonal_cycle(fit).sel(year=slice(2000, 2020))
    # the mean cycle at Mauna Loa has its maximum in May and its minimum about the end of September
    assert 121 <= float(cycle["maximum_day"].median()) <= 145
    assert 255 <= float(cycle["minimum_day"].median()) <= 280
    assert 6.0 < float(cycle["amplitude"].mean()) < 7.5


def test_endpoint_growth_needs_months_on_both_sides_of_the_turn() -> None:
    series = monthly()
    lost = (series.index >= "2013-11") & (series.index <= "2013-12")
    one = series.index == "2016-02"
    rates = growth(fit_trend(series.where(~(lost | one))), method="endpoint")
    flag = rates["flag"].to_series()
    assert flag.to_dict() == {
        2010: 3,
        2011: 0,
        2012: 0,
        2013: 3,
        2014: 3,
        2015: 2,
        2016: 2,
        2017: 0,
        2018: 0,
        2019: 3,
    }
    assert np.isnan(rates["growth"].sel(year=2013))


def test_filter_growth_near_a_long_gap_is_flagged() -> None:
    series = monthly()
    rates = growth(fit_trend(series.where((series.index < "2014-02") | (series.index > "2014-09"))))
    assert rates["flag"].to_series().to_dict() == {
        2010: 1, 2011: 0, 2012: 0, 2013: 2, 2014: 2, 2015: 2, 2016: 0, 2017: 0, 2018: 0, 2019: 1,
    }  # fmt: skip


def test_the_bootstrap_is_seeded_and_near_the_model() -> None:
    fit = fit_trend(monthly())
    first, again, other = (
        growth(fit, uncertainty="bootstrap", seed=s)["growth_uncertainty"] for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    ratio = first / growth(fit)["growth_uncertainty"]
    assert 0.5 < float(ratio.sel(year=2014)) < 1.2
    drawn = seasonal_cycle(fit, uncertainty="bootstrap", seed=1)
    assert 0.5 < float(drawn["amplitude_uncertainty"].sel(year=2014) / 0.35) < 1.5


def test_season_of_each_year() -> None:
    year = 2010 + (np.arange(120) + 0.5) / 12
    clean = pd.Series(390 + 2 * year + (3 + 0.1 * (year - 2010)) * np.cos(2 * np.pi * (year - 0.3)), MONTHS)
    cycle = seasonal_cycle(fit_trend(clean))
    inner = cycle.sel(year=slice(2012, 2017))
    np.testing.assert_allclose(inner["amplitude"], 2 * (3.05 + 0.1 * (inner["year"] - 2010)), atol=0.1)
    np.testing.assert_allclose(inner["maximum_day"], 0.3 * 365, atol=1.5)
    np.testing.assert_allclose(inner["minimum_day"], 0.8 * 365, atol=1.5)
    np.testing.assert_allclose(inner["phase_day"], 0.3 * 365, atol=1.0)
    assert cycle["flag"].values.tolist() == [1, *[0] * 8, 1]


def test_planted_truths_lie_within_the_stated_uncertainty() -> None:
    """40 series; `make truth` takes 2,000.

    Some 300 values of growth and amplitude each, of which neighbouring years share the level between them: as
    120 independent ones. 3 sqrt(0.68 0.32 / 120) = 0.13, 3 sqrt(0.95 0.05 / 120) = 0.06.
    """
    rates, sizes = [], []
    for seed in range(500, 540):
        planted = plant(seed)
        fit = fit_trend(planted.series)
        table = growth(fit)
        good = table.isel(year=np.flatnonzero(table["flag"].values == 0))
        error = good["growth"].values - planted.growth(good["year"].values)
        rates += list(error / good["growth_uncertainty"].values)
        cycle = seasonal_cycle(fit)
        for number in cycle["year"].values[cycle["flag"].values == 0]:
            one = cycle.sel(year=number)
            sizes.append(
                float((one["amplitude"] - planted.seasonal(int(number))[0]) / one["amplitude_uncertainty"])
            )
    for z in (rates, sizes):
        within, within_95, _ = scores(np.array(z))
        assert abs(within - 0.68) < 0.13
        assert abs(within_95 - 0.95) < 0.06
