"""Kriging in space and time against exact references, another package's answers, and planted fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fill_truth import plant
from yaotan import GridSpec
from yaotan.column.fill import chain, kernel
from yaotan.column.fill.block import Block
from yaotan.column.fill.covariance import ProductSum, correlation
from yaotan.column.fill.crossvalidation import cross_validate
from yaotan.column.fill.kriging import SpaceTimeKriging
from yaotan.column.fill.local import LocalKriging
from yaotan.column.fill.mean import FittedMean, MeanModel
from yaotan.column.fill.neighbourhood import Neighbourhood
from yaotan.column.fill.observation import Observations
from yaotan.column.fill.refinement import refine_model
from yaotan.column.fill.step import resolve_times
from yaotan.column.fill.target import Moments, cell_nodes
from yaotan.column.fill.variogram import Variogram, estimate_variogram, fit_product_sum
from yaotan.column.fill.vecchia import make_chain
from yaotan.errors import TooFewSoundingsError, YaotanError
from yaotan.geodesy import sphere_point

MODEL = ProductSum(0.4, 0.2, 1.2, 0.0, 600e3, 15.0)
START = np.datetime64("2019-01-01", "ns")

#: twelve observations: latitude, longitude, day, value, sigma
LAT = np.array([21.0, 23.5, 25.0, 28.0, 30.0, 31.5, 33.0, 35.0, 36.5, 38.0, 40.0, 42.0])
LON = np.array([101.0, 118.0, 109.0, 115.0, 104.0, 121.0, 112.0, 99.0, 117.0, 107.0, 113.0, 120.0])
DAY = np.array([0.0, 2.0, 3.0, 5.0, 9.0, 12.0, 15.0, 16.0, 21.0, 25.0, 28.0, 30.0])
VALUE = np.array([1.2, -0.4, 0.3, 0.9, -1.1, 0.5, 0.0, -0.7, 1.4, -0.2, 0.8, -0.9])
SIGMA = np.array([0.3, 0.5, 0.4, 0.6, 0.3, 0.7, 0.5, 0.4, 0.6, 0.3, 0.5, 0.4])
TARGET = np.array([24.0, 33.0, 45.0]), np.array([110.0, 112.0, 130.0]), np.array([4.0, 15.0, 20.0])


def moment(day):
    return START + (np.asarray(day) * 86400e9).astype("m8[ns]")


def table(lat=LAT, lon=LON, day=DAY, value=VALUE, sigma=SIGMA, shared=0.0, overpass=None):
    n = len(lat)
    return Observations(
        np.asarray(lat, float), np.asarray(lon, float), moment(day), np.asarray(value, float),
        np.broadcast_to(np.asarray(sigma, float), n).copy(),
        np.broadcast_to(np.asarray(shared, float), n).copy(),
        np.arange(n) if overpass is None else np.asarray(overpass), np.ones(n, np.int64), "xco2", "ppm",
    )  # fmt: skip


def no_mean(observations):
    """A mean of zero that is known exactly."""
    fitted = MeanModel(space=0, time=0, harmonics=0).fit(observations)
    nothing = np.zeros_like(fitted.coefficients), np.zeros_like(fitted.covariance)
    return FittedMean(fitted.model, fitted.frame, 0.0, *nothing)


def local(observations, model=MODEL, mean=None, **options):
    options = {
        "neighbours": (20, 100, 1.0),
        "ordinary": True,
        "support": "point",
        "error_length": 0.0,
    } | options
    return LocalKriging.of(observations, mean or no_mean(observations), model, **options)


def at(kriging, lat, lon, day):
    days = (moment(day) - np.datetime64("1970-01-01", "ns")).astype(np.int64) / 86400e9
    return kriging.at_points(np.asarray(lat), np.asarray(lon), days, None)


#: Answers of GSTools 1.7.0 (krige.Ordinary, krige.Simple, cond_err = sigma^2) for the twelve observations at
#: the three targets; the product-sum covariance went in through its class for own models.
GSTOOLS = {
    "product-sum": (
        MODEL, DAY, True,
        [0.2719495442953618, 0.03591682988589602, 0.03457628916407407],
        [0.8019087099831936, 0.21303398517099303, 1.8341541829990804],
    ),
    "exponential": (
        ProductSum(0.0, 0.0, 1.3, 0.0, 600e3, 1.0), 0 * DAY, True,
        [0.2709163408532585, 0.07094483218445513, -0.10587278807291928],
        [0.5821495573657636, 0.1986837746261605, 1.4033490759029106],
    ),
    "simple": (
        ProductSum(0.0, 0.0, 1.3, 0.0, 600e3, 1.0), 0 * DAY, False,
        [0.262148235086498, 0.06923410753127947, -0.14968404184419168],
        [0.5754233039589761, 0.19842772632823147, 1.2354172427513934],
    ),
    "spherical": (
        ProductSum(0.0, 0.0, 1.3, 0.0, 1500e3, 1.0, "spherical"), 0 * DAY, True,
        [0.2964601206804476, 0.13007094624140655, -0.3181097061642711],
        [0.44490042067822877, 0.1920012194873999, 1.403793919393968],
    ),
    "matern32": (
        # len_scale of GSTools is the range over sqrt(2) for nu = 3/2
        ProductSum(0.0, 0.0, 1.3, 0.0, 600e3, 1.0, "matern32"), 0 * DAY, True,
        [0.32092377533459854, 0.12125388044771918, -0.2824279068557941],
        [0.28460327671289143, 0.1890370994763957, 1.380072364879027],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GSTOOLS)
def test_answers_of_gstools(name):
    model, days, ordinary, value, variance = GSTOOLS[name]
    found, sigma = at(local(table(day=days), model, ordinary=ordinary), *TARGET[:2], TARGET[2] * (days.any()))
    np.testing.assert_allclose(found, value, atol=1e-9)
    np.testing.assert_allclose(sigma**2, variance, rtol=1e-9)


def test_gstools_on_many_points_with_equal_neighbourhoods():
    gs = pytest.importorskip("gstools", reason="GSTools is not installed: its answers above stand for it")
    rng = np.random.default_rng(5)
    n, m = 300, 40
    lat, lon, value = rng.uniform(20, 50, n), rng.uniform(80, 130, n), rng.normal(0, 1, n)
    sigma = rng.uniform(0.2, 0.8, n)
    to_lat, to_lon = rng.uniform(20, 50, m), rng.uniform(80, 130, m)
    kriging = local(
        table(lat, lon, np.zeros(n), value, sigma), GSTOOLS["exponential"][0], neighbours=(5, 25, 1.0)
    )
    found, spread = at(kriging, to_lat, to_lon, np.zeros(m))
    place, target = sphere_point(lat, lon).T, sphere_point(to_lat, to_lon).T
    rows, counts = kriging.near.search(target.T, np.full(m, kriging.near.days[0]))
    assert (counts == 25).all()
    for k, one in enumerate(rows):
        model = gs.Exponential(dim=3, var=1.3, len_scale=600e3)
        there = gs.krige.Ordinary(
            model, place[:, one], value[one], cond_err=sigma[one] ** 2, pseudo_inv=False
        )
        wanted, variance = there(target[:, k : k + 1])
        np.testing.assert_allclose([found[k], spread[k] ** 2], [wanted[0], variance[0]], rtol=1e-6, atol=1e-6)


def dense(kriging, nodes, days, ordinary):
    """Universal kriging of one target by one dense system; the target is the mean of nodes at days."""
    known, model = kriging.observations, kriging.model
    place, when = sphere_point(known.latitude, known.longitude), known.days
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    matrix = model.covariance(apart, when[:, None] - when)
    matrix += model.micro * ((apart == 0) & (when[:, None] == when))
    common = np.outer(known.shared, known.shared) * np.exp(-apart / max(kriging.error_length, 1e-9))
    common *= (known.overpass[:, None] == known.overpass) & (kriging.error_length > 0)
    np.fill_diagonal(common, known.sigma**2)
    matrix += common
    target = np.repeat(nodes, days.size, axis=0), np.tile(days, len(nodes))
    right = model.covariance(
        np.linalg.norm(place[:, None] - target[0], axis=-1), when[:, None] - target[1]
    ).mean(axis=1)
    itself = model.covariance(
        np.linalg.norm(target[0][:, None] - target[0], axis=-1), target[1][:, None] - target[1]
    ).mean()
    if not ordinary:
        weight = np.linalg.solve(matrix, right)
        return weight, itself - right @ weight
    n = len(known)
    system = np.ones((n + 1, n + 1))
    system[:n, :n], system[n, n] = matrix, 0.0
    solved = np.linalg.solve(system, np.append(right, 1.0))
    return solved[:n], itself - right @ solved[:n] - solved[n]


@pytest.mark.parametrize("ordinary", [True, False])
@pytest.mark.parametrize("support", ["point", "cell"])
@pytest.mark.parametrize("model", [MODEL, replace(MODEL, time_wave=0.4)])
def test_equals_a_dense_system(ordinary, support, model):
    """Means over cells and a period, shared errors, an uncertain mean, all neighbours."""
    known = table(shared=0.6 * SIGMA, overpass=np.repeat([0, 1, 2], 4))
    mean = MeanModel(space=1, time=0, harmonics=0).fit(known)
    kriging = local(known, model, mean, ordinary=ordinary, support=support, error_length=500e3)
    spec, rows = GridSpec.regular(4.0, (100, 24, 112, 36)), slice(0, 3)
    steps = resolve_times([("2019-01-05", "2019-01-20")], known.period)
    wanted = np.ones(spec.shape, bool)
    moments = Moments.of(steps, 0, model.time_scale)
    block = Block(spec, rows, wanted, steps, 0)
    value, variance, terms = kriging.at_cells(block, moments, kriging.residual)
    nodes = cell_nodes(spec, rows, wanted, support, MODEL.space_range)
    assert nodes.shape[1] == (4 if support == "cell" else 1)
    for m in range(len(nodes)):
        weight, expected = dense(kriging, nodes[m], moments.days, ordinary)
        lag = terms[m] - kriging.design.T @ weight
        np.testing.assert_allclose(value[m, 0], weight @ kriging.residual[:, 0], atol=1e-10)
        np.testing.assert_allclose(variance[m], expected + lag @ mean.covariance @ lag, rtol=1e-9)


def test_one_neighbour_is_room_enough_for_a_cell_of_four_nodes():
    known = table()
    kriging = local(known, support="cell", neighbours=(1, 1, 1.0))
    spec = GridSpec.regular(4.0, (100, 24, 112, 36))
    steps = resolve_times([("2019-01-05", "2019-01-20")], known.period)
    wanted = np.ones(spec.shape, bool)
    moments = Moments.of(steps, 0, MODEL.time_range)
    block = Block(spec, slice(0, 3), wanted, steps, 0)
    value, variance, _ = kriging.at_cells(block, moments, kriging.residual)
    # from one observation ordinary kriging takes its value
    assert set(value[:, 0].round(9)) <= set(kriging.residual[:, 0].round(9))
    assert (variance > 0.0).all()


def test_means_over_cells_and_periods_converge():
    """A finer sum over the cell and the period changes nothing that matters."""
    known = table()
    steps = resolve_times([("2019-01-01", "2019-01-31")], known.period)
    few = Moments.of(steps, 0, 15.0)
    start, end = few.middle - few.half, few.middle + few.half
    days = start + (end - start) * (np.arange(2000) + 0.5) / 2000
    fine = Moments(days, few.middle, few.half, np.full(2000, 1 / 2000))
    fade = ProductSum(0.0, 0.0, 1.0, 0.0, 1e6, 15.0).in_time
    np.testing.assert_allclose(few.correlate(known.days, fade), fine.correlate(known.days, fade), rtol=6e-3)
    assert few.correlate_self(fade) == pytest.approx(fine.correlate_self(fade), rel=8e-3)


def test_compiled_functions_are_exact():
    x = np.concatenate([np.linspace(0, 700, 5001), [1e-300, 1e9]])
    out, bits = np.empty_like(x), np.empty(x.size, np.int64)
    kernel.exp_minus(x, x.size, out, bits)
    np.testing.assert_allclose(out[:-1], np.exp(-x[:-1]), rtol=5e-16)
    assert out[-1] < 1e-300
    for number, family in enumerate(("exponential", "matern32", "spherical")):
        kernel.correlate(x[:400].copy(), 400, number, out, bits)
        np.testing.assert_allclose(out[:400], correlation(x[:400], family), atol=1e-15)
    rng = np.random.default_rng(1)
    root = rng.normal(size=(30, 30))
    a = root @ root.T
    factor, column = a.copy(), np.zeros(60)
    column[30:] = np.diag(a)
    assert kernel.factorise(factor, 30, column) == 0
    np.testing.assert_allclose(np.tril(factor), np.linalg.cholesky(a), rtol=1e-8)


def test_product_sum_is_a_valid_covariance_only_with_a_valid_k():
    model = ProductSum.from_sills(1.5, 1.2, 0.5, space_range=5e5, time_range=20.0)
    assert model.space_sill == pytest.approx(1.5)
    assert model.time_sill == pytest.approx(1.2)
    assert model.k == pytest.approx(0.5)
    h, u = np.array([0.0, 1e5, 9e5]), np.array([0.0, 3.0, 30.0])
    margin_h = 1.5 * (1 - np.exp(-h / 5e5))
    margin_u = 1.2 * (1 - np.exp(-u / 20.0))
    np.testing.assert_allclose(model.variogram(h, u), margin_h + margin_u - 0.5 * margin_h * margin_u)
    for k in (0.0, 0.7, -0.1):
        with pytest.raises(YaotanError, match="Expected: 0 < k <= 1"):
            ProductSum.from_sills(1.5, 1.2, k, space_range=5e5, time_range=20.0)


def test_variogram_is_that_of_all_pairs():
    rng = np.random.default_rng(2)
    n = 120
    known = table(
        rng.uniform(20, 40, n), rng.uniform(90, 110, n), np.sort(rng.uniform(0, 60, n)), rng.normal(0, 1, n),
        rng.uniform(0.2, 0.6, n), 0.1, np.repeat(np.arange(12), 10),
    )  # fmt: skip
    residual = known.value
    found = estimate_variogram(known, residual, max_distance=1500e3, max_days=20.0, error_length=200e3)
    i, j = np.triu_indices(n, 1)
    place = sphere_point(known.latitude, known.longitude)
    apart, late = np.linalg.norm(place[i] - place[j], axis=1), known.days[j] - known.days[i]
    common = np.where(known.overpass[i] == known.overpass[j], 0.01 * np.exp(-apart / 200e3), 0.0)
    error = 0.5 * (known.sigma[i] ** 2 + known.sigma[j] ** 2) - common
    half = 0.5 * (residual[i] - residual[j]) ** 2
    far = 1500e3 * (np.arange(15) / 14) ** 2
    lags = np.append(0.0, 0.02 + 19.98 * (np.arange(12) / 11) ** 2)
    row, column = np.searchsorted(far, apart, side="right") - 1, np.searchsorted(lags, late, side="right") - 1
    inside = (apart <= 1500e3) & (late <= 20.0)
    assert found.pairs.sum() == inside.sum()
    assert (common[inside] > 0.0).sum() > 10
    for a, b in np.argwhere(found.pairs > 0):
        one = inside & (row == a) & (column == b)
        assert found.pairs[a, b] == one.sum()
        np.testing.assert_allclose(found.value[a, b], half[one].mean() - error[one].mean(), atol=1e-12)
        np.testing.assert_allclose(found.distance[a, b], apart[one].mean())
    robust = estimate_variogram(
        known, residual, max_distance=1500e3, max_days=20.0, robust=True, error_length=0.0
    )
    one = inside & (row == 9) & (column == 7)
    expected = (
        0.5 * (np.sqrt(np.abs(residual[i] - residual[j]))[one].mean()) ** 4 / (0.457 + 0.494 / one.sum())
    )
    np.testing.assert_allclose(robust.raw[9, 7], expected)


def exact_variogram(model):
    distance, lag = np.meshgrid(np.linspace(20e3, 2500e3, 14), np.linspace(0.0, 60.0, 12), indexing="ij")
    value = model.variogram(distance, lag)
    return Variogram(distance, lag, value, value, np.full(value.shape, 1000))


@pytest.mark.parametrize("families", [("exponential", "exponential"), ("matern32", "spherical")])
def test_fit_finds_the_model_of_an_exact_variogram(families):
    model = ProductSum(0.4, 0.3, 1.2, 0.15, 500e3, 18.0, *families)
    found, diagnostics = fit_product_sum(
        exact_variogram(model), space_family=families[0], time_family=families[1]
    )
    np.testing.assert_allclose(found.parameters(), model.parameters(), rtol=2e-2)
    assert diagnostics["relative_misfit"] < 1e-3
    assert diagnostics["at_bound"] == []


def test_fit_says_what_the_lags_do_not_tell():
    # a range of 100,000 km within lags of 2,500 km
    _, diagnostics = fit_product_sum(exact_variogram(ProductSum(1.0, 0.3, 1.2, 0.1, 1e8, 18.0)))
    assert diagnostics["at_bound"] == ["space_range"]
    few = exact_variogram(MODEL)
    few = replace(few, pairs=np.where(few.distance > 1e5, 3, few.pairs) * (few.lag < 20))
    with pytest.raises(TooFewSoundingsError, match="classes of distance and time have 30 pairs or more"):
        fit_product_sum(few)


def test_noise_alone_is_no_field():
    rng = np.random.default_rng(0)
    n = 500
    known = table(
        rng.uniform(20, 40, n), rng.uniform(90, 110, n), np.sort(rng.uniform(0, 60, n)),
        rng.normal(0, 0.5, n), 1.0,
    )  # fmt: skip
    with pytest.raises(TooFewSoundingsError, match="no more than their stated errors"):
        SpaceTimeKriging(MeanModel(harmonics=0)).fit(known)


def test_chain_with_all_predecessors_is_exact():
    known = table(shared=0.5 * SIGMA, overpass=np.repeat([0, 1, 2], 4))
    place = sphere_point(known.latitude, known.longitude)
    links = make_chain(
        place, known.days, MODEL, own=known.sigma**2, shared=known.shared, overpass=known.overpass, length=2e5
    )
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    matrix = MODEL.covariance(apart, known.days[:, None] - known.days)
    error = np.outer(known.shared, known.shared) * np.exp(-apart / 2e5)
    error *= known.overpass[:, None] == known.overpass
    np.fill_diagonal(error, known.sigma**2)
    np.testing.assert_allclose(
        links.precision(np.eye(12)), np.linalg.inv(matrix + error), rtol=1e-7, atol=1e-9
    )
    drawn = links.draw(np.random.default_rng(0), 40_000)
    np.testing.assert_allclose(np.cov(drawn), matrix + error, atol=0.06)


@pytest.mark.parametrize("model", [MODEL, replace(MODEL, time_wave=0.4)])
def test_score_is_the_conditional_density(model):
    known = table(shared=0.5 * SIGMA, overpass=np.repeat([0, 1, 2], 4))
    place = sphere_point(known.latitude, known.longitude)
    apart = np.linalg.norm(place[:, None] - place, axis=-1)
    matrix = model.covariance(apart, known.days[:, None] - known.days)
    error = np.outer(known.shared, known.shared) * np.exp(-apart / 2e5)
    error *= known.overpass[:, None] == known.overpass
    np.fill_diagonal(error, known.sigma**2)
    matrix += error
    rows, counts, targets = np.array([[0, 3, 7], [2, 5, 0]]), np.array([3, 2]), np.array([5, 11])
    out = np.empty(2)
    kernel.score(
        rows, counts, targets, place, known.days, known.sigma**2, known.shared, known.overpass, 2e5,
        model.parameters(), known.value, out,
    )  # fmt: skip
    for m, one in enumerate(targets):
        given = rows[m, : counts[m]]
        weight = np.linalg.solve(matrix[np.ix_(given, given)], matrix[given, one])
        spread = np.sqrt(matrix[one, one] - weight @ matrix[given, one])
        z = (known.value[one] - weight @ known.value[given]) / spread
        np.testing.assert_allclose(out[m], -np.log(spread) - 0.5 * z**2, rtol=1e-9)


def test_refinement_comes_back_to_the_planted_model():
    """From parameters that are far off; few tracks do not tell more than this."""
    known = plant(11, ProductSum(0.0, 0.0, 1.5, 0.0, 600e3, 15.0), tracks=90).observations
    residual = MeanModel(1, 1, 1).fit(known).residual(known)
    wrong = ProductSum(0.0, 0.0, 0.6, 0.5, 2500e3, 60.0)
    families = [("exponential", "exponential"), ("matern32", "exponential")]
    found, diagnostics = refine_model(
        known, residual, wrong, families=families, wave=False, error_length=100e3, track_share=0.25, seed=0
    )
    scores = diagnostics["scores"]
    assert f"{found.space_family} {found.time_family}" == max(scores, key=scores.get)
    assert len(scores) == 2
    assert 0.9 < found.sill < 2.1
    assert 500e3 < found.practical_ranges[0] < 3600e3
    assert 8.0 < found.practical_ranges[1] < 100.0
    assert diagnostics["at_bound"] == []


def test_redundant_members_of_a_chain_do_no_harm():
    """Twice the same point without error: the second draw is the first."""
    known = table(LAT[[0, 0, 1]], LON[[0, 0, 1]], DAY[[0, 0, 1]], np.zeros(3), 0.0)
    place = sphere_point(known.latitude, known.longitude)
    none = np.zeros(3)
    links = make_chain(
        place, known.days, MODEL, own=none, shared=none, overpass=none.astype(np.int64), length=0.0
    )
    drawn = links.draw(np.random.default_rng(0), 5)
    np.testing.assert_allclose(drawn[0], drawn[1], atol=1e-9)


def test_errors_of_an_overpass_form_a_chain():
    rows, counts = np.zeros((6, 2), np.int64), np.zeros(6, np.int64)
    chain.error_rows(np.array([0, 1, 0, 0, 1, 0]), 2, rows, counts)
    assert counts.tolist() == [0, 0, 1, 2, 1, 2]
    assert rows[3].tolist() == [2, 0]
    assert rows[5].tolist() == [3, 2]


def neighbours(lat, lon, overpass, **options):
    n = len(lat)
    options = {"minimum": 2, "maximum": 6, "track_share": 0.5} | options
    return Neighbourhood(sphere_point(lat, lon), np.zeros(n), np.asarray(overpass), MODEL, **options)


def test_one_track_does_not_take_all_places():
    lat = np.concatenate([30 + 0.01 * np.arange(40), [33.0, 34.0, 35.0, 36.0]])
    lon, overpass = np.full(44, 110.0), np.concatenate([np.zeros(40), [1, 1, 2, 3]])
    target = sphere_point([30.0], [110.0]), np.zeros(1)
    rows, counts = neighbours(lat, lon, overpass, minimum=5).search(*target)
    assert counts[0] == 6
    assert sorted(rows[0].tolist()) == [0, 1, 2, 40, 41, 42]
    # without balance the nearest are taken; candidates are not looked for beyond the minimum
    rows, _ = neighbours(lat, lon, overpass, track_share=1.0).search(*target)
    assert sorted(rows[0].tolist()) == [0, 1, 2, 3, 4, 5]
    # where there is nothing else, the track fills the neighbourhood
    rows, counts = neighbours(lat[:40], lon[:40], overpass[:40]).search(*target)
    assert sorted(rows[0].tolist()) == [0, 1, 2, 3, 4, 5]


def test_left_out_labels_never_come_back():
    rng = np.random.default_rng(3)
    lat, lon, overpass = rng.uniform(20, 40, 300), rng.uniform(90, 110, 300), np.repeat(np.arange(3), 100)
    near = neighbours(lat, lon, overpass, maximum=20)
    labels = np.column_stack([overpass, rng.integers(0, 4, 300)])
    rows, counts = near.search(near.place, near.days, labels=labels)
    assert (counts == 20).all()
    for m in range(300):
        assert (labels[rows[m]] != labels[m]).all()


def test_far_from_everything_the_error_is_the_sill():
    known = table()
    kriging = local(known, replace(MODEL, micro=0.3), ordinary=False)
    _, sigma = at(kriging, [-40.0], [-70.0], [15.0])
    # a known mean; what is left is what a common time tells
    everything = replace(MODEL, micro=0.3).sill
    assert 0.85 * everything < sigma[0] ** 2 < everything
    _, sigma = at(local(known, ordinary=True), [-40.0], [-70.0], [15.0])
    assert sigma[0] ** 2 > MODEL.sill


def test_twice_the_same_exact_observation_counts_once():
    twice = np.append(np.arange(12), 5)
    order = np.argsort(DAY[twice], kind="stable")
    known = table(*(array[twice][order] for array in (LAT, LON, DAY, VALUE)), 0.0)
    value, sigma = at(local(known), *TARGET)
    wanted, spread = at(local(table(sigma=0.0)), *TARGET)
    np.testing.assert_allclose(value, wanted, atol=1e-9)
    np.testing.assert_allclose(sigma, spread, rtol=1e-9)
    # an exact observation is met exactly
    value, sigma = at(local(known), LAT, LON, DAY)
    np.testing.assert_allclose(value, VALUE, atol=1e-9)
    np.testing.assert_allclose(sigma, 0.0, atol=1e-6)


def test_two_equal_observations_with_errors_are_worth_half_the_variance():
    doubled = table(*(np.repeat(array, 2) for array in (LAT, LON, DAY, VALUE)), np.repeat(SIGMA, 2))
    wanted = at(local(table(sigma=SIGMA / np.sqrt(2))), *TARGET)
    np.testing.assert_allclose(at(local(doubled), *TARGET), wanted, rtol=1e-9)


def test_negative_variance_is_an_error_not_a_zero():
    known = table()
    kriging = local(known)
    rows, counts = np.arange(12)[None].copy(), np.array([12])
    with pytest.raises(YaotanError, match="kriging variance is negative"):
        kriging._solve(
            rows, counts, np.ones((1, 12)), np.array([0.01]), sphere_point([33.0], [112.0])[:, None],
            np.array([False]), np.zeros((1, 1)), kriging.residual,
        )  # fmt: skip


@pytest.fixture(scope="module")
def planted():
    return plant(3, ProductSum(0.4, 0.2, 1.2, 0.1, 600e3, 15.0))


@pytest.fixture(scope="module")
def fitted(planted):
    families = {"space_family": "exponential", "time_family": "exponential"}
    return SpaceTimeKriging(MeanModel(1, 1, 1), **families).fit(planted.observations)


def test_stated_error_covers_a_planted_field(planted, fitted):
    value, sigma = fitted.predict_at(planted.latitude, planted.longitude, planted.time)
    z = (planted.truth - value) / sigma
    # one realisation: what many show is in tests/truth
    assert 0.58 < (np.abs(z) < 0.994458).mean() < 0.78
    assert 0.90 < (np.abs(z) < 1.959964).mean() < 0.99
    assert np.std(planted.truth - value) < 0.8 * np.std(planted.truth - planted.truth.mean())


def test_leaving_out_is_conditioning_on_the_rest(planted, fitted):
    known = planted.observations
    value, sigma = fitted.leave_out(known.overpass[:, None])
    track = known.overpass == known.overpass[400]
    other = fitted.condition(known.take(~track))
    wanted, spread = other._local.at_points(
        known.latitude[track], known.longitude[track], known.days[track], None
    )
    np.testing.assert_allclose(value[track], wanted, rtol=1e-9)
    np.testing.assert_allclose(sigma[track], spread, rtol=1e-9)


def test_leaving_out_single_observations_flatters(fitted):
    by_one = cross_validate(fitted, scheme="observation")
    by_overpass = cross_validate(fitted, scheme="overpass")
    by_block = cross_validate(fitted, scheme="block")
    assert by_one.rmse < 0.8 * by_overpass.rmse
    assert by_overpass.rmse <= by_block.rmse * 1.02
    assert 0.63 < by_overpass.coverage_68 < 0.74
    assert 0.92 < by_overpass.coverage_95 < 0.98


def test_map_does_not_depend_on_blocks_and_leaves_cells_out(fitted, monkeypatch):
    spec = GridSpec.regular(2.0, (90, 22, 110, 34))
    whole = fitted.predict(spec, [("2018-03", "2018-03")])
    assert whole["xco2"].chunks is not None
    computed = whole.compute()
    monkeypatch.setattr("yaotan.column.fill.block._BLOCK", 25)
    parts = fitted.predict(spec, [("2018-03", "2018-03")], region=(90, 22, 100, 34))
    assert len(parts["xco2"].chunks[1]) == 3
    parts = parts.compute()
    np.testing.assert_array_equal(parts["xco2"].values[..., :5], computed["xco2"].values[..., :5])
    assert np.isnan(parts["xco2"].values[..., 5:]).all()
    assert (parts["xco2_measured"].values[..., 5:] == 2).all()
    assert computed.attrs["kind"] == "interpolated"


def test_map_of_points_is_prediction_at_points(fitted):
    spec = GridSpec.regular(5.0, (90, 20, 110, 35))
    point = fitted.condition(fitted.observations_)
    point.support = "point"
    point = point.condition(point.observations_)
    filled = point.predict(spec, ["2018-05-01"]).compute()
    lat, lon = np.meshgrid(filled["lat"], filled["lon"], indexing="ij")
    value, sigma = point.predict_at(lat, lon, np.datetime64("2018-05-01"))
    np.testing.assert_allclose(filled["xco2"].values.ravel(), value, rtol=1e-12)
    np.testing.assert_allclose(filled["xco2_uncertainty"].values.ravel(), sigma, rtol=1e-9)


def test_draws_have_mean_and_scatter_of_the_prediction(fitted):
    spec, times = GridSpec.regular(6.0, (90, 20, 114, 50)), ["2018-05-01", "2018-05-10"]
    drawn = fitted.simulate(spec, times, draws=500, seed=1)["xco2"]
    filled = fitted.predict(spec, times).compute()
    z = (drawn.mean("draw") - filled["xco2"]) / filled["xco2_uncertainty"] * np.sqrt(500)
    assert 0.6 < float(z.std()) < 1.5
    ratio = drawn.std("draw") / filled["xco2_uncertainty"]
    assert float(ratio.mean()) == pytest.approx(1.0, abs=0.04)
    again = fitted.simulate(spec, times, draws=500, seed=1)["xco2"]
    np.testing.assert_array_equal(drawn, again)
    free = fitted.simulate(spec, times, draws=500, seed=1, conditional=False)["xco2"]
    assert float(free.std("draw").mean()) > 1.1 * float(drawn.std("draw").mean())


def test_what_cannot_be_filled_is_refused(planted, fitted):
    with pytest.raises(TooFewSoundingsError, match=r"needs at least 50 observations .* given are 12"):
        SpaceTimeKriging(MeanModel(harmonics=0)).fit(table())
    with pytest.raises(YaotanError, match="outside the data's period"):
        fitted.predict(GridSpec.regular(5.0, (90, 20, 110, 35)), ["2025-01-01"])
    with pytest.raises(YaotanError, match="outside the data's period"):
        fitted.predict_at([30.0], [100.0], np.datetime64("2025-01-01"))
    for wrong in (
        {"minimum": 9, "maximum": 3},
        {"track_share": 0.0},
        {"error_length": -1.0},
        {"support": "x"},
    ):
        with pytest.raises(YaotanError, match=next(iter(wrong))):
            SpaceTimeKriging(**wrong)


def test_input_is_not_edited(planted):
    before = planted.observations.value.copy()
    SpaceTimeKriging(MeanModel(1, 1, 1), model=MODEL).fit(planted.observations)
    np.testing.assert_array_equal(planted.observations.value, before)
