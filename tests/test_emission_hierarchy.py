"""Reconciliation: sums that agree, the least movement in the metric of the errors, nothing negative."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from yaotan.emission.covariance import shrunk_correlation
from yaotan.emission.hierarchy import reconcile
from yaotan.emission.tree import read_tree
from yaotan.errors import SchemaError

#: two provinces, three and two cities
TREE = {"A1": "A", "A2": "A", "A3": "A", "B1": "B", "B2": "B", "A": "CN", "B": "CN"}
NODES = ["CN", "A", "B", "A1", "A2", "A3", "B1", "B2"]


def estimate(values, sigma, regions=NODES, time=None) -> xr.Dataset:
    dims = ("region", "time") if time is not None else ("region",)
    coords = {"region": list(regions)} | ({"time": time} if time is not None else {})
    return xr.Dataset(
        {"emission": (dims, values, {"units": "kg s-1"}), "emission_uncertainty": (dims, sigma)},
        coords,
        {"substance": "co2"},
    )


def largest_gap(done: xr.Dataset) -> float:
    """Largest relative disagreement of a whole with the sum of its parts, from the tree as typed above."""
    worst = 0.0
    table = done["emission"].to_series()
    for whole in {*TREE.values()}:
        parts = sum(table[part] for part, of in TREE.items() if of == whole)
        worst = max(worst, abs(table[whole] - parts) / max(abs(table[whole]), 1e-300))
    return worst


def mint(y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The closed form of the paper, with inverses."""
    s = read_tree(TREE, NODES).summing
    inverse = np.linalg.inv(w)
    return s @ np.linalg.inv(s.T @ inverse @ s) @ s.T @ inverse @ y


numbers = st.lists(st.floats(-50.0, 5000.0), min_size=8, max_size=8)
sigmas = st.lists(st.floats(0.5, 500.0), min_size=8, max_size=8)


@settings(max_examples=40, deadline=None)
@given(numbers, sigmas)
def test_sums_agree_and_nothing_is_negative(values, sigma) -> None:
    done = reconcile(estimate(values, sigma), TREE)
    assert largest_gap(done) < 1e-9
    assert float(done.emission.min()) >= 0
    # the projection: no non-negative move of a leaf comes nearer to the estimates (Karush-Kuhn-Tucker)
    s = read_tree(TREE, NODES).summing
    slope = s.T @ ((done.emission.values - np.array(values)) / np.array(sigma) ** 2)
    leaf = done.emission.sel(region=NODES[3:]).values
    scale = s.T @ ((np.abs(done.emission.values) + np.abs(values)) / np.array(sigma) ** 2) + 1e-12
    assert (slope / scale > -1e-8).all()
    assert (np.abs(slope / scale)[leaf > 0] < 1e-8).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(100.0, 200.0), min_size=5, max_size=5), sigmas, st.integers(0, 1000))
def test_the_closed_form_where_no_bound_is_met(leaves, sigma, seed) -> None:
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(8, 8))
    w = np.diag(np.square(sigma)) * 0.01 + 0.1 * half @ half.T
    y = read_tree(TREE, NODES).summing @ np.array(leaves) + rng.normal(size=8)
    done = reconcile(estimate(y, np.sqrt(np.diag(w))), TREE, covariance=w)
    np.testing.assert_allclose(done.emission, mint(y, w), rtol=1e-8)
    np.testing.assert_allclose(done.moved, (mint(y, w) - y) / np.sqrt(np.diag(w)), rtol=1e-5, atol=1e-8)
    named = pd.DataFrame(w, NODES, NODES).loc[NODES[::-1], NODES[::-1]]
    again = reconcile(estimate(y, np.sqrt(np.diag(w))), TREE, covariance=named)
    np.testing.assert_allclose(again.emission, done.emission, rtol=1e-12)


def test_what_adds_up_already_stays() -> None:
    y = [75.0, 60.0, 15.0, 10.0, 20.0, 30.0, 7.0, 8.0]
    done = reconcile(estimate(y, np.arange(1.0, 9.0)), TREE)
    np.testing.assert_allclose(done.emission, y, rtol=1e-12)
    assert float(np.abs(done.moved).max()) < 1e-9
    assert float(done.chi_square) < 1e-18
    assert int(done.degrees) == 3
    assert (done.emission_uncertainty.values < np.arange(1.0, 9.0)).all()


def test_an_exact_total_scales_its_parts() -> None:
    """A total that must not move, parts with relative errors: the part with the larger error moves more."""
    done = reconcile(estimate([90.0, 40.0, 40.0], [1e-6, 2.0, 4.0], ["CN", "A", "B"]), {"A": "CN", "B": "CN"})
    np.testing.assert_allclose(done.emission, [90.0, 42.0, 48.0], atol=1e-5)


def test_stated_errors_are_the_errors_of_many_truths() -> None:
    rng = np.random.default_rng(5)
    truth = read_tree(TREE, NODES).summing @ np.array([100.0, 200.0, 300.0, 80.0, 90.0])
    sigma = np.array([60.0, 40.0, 30.0, 20.0, 30.0, 40.0, 10.0, 15.0])
    y = truth[:, None] + rng.normal(size=(8, 1500)) * sigma[:, None]
    time = np.arange(1500)
    done = reconcile(estimate(y, np.repeat(sigma[:, None], 1500, 1), time=time), TREE)
    error = done.emission.values - truth[:, None]
    np.testing.assert_allclose(error.std(axis=1), done.emission_uncertainty.values[:, 0], rtol=0.07)
    assert float(done.chi_square.mean()) == pytest.approx(3.0, rel=0.08)
    # and better than the sums of the cities alone, or than the estimates of their own
    assert (error.std(axis=1) < sigma).all()


def test_missing_nodes_are_summed_or_inferred_by_name() -> None:
    y, sigma = np.array([60.0, 10.0, 20.0, 7.0, 8.0]), np.full(5, 2.0)
    done = reconcile(estimate(y, sigma, ["A", "A1", "A2", "B1", "B2"]), TREE)
    assert done.attrs["summed"] == "B, CN"
    assert done.attrs["inferred"] == "A3"
    assert list(done.region.values[:5]) == ["A", "A1", "A2", "B1", "B2"]
    assert float(done.emission.sel(region="A3")) == pytest.approx(30.0)
    assert float(done.emission_uncertainty.sel(region="A3")) == pytest.approx(2.0 * np.sqrt(3))
    assert np.isnan(done.moved.sel(region=["A3", "B", "CN"])).all()
    with pytest.raises(SchemaError, match=r"2 regions have no estimate.*A2, A3"):
        reconcile(estimate(y[[0, 1, 3, 4]], sigma[:4], ["A", "A1", "B1", "B2"]), TREE)


def test_a_gap_in_one_year_only() -> None:
    y = np.array(
        [[75.0] * 2, [60.0] * 2, [15.0] * 2, [10.0] * 2, [20.0] * 2, [30.0] * 2, [7.0] * 2, [8.0] * 2]
    )
    y[4, 1] = np.nan
    done = reconcile(estimate(y, np.full(y.shape, 3.0), time=[2015, 2016]), TREE)
    assert done.attrs["inferred"] == "A2"
    np.testing.assert_allclose(done.emission.sel(region="A2"), [20.0, 20.0])
    assert list(done.degrees.values) == [3, 2]


def test_a_negative_remainder_stays_at_zero_and_its_siblings_give_way() -> None:
    done = reconcile(estimate([50.0, 40.0, 30.0], [1.0, 1.0, 1.0], ["A", "A1", "A2"]), {
        "A1": "A", "A2": "A", "rest of A": "A",
    })  # fmt: skip
    assert float(done.emission.sel(region="rest of A")) == 0
    assert bool(done.at_zero.sel(region="rest of A"))
    np.testing.assert_allclose(done.emission.values[:3], [50 + 20 / 3, 40 - 20 / 3, 30 - 20 / 3])


def test_correlations_of_residuals_change_the_weights() -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(300, 1))
    residuals = pd.DataFrame(
        np.c_[rng.normal(size=(300, 1)), shared, shared + 0.3 * rng.normal(size=(300, 1))]
    )
    residuals.columns = ["CN", "A", "B"]
    given_ = estimate([100.0, 30.0, 30.0], [10.0, 10.0, 10.0], ["CN", "A", "B"])
    tree = {"A": "CN", "B": "CN"}
    # errors that rise together leave the sum of the parts less sure: it gives way to the total
    alone, together = reconcile(given_, tree), reconcile(given_, tree, residuals=residuals)
    assert float(together.emission[0]) > float(alone.emission[0]) + 3


def test_shrinkage_falls_with_the_number_of_residuals() -> None:
    rng = np.random.default_rng(1)
    independent = [shrunk_correlation(rng.normal(size=(n, 20)))[1] for n in (8, 2000)]
    assert min(independent) > 0.7
    shared = rng.normal(size=(2000, 1))
    found = [shrunk_correlation((shared + 0.7 * rng.normal(size=(2000, 20)))[:n])[1] for n in (8, 2000)]
    assert found[0] > 3 * found[1]
    correlation, _ = shrunk_correlation(rng.normal(size=(6, 20)))
    assert np.linalg.eigvalsh(correlation).min() > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tree": {**TREE, "A": "A1"}}, "part of itself"),
        ({"tree": {k: v for k, v in TREE.items() if k != "A3"}}, r"not in the hierarchy: A3.*near"),
        ({"tree": pd.DataFrame({"region": ["A1", "A1"], "parent": ["A", "B"]})}, "part of both 'A' and 'B'"),
        ({"tree": {}}, "no region that is part"),
        ({"sigma": [5.0] * 7 + [np.nan]}, "no uncertainty at B2"),
        ({"sigma": [0.0] + [5.0] * 7}, "no uncertainty at CN"),
        ({"values": [np.inf] + [5.0] * 7}, "emission of CN is infinite"),
        ({"regions": ["CN", "CN", *NODES[2:]]}, "stand twice in the estimates: CN"),
        ({"covariance": np.ones((8, 8))}, "not positive definite"),
        ({"covariance": np.eye(5)}, r"shape \(5, 5\)"),
        ({"covariance": np.arange(64.0).reshape(8, 8)}, "not symmetric"),
        ({"residuals": pd.DataFrame(np.zeros((9, 2)), columns=["CN", "A"])}, "residuals lack B"),
        ({"residuals": pd.DataFrame(np.zeros((9, 8)), columns=NODES)}, "all equal"),
        ({"residuals": pd.DataFrame(np.zeros((2, 8)), columns=NODES)}, "there are 2 residuals"),
    ],
)  # fmt: skip
def test_bad_input_is_named(change, message) -> None:
    options = {name: change[name] for name in ("covariance", "residuals") if name in change}
    data = estimate(
        change.get("values", [100.0] * 8), change.get("sigma", [5.0] * 8), change.get("regions", NODES)
    )
    with pytest.raises(SchemaError, match=message):
        reconcile(data, change.get("tree", TREE), **options)


def test_sectors_are_refused_and_a_table_is_read() -> None:
    table = pd.DataFrame({"region": [*TREE, "CN"], "parent": [*TREE.values(), ""]})
    y = [75.0, 60.0, 15.0, 10.0, 20.0, 30.0, 7.0, 9.0]
    one, two = reconcile(estimate(y, [1.0] * 8), table), reconcile(estimate(y, [1.0] * 8), TREE)
    xr.testing.assert_identical(one, two)
    assert one.emission.attrs["units"] == "kg s-1"
    with pytest.raises(SchemaError, match="choose one sector"):
        reconcile(estimate(y, [1.0] * 8).expand_dims(sector=2), TREE)
