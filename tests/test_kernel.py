"""Kernels and priors: identities, conserved partial columns, what is refused, and real products."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import yaotan
from yaotan.column.kernel.harmonise import harmonise_prior, smooth_profile
from yaotan.column.kernel.overlap import rebin
from yaotan.column.kernel.profile import Profile, table_profile
from yaotan.column.kernel.smoothing import exponential_covariance, smoothing_error
from yaotan.errors import SchemaError, UnitsError
from yaotan.schema import check_soundings


def falling(seed: int, count: int, surface: float = 1000.0, top: float = 0.0) -> np.ndarray:
    inner = np.random.default_rng(seed).uniform(top, surface, count - 2)
    return np.concatenate([[surface], np.sort(inner)[::-1], [top]])


def soundings(kind: str = "level", n: int = 3, size: int = 6, seed: int = 0, **changes: object) -> xr.Dataset:
    """A table whose weights are those of the pressures (no water, constant gravity)."""
    rng = np.random.default_rng(seed)
    p = np.stack([falling(seed + i, size + (kind == "layer"), 1000.0 - 20.0 * i) for i in range(n)])
    width = -np.diff(p, axis=1)
    if kind == "layer":
        h = width.copy()
    else:
        h = np.zeros((n, size))
        h[:, :-1] += width / 2
        h[:, 1:] += width / 2
    h /= h.sum(axis=1, keepdims=True)
    prior = rng.uniform(380, 420, (n, size))
    made = xr.Dataset(
        {
            "time": ("sounding", np.datetime64("2020-01-01", "ns") + np.arange(n) * np.timedelta64(60, "s")),
            "latitude": ("sounding", np.linspace(30, 31, n)),
            "longitude": ("sounding", np.linspace(110, 111, n)),
            "quality": ("sounding", np.zeros(n, np.uint8), {"flag_meanings": "good bad"}),
            "xco2": ("sounding", rng.uniform(400, 410, n), {"units": "ppm"}),
            "xco2_prior": ("sounding", (h * prior).sum(axis=1), {"units": "ppm"}),
            "xco2_averaging_kernel": (("sounding", kind), rng.uniform(0.2, 1.3, (n, size)), {"units": "1"}),
            "co2_prior_profile": (("sounding", kind), prior, {"units": "ppm"}),
            "pressure_weight": (("sounding", kind), h, {"units": "1"}),
            "pressure_level" if kind == "level" else "pressure_edge": (
                ("sounding", kind if kind == "level" else "edge"),
                p,
                {"units": "hPa"},
            ),
        },
        attrs={"product": "made"},
    )
    return made.assign(changes) if changes else made


LINE = Profile([410.0, 390.0], [1050.0, 0.0], "level", "ppm", "a line")
KINDS = pytest.mark.parametrize("kind", ["level", "layer"])


@KINDS
def test_kernel_of_one_changes_nothing(kind: str) -> None:
    table = soundings(kind)
    table["xco2_averaging_kernel"] = xr.ones_like(table.xco2_averaging_kernel)
    made = harmonise_prior(table, LINE, convert=True)
    np.testing.assert_allclose(made.xco2, table.xco2, rtol=1e-14)
    assert made.xco2_prior_status.values.tolist() == [0, 0, 0]


@KINDS
def test_equal_prior_changes_nothing(kind: str) -> None:
    table = soundings(kind)
    made = harmonise_prior(table, table)
    np.testing.assert_allclose(made.xco2, table.xco2, rtol=1e-12)
    np.testing.assert_allclose(made.co2_prior_profile, table.co2_prior_profile, rtol=1e-10)


@KINDS
def test_kernel_of_zero_gives_the_new_prior_column(kind: str) -> None:
    table = soundings(kind)
    table["xco2_averaging_kernel"] = xr.zeros_like(table.xco2_averaging_kernel)
    table["xco2"] = table.xco2_prior  # a retrieval that saw nothing
    made = harmonise_prior(table, LINE, convert=True)
    surface = table["pressure_level" if kind == "level" else "pressure_edge"].values[:, 0]
    # the mean over pressure of a straight line is its value in the middle
    np.testing.assert_allclose(made.xco2, 390.0 + 20.0 * surface / 2 / 1050.0, rtol=1e-12)
    np.testing.assert_allclose(made.xco2_prior, made.xco2, rtol=1e-12)


def test_known_numbers() -> None:
    # two layers of equal weight; a = 1 and 0.4; new prior 4 higher in the upper one: 0.5 x 0.6 x 4
    table = soundings("layer", n=1, size=2)
    table["pressure_edge"] = (("sounding", "edge"), [[1000.0, 500.0, 0.0]])
    table["pressure_weight"] = (("sounding", "layer"), [[0.5, 0.5]], {"units": "1"})
    table["xco2_averaging_kernel"] = (("sounding", "layer"), [[1.0, 0.4]])
    table["co2_prior_profile"] = (("sounding", "layer"), [[400.0, 390.0]], {"units": "ppm"})
    new = Profile([4.3e-4, 3.94e-4], [100000.0 / 100, 500.0, 0.0], "layer", "mol mol-1")
    made = harmonise_prior(table, new)
    assert float(made.xco2[0] - table.xco2[0]) == pytest.approx(0.5 * 0.6 * 4.0)
    assert float(made.xco2_prior_adjustment[0]) == pytest.approx(1.2)
    seen = smooth_profile(new, table)
    assert float(seen.xco2[0]) == pytest.approx(0.5 * 430.0 + 0.5 * (390.0 + 0.4 * 4.0))
    assert float(seen.xco2_unsmoothed[0]) == pytest.approx(412.0)
    assert made.attrs["prior"] == "profile"
    assert "prior" not in table.attrs  # the input is left alone


def test_seen_and_exchanged_agree() -> None:
    """A retrieval of a profile x with prior xa, moved to prior xc, is the retrieval of x with prior xc."""
    table = soundings(size=8)
    x = Profile(np.array([430.0, 401.0, 395.0]), np.array([1000.0, 400.0, 0.0]), "level", "ppm")
    table["xco2"] = smooth_profile(x, table).xco2
    moved = harmonise_prior(table, LINE)
    again = smooth_profile(x, moved)
    np.testing.assert_allclose(moved.xco2, again.xco2, rtol=1e-13)


@given(
    st.integers(0, 10_000), st.integers(2, 9), st.integers(2, 9), st.sampled_from(["ll", "lL", "Ll", "LL"])
)
@settings(deadline=None, max_examples=60)
def test_columns_are_conserved_between_any_grids(seed: int, k: int, m: int, kinds: str) -> None:
    source, target = ("level" if c == "l" else "layer" for c in kinds)
    p, q = falling(seed, k + (source == "layer"))[None], falling(seed + 1, m + (target == "layer"))[None]
    values = np.random.default_rng(seed).uniform(300, 500, (1, k))
    made, outside = rebin(values, p, source, q, target)
    assert column(made, q, target) == pytest.approx(column(values, p, source), rel=1e-11)
    assert outside[0] == 0.0
    if source == target:
        np.testing.assert_allclose(rebin(values, p, source, p, source)[0], values, rtol=1e-9)
    line = 300.0 + 0.1 * p if source == "level" else 300.0 + 0.05 * (p[:, :-1] + p[:, 1:])
    straight, _ = rebin(line, p, source, q, target)
    if source == "level":
        wanted = 300.0 + 0.1 * q if target == "level" else 300.0 + 0.05 * (q[:, :-1] + q[:, 1:])
        np.testing.assert_allclose(straight, wanted, rtol=1e-9)


def column(values: np.ndarray, p: np.ndarray, kind: str) -> float:
    width = p[0, :-1] - p[0, 1:]
    mean = values[0] if kind == "layer" else (values[0, 1:] + values[0, :-1]) / 2
    return float((mean * width).sum() / width.sum())


@given(st.integers(0, 10_000), st.integers(1, 5))
@settings(deadline=None, max_examples=30)
def test_every_coarse_layer_keeps_its_partial_column(seed: int, size: int) -> None:
    coarse = falling(seed, size + 1)
    fine = np.unique(np.concatenate([coarse, falling(seed + 1, 7)]))[::-1]
    values = np.random.default_rng(seed).uniform(300, 500, fine.size - 1)
    made, _ = rebin(values[None], fine[None], "layer", coarse[None], "layer")
    for k in range(size):
        inside = (fine[:-1] <= coarse[k]) & (fine[1:] >= coarse[k + 1])
        partial = (values * -np.diff(fine))[inside].sum()
        assert made[0, k] * (coarse[k] - coarse[k + 1]) == pytest.approx(partial, rel=1e-11)


def test_profile_from_the_top_down_is_the_same() -> None:
    table = soundings()
    down = harmonise_prior(table, LINE)
    up = harmonise_prior(table, Profile([390.0, 410.0], [0.0, 1050.0], "level", "ppm"))
    np.testing.assert_array_equal(down.xco2, up.xco2)


def test_lazy_stays_lazy_and_equal() -> None:
    table = soundings(n=7)
    lazy = table.chunk({"sounding": 3})
    made = harmonise_prior(lazy, LINE)
    assert isinstance(made.xco2.data, da.Array)
    assert isinstance(made.xco2_prior_status.data, da.Array)
    np.testing.assert_array_equal(made.xco2, harmonise_prior(table, LINE).xco2)


@KINDS
def test_climatology_is_evaluated_on_the_pressures_of_the_soundings(kind: str) -> None:
    def straight(time: object, latitude: object, longitude: object, pressure: np.ndarray) -> np.ndarray:
        return 390.0 + 20.0 * pressure / 1050.0

    table = soundings(kind)
    wanted = harmonise_prior(table, LINE, convert=True)
    made = harmonise_prior(table, straight)
    np.testing.assert_allclose(made.xco2, wanted.xco2, rtol=1e-12)
    np.testing.assert_allclose(
        harmonise_prior(table.chunk({"sounding": 2}), straight).xco2, made.xco2, rtol=1e-14
    )
    assert made.attrs["prior"] == "straight"


def test_gridded_model_is_sampled_at_the_soundings() -> None:
    table = soundings("layer")
    edge = np.linspace(1013.0, 0.0, 11)
    model = xr.Dataset(
        {
            "co2": (
                ("layer", "lat", "lon"),
                np.broadcast_to(np.linspace(410, 390, 10)[:, None, None], (10, 4, 4)).copy(),
                {"units": "ppm", "vertical_kind": "layer"},
            ),
            "pressure_edge": (
                ("edge", "lat", "lon"),
                np.broadcast_to(edge[:, None, None], (11, 4, 4)).copy(),
            ),
        },
        coords={"lat": [28.0, 30, 32, 34], "lon": [108.0, 110, 112, 114]},
        attrs={"title": "a model"},
    )
    made = harmonise_prior(table, model)
    flat = Profile(np.linspace(410, 390, 10), edge, "layer", "ppm")
    np.testing.assert_allclose(made.xco2, harmonise_prior(table, flat).xco2, rtol=1e-13)
    assert made.attrs["prior"] == "a model"
    lazy = harmonise_prior(table.chunk({"sounding": 2}), model.chunk({"lat": 2}))
    assert isinstance(lazy.xco2.data, da.Array)
    np.testing.assert_array_equal(lazy.xco2, made.xco2)


def test_what_cannot_be_done_is_nan_and_says_why() -> None:
    table = soundings(n=4)
    kernel = table.xco2_averaging_kernel.values.copy()
    kernel[1, 2] = np.nan
    pressure = table.pressure_level.values.copy()
    pressure[2, 1] = pressure[2, 0]
    table = table.assign(
        xco2_averaging_kernel=(("sounding", "level"), kernel, {"units": "1"}),
        pressure_level=(("sounding", "level"), pressure, {"units": "hPa"}),
    )
    made = harmonise_prior(table, LINE)
    words = np.array(made.xco2_prior_status.attrs["flag_meanings"].split())
    assert words[made.xco2_prior_status.values].tolist() == [
        "done",
        "missing_value",
        "pressure_not_falling",
        "done",
    ]
    assert np.isnan(made.xco2.values).tolist() == [False, True, True, False]
    short = harmonise_prior(soundings(), Profile([400.0, 395.0], [700.0, 0.0], "level", "ppm"))
    assert set(short.xco2_prior_status.values.tolist()) == {3}
    enough = harmonise_prior(soundings(), Profile([400.0, 395.0], [950.0, 0.0], "level", "ppm"))
    assert set(enough.xco2_prior_status.values.tolist()) == {0}


def test_level_without_weight_needs_no_kernel() -> None:
    table = soundings("layer")
    kernel, weight = table.xco2_averaging_kernel.values.copy(), table.pressure_weight.values.copy()
    kernel[:, 0], weight[:, 0] = np.nan, 0.0
    table["xco2_averaging_kernel"] = (("sounding", "layer"), kernel, {"units": "1"})
    table["pressure_weight"] = (("sounding", "layer"), weight, {"units": "1"})
    assert np.isfinite(harmonise_prior(table, table).xco2).all()


@pytest.mark.parametrize(
    "name", ["xco2_averaging_kernel", "co2_prior_profile", "pressure_weight", "pressure_level"]
)
def test_missing_parts_are_named(name: str) -> None:
    with pytest.raises(SchemaError, match=f"(?s)made.*{name}"):
        harmonise_prior(soundings().drop_vars(name), LINE)


def test_levels_and_layers_are_not_mixed() -> None:
    with pytest.raises(SchemaError, match=r"profile is on levels, the soundings are on layers.*convert=True"):
        harmonise_prior(soundings("layer"), LINE)
    with pytest.raises(SchemaError, match="on layers, the soundings are on levels"):
        harmonise_prior(soundings("level"), soundings("layer"))
    mixed = soundings("level").assign(
        pressure_weight=(("sounding", "layer"), np.ones((3, 6)) / 6),
        pressure_edge=(("sounding", "edge"), soundings("layer").pressure_edge.values),
    )
    with pytest.raises(SchemaError, match="levels and layers are mixed"):
        harmonise_prior(mixed, LINE)
    table = soundings("level")
    table.co2_prior_profile.attrs["vertical_kind"] = "layer"
    with pytest.raises(SchemaError, match="one vertical kind"):
        harmonise_prior(table, LINE)


def test_units_are_not_mixed() -> None:
    with pytest.raises(UnitsError, match="a line"):
        harmonise_prior(soundings(), Profile([1.0, 1.0], [1000.0, 0.0], "level", "kg", "a line"))
    table = soundings()
    table.co2_prior_profile.attrs["units"] = "ppb"
    with pytest.raises(SchemaError, match="'ppb'"):
        harmonise_prior(table, LINE)
    parts = Profile([4.1e-4, 3.9e-4], [1050.0, 0.0], "level", "mol mol-1")
    np.testing.assert_allclose(
        harmonise_prior(soundings(), parts).xco2, harmonise_prior(soundings(), LINE).xco2
    )


def test_rows_must_fit() -> None:
    with pytest.raises(SchemaError, match="5 profiles are given for 3 soundings"):
        harmonise_prior(soundings(), soundings(n=5))
    one = harmonise_prior(soundings(), soundings(n=1))
    assert np.isfinite(one.xco2).all()


@pytest.mark.parametrize(
    ("values", "pressure", "kind"),
    [
        ([1.0, 2.0], [3.0, 2.0, 1.0], "level"),
        ([1.0, 2.0], [2.0, 1.0], "layer"),
        ([1.0], [1.0], "level"),
        ([1.0, 2.0], [2.0, 1.0], "edge"),
    ],
)
def test_impossible_profiles(values: list[float], pressure: list[float], kind: str) -> None:
    with pytest.raises(SchemaError):
        Profile(values, pressure, kind, "ppm")  # type: ignore[arg-type]


def test_smoothing_error_by_hand() -> None:
    table = soundings("layer", n=1, size=2)
    table["pressure_edge"] = (("sounding", "edge"), [[1000.0, 500.0, 0.0]])
    table["pressure_weight"] = (("sounding", "layer"), [[0.5, 0.5]], {"units": "1"})
    table["xco2_averaging_kernel"] = (("sounding", "layer"), [[1.0, 0.4]])
    # independent levels at 1000, 500 and 0: layer means are means of the two levels beside them;
    # 1 - a is (0, 0.6), so d = (0, 0.15, 0.15)
    s = np.diag([4.0, 1.0, 9.0])
    error = smoothing_error(table, None, s, [1000.0, 500.0, 0.0])
    assert float(error[0]) == pytest.approx(np.sqrt(0.15**2 * 10.0))
    up = smoothing_error(table, None, s[::-1, ::-1], [0.0, 500.0, 1000.0])
    assert float(up[0]) == pytest.approx(float(error[0]))
    same = smoothing_error(table, table, s, [1000.0, 500.0, 0.0])
    assert float(same[0]) == pytest.approx(0.0, abs=1e-12)


def test_smoothing_error_is_that_of_drawn_profiles() -> None:
    """Two instruments on different grids see random profiles of a known covariance."""
    first, second = soundings("level", n=1, size=9, seed=3), soundings("layer", n=1, size=5, seed=8)
    levels = np.linspace(1000.0, 0.0, 21)
    s = exponential_covariance(levels, np.linspace(6.0, 1.0, 21), 250.0)
    stated = float(smoothing_error(first, second, s, levels)[0])
    draws = np.random.default_rng(0).multivariate_normal(np.full(21, 400.0), s, 20_000)
    prior = Profile(np.full(21, 400.0), levels, "level", "ppm")
    seen = []
    for table in (first, second):
        common = harmonise_prior(table, prior, convert=True)
        many = common.isel(sounding=np.zeros(len(draws), int))
        seen.append(smooth_profile(Profile(draws, levels, "level", "ppm"), many, convert=True).xco2.values)
    gap = seen[0] - seen[1]
    assert gap.std() == pytest.approx(stated, rel=0.02)
    assert abs(gap.mean()) < 3 * stated / np.sqrt(len(draws))


def test_covariance_must_fit() -> None:
    with pytest.raises(SchemaError, match="symmetric"):
        smoothing_error(soundings(), None, [[1.0, 0.5], [0.0, 1.0]], [1000.0, 0.0])
    with pytest.raises(SchemaError, match="above 0"):
        exponential_covariance([1000.0, 0.0], 1.0, 0.0)


@pytest.mark.parametrize(
    ("name", "column", "kind", "precise"),
    [
        ("acos_lite", "xco2", "level", 0.004),
        ("nies_gosat_swir_l2", "xco2", "layer", 1e-4),
        ("gosat_uol_ocpr/ESACCI-GHG-L2-CH4-GOSAT-OCPR-20120101-fv7.2.nc", "xch4", "level", None),
        (
            "s5p_ch4/S5P_RPRO_L2__CH4____20220722T025309_20220722T043439_24725_03_020400_20230201T033930.SUB.nc4",
            "xch4",
            "layer",
            1e-9,
        ),
    ],
)
def test_real_products(satellite: object, name: str, column: str, kind: str, precise: float | None) -> None:
    """Priors of four products change places with TCCON's; the identities hold on real kernels."""
    table = yaotan.open_soundings(satellite / name)  # type: ignore[operator]
    gas = column[1:]
    same = harmonise_prior(table, table, column=column)
    np.testing.assert_allclose(same[column], table[column], rtol=1e-9)
    if precise is not None:  # pressure weights times the prior are the prior column of the file
        own = (table.pressure_weight * table[f"{gas}_prior_profile"]).sum(kind)
        assert float(abs(own - table[f"{column}_prior"]).max()) < precise
    station = yaotan.open_soundings(satellite / "tccon/hw20230402_20230402.public.qc.nc")  # type: ignore[operator]
    prior = table_profile(station, gas, rows=[0])
    moved = harmonise_prior(table, prior, column=column, convert=True, reach=0.6)
    check_soundings(moved)
    assert (moved[f"{column}_prior_status"] == 0).all()
    share = 1.0 - table[f"{column}_averaging_kernel"]
    shift = (
        table.pressure_weight * share * (moved[f"{gas}_prior_profile"] - table[f"{gas}_prior_profile"])
    ).sum(kind)
    np.testing.assert_allclose(moved[column] - table[column], shift, atol=1e-9)
    back = harmonise_prior(moved, table, column=column)
    np.testing.assert_allclose(back[column], table[column], rtol=1e-9)
