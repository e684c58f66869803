"""Pairs and what they say: by hand, planted, calibrated, refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import yaotan
from test_kernel import soundings as profiles
from yaotan.column.kernel.harmonise import smooth_profile
from yaotan.column.kernel.profile import Profile
from yaotan.column.validation.collocation import collocate
from yaotan.column.validation.score import score_station
from yaotan.column.validation.validation import score_table, validate
from yaotan.errors import SchemaError, TooFewSoundingsError, UnitsError, YaotanError

START = np.datetime64("2020-01-01T03:00", "ns")
MINUTE = np.timedelta64(60, "s")


def table(
    minutes: object,
    value: object,
    lat: object = 36.0,
    lon: object = 140.0,
    platform: str = "OCO-2",
    **more: object,
) -> xr.Dataset:
    minutes, value, lat, lon = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(a, float)) for a in (minutes, value, lat, lon))
    )
    made = {"latitude": lat, "longitude": lon, "xco2": value, **more}
    data = xr.Dataset({k: ("sounding", np.broadcast_to(np.asarray(v), lat.shape)) for k, v in made.items()})
    data["time"] = ("sounding", START + (minutes * 60e9).astype("timedelta64[ns]"))
    data["xco2"].attrs["units"] = "ppm"
    return data.assign_attrs(platform=platform, product=platform)


def station(
    minutes: object, value: object, lat: float = 36.0, lon: float = 140.0, **more: object
) -> xr.Dataset:
    return table(minutes, value, lat, lon, "TCCON ground station", **more)


def lost(pairs: xr.Dataset) -> dict[str, int]:
    return json.loads(pairs.attrs["lost"])["soundings"]


def test_an_overpass_is_one_pair_however_many_soundings_it_has() -> None:
    day = 1440.0
    minutes = np.concatenate([np.linspace(0, 1, 1000), [day], [2 * day]])
    value = np.concatenate([np.full(1000, 415.0), [410.0], [411.0]])
    pairs = collocate(table(minutes, value), station([0, day, 2 * day], [410.0, 410.0, 410.0]), kernel="none")
    assert pairs.value.values.tolist() == [415.0, 410.0, 411.0]
    assert pairs.value_count.values.tolist() == [1000, 1, 1]
    assert float(validate(pairs).bias[0]) == pytest.approx(2.0)  # 5, 0 and 1, not 4.99


def test_everything_without_a_partner_is_counted() -> None:
    satellite = table(
        [0, 0, 0, 0, 0, 600, 1440],
        [411, 412, np.nan, 412, 412, 412, 412],
        [36.0, 36.5, 36.0, 60.0, 36.0, 36.0, 36.0],
        quality=np.array([0, 0, 0, 0, 1, 0, 0], np.uint8),
    )
    ground = station(
        [-10, 50, 61, 1500, 1430],
        [410.0, 410.2, 500.0, 413.0, np.nan],
        quality=np.array([0, 0, 0, 0, 0], np.uint8),
    )
    pairs = collocate(satellite, ground, kernel="none", minimum_spectra=2)
    assert pairs.sizes["pair"] == 1
    assert float(pairs.value[0]) == 411.5
    assert float(pairs.reference[0]) == pytest.approx(410.1)
    assert pairs.reference_count.values.tolist() == [2]
    assert lost(pairs) == {"bad_quality": 1, "no_station_data": 2, "no_value": 1, "not_near": 1}
    whole = json.loads(pairs.attrs["lost"])
    assert whole["overpasses"] == {"no_station_data": 2}
    assert whole["stations"] == {"36.00N 140.00E": {"given": 4, "no_value": 1}}
    used = int(pairs.value_count.sum()) + sum(lost(pairs).values())
    assert used == satellite.sizes["sounding"]


def test_box_radius_and_dateline() -> None:
    lon = np.array([179.0, -179.5, -175.5, -172.0])
    satellite = table(0, 410.0, 10.0, lon)
    ground = station(0, 410.0, 10.0, 179.9)
    box = collocate(satellite, ground, kernel="none")
    assert box.value_count.values.tolist() == [3]
    assert abs(float(box.longitude[0]) - (179.0 + 180.5 + 184.5) / 3 + 360.0) < 1e-9
    near = collocate(satellite, ground, kernel="none", method="radius", radius=100e3)
    assert near.value_count.values.tolist() == [2]
    assert float(near.distance[0]) == pytest.approx((0.9 + 0.6) / 2 * 109.5e3, rel=0.01)
    wide = collocate(satellite, ground, kernel="none", box=(1.0, 10.0))
    assert wide.value_count.values.tolist() == [4]


def test_altitude() -> None:
    satellite = table(0, [410.0, 420.0], surface_altitude=[100.0, 900.0])
    ground = station(0, 410.0, surface_altitude=[150.0])
    pairs = collocate(satellite, ground, kernel="none", altitude=250.0)
    assert pairs.value.values.tolist() == [410.0]
    assert lost(pairs) == {"altitude_differs": 1}
    with pytest.raises(SchemaError, match="surface_altitude is missing"):
        collocate(satellite.drop_vars("surface_altitude"), ground, kernel="none", altitude=250.0)


def test_temperature_pairs_days_of_equal_warmth() -> None:
    day = 1440.0
    satellite = table(
        [-4 * day, -3 * day, 2 * day, 6 * day],
        [400.0, 410.0, 412.0, 500.0],
        40.0,
        160.0,
        t700=[260.0, 271.0, 273.5, 272.0],
    )
    ground = station([0, 60], [411.0, 413.0], t700=[272.0, 272.0])
    pairs = collocate(satellite, ground, kernel="none", method="temperature", temperature="t700")
    assert pairs.value.values.tolist() == [411.0]
    assert pairs.reference.values.tolist() == [412.0]
    assert lost(pairs) == {"no_station_data": 1, "temperature_differs": 1}
    with pytest.raises(YaotanError, match="name of a temperature"):
        collocate(satellite, ground, kernel="none", method="temperature")
    with pytest.raises(SchemaError, match="'t700'"):
        collocate(
            satellite, ground.drop_vars("t700"), kernel="none", method="temperature", temperature="t700"
        )


def test_errors_of_an_overpass_are_correlated() -> None:
    satellite = table([0, 1], [410.0, 412.0], xco2_uncertainty=[1.0, 1.0])
    ground = station([0, 1, 2, 3], [410.0] * 4, xco2_uncertainty=[0.8] * 4)
    pairs = collocate(satellite, ground, kernel="none")
    assert float(pairs.value_uncertainty[0]) == pytest.approx(np.sqrt(0.5 * 0.5 + 0.5 * 1.0))
    assert float(pairs.reference_uncertainty[0]) == pytest.approx(0.4)
    assert float(pairs.value_spread[0]) == pytest.approx(np.sqrt(2.0))


def test_lazy_blocks_give_the_same_pairs() -> None:
    rng = np.random.default_rng(0)
    n = 4000
    satellite = table(
        rng.uniform(0, 1440 * 30, n), rng.normal(410, 1, n), rng.uniform(30, 42, n), rng.uniform(130, 150, n)
    )
    grounds = {
        "A": station(np.arange(0, 1440 * 30, 20), 410.0),
        "B": station(np.arange(0, 1440 * 30, 20), 411.0, 33.0, 131.0),
    }
    whole = collocate(satellite, grounds, kernel="none")
    lazy = collocate(satellite.chunk({"sounding": 700}), grounds, kernel="none")
    xr.testing.assert_identical(whole, lazy)
    shuffled = collocate(satellite.isel(sounding=rng.permutation(n)), grounds, kernel="none")
    np.testing.assert_allclose(shuffled.value, whole.value, rtol=1e-12)
    assert set(whole.station.values) == {"A", "B"}


def ground_with_profiles(n: int = 4) -> xr.Dataset:
    ground = profiles("level", n=n, size=12, seed=5)
    ground = ground.assign(latitude=("sounding", np.full(n, 30.2)), longitude=("sounding", np.full(n, 110.2)))
    return ground.assign_attrs(platform="ground station", product="ground")


def test_what_the_kernel_explains_is_taken_away() -> None:
    """A satellite that sees the scaled profile of the station exactly has no bias, however poor its prior."""
    satellite, ground = profiles("level", n=5, size=8, seed=2), ground_with_profiles(1)
    scaled = float(ground.xco2[0]) / float(
        (ground.pressure_weight * ground.co2_prior_profile).sum("level")[0]
    )
    truth = Profile(
        ground.co2_prior_profile.values[0] * scaled, ground.pressure_level.values[0], "level", "ppm"
    )
    satellite["xco2"] = smooth_profile(truth, satellite).xco2
    smooth = collocate(satellite, ground, kernel="smooth")
    assert abs(float(smooth.difference[0])) < 1e-9
    plain = collocate(satellite, ground, kernel="none")
    assert abs(float(plain.difference[0])) > 0.1
    assert smooth.attrs["kernel"] == "smooth"


def test_a_satellite_that_sees_nothing_becomes_the_prior_of_the_station() -> None:
    satellite, ground = profiles("level", n=5, size=8, seed=2), ground_with_profiles(1)
    satellite["xco2_averaging_kernel"] = xr.zeros_like(satellite.xco2_averaging_kernel)
    satellite["xco2"] = (
        (satellite.pressure_weight * satellite.co2_prior_profile).sum("level").assign_attrs(units="ppm")
    )
    pairs = collocate(satellite, ground)
    own = yaotan.harmonise_prior(satellite, ground.isel(sounding=[0]))
    assert float(pairs.value[0]) == pytest.approx(float(own.xco2_prior.mean()), rel=1e-12)


def test_kernels_that_fail_are_counted() -> None:
    satellite, ground = profiles("level", n=5, size=8, seed=2), ground_with_profiles()
    kernel = satellite.xco2_averaging_kernel.values.copy()
    kernel[1] = np.nan
    satellite["xco2_averaging_kernel"] = (("sounding", "level"), kernel, {"units": "1"})
    pairs = collocate(satellite, ground)
    assert pairs.value_count.values.tolist() == [4]
    assert lost(pairs) == {"kernel_missing_value": 1}


def test_mixed_vertical_kinds_are_refused() -> None:
    with pytest.raises(SchemaError, match="the soundings are on layers"):
        collocate(profiles("layer", n=5), ground_with_profiles())
    assert collocate(profiles("layer", n=5), ground_with_profiles(), convert=True).sizes["pair"] == 1


def test_a_station_without_prior_needs_a_word() -> None:
    with pytest.raises(SchemaError, match=r'(?s)co2_prior_profile is missing.*kernel="none"'):
        collocate(profiles("level"), station(0, 410.0, 30.0, 110.0))
    with pytest.raises(SchemaError, match="xco2_averaging_kernel"):
        collocate(table(0, 410.0, 30.2, 110.2), ground_with_profiles())


def test_mixed_units_are_refused() -> None:
    ground = station(0, 410.0)
    ground.xco2.attrs["units"] = "ppb"
    with pytest.raises(UnitsError, match="'ppb'"):
        collocate(table(0, 410.0), ground, kernel="none")


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "circle"},
        {"kernel": "some"},
        {"hours": 0.0},
        {"radius": -1.0},
        {"overpass_correlation": 2.0},
        {"box": (0.0, 1.0)},
        {"altitude": -5.0},
    ],
)
def test_impossible_options(wrong: dict[str, object]) -> None:
    with pytest.raises(YaotanError):
        collocate(table(0, 410.0), station(0, 410.0), **{"kernel": "none", **wrong})  # type: ignore[arg-type]


def test_no_pair_says_why() -> None:
    with pytest.raises(TooFewSoundingsError, match="'no_station_data': 1"):
        collocate(table(0, 410.0), station(500, 410.0), kernel="none")


def test_another_satellite() -> None:
    rng = np.random.default_rng(3)
    one = table(
        rng.uniform(0, 2, 50), 411.0, rng.uniform(35, 37, 50), rng.uniform(139, 141, 50), platform="GOSAT"
    )
    two = table(rng.uniform(0, 30, 300), 410.0, rng.uniform(34, 38, 300), rng.uniform(138, 142, 300))
    pairs = collocate(one, two, kernel="none", method="radius", radius=80e3)
    np.testing.assert_allclose(pairs.difference, 1.0)
    assert set(pairs.station.values) == {"35N 135E", "35N 145E"}
    assert int(pairs.value_count.sum()) + sum(lost(pairs).values()) == 50
    assert float(pairs.distance.max()) <= 80e3
    late = two.assign(time=two.time + np.timedelta64(3, "h"))
    with pytest.raises(TooFewSoundingsError, match="'no_partner': 50"):
        collocate(one, late, kernel="none")
    first, second = profiles("level", n=4, seed=1), profiles("level", n=4, size=9, seed=7)
    common = collocate(first, second.assign_attrs(platform="other"))
    assert np.isfinite(common.difference).all()
    with pytest.raises(SchemaError, match="another satellite has columns"):
        collocate(first, second.assign_attrs(platform="other"), kernel="smooth")


def test_a_model_is_sampled_with_the_kernel() -> None:
    satellite = profiles("layer", n=5, seed=4)
    edge = np.linspace(1013.0, 0.0, 21)
    profile = np.linspace(420.0, 390.0, 20)
    shape = (20, 3, 3)
    grid = xr.Dataset(
        {
            "co2": (
                ("layer", "lat", "lon"),
                np.broadcast_to(profile[:, None, None], shape).copy(),
                {"units": "ppm"},
            ),
            "pressure_edge": (
                ("edge", "lat", "lon"),
                np.broadcast_to(edge[:, None, None], (21, 3, 3)).copy(),
                {"units": "hPa"},
            ),
            "xco2": (("lat", "lon"), np.full((3, 3), 405.0), {"units": "ppm"}),
        },
        coords={"lat": [28.0, 30.0, 32.0], "lon": [108.0, 110.0, 112.0]},
    )
    satellite["xco2"] = smooth_profile(Profile(profile, edge, "layer", "ppm"), satellite).xco2 + 0.7
    satellite.xco2.attrs["units"] = "ppm"
    pairs = collocate(satellite, grid, kernel="smooth")
    np.testing.assert_allclose(pairs.difference, 0.7, rtol=1e-9)
    flat = collocate(satellite, grid, kernel="none")
    np.testing.assert_allclose(flat.reference, 405.0)
    with pytest.raises(SchemaError, match="with a model"):
        collocate(satellite, grid)


def simulate(
    seed: int,
    n: int = 40,
    years: float = 3.0,
    sites: int = 1,
    drift: float = 0.0,
    tau: float = 15.0,
    share: float = 0.5,
) -> xr.Dataset:
    """Pairs with known bias 0.4, scatter 1, drift; errors fade over tau days; site biases of s.d. 0.3."""
    rng = np.random.default_rng(seed)
    parts = []
    for site in range(sites):
        days = np.sort(rng.choice(int(years * 365.25), n, replace=False)) + 0.2
        r = share * np.exp(-np.abs(days[:, None] - days) / tau) + (1 - share) * np.eye(n)
        error = np.linalg.cholesky(r) @ rng.standard_normal(n)
        gap = 0.4 + (0.3 * rng.standard_normal() if sites > 1 else 0.0) + drift * days / 365.25 + error
        reference = 400.0 + 5.0 * rng.standard_normal(n)
        made = {
            "time": START + (days * 8.64e13).astype("timedelta64[ns]"),
            "value": reference + gap, "reference": reference, "difference": gap,
            "value_uncertainty": np.full(n, 0.8), "reference_uncertainty": np.full(n, 0.6),
        }  # fmt: skip
        parts.append(
            xr.Dataset(
                {k: ("pair", v) for k, v in made.items()}, coords={"station": ("pair", [f"S{site}"] * n)}
            )
        )
    return xr.concat(parts, "pair").assign_attrs(variable="xco2", units="ppm", kernel="none")


def coverage(seeds: range) -> dict[str, float]:
    hit = dict.fromkeys(("bias", "scatter", "drift", "slope", "chi_square"), 0)
    for seed in seeds:
        pairs = simulate(seed, drift=0.2)
        columns = {k: v.values for k, v in pairs.data_vars.items()}
        s = score_station({**columns, "difference": columns["difference"]}, 0.95)
        flat = score_station({k: v.values for k, v in simulate(seed).data_vars.items()}, 0.95)
        hit["drift"] += s["drift_lower"] <= 0.2 <= s["drift_upper"]
        hit["bias"] += flat["bias_lower"] <= 0.4 <= flat["bias_upper"]
        hit["scatter"] += flat["scatter_lower"] <= 1.0 <= flat["scatter_upper"]
        hit["slope"] += flat["slope_lower"] <= 1.0 <= flat["slope_upper"]
        hit["chi_square"] += flat["chi_square_lower"] <= flat["chi_square"] <= flat["chi_square_upper"]
    return {name: count / len(seeds) for name, count in hit.items()}


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """60 simulations: 0.95 within three standard errors of a share (0.84)."""
    for name, share in coverage(range(60)).items():
        assert share >= 0.86, (name, share)
    # and are not so wide that they say nothing: independent errors would give +-0.32
    scores = validate(simulate(0))
    assert float((scores.bias_upper - scores.bias_lower)[0]) / 2 < 0.8


@pytest.mark.truth
def test_calibration_of_every_interval() -> None:
    for name, share in coverage(range(1000, 2000)).items():
        assert 0.925 <= share <= 0.98, (name, share)
    hit = dict.fromkeys(("mean_bias", "station_spread", "mean_drift", "mean_chi_square"), 0)
    seeds = range(300)
    for seed in seeds:
        s = validate(simulate(seed, sites=6, drift=0.1))
        flat = validate(simulate(seed, sites=6))
        hit["mean_bias"] += float(flat.mean_bias_lower) <= 0.4 <= float(flat.mean_bias_upper)
        # the spread of biases as measured: true biases and the error of each
        spread = float(np.sqrt(0.3**2 + (flat.bias_uncertainty**2).mean()))
        hit["station_spread"] += (
            float(flat.station_spread_lower) <= spread <= float(flat.station_spread_upper)
        )
        hit["mean_drift"] += float(s.mean_drift_lower) <= 0.1 <= float(s.mean_drift_upper)
        hit["mean_chi_square"] += (
            float(flat.mean_chi_square_lower)
            <= float(flat.mean_chi_square)
            <= float(flat.mean_chi_square_upper)
        )
    for name, count in hit.items():
        assert 0.90 <= count / len(seeds) <= 0.99, (name, count)


def test_figures_over_all_stations() -> None:
    scores = validate(simulate(1, sites=5, n=30))
    np.testing.assert_allclose(float(scores.mean_bias), scores.bias.mean())
    np.testing.assert_allclose(float(scores.station_spread), scores.bias.std(ddof=1))
    np.testing.assert_allclose(float(scores.mean_scatter), scores.scatter.mean())
    assert float(scores.station_spread_corrected) <= float(scores.station_spread)
    assert scores.bias.attrs["units"] == "ppm"
    assert scores.drift.attrs["units"] == "ppm year-1"
    assert scores.chi_square.attrs["units"] == "1"
    frame = score_table(scores)
    assert frame.station.tolist() == ["S0", "S1", "S2", "S3", "S4", "*"]
    assert frame.bias.iloc[-1] == pytest.approx(float(scores.mean_bias))


def test_wrong_errors_are_told() -> None:
    pairs = simulate(2, n=200, sites=2)
    small = pairs.assign(
        value_uncertainty=pairs.value_uncertainty * 0.4,
        reference_uncertainty=pairs.reference_uncertainty * 0.4,
    )
    right, wrong = validate(pairs), validate(small)
    assert (
        float(right.mean_chi_square_lower) < float(right.mean_chi_square) < float(right.mean_chi_square_upper)
    )
    assert float(wrong.mean_chi_square) > 2 * float(wrong.mean_chi_square_upper)
    assert float(wrong.mean_chi_square) == pytest.approx(float(right.mean_chi_square) / 0.16)


def test_seasons() -> None:
    month = np.array([0, 0, 3, 3, 6, 6, 9, 9])
    time = (np.datetime64("2019-01", "M") + month).astype("datetime64[ns]") + np.arange(8) * np.timedelta64(
        1, "D"
    )
    gap = np.array([1.0, 1, 2, 2, 3, 3, 4, 4])
    zero = np.zeros(8)
    made = {
        "time": time,
        "value": 400 + gap,
        "reference": 400 + zero,
        "difference": gap,
        "value_uncertainty": zero + 1,
        "reference_uncertainty": zero,
    }
    pairs = xr.Dataset({k: ("pair", v) for k, v in made.items()}, coords={"station": ("pair", ["A"] * 8)})
    scores = validate(pairs.assign_attrs(variable="xco2", units="ppm"))
    assert float(scores.seasonal_spread[0]) == pytest.approx(np.std([1, 2, 3, 4], ddof=1))
    assert np.isnan(scores.drift[0])  # nine months
    assert np.isnan(scores.correlation[0])  # the reference never changes


def test_too_few_pairs_are_named() -> None:
    pairs = simulate(0, n=10, sites=2)
    with pytest.raises(TooFewSoundingsError, match=r"needs 3 pairs of a station, given are \{'S0': 2\}"):
        validate(pairs.isel(pair=[0, 1]))
    scores = validate(pairs.isel(pair=slice(0, 12)))
    assert json.loads(scores.attrs["left_out"]) == {"S1": 2}
    assert scores.station.values.tolist() == ["S0"]
    with pytest.raises(TooFewSoundingsError, match="minimum_pairs"):
        validate(pairs, minimum_pairs=1)
    with pytest.raises(TooFewSoundingsError, match="no pairs"):
        validate([])


@pytest.mark.parametrize("key", ["variable", "units", "kernel", "prior", "product"])
def test_mixed_pairs_are_refused(key: str) -> None:
    one, two = simulate(0), simulate(1)
    with pytest.raises(SchemaError, match=f"pairs of different {key} are mixed"):
        validate([one, two.assign_attrs({key: "other"})])
    assert int(validate([one, two]).pairs[0]) == 80


def test_what_is_no_pairs() -> None:
    with pytest.raises(SchemaError, match="no pairs"):
        validate(table(0, 410.0))


def test_real_stations(satellite: Path) -> None:
    """NIES GOSAT days against monthly means of Hefei; Harwell seen by its own kernel."""
    nies = yaotan.open_soundings(satellite / "nies_gosat_swir_l2")
    hefei = yaotan.open_soundings(satellite / "tccon/TCCON_Hefei_12-14h_monthly.csv")
    pairs = collocate(nies, hefei, kernel="none", hours=24 * 16)
    assert set(pairs.station.values) == {"Hefei"}
    assert abs(float(pairs.difference.mean())) < 5.0
    harwell = yaotan.open_soundings(satellite / "tccon/hw20230402_20230402.public.qc.nc")
    seen = harwell.assign_attrs(platform="a satellite")
    for kernel in ("common_prior", "smooth"):
        same = collocate(seen, harwell, column="xco2", kernel=kernel, hours=2.0)
        assert int(same.value_count[0]) == 64
        assert abs(float(same.difference[0])) < 0.05
