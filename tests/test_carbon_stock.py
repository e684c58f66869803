"""Stocks: values by hand, what is refused by name, and how errors combine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from carbon_truth import coverage
from yaotan.carbon.histogram import make_histogram
from yaotan.carbon.pool import PoolTable, open_pools
from yaotan.carbon.raster_pool import RasterPool
from yaotan.carbon.stock import carbon_stock
from yaotan.catalog.factor import factor_table, factor_tables
from yaotan.errors import CatalogError, SchemaError, UnitsError, YaotanError

#: class, above, below, soil, dead [t C/ha]; round numbers of a made-up landscape
INVEST = pd.DataFrame(
    [
        (11, "broadleaf forest", 55.0, 14.0, 120.0, 6.0),
        (32, "steppe", 0.6, 3.5, 60.0, 0.2),
        (42, "lake", 0.0, 0.0, 0.0, 0.0),
        (51, "cropland", 4.5, 0.7, 80.0, 0.0),
    ],
    columns=["lucode", "LULC_Name", "C_above", "C_below", "C_soil", "C_dead"],
)


def land(**columns: object) -> xr.Dataset:
    table = {"class": [11, 32, 42, 51], "area": [4e9, 3e9, 1e9, 2e9], **columns}
    return make_histogram(pd.DataFrame(table), scheme="survey", units={"agb": "Mg ha-1"})


def pools(table: pd.DataFrame = INVEST, **options: object) -> PoolTable:
    given = {"scheme": "survey", "units": "t ha-1", "depth": 1.0, **options}
    return open_pools(table, **{name: value for name, value in given.items() if value is not None})


def long(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"class": [11, 32, 42, 51], "pool": "c_above", "value": [60.0, 2.0, 0.0, 5.0], **columns}
    )


def test_the_formula_of_invest_to_the_rounding_of_its_floats() -> None:
    """InVEST sums float32 rasters of t/ha, pixel by pixel, times the pixel's area in ha."""
    random = np.random.default_rng(3)
    raster = random.choice(INVEST["lucode"], size=(200, 300), p=[0.4, 0.3, 0.1, 0.2])
    codes, count = np.unique(raster, return_counts=True)
    histogram = make_histogram(pd.DataFrame({"class": codes, "area": count * 900.0}), scheme="survey")
    got = carbon_stock(histogram, pools(), uncertainty="propagation")
    for column in ("C_above", "C_below", "C_soil", "C_dead"):
        values = INVEST.set_index("lucode")[column].astype("float32")[raster.ravel()].to_numpy()
        tonnes = values.astype("float64").sum() * 900.0 / 1e4
        np.testing.assert_allclose(
            float(got.pool_stock.sel(pool=column.lower())[0]), tonnes * 1e3, rtol=2 * np.finfo("f4").eps
        )
    assert got.stock.attrs["units"] == "kg"
    assert got.attrs["soil_depth"] == "1 m"


def test_nobody_stating_an_uncertainty_is_not_certainty() -> None:
    got = carbon_stock(land(), pools())
    assert np.isnan(got.stock_uncertainty).all()
    assert "density 11 c_above" in got.attrs["uncertainty_not_included"]


@pytest.mark.parametrize("unit", ["t C/ha", "Mg C ha-1", "t ha-1", "t/ha", "Mg·ha-1"])
def test_units_of_a_column(unit: str) -> None:
    frame = open_pools(long(units=unit.replace("·", " ")), scheme="survey").frame
    np.testing.assert_allclose(frame["value"], [6.0, 0.2, 0.0, 0.5], rtol=1e-12)


def test_pools_from_files_are_those_of_the_table(tmp_path) -> None:
    long(units="t ha-1", sd=[6, 1, 0, 1], scheme="survey").to_csv(tmp_path / "p.csv", index=False)
    long(units="t ha-1", sd=[6, 1, 0, 1], scheme="survey").to_parquet(tmp_path / "p.parquet")
    direct = open_pools(long(units="t ha-1", sd=[6, 1, 0, 1]), scheme="survey")
    for name in ("p.csv", "p.parquet"):
        pd.testing.assert_frame_equal(open_pools(tmp_path / name).frame, direct.frame)


BAD = {
    "class_absent": (lambda: carbon_stock(land(), pools(INVEST[:3])), SchemaError, "class 51.*absent.*To do"),
    "pool_blank": (
        lambda: carbon_stock(land(), pools(INVEST.assign(C_dead=[6.0, np.nan, 0.0, 0.0]))),
        SchemaError, "c_dead of class 32.*is blank.*not zero",
    ),
    "scheme_not_declared": (lambda: pools(scheme=None), SchemaError, "of which legend"),
    "other_scheme": (lambda: carbon_stock(land(), pools(scheme="cnlucc")), SchemaError, "survey.*cnlucc"),
    "unit_not_said": (lambda: pools(units=None), UnitsError, "unit of the densities is not said"),
    "unit_implausible": (lambda: pools(units="kg m-2"), UnitsError, "class 11 would be .*no class holds"),
    "unit_too_small": (lambda: pools(units="g m-2"), UnitsError, "c_soil of class 11"),
    "unit_is_co2": (lambda: pools(units="t CO2/ha"), UnitsError, "12/44"),
    "unit_is_dry_matter": (lambda: pools(units="t d.m./ha"), UnitsError, "carbon fraction"),
    "unit_of_no_density": (lambda: pools(units="m"), UnitsError, "cannot be turned"),
    "depth_not_declared": (lambda: pools(depth=None), SchemaError, "depth of the soil pool is not declared"),
    "depths_mixed": (
        lambda: open_pools(
            long(units="t ha-1", depth=[0.3, 1.0, 1.0, 1.0], scheme="s").assign(pool="c_soil", value=50.0)
        ),
        SchemaError, "soil depths.*mixed: 0.3, 1.0",
    ),
    "depths_joined": (
        lambda: pools(INVEST[["lucode", "C_soil"]]).join(
            pools(INVEST[["lucode", "C_soil"]].assign(lucode=INVEST.lucode + 100), depth=0.3)
        ),
        SchemaError, "soil depths.*mixed: 0.3, 1.0",
    ),
    "editions_mixed": (
        lambda: open_pools(long(units="t ha-1", edition=["ipcc2006", "ipcc2019", "", ""]), scheme="survey"),
        SchemaError, "editions are mixed: ipcc2006, ipcc2019",
    ),
    "row_twice": (
        lambda: open_pools(pd.concat([long(), long()]), scheme="survey", units="t ha-1"),
        SchemaError, "two rows",
    ),
    "pool_unknown": (
        lambda: carbon_stock(land(), pools(), accounted=["c_wood"]), SchemaError, "no pool 'c_wood'"
    ),
    "two_dates": (
        lambda: carbon_stock(
            make_histogram(pd.DataFrame({"before": [11], "after": [32], "area": [1.0]}), scheme="survey"),
            pools(),
        ),
        SchemaError, "stock_change",
    ),
    "raster_does_not_cover": (
        lambda: carbon_stock(
            land(agb_sum=[400e9, 0, 0, 0], agb_area=[3e9, 0, 0, 0]),
            rasters={"c_above": RasterPool("agb", "dry_matter", 0.47)},
        ),
        SchemaError, "no value of agb.*class_mean",
    ),
    "no_fraction": (lambda: RasterPool("agb", "dry_matter"), SchemaError, "no carbon fraction"),
    "few_draws": (lambda: carbon_stock(land(), pools(), draws=3), YaotanError, "100 draws"),
    "confused_with_foreign_class": (
        lambda: carbon_stock(land(), pools(), confusion=pd.DataFrame([[5]], index=[99], columns=[99])),
        SchemaError, "class 99, which the land use has not",
    ),
    "class_without_reference": (
        lambda: carbon_stock(land(), pools(), confusion=pd.DataFrame([[5]], index=[11], columns=[11])),
        SchemaError, "no reference point in mapped class 32",
    ),
    "factor_unknown": (
        lambda: factor_table("soc_reference_ipcc2019").find("sandy", "boreal_dry"),
        CatalogError, "sandy_soils",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_by_name(name: str) -> None:
    call, kind, words = BAD[name]
    with pytest.raises(kind, match=f"(?s){words}"):
        call()


def test_factors_have_a_source_and_the_values_of_the_guidelines() -> None:
    """Values typed from the two editions; they differ, which is why no table mixes them."""
    for table in factor_tables().values():
        assert table.source
        assert table.check
    new, old = factor_table("soc_reference_ipcc2019"), factor_table("soc_reference_ipcc2006")
    key = ("high_activity_clay_soils", "warm_temperate_moist")
    assert (new.find(*key).value, old.find(*key).value) == (64.0, 88.0)
    assert new.find(*key).sd == pytest.approx(64 * 0.05 / 1.96, rel=1e-3)
    tilled = ("F_MG", "no_tillage", "warm_temperate_moist")
    assert factor_table("soil_factor_ipcc2006").find(*tilled).value == 1.15
    assert factor_table("soil_factor_ipcc2019").find(*tilled).value == 1.10


def test_biomass_by_sums_of_a_raster() -> None:
    """400e9 m2 Mg/ha of forest are 40 Tg dry matter; the rest of the classes come from the table."""
    histogram = land(agb_sum=[400e9, 0, 0, 0], agb_area=[4e9, 0, 0, 0])
    sources = {
        "c_above": RasterPool("agb", "dry_matter", (0.47, 0.015), classes=(11,), relative_sd=0.1),
        "c_below": RasterPool(
            "agb", "dry_matter", (0.47, 0.015), ratio=(0.25, 0.05), classes=(11,), relative_sd=0.1
        ),
    }
    table = open_pools(INVEST[["lucode", "C_above", "C_below"]], scheme="survey", units="t ha-1")
    got = carbon_stock(histogram, table, rasters=sources, uncertainty="propagation")
    forest = got.class_stock.sel({"class": 11})
    assert float(forest[0]) == pytest.approx(40e9 * 0.47 * 1.25)
    # fraction and error of the raster are shared by both pools; the ratio is not
    relative = np.sqrt((0.015 / 0.47) ** 2 + 0.1**2 + (0.05 / 1.25) ** 2)
    assert float(got.stock_uncertainty[0]) == pytest.approx(40e9 * 0.47 * 1.25 * relative, rel=1e-9)
    drawn = carbon_stock(histogram, table, rasters=sources)
    assert float(drawn.stock_uncertainty[0]) == pytest.approx(float(got.stock_uncertainty[0]), rel=0.04)


def test_missing_biomass_as_the_rest_of_the_class() -> None:
    histogram = land(agb_sum=[300e9, 0, 0, 0], agb_area=[3e9, 0, 0, 0])
    for missing, tonnes in (("class_mean", 40e9), ("zero", 30e9)):
        source = RasterPool("agb", "dry_matter", 0.5, classes=(11,), missing=missing)
        only = carbon_stock(
            histogram, open_pools(long(units="t ha-1"), scheme="survey"), rasters={"c_above": source}
        )
        assert float(only.class_stock.sel({"class": 11})[0]) == pytest.approx(tonnes * 0.5)
        assert "1e+09 m2" in only.attrs["area_without_value"]


def regional() -> xr.Dataset:
    table = pd.DataFrame(
        {"region": ["a", "a", "b", "b"], "class": [1, 2, 1, 2], "area": [4e9, 1e9, 2e9, 8e9]}
    )
    return make_histogram(table, scheme="own")


def density(sd: tuple[float, float] = (6, 2), **columns: object) -> PoolTable:
    table = {"class": [1, 2], "pool": "c_above", "value": [60, 20], "sd": sd, **columns}
    return open_pools(pd.DataFrame(table), scheme="own", units="t ha-1")


def test_errors_of_a_class_do_not_average_out_over_regions() -> None:
    """6e9 m2 x 0.6 kg/m2 and 9e9 m2 x 0.2 kg/m2, independent of one another."""
    got = carbon_stock(regional(), density(), uncertainty="propagation")
    assert float(got.stock_uncertainty[-1]) == pytest.approx(np.hypot(6e9 * 0.6, 9e9 * 0.2))
    drawn = carbon_stock(regional(), density())
    np.testing.assert_allclose(drawn.stock_uncertainty, got.stock_uncertainty, rtol=0.03)
    np.testing.assert_allclose(drawn.class_stock_lower, got.class_stock_lower, rtol=0.03)
    np.testing.assert_allclose(drawn.stock_upper, got.stock_upper, rtol=0.03)


def test_correlated_classes_err_together() -> None:
    whole = [
        float(carbon_stock(regional(), density(), uncertainty=m, class_correlation=1.0).stock_uncertainty[-1])
        for m in ("propagation", "monte_carlo")
    ]
    np.testing.assert_allclose(whole, 6e9 * 0.6 + 9e9 * 0.2, rtol=0.03)


def test_a_common_error_is_shared_by_rows() -> None:
    pools = density((0, 0), common="method", common_sd=0.1)
    for method in ("propagation", "monte_carlo"):
        got = carbon_stock(regional(), pools, uncertainty=method)
        np.testing.assert_allclose(got.stock_uncertainty, 0.1 * got.stock, rtol=0.03)
        np.testing.assert_allclose(got.stock_uncertainty_common, 0.1 * got.stock, rtol=1e-9)


def test_draws_know_their_parameter_by_name_not_by_place() -> None:
    table = pd.DataFrame({"class": [2, 1], "pool": "c_above", "value": [20, 60], "sd": [2, 6]})
    turned = open_pools(table, scheme="own", units="t ha-1")
    xr.testing.assert_equal(
        carbon_stock(regional(), turned).stock_lower, carbon_stock(regional(), density()).stock_lower
    )


def test_shapes_of_distributions_have_the_stated_moments() -> None:
    for kind, ends in (("lognormal", {}), ("triangular", {"lower": [30, 10], "upper": [120, 40]})):
        pools = density((30, 10) if not ends else (np.nan, np.nan), distribution=kind, **ends)
        got = carbon_stock(regional(), pools, draws=40_000)
        sd = pools.frame["sd"].to_numpy() * [4e9, 1e9]
        np.testing.assert_allclose(got.class_stock_uncertainty[0], sd, rtol=0.03)
        assert (got.class_stock_lower > 0).all()
        high, low = got.class_stock_upper - got.class_stock, got.class_stock - got.class_stock_lower
        assert (high > low).all()


def test_a_density_is_never_negative() -> None:
    got = carbon_stock(regional(), density((60, 20)), draws=4000)
    assert (got.class_stock_lower >= 0).all()


def test_zones_have_densities_of_their_own() -> None:
    table = pd.DataFrame(
        {
            "class": [1, 1, 2],
            "zone": ["north", "south", ""],
            "pool": "c_above",
            "value": [60, 100, 20],
            "sd": [6, 10, 2],
        }
    )
    pools = open_pools(table, scheme="own", units="t ha-1")
    got = carbon_stock(regional(), pools, zones={"a": "north", "b": "south"}, uncertainty="propagation")
    np.testing.assert_allclose(
        got.stock, [4e9 * 6 + 1e9 * 2, 2e9 * 10 + 8e9 * 2, 4e9 * 6 + 9e9 * 2 + 2e9 * 10]
    )
    assert float(got.stock_uncertainty[-1]) == pytest.approx(np.sqrt(2.4**2 + 2.0**2 + 1.8**2) * 1e9)
    drawn = carbon_stock(regional(), pools, zones={"a": "north", "b": "south"})
    np.testing.assert_allclose(drawn.stock_uncertainty, got.stock_uncertainty, rtol=0.03)
    with pytest.raises(SchemaError, match="region b has zone ''"):
        carbon_stock(regional(), pools, zones={"a": "north"})


def test_area_error_of_a_confusion_matrix() -> None:
    """Area of 1 = 0.9 x 6e9 + 0.2 x 9e9; variance of the share p with n points: p (1 - p) / (n - 1)."""
    matrix = pd.DataFrame([[45, 5], [10, 40]], index=[1, 2], columns=[1, 2])
    got = carbon_stock(regional(), density((0, 0)), confusion=matrix, uncertainty="propagation")
    np.testing.assert_allclose(got.class_area[-1], [0.9 * 6e9 + 0.2 * 9e9, 0.1 * 6e9 + 0.8 * 9e9])
    variance = (6e9**2 * 0.9 * 0.1 + 9e9**2 * 0.2 * 0.8) / 49
    # land that is not of class 1 is of class 2: 4 kg/m2 between them
    assert float(got.stock_uncertainty[-1]) == pytest.approx(4.0 * np.sqrt(variance))
    assert float(got.class_stock_uncertainty[-1, 0]) == pytest.approx(6.0 * np.sqrt(variance))
    drawn = carbon_stock(regional(), density((0, 0)), confusion=matrix)
    np.testing.assert_allclose(drawn.stock_uncertainty, got.stock_uncertainty, rtol=0.03)
    np.testing.assert_allclose(drawn.class_stock_uncertainty, got.class_stock_uncertainty, rtol=0.03)
    both = carbon_stock(regional(), density(), confusion=matrix, uncertainty="propagation")
    assert float(both.stock_uncertainty_area[-1]) == pytest.approx(4.0 * np.sqrt(variance))
    squares = both.stock_uncertainty_area**2 + both.stock_uncertainty_density**2
    np.testing.assert_allclose(both.stock_uncertainty**2, squares)


def test_intervals_hold_the_truth_of_simulated_landscapes() -> None:
    """30 landscapes; 500, and errors that the method is not told, in tests/truth."""
    got = coverage(range(30), uncertainty="propagation")
    assert got["stock"] >= 0.85
    assert got["change"] >= 0.85
    assert 0.7 < got["z"] < 1.3
    sampled = coverage(range(30), confusion=0.25, area=True, uncertainty="propagation")
    assert sampled["stock"] >= 0.85
