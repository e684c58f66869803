"""Several products made one: by hand, calibrated, refused; any gas."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from yaotan import GridSpec, fuse
from yaotan.column.fusion.combine import best_linear, choose_median, estimate_excess
from yaotan.errors import SchemaError, TooFewSoundingsError, UnitsError, YaotanError
from yaotan.schema import check_grid

TEN = GridSpec.regular(10.0, (100, 0, 140, 30))


def table(value: object, lat: object = 5.0, lon: object = 105.0, **more: object) -> xr.Dataset:
    day, sigma = more.pop("day", 0), more.pop("sigma", 1.0)
    column, units = more.pop("column", "xco2"), more.pop("units", "ppm")
    value, lat, lon, day, sigma = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(a, float)) for a in (value, lat, lon, day, sigma))
    )
    made = {"latitude": lat, "longitude": lon, column: value, f"{column}_uncertainty": sigma, **more}
    data = xr.Dataset({k: ("sounding", np.array(v)) for k, v in made.items()})
    data["time"] = ("sounding", np.datetime64("2020-03-01", "ns") + (day * 8.64e13).astype("m8[ns]"))
    data[column].attrs["units"] = units
    return data


def box(grid: xr.Dataset, name: str) -> object:
    return grid[name].isel(time=0).sel(lat=5.0, lon=105.0).values.tolist()


def test_the_median_of_an_odd_and_an_even_number() -> None:
    three = {"A": table(412.0), "B": table(410.0), "C": table([430.0, 431.0])}
    grid = check_grid(fuse(three, spec=TEN, excess=0.0))
    assert (box(grid, "xco2"), box(grid, "xco2_choice"), box(grid, "xco2_count")) == (412.0, 0, 1)
    assert box(grid, "xco2_average") == [412.0, 410.0, 430.5]
    assert box(grid, "xco2_spread") == pytest.approx(np.std([412.0, 410.0, 430.5], ddof=1))
    # of three independent normal errors of 1 sigma the median has 0.6698 (its variance is 1 - sqrt(3) / pi)
    same = fuse({name: table(410.0) for name in "ABC"}, spec=TEN, excess=0.0)
    assert box(same, "xco2_uncertainty") == pytest.approx((1 - 3**0.5 / np.pi) ** 0.5, rel=0.03)
    even = fuse({**three, "D": table(411.0, sigma=0.5)}, spec=TEN, excess=0.0)
    assert (box(even, "xco2"), box(even, "xco2_choice")) == (411.0, 3)  # the less uncertain of 411 and 412


def test_the_error_of_an_average() -> None:
    kept = {"spec": TEN, "excess": 0.0, "minimum_products": 1}
    two = {"A": table([410.0, 411.0], day=[0.0, 0.0]), "B": table(410.0, lat=15.0)}
    assert fuse(two, **kept).xco2_average_uncertainty.values[0, 0, 0, 0] == pytest.approx(0.75**0.5)
    apart = {**two, "A": table([410.0, 411.0], day=[0.0, 3.0])}  # two overpasses share nothing
    assert fuse(apart, **kept).xco2_average_uncertainty.values[0, 0, 0, 0] == pytest.approx(0.5**0.5)
    floored = fuse(apart, floor=2.0, **kept)
    assert floored.xco2_average_uncertainty.values[0, 0, 0, 0] == 2.0


def test_best_linear_estimate_with_declared_correlation() -> None:
    both = {"A": table(410.0), "B": table(413.0, sigma=2.0)}
    relation = [[1.0, 0.25], [0.25, 1.0]]
    grid = fuse(both, spec=TEN, method="inverse_variance", correlation=relation, excess=0.0)
    # C = [[1, 1/2], [1/2, 4]]: C^-1 1 = (3.5, 0.5) / 3.75
    assert box(grid, "xco2_weight") == pytest.approx([0.875, 0.125])
    assert box(grid, "xco2") == pytest.approx(410.375)
    assert box(grid, "xco2_uncertainty") == pytest.approx((3.75 / 4.0) ** 0.5)
    assert box(grid, "xco2_count") == 2


def test_excess_is_what_errors_do_not_explain() -> None:
    rng = np.random.default_rng(1)
    sigma = rng.uniform(0.3, 1.0, (3000, 4))
    relation = np.full((4, 4), 0.3) + 0.7 * np.eye(4)
    errors = rng.standard_normal((3000, 4)) @ np.linalg.cholesky(relation).T
    value = 410 + rng.normal(0, 5, (3000, 1)) + np.sqrt(sigma**2 + 0.8**2) * errors
    value[rng.random(value.shape) < 0.2] = np.nan
    assert estimate_excess(value, sigma, relation) == pytest.approx(0.8, abs=0.03)
    assert estimate_excess(410 + 0.5 * sigma * errors, sigma, relation) == 0.0


def simulate(
    seed: int, *, column: str = "xco2", products: int = 5
) -> tuple[dict[str, xr.Dataset], np.ndarray]:
    """Products of other coverage and noise; each is wrong in each box by 0.6, in heavy tails."""
    rng = np.random.default_rng(seed)
    truth = 410 + rng.normal(0, 3, (3, 4))
    made = {}
    for number in range(products):
        count = 60 + 60 * number
        lat, lon = rng.uniform(0, 30, count), rng.uniform(100, 140, count)
        cell = (lat // 10).astype(int), ((lon - 100) // 10).astype(int)
        wrong = 0.6 * rng.standard_t(5, (3, 4)) * (3 / 5) ** 0.5
        sigma = rng.uniform(0.5, 1.5, count) * (1 + 0.2 * number)
        value = truth[cell] + wrong[cell] + sigma * rng.standard_normal(count)
        made[f"P{number}"] = table(value, lat, lon, sigma=sigma, day=rng.uniform(0, 31, count), column=column)
    return made, truth


def shares(seeds: range, method: str) -> tuple[float, float]:
    z = []
    for seed in seeds:
        products, truth = simulate(seed)
        grid = fuse(products, spec=TEN, method=method, overpass_correlation=0.0)
        z.append(((grid.xco2[0] - truth) / grid.xco2_uncertainty[0]).values.ravel())
    size = np.abs(np.concatenate(z))
    return float((size < 1.0).mean()), float((size < 1.96).mean())


@pytest.mark.parametrize("method", ["median", "inverse_variance"])
def test_stated_uncertainty_holds_the_truth(method: str) -> None:
    one, two = shares(range(25), method)  # 300 boxes: 3 sqrt(0.68 0.32 / 300) = 0.08; tests/truth is closer
    assert 0.58 < one < 0.80
    assert 0.90 < two < 0.99


def test_soundings_of_the_chosen_product_are_thinned_where_they_outweigh() -> None:
    few = {name: table(410.0 + k, day=np.arange(4)) for k, name in enumerate("AC")}
    many = table(np.full(100, 410.5), day=np.linspace(0, 20, 100), airmass=np.arange(100.0))
    products = {**few, "B": many}
    whole = fuse(products, spec=TEN, output="soundings", outweigh=np.inf)
    assert (whole.sizes["sounding"], set(whole["product"].values.tolist())) == (100, {2})
    assert "airmass" not in whole
    thinned = fuse(products, spec=TEN, output="soundings")
    assert thinned.sizes["sounding"] == 8  # twice the median information, that of 4 soundings
    assert np.ptp(np.diff(thinned.time.values).astype(float)) <= 1.1 * 20 / 99 * 8.64e13
    counted = json.loads(thinned.attrs["lost"])
    assert counted["B"]["outweighing"] == 92
    assert counted["A"]["not_the_median"] == 4
    assert thinned.xco2.attrs["units"] == "ppm"


def test_what_is_lost_is_counted() -> None:
    first = table(
        [410.0, np.nan, 410.0, 410.0, 410.0], lat=[5, 5, 5, 5, 80], sigma=[1, 1, 0, 1, 1],
        quality=np.array([0, 0, 0, 1, 0], "u1"),
    )  # fmt: skip
    grid = fuse({"A": first, "B": table([411.0, 411.0], lon=[105.0, 125.0])}, spec=TEN)
    lost = json.loads(grid.attrs["lost"])
    assert lost["A"] == {"bad_quality": 1, "no_value": 1, "no_uncertainty": 1, "outside": 1}
    assert lost["boxes_with_too_few_products"] == 1


def test_months_are_apart_and_the_dateline_is_no_border() -> None:
    world = {
        "A": table([410.0, 420.0], lon=[179.0, -179.0], day=[0, 31]),
        "B": table(411.0, lon=181.0, day=31),
    }
    grid = fuse(world, spec=GridSpec.regular(10.0, (170, 0, -170, 10)), minimum_products=1)
    assert grid.sizes["time"] == 2
    assert grid.xco2_products.values[:, 0].tolist() == [[1, 0], [0, 2]]
    assert str(grid.time_bnds.values[1, 0])[:10] == "2020-04-01"


def test_any_gas() -> None:
    same = {name: table(330.0 + k, column="xn2o", units="ppb") for k, name in enumerate("ABC")}
    grid = check_grid(fuse(same, spec=TEN))
    assert (box(grid, "xn2o"), grid.xn2o.attrs["units"]) == (331.0, "ppb")


def test_even_rule_without_values() -> None:
    assert choose_median(np.full((1, 2), np.nan), np.ones((1, 2))).tolist() == [-1]
    assert np.isnan(best_linear(np.full((1, 2), np.nan), np.ones((1, 2)), np.eye(2))[0]).all()


def test_refusals() -> None:
    good = {"A": table(410.0), "B": table(411.0)}
    with pytest.raises(TooFewSoundingsError, match="1 product"):
        fuse({"A": table(410.0)})
    with pytest.raises(TooFewSoundingsError, match="no box has 3 products"):
        fuse(good, minimum_products=3)
    with pytest.raises(UnitsError, match="several units"):
        fuse({**good, "C": table(410e-6, units="1")})
    with pytest.raises(SchemaError, match=r"priors are mixed .A: its own, B: SECM"):
        fuse({"A": good["A"], "B": good["B"].assign_attrs(prior="SECM")})
    assert fuse({"A": good["A"], "B": good["B"].assign_attrs(prior="SECM")}, own_priors=True)
    with pytest.raises(SchemaError, match="xco2_uncertainty is missing"):
        fuse({"A": good["A"], "B": good["B"].drop_vars("xco2_uncertainty")})
    for wrong in ([[1.0, 1.0], [1.0, 1.0]], [[1.0]], [[1.0, 0.2], [0.3, 1.0]]):
        with pytest.raises(YaotanError, match="positive definite"):
            fuse(good, correlation=wrong)
    for option in ({"method": "mean"}, {"outweigh": 0.0}, {"floor": -1.0}, {"excess": -1.0}):
        with pytest.raises(YaotanError, match=f"{next(iter(option))} is"):
            fuse(good, **option)
    with pytest.raises(YaotanError, match="output is 'soundings'"):
        fuse(good, method="inverse_variance", output="soundings")
