"""From overpasses to a year: profiles, robust level, reasons, and a year of estimates with truth."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr
from scipy.stats import chi2

from plume_annual_truth import (
    MT,
    country_profiles,
    filtered_mean,
    load_profiles,
    make_overpasses,
    one_dataset,
    read_overpasses,
    true_means,
)
from plume_year import YearSetting, simulate_plant
from yaotan.catalog.temporal import LoadProfile, TemporalProfile, profile_from_tables
from yaotan.errors import CatalogError, SchemaError, YaotanError
from yaotan.io.load import open_load_profile, open_temporal_profile
from yaotan.plume.annual import annual_emission
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.estimate import PlumeResult, meanings
from yaotan.plume.overpass import collect_overpasses, split_errors
from yaotan.plume.robust import fit_level, weighted_median


def passes(
    emissions: list[float],
    *,
    winds: list[float] | None = None,
    hour: int = 11,
    year: int = 2015,
    noise: float = 20.0,
) -> list[xr.Dataset]:
    results = []
    for k, value in enumerate(emissions):
        when = np.datetime64(f"{year}-01-05T{hour:02d}:00", "ns") + np.timedelta64(12 * k * 24, "h")
        wind = EffectiveWind(5.0 if winds is None else winds[k], 0.0)
        if math.isfinite(value):
            terms = {"noise": noise, "wind_speed": 0.1 * value}
            results.append(PlumeResult(value, terms, wind=wind, time=when))
        else:
            results.append(PlumeResult(status="cloudy", reason="cloud", wind=wind, time=when))
    return [one_dataset(results, ["P"] * len(results))]


def test_a_profile_of_tables_is_of_local_time() -> None:
    hours = {f"H{h}": 2.0 if h == 12 else 1.0 for h in range(24)}
    profile = profile_from_tables("noon", "made up", hour=hours, utc_offset=8.0)
    factor = profile.factor(["2015-07-01T04:59", "2015-07-01T05:00", "NaT"])
    assert factor[:2] == pytest.approx([48 / 25, 24 / 25])
    assert np.isnan(factor[2])
    # 2015-07-04 was a Saturday, 16 h UTC of it a Sunday in China
    week = TemporalProfile("w", "s", weekdays=(1, 1, 1, 1, 1, 2, 0), utc_offset=8.0)
    assert week.factor(["2015-07-04T10:00", "2015-07-04T16:30"]).tolist() == [2.0, 0.0]


def test_wrong_profiles_are_refused() -> None:
    with pytest.raises(CatalogError, match="hours are 24 values of mean 2"):
        TemporalProfile("x", "y", hours=(2.0,) * 24)
    with pytest.raises(CatalogError, match="H3 is missing"):
        profile_from_tables("x", "y", hour={f"H{h}": 1.0 for h in range(24) if h != 3})
    hours = np.array(["2015-01-01T00", "2015-01-01T02", "2015-01-01T01"], "datetime64[h]")
    with pytest.raises(CatalogError, match="do not rise"):
        LoadProfile("x", "y", hours, np.ones(3))
    gap = LoadProfile("x", "y", hours[[0, 2, 1]], np.array([1.0, np.nan, 3.0]))
    assert gap.factor(["2015-01-01T02:30", "2015-01-01T01:30", "2015-01-01T04:00"])[0] == 1.5
    assert np.isnan(gap.factor(["2015-01-01T01:30", "2015-01-01T04:00"])).all()


def test_the_load_of_a_year_sampled_at_overpasses_gives_its_mean(data_root: Path) -> None:
    load = load_profiles(data_root / "plume", ["Janschwalde"])["Janschwalde"]
    truth = 33.33 * MT
    times = np.datetime64("2015-01-04T11:00") + np.arange(30) * np.timedelta64(12 * 24 + 1, "h")
    results = [
        PlumeResult(truth * f, {"noise": 10.0}, time=np.datetime64(t, "ns"))
        for t, f in zip(times, load.factor(times), strict=True)
    ]
    rows = one_dataset(results, ["P"] * len(results))
    assert float(annual_emission(rows, load).emission[0]) == pytest.approx(truth, rel=0.01)


def test_each_reason_is_counted_and_the_profile_is_named() -> None:
    nan = math.nan
    made = annual_emission(
        [*passes([500, 480, 520, 510, 505, nan, nan]), *passes([900.0], year=2016)],
        TemporalProfile("flat", "made up"),
        year=2015,
    )
    assert json.loads(made.attrs["failed"]) == {"P": {"other_year": 1, "cloudy": 2}}
    assert json.loads(made.attrs["profile"]) == {"P": "flat (made up)"}
    assert (int(made.overpass_count[0]), int(made.used_count[0])) == (7, 5)
    assert float(made.emission[0]) == pytest.approx(503.0, rel=0.02)
    few = annual_emission(passes([500, 480, nan]))
    assert meanings(few)[0] == ["too_few"]
    assert np.isnan(few.emission.values).all()


def test_bad_input_is_refused() -> None:
    with pytest.raises(YaotanError, match="2015 to 2016"):
        annual_emission([*passes([500.0]), *passes([500.0], year=2016)])
    with pytest.raises(YaotanError, match="no profile of 'P'"):
        annual_emission(passes([500.0] * 5), {"Q": TemporalProfile("x", "y")})
    with pytest.raises(YaotanError, match="level"):
        annual_emission(passes([500.0] * 5), level=95.0)
    with pytest.raises(SchemaError, match="no estimate"):
        collect_overpasses([])
    with pytest.raises(SchemaError, match="no time"):
        annual_emission([passes([500.0])[0].assign_coords(time=("source", [np.datetime64("NaT", "ns")]))])
    other = passes([500.0])[0].assign_attrs(substance="nox")
    with pytest.raises(SchemaError, match="co2 and nox"):
        collect_overpasses([*passes([500.0]), other])


def test_calm_hours_are_counted_and_strata_mended() -> None:
    # weak winds go with high load, and are seen less often than they blow
    winds = [1.5, 5.0, 5.0, 5.0, 5.0] * 6
    emissions = [800.0, 500.0, 500.0, 500.0, 500.0] * 6
    made = annual_emission(
        passes(emissions, winds=winds, noise=120.0), winds={"P": np.repeat([1.5, 5.0], 500)}, stratify=True
    )
    assert float(made.calm_share[0]) == pytest.approx(0.2)
    plain, layered = float(made.emission_unstratified[0]), float(made.emission_wind_stratified[0])
    assert float(made.emission[0]) == layered
    assert plain == pytest.approx(560.0, rel=0.05)
    assert layered == pytest.approx(650.0, rel=0.05)


def test_weak_hours_that_are_seldom_seen_count_more() -> None:
    hours = tuple(24 * np.where(np.arange(24) < 12, 0.5, 1.5) / 24)
    profile = TemporalProfile("day and night", "made up", hours=hours)
    night = passes([240.0, 260.0, 250.0, 251.0], hour=3, noise=5.0)
    day = passes([600.0, 610.0, 590.0, 605.0, 595.0, 600.0, 603.0, 597.0], hour=15, noise=5.0)
    equal = annual_emission([*night, *day], profile)
    seen = annual_emission([*night, *day], profile, detection=lambda q, u: np.where(q < 400.0, 0.2, 1.0))
    # night says 500 a year, day 400: with the weight of what was missed the answer lies nearer to the night
    assert float(seen.emission[0]) > float(equal.emission[0]) + 5.0
    dark = annual_emission([*night, *day], profile, detection=lambda q, u: np.full(q.size, np.nan))
    assert json.loads(dark.attrs["failed"])["P"] == {"no_probability": 12}
    none = annual_emission([*night, *day], profile, detection=lambda q, u: np.zeros(q.size))
    assert json.loads(none.attrs["failed"])["P"]["improbable"] == 12


def test_wild_values_do_not_move_the_level() -> None:
    rng = np.random.default_rng(0)
    good = 100.0 * np.exp(rng.normal(0.0, 0.2, 20))
    basis = np.zeros((24, 1))
    fit = fit_level(np.append(good, [900.0, 4000.0, 2e4, 5e5]), 0.0, 0.2, basis, [0.1])
    assert fit.level == pytest.approx(100.0, abs=3 * fit.level_uncertainty)
    assert (fit.weight[-4:] < 0.01).all()
    assert fit.lower < fit.level - fit.level_uncertainty < fit.level + fit.level_uncertainty < fit.upper
    assert weighted_median([3.0, 1.0, 2.0], [1.0, 1.0, 5.0]) == 2.0


def test_noise_that_is_cut_below_zero_does_not_lift_weak_sources() -> None:
    rng = np.random.default_rng(3)
    error = {True: [], False: []}
    for _ in range(30):
        seen = 100.0 + rng.normal(0.0, 100.0, 60)
        seen = seen[seen > 0.0][:20]
        for known in error:
            fit = fit_level(seen, 100.0, 0.1, np.zeros((20, 1)), [0.1], positive=known)
            error[known].append(fit.level - 100.0)
    # the mean of a normal distribution cut at one standard deviation below its mean is 28.8 too large; the
    # standard error of the mean of 30 is 6
    assert np.mean(error[False]) > 18.0
    assert abs(np.mean(error[True])) < 15.0


def test_the_noise_that_made_a_plume_be_seen_is_taken_off() -> None:
    rng = np.random.default_rng(5)
    finding, other = rng.normal(size=(2, 400))
    seen = 100.0 + 80.0 * (0.75 * finding + math.sqrt(1.0 - 0.75**2) * other)
    found = np.flatnonzero(100.0 / 80.0 + finding > 1.5)
    days = np.datetime64("2015-01-01T11:00", "ns") + rng.integers(0, 365, 400) * np.timedelta64(24, "h")
    wind = EffectiveWind(5.0, 0.0)
    results = [PlumeResult(seen[k], {"noise": 80.0}, wind=wind, time=days[k]) for k in found]
    made = one_dataset(results, ["P"] * len(results))
    plain = annual_emission(made)
    known = annual_emission(made, detection=lambda rate, speed: ndtr(rate / 80.0 - 1.5))
    # 160 plumes of 400 were seen: their noise has the mean 80 x 0.75 x 0.97 = 58
    assert float(plain.emission[0]) > 140.0
    assert float(known.emission[0]) == pytest.approx(100.0, abs=20.0)


def test_a_total_error_is_split_by_the_best_overpasses() -> None:
    results = [
        PlumeResult(value, {"method": math.hypot(0.1 * value, noise)}, time=np.datetime64("2015-03-01", "ns"))
        for value, noise in zip(
            [500.0] * 10, [0.0, 0.0, 10.0, 20.0, 50.0, 50.0, 80.0, 80.0, 90.0, 90.0], strict=True
        )
    ]
    table = split_errors(collect_overpasses(one_dataset(results, ["P"] * 10)), "total")
    assert table["proportional"].to_numpy() == pytest.approx(0.1)
    assert sorted(table["additive"])[-1] == pytest.approx(90.0)
    with pytest.raises(YaotanError, match="errors is 'sum'"):
        annual_emission(passes([500.0] * 5), errors="sum")


@pytest.mark.parametrize("totals", [False, True])
def test_the_stated_error_of_a_year_holds(totals: bool) -> None:
    square = []
    setting = YearSetting(totals=totals, method_shared=0.14 if totals else 0.05)
    for seed in range(24):
        made, profile, truth = simulate_plant(seed, setting)
        year = annual_emission(made, profile, errors="total" if totals else "terms")
        if np.isfinite(year.emission[0]):
            square.append(((float(year.emission[0]) - truth) / float(year.emission_uncertainty[0])) ** 2)
    # chi-square of 24 years: 0.999 of right ones lie within these bounds; a sigma too small by 1.5 gives 2.25
    # on average; `make truth` takes 300
    assert len(square) >= 22
    low, high = chi2.ppf([5e-4, 1 - 5e-4], len(square)) / len(square)
    assert low <= np.mean(square) <= high


def test_a_year_with_truth_is_nearer_than_the_mean_of_filtered_overpasses(data_root: Path) -> None:
    folder = data_root / "plume"
    table = read_overpasses(folder)
    truth, theirs = true_means(folder, table), filtered_mean(table)
    profiles = country_profiles(folder, sorted(truth.index))
    year = annual_emission(make_overpasses(table), profiles, errors="total")
    ours = np.abs(year.emission.to_series() / MT - truth)
    inside = (year.emission_lower.to_series() / MT < truth) & (truth < year.emission_upper.to_series() / MT)
    assert truth["Janschwalde"] == pytest.approx(33.33, abs=0.01)
    assert ours.median() < 0.75 * np.abs(theirs - truth).median()
    # of 12 intervals of 95 per cent 9 or fewer hold the truth with a chance of 2 per cent
    assert inside.sum() >= 10
    assert (ours < np.abs(theirs - truth)).sum() >= 7


def test_profiles_are_read_from_files(data_root: Path, tmp_path: Path) -> None:
    folder = data_root / "plume"
    ids = {"month": "FM_051", "week": "FW_038", "hour": "FH_035"}
    profile = open_temporal_profile(folder, ids, name="coal, DEU", utc_offset=1.0)
    # FH_035, H12 = 0.999: 11 UTC in Germany
    assert profile.hours[12] == pytest.approx(0.999, abs=1e-3)
    assert profile.source == "CoCO2 FM_051, FW_038, FH_035"
    with pytest.raises(CatalogError, match="'FH_999'"):
        open_temporal_profile(folder, {"hour": "FH_999"}, name="x", utc_offset=0.0)
    with pytest.raises(CatalogError, match="'day' is no part"):
        open_temporal_profile(folder, {"day": "FH_035"}, name="x", utc_offset=0.0)
    path = folder / "smartcarb_hourly_emissions_2015.csv.gz"
    load = open_load_profile(path, time="UTC", load="Janschwalde (Mt/yr)")
    assert float(load.factor(["2015-01-01T00:30"])[0]) == pytest.approx(34.099 / 33.3342, rel=1e-4)
    with pytest.raises(CatalogError, match="column 'load' is missing"):
        open_load_profile(path, time="UTC", load="load")
    with pytest.raises(CatalogError, match="cannot be read"):
        open_load_profile(tmp_path / "none.csv", time="UTC", load="load")
    bad = tmp_path / "bad.csv"
    bad.write_text("t,load\nnoon,3\nnight,4\n")
    with pytest.raises(CatalogError, match="time or load"):
        open_load_profile(bad, time="t", load="load")
