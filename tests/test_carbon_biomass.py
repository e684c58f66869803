"""Biomass: trees, stands, roots, and a model whose scores do not flatter."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from yaotan.carbon.biomass.applicability import find_applicability
from yaotan.carbon.biomass.calibration import find_calibration
from yaotan.carbon.biomass.fold import blocks, folds
from yaotan.carbon.biomass.model import BiomassModel
from yaotan.carbon.biomass.predictor import sample_predictors
from yaotan.carbon.biomass.root import below_ground
from yaotan.carbon.biomass.stand import plot_biomass, stand_biomass, tree_biomass
from yaotan.errors import CatalogError, SchemaError, TooFewSoundingsError

pytest.importorskip("sklearn")


def test_equations_of_chave() -> None:
    """Typed from the equations 4 and 7 of the paper."""
    d, w, h, e = 42.0, 0.62, 28.0, 0.1
    assert tree_biomass(d, w, h) == pytest.approx(0.0673 * (w * d**2 * h) ** 0.976)
    log = -1.803 - 0.976 * e + 0.976 * math.log(w) + 2.673 * math.log(d) - 0.0299 * math.log(d) ** 2
    assert tree_biomass(d, w, stress=e) == pytest.approx(math.exp(log))
    mixed = tree_biomass([d, d], [w, w], [h, np.nan], stress=e)
    np.testing.assert_allclose(mixed, [tree_biomass(d, w, h), tree_biomass(d, w, stress=e)])
    assert np.isnan(tree_biomass(d, w, np.nan))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tree_biomass(40.0, 0.6), "neither height nor stress"),
        (lambda: tree_biomass(40.0, 620.0, 20.0), "wood density, such as 620"),
        (lambda: tree_biomass(40.0, 0.6, 2000.0), "height, such as 2000"),
        (lambda: plot_biomass(pd.DataFrame({"D": [1.0]}), 1.0), "no column plot"),
        (
            lambda: plot_biomass(pd.DataFrame({"plot": ["a"], "D": [9.0], "WD": [0.5]}), 0.0, stress=0.1),
            "no area",
        ),
        (lambda: stand_biomass([-1.0], (0.5, 1.0)), "negative"),
    ],
)
def test_trees_and_stands_refused(call, words) -> None:
    with pytest.raises(SchemaError, match=words):
        call()


def test_coefficients_nobody_checked_are_given_only_on_request() -> None:
    with pytest.raises(CatalogError, match="not seen in their source"):
        stand_biomass([100.0], "larch")
    assert stand_biomass([100.0], "larch", unverified=True) == pytest.approx(0.967 * 100 + 5.760)


def test_real_plots_of_trees(data_root: Path) -> None:
    """Rain forest of a hectare each; errors of trees average out, that of the equation does not."""
    trees = pd.read_csv(data_root / "geo" / "biomass" / "nouragues_plot_trees.csv")
    plots = plot_biomass(trees, 1.0, stress=-0.1)
    assert plots["biomass"].between(200, 700).all()
    assert plots["trees"].sum() == len(trees)
    assert (plots["biomass_uncertainty"] < 0.08 * plots["biomass"]).all()
    wide = plot_biomass(trees, 1.0, stress=-0.1, equation_sd=0.1)
    assert (wide["biomass_uncertainty"] > 0.1 * wide["biomass"]).all()


def test_root_rules() -> None:
    above = xr.DataArray([1.0, 7.4, 7.5, 16.0, np.nan], dims="x", attrs={"units": "kg m-2"})  # t/ha: x 10
    got = below_ground(above, "temperate_broadleaf")
    np.testing.assert_allclose(got, [0.456, 0.456 * 7.4, 0.226 * 7.5, 0.241 * 16.0, np.nan])
    power = below_ground(above, "cairns1997")
    np.testing.assert_allclose(power[:4] * 10, np.exp(-1.085 + 0.9256 * np.log(above[:4] * 10)), rtol=1e-8)
    assert np.isnan(below_ground(above, "temperate_oak")[0])  # the table begins at 70 t/ha
    assert below_ground(above.chunk(x=2), "mokany2006").chunks is not None
    with pytest.raises(SchemaError, match="of dry matter, and this is carbon"):
        below_ground(above.assign_attrs(substance="carbon"), "mokany2006")


def planted(seed: int, count: int = 500) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Plots in clumps: biomass from height, and an effect of the clump that predictors of place can learn."""
    random = np.random.default_rng(seed)
    clump = random.integers(0, 40, count)
    lon = random.uniform(95, 115, 40)[clump] + 0.05 * random.standard_normal(count)
    lat = random.uniform(25, 45, 40)[clump] + 0.05 * random.standard_normal(count)
    height = random.uniform(3, 30, count)
    effect = 40.0 * random.standard_normal(40)[clump]
    biomass = np.maximum(8.0 * height + effect + 10.0 * random.standard_normal(count), 0.0)
    table = pd.DataFrame({"height": height, "lon": lon, "lat": lat})
    return table, biomass, lon, lat


def test_random_splits_flatter_and_blocks_do_not() -> None:
    """New land has an effect of its own: sd 41 of the error is the best there can be."""
    table, biomass, lon, lat = planted(1)
    model = BiomassModel(block_size=100e3, trees=40).fit(table, biomass, longitude=lon, latitude=lat)
    assert model.scores_["random"]["rmse"] < 0.75 * model.scores_["blocks"]["rmse"]
    assert 38.0 < model.scores_["blocks"]["rmse"] < 60.0
    fresh, truth, flon, flat = planted(2)
    del flon, flat
    error = model.predict(fresh)["biomass"] - truth
    assert float(np.sqrt((error**2).mean())) == pytest.approx(model.scores_["blocks"]["rmse"], rel=0.35)
    assert model.scores_["mean"]["rmse"] > model.scores_["blocks"]["rmse"]
    assert 0.8 <= model.coverage_ <= 0.97
    assert model.importance_.idxmax() == "height"


def test_saturation_is_told() -> None:
    """A sensor that sees nothing beyond 150 t/ha."""
    random = np.random.default_rng(3)
    biomass = random.uniform(0, 400, 400)
    table = pd.DataFrame({"radar": np.minimum(biomass, 150.0) + 3.0 * random.standard_normal(400)})
    place = {"longitude": random.uniform(100, 120, 400), "latitude": random.uniform(20, 40, 400)}
    model = BiomassModel(block_size=200e3, trees=40).fit(table, biomass, **place)
    assert 230.0 < model.saturation_ < 350.0  # the mean of what looks like 150 and more
    assert model.above_saturation_ > 0.1
    assert model.levels_["bias"].iloc[-1] < -60.0
    assert abs(model.levels_["bias"].iloc[0]) < 15.0


def test_limits_of_application() -> None:
    random = np.random.default_rng(4)
    x = random.standard_normal((300, 2))
    area = find_applicability(x, np.array([1.0, 0.0]), np.arange(300) % 5, 0)
    assert area.inside(np.array([[0.0, 0.0], [0.0, 50.0]])).all()  # the second predictor does not matter
    assert not area.inside(np.array([[8.0, 0.0]])).any()
    assert np.isnan(area.dissimilarity(np.array([[np.nan, 0.0]]))).all()
    assert area.inside(x).mean() > 0.9


def test_map_is_the_table_pixel_by_pixel_and_lazy() -> None:
    table, biomass, lon, lat = planted(5, 200)
    model = BiomassModel(learner="linear", block_size=100e3).fit(table, biomass, longitude=lon, latitude=lat)
    random = np.random.default_rng(6)
    grids = {name: xr.DataArray(random.uniform(table[name].min(), table[name].max(), (6, 8)), dims=("y", "x"))
             for name in table}  # fmt: skip
    grids["height"][0, 0] = np.nan
    grids["height"][0, 1] = 900.0
    rasters = xr.Dataset(grids)
    got = model.predict_map(rasters.chunk(y=3))
    assert got["biomass"].chunks is not None
    flat = model.predict(pd.DataFrame({name: grids[name].values.ravel() for name in table}))
    np.testing.assert_allclose(got["biomass"].values.ravel(), flat["biomass"])
    np.testing.assert_allclose(got["upper"].values.ravel(), flat["upper"])
    assert np.isnan(got["biomass"][0, 0])
    assert np.isnan(got["applicable"][0, 0])
    assert int(got["applicable"][0, 1]) == 0
    assert got["biomass"].attrs["units"] == "t ha-1"
    with pytest.raises(SchemaError, match="no raster 'lat'"):
        model.predict_map(rasters.drop_vars("lat"))


def test_rules_of_scikit_learn() -> None:
    from sklearn.base import clone

    model = BiomassModel(learner="boosting", folds=4)
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(folds=3).folds == 3
    with pytest.raises(SchemaError, match="no parameter 'leaves'"):
        model.set_params(leaves=9)
    with pytest.raises(SchemaError, match="not fitted"):
        model.predict(pd.DataFrame())


def test_plots_that_cannot_be_are_named(data_root: Path) -> None:
    """The real table holds a plot of 6809 t/ha."""
    plots = pd.read_csv(data_root / "geo" / "biomass" / "agb_plots_plottomap.csv").iloc[::4]
    worst = pd.concat(
        [plots, pd.read_csv(data_root / "geo/biomass/agb_plots_plottomap.csv").nlargest(1, "AGB_T_HA")]
    )
    given = {"longitude": worst["POINT_X"], "latitude": worst["POINT_Y"]}
    table = pd.DataFrame({"latitude": worst["POINT_Y"].abs(), "east": worst["POINT_X"]})
    with pytest.raises(SchemaError, match="hold what no stand does, such as"):
        BiomassModel(learner="linear").fit(table, worst["AGB_T_HA"], **given)
    model = BiomassModel(learner="linear", implausible="drop").fit(table, worst["AGB_T_HA"], **given)
    assert model.dropped_["implausible"] >= 1


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"learner": "net"}, SchemaError, "forest, boosting or linear"),
        ({"block_size": 9e6}, SchemaError, "lie in [12] block"),
        ({"rows": 20}, TooFewSoundingsError, "20 plots are left"),
        ({"text": True}, SchemaError, "name is no number"),
    ],
)
def test_model_refused(change, kind, words) -> None:
    table, biomass, lon, lat = planted(7, 100)
    rows = change.pop("rows", 100)
    table = table.assign(name="a") if change.pop("text", False) else table
    with pytest.raises(kind, match=words):
        BiomassModel(**{"learner": "linear", **change}).fit(
            table[:rows], biomass[:rows], longitude=lon[:rows], latitude=lat[:rows]
        )


def test_blocks_and_folds() -> None:
    random = np.random.default_rng(8)
    lon, lat = random.uniform(100, 104, 400), random.uniform(60, 63, 400)
    block = blocks(lon, lat, 50e3)
    for one in np.unique(block):
        there = block == one
        assert np.ptp(lat[there]) * 111.2 <= 50.1
        assert np.ptp(lon[there]) * 111.2 * np.cos(np.radians(lat[there].mean())) <= 52.0
    fold = folds(block, 5, 0)
    assert np.bincount(fold).min() > 60
    assert all(np.unique(fold[block == one]).size == 1 for one in np.unique(block))


def test_interval_of_errors_that_grow_with_biomass() -> None:
    random = np.random.default_rng(9)
    predicted = random.uniform(20, 300, 4000)
    observed = predicted * (1 + 0.2 * random.standard_normal(4000))
    found = find_calibration(observed, predicted, 0.9)
    assert found.sd(np.array([50.0, 250.0])) == pytest.approx([10.0, 50.0], rel=0.25)
    low, high = found.interval(predicted)
    assert ((observed >= low) & (observed <= high)).mean() == pytest.approx(0.9, abs=0.01)


def test_predictors_are_those_of_the_pixel_a_plot_lies_in() -> None:
    """Against pixels found one by one, on a projected grid and one in degrees; outside is missing."""
    import rioxarray  # noqa: F401
    from pyproj import Transformer

    random = np.random.default_rng(10)
    axes = {"y": 4.4e6 - 30.0 * np.arange(50), "x": 5e5 + 30.0 * np.arange(40)}
    wide = xr.DataArray(random.random((50, 40)), coords=axes, dims=("y", "x")).rio.write_crs("EPSG:32650")
    wide[3, 4] = -9999.0
    wide = wide.rio.write_nodata(-9999.0)
    place = Transformer.from_crs("EPSG:32650", "EPSG:4326", always_xy=True)
    row, column = random.integers(0, 50, 30), random.integers(0, 40, 30)
    row[0], column[0] = 3, 4
    lon, lat = place.transform(
        axes["x"][column] + random.uniform(-14, 14, 30), axes["y"][row] + random.uniform(-14, 14, 30)
    )
    lon[1] = 100.0
    got = sample_predictors({"wide": wide, "lazy": wide.chunk(y=20)}, lon, lat)
    wanted = wide.values[row, column]
    wanted[:2] = np.nan
    np.testing.assert_array_equal(got["wide"], wanted)
    np.testing.assert_array_equal(got["lazy"], wanted)
    with pytest.raises(SchemaError, match="no plot lies in the raster wide"):
        sample_predictors({"wide": wide}, lat, lon)
