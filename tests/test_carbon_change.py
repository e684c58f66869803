"""Changes: pairs by hand, transitions in time, gains and losses, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import yaotan
from yaotan.carbon.change.flow import Growth, Loss, OrganicSoil, WoodProducts
from yaotan.carbon.histogram import make_histogram
from yaotan.carbon.pool import PoolTable, open_pools
from yaotan.carbon.raster_pool import RasterPool
from yaotan.carbon.soil import soil_pools
from yaotan.carbon.stock import carbon_stock
from yaotan.errors import SchemaError

FOREST, CROP = 1, 2
#: km2: stays forest, cleared, planted, stays cropland
AREA = {(1, 1): 4000.0, (1, 2): 1000.0, (2, 1): 300.0, (2, 2): 2000.0}


def pairs(scale: float = 1e6, **columns: object) -> xr.Dataset:
    table = pd.DataFrame(
        [(b, a, v * scale) for (b, a), v in AREA.items()], columns=["before", "after", "area"]
    )
    return make_histogram(
        table.assign(**columns), scheme="own", units=dict.fromkeys(("one", "two"), "t ha-1")
    )


def pools(**values: tuple[float, float]) -> PoolTable:
    given = values or {
        "c_above": (60.0, 5.0),
        "c_below": (15.0, 1.0),
        "c_dead": (6.0, 0.0),
        "c_soil": (120.0, 80.0),
    }
    rows = [
        (code, pool, value, 0.1 * value)
        for pool, pair in given.items()
        for code, value in zip((1, 2), pair, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["class", "pool", "value", "sd"])
    return open_pools(table, scheme="own", units="t ha-1", depth=1.0 if "c_soil" in given else None)


def change(landuse: xr.Dataset, table: PoolTable | None = None, **options: object) -> xr.Dataset:
    given = {"period": (2010, 2020), "uncertainty": "propagation", "soil_years": 0.0, "dead_years": 0.0}
    return yaotan.stock_change(landuse, None, table, **{**given, **options})


def test_difference_of_densities_on_land_that_changed() -> None:
    """700 km2 net from forest to cropland, 1e5 t C/km2 = 100 t/ha: (55 + 14 + 6 + 40) t C/ha."""
    got = change(pairs(), pools())
    net = (1000.0 - 300.0) * 100.0 * 1e3  # ha x kg/t
    assert float(got.stock_change[0]) == pytest.approx(-115.0 * net)
    np.testing.assert_allclose(got.pool_change[0], np.array([-55.0, -14.0, -6.0, -40.0]) * net)
    cleared = got.transition_change.sel(before=1, after=2)
    assert float(cleared[0]) == pytest.approx(-115.0 * 1000 * 100 * 1e3)
    assert float(got.transition_change.sum()) == pytest.approx(float(got.stock_change[0]))
    assert float(got.class_change.sum()) == pytest.approx(float(got.stock_change[0]))
    seconds = 10 * 365.25 * 86400
    assert float(got.flux[0]) == pytest.approx(float(got.stock_change[0]) / (7300e6 * seconds))
    assert got.flux.attrs["positive"] == "to_land"
    xr.testing.assert_allclose(
        got.stock_change, change(pairs(), pools(), uncertainty="monte_carlo").stock_change
    )


def test_it_is_the_difference_of_two_stocks_where_both_dates_are_valid() -> None:
    from yaotan.carbon.marginal import one_date

    landuse = pairs()
    both = [
        carbon_stock(one_date(landuse, date, valid="both"), pools()).stock for date in ("before", "after")
    ]
    assert float(change(landuse, pools()).stock_change[0]) == pytest.approx(float((both[1] - both[0])[0]))


def test_land_of_one_date_is_told_and_does_not_count() -> None:
    table = pd.DataFrame({"before": [1, 2, None], "after": [2, None, 1], "area": [1e9, 5e9, 7e9]})
    got = change(make_histogram(table, scheme="own"), pools(c_above=(60.0, 5.0)))
    assert float(got.stock_change[0]) == pytest.approx(-5.5 * 1e9)
    assert got.area_before_only[0].values.tolist() == [0.0, 5e9]
    assert got.area_after_only[0].values.tolist() == [7e9, 0.0]


def test_one_draw_of_a_density_serves_both_dates() -> None:
    """Land that keeps its class adds no uncertainty: 700 km2 x 6 t/ha x 10 % and 5 t/ha x 10 %."""
    expected = 700 * 100 * 1e3 * math.hypot(6.0, 0.5)
    for method in ("propagation", "monte_carlo"):
        got = change(pairs(), pools(c_above=(60.0, 5.0)), uncertainty=method)
        assert float(got.stock_change_uncertainty[0]) == pytest.approx(expected, rel=0.03)
        cleared = got.transition_change_uncertainty.sel(before=1, after=2)
        assert float(cleared[0]) == pytest.approx(1000 * 100 * 1e3 * math.hypot(6.0, 0.5))


@pytest.mark.parametrize(
    ("conversion", "years", "share"),
    [("start", 10, 0.5), ("uniform", 10, 0.25), ("end", 10, 0.0), ("start", 30, 1.0), ("uniform", 30, 2 / 3)],
)
def test_soil_moves_in_a_line_over_20_years(conversion: str, years: int, share: float) -> None:
    """The share that is over is checked against land that changed year by year."""
    if conversion == "uniform":
        moments = (np.arange(20000) + 0.5) / 20000 * years
        assert np.minimum((years - moments) / 20, 1).mean() == pytest.approx(share, rel=1e-6)
    got = change(
        pairs(),
        pools(c_soil=(120.0, 80.0)),
        period=(2000, 2000 + years),
        soil_years=20.0,
        conversion=conversion,
    )
    whole = -40.0 * 700 * 100 * 1e3
    assert float(got.stock_change[0]) == pytest.approx(whole * share)
    assert float(got.soil_committed[0]) == pytest.approx(whole * (1 - share))
    assert got.attrs["conversion"].startswith(("land changed evenly", "all land changed"))


def test_dead_matter_is_lost_at_once_and_builds_up_slowly() -> None:
    got = change(pairs(), pools(c_dead=(6.0, 0.0)), dead_years=20.0)
    assert float(got.stock_change[0]) == pytest.approx((-6.0 * 1000 + 0.25 * 6.0 * 300) * 100 * 1e3)


def test_tier_1_soil_shares_the_error_of_its_reference() -> None:
    """64 t/ha (5 % half-width) x (1 - 0.69): the cropland factor has 2 sd of 16 % at warm temperate moist."""
    levels = {FOREST: {}, CROP: {"F_LU": "annual_crops"}}
    table = soil_pools(levels, edition="ipcc2019", climate="warm_temperate_moist", scheme="own")
    factor = yaotan.catalog.factor.factor_table("soil_factor_ipcc2019").find(
        "F_LU", "annual_crops", "warm_temperate_moist"
    )
    got = change(pairs(), table, edition="ipcc2019")
    ha = 700 * 100 * 1e3
    assert float(got.stock_change[0]) == pytest.approx(-64 * (1 - 0.69) * ha)
    reference = 64 * (1 - 0.69) * 0.05 / 1.959964
    assert float(got.stock_change_uncertainty_common[0]) == pytest.approx(reference * ha, rel=1e-5)
    assert float(got.stock_change_uncertainty_density[0]) == pytest.approx(64 * factor.sd * ha, rel=1e-9)
    assert (got.attrs["tier"], got.attrs["soil_depth"], got.attrs["edition"]) == ("1", "0.3 m", "ipcc2019")
    with pytest.raises(SchemaError, match="editions are mixed: ipcc2006, ipcc2019"):
        change(pairs(), table, edition="ipcc2006")


def test_rasters_of_two_dates_see_change_within_a_class() -> None:
    """Sums of dry matter [t/ha x m2] at both dates on the pairs; the carbon fraction is one parameter."""
    landuse = pairs(one_sum=[4e11, 1e11, 0.0, 0.0], two_sum=[5e11, 0.0, 0.1e11, 0.0],
                    one_area=[4e9, 1e9, 0.3e9, 2e9], two_area=[4e9, 1e9, 0.3e9, 2e9])  # fmt: skip
    rasters = tuple(RasterPool(name, "dry_matter", (0.5, 0.02), relative_sd=0.0) for name in ("one", "two"))
    got = change(landuse, None, rasters={"c_above": rasters})
    gained = (5e11 + 0.1e11 - 4e11 - 1e11) / 10 * 0.5
    assert float(got.stock_change[0]) == pytest.approx(gained)
    assert float(got.stock_change_uncertainty[0]) == pytest.approx(abs(gained) * 0.02 / 0.5)
    assert got.attrs["tier"] == "3"
    independent = tuple(
        RasterPool(name, "dry_matter", (0.5, 0.0), relative_sd=0.1) for name in ("one", "two")
    )
    got = change(landuse, None, rasters={"c_above": independent})
    assert float(got.stock_change_uncertainty[0]) == pytest.approx(0.1 * 0.05 * math.hypot(5e11, 5.1e11))


def test_a_raster_of_some_classes_and_a_table_of_the_others() -> None:
    """Forest by raster, cropland by table: land that changes sides counts on each once."""
    landuse = pairs(one_sum=[4e11, 1e11, 0.0, 0.0], two_sum=[5e11, 0.0, 0.1e11, 0.0],
                    one_area=[4e9, 1e9, 0.3e9, 2e9], two_area=[4e9, 1e9, 0.3e9, 2e9])  # fmt: skip
    rasters = tuple(RasterPool(name, "carbon", classes=(FOREST,), relative_sd=0.0) for name in ("one", "two"))
    got = change(landuse, pools(c_above=(60.0, 5.0)), rasters={"c_above": rasters})
    forest = (5e11 + 0.1e11 - 4e11 - 1e11) / 10
    assert float(got.stock_change[0]) == pytest.approx(forest + 0.5 * (1e9 - 0.3e9))
    np.testing.assert_allclose(got.class_change[0], [forest, 0.5 * 0.7e9])
    assert float(got.transition_change.sum()) == pytest.approx(float(got.stock_change[0]))


def test_areas_of_pairs_by_a_sample_of_pairs() -> None:
    """Of 50 points mapped as cleared, 10 are standing forest: 800 km2 are; of 300 km2 planted, 270 are.

    Variance of a share p of n points is p (1 - p) / (n - 1), times the squared area and 5.5 kg/m2.
    """
    names = [1001, 1002, 2001, 2002]
    counts = [[200, 0, 0, 0], [10, 40, 0, 0], [0, 0, 45, 5], [0, 0, 0, 200]]
    matrix = pd.DataFrame(counts, index=names, columns=names)
    sure = pools(c_above=(60.0, 5.0))
    sure = PoolTable(sure.frame.assign(sd=0.0), sure.scheme)
    got = change(pairs(), sure, confusion=matrix)
    assert float(got.stock_change[0]) == pytest.approx(-5.5 * (800e6 - 270e6))
    parts = [1000e6 * math.sqrt(0.8 * 0.2 / 49), 300e6 * math.sqrt(0.9 * 0.1 / 49)]
    assert float(got.stock_change_uncertainty[0]) == pytest.approx(5.5 * math.hypot(*parts))
    assert float(got.transition_area.sel(before=1, after=2)[0]) == pytest.approx(800e6)
    drawn = change(pairs(), sure, confusion=matrix, uncertainty="monte_carlo")
    np.testing.assert_allclose(drawn.stock_change_uncertainty, got.stock_change_uncertainty, rtol=0.03)
    np.testing.assert_allclose(drawn.class_change_upper, got.class_change_upper, rtol=0.05)
    both = change(pairs(), pools(c_above=(60.0, 5.0)), confusion=matrix, uncertainty="monte_carlo")
    plain = change(pairs(), pools(c_above=(60.0, 5.0)), confusion=matrix)
    np.testing.assert_allclose(both.stock_change_uncertainty, plain.stock_change_uncertainty, rtol=0.03)
    with pytest.raises(SchemaError, match="one date says nothing of change"):
        change(pairs(), sure, confusion=pd.DataFrame([[9, 1], [1, 9]], index=[1, 2], columns=[1, 2]))


def gain_loss(**options: object) -> xr.Dataset:
    growth = {FOREST: Growth((4.0, 0.8), "t ha-1 yr-1", (0.5, 0.0), ratio=0.25)}
    given = {"method": "gain_loss", "growth": growth, **options}
    return change(pairs(), pools(c_above=(60.0, 5.0), c_below=(15.0, 1.0)), **given)


def test_growth_conversion_and_losses() -> None:
    """Growth 4 t/ha x 1.25 x 0.5 = 2.5 t C/ha/yr, on standing forest for 10 years, on planted for 5."""
    wood = Loss.wood((2e6, 2e5), bcef=0.7, fraction=0.5, ratio=0.25, code=FOREST)
    fire = Loss.disturbance((1e6, 0.0), biomass=12.0, fraction=0.5, share=(0.6, 0.06), code=FOREST)
    got = gain_loss(losses=[wood, fire]).set_index(pool="pool")
    ha = 100 * 1e3
    part = {str(name): float(v) for name, v in zip(got.pool.values, got.pool_change[0], strict=True)}
    assert part["growth"] == pytest.approx(2.5 * (10 * 4000 + 5 * 300) * ha)
    assert part["c_above"] == pytest.approx(
        (1000 * (5 - 60) + 300 * (0 - 5)) * ha
    )  # forest starts from nothing
    assert part["loss_wood"] == pytest.approx(-10 * 2e6 * 0.7 * 0.5 * 1.25 * 1e3)
    assert part["loss_disturbance"] == pytest.approx(-10 * 1e6 * 12.0 * 0.5 * 0.6)
    assert float(got.stock_change[0]) == pytest.approx(sum(part.values()))
    growth = got.stock_change_uncertainty_growth[0]
    assert float(growth) == pytest.approx(0.2 * part["growth"])
    assert float(got.stock_change_uncertainty_loss[0]) == pytest.approx(
        math.hypot(0.1 * part["loss_wood"], 0.1 * part["loss_disturbance"])
    )


def test_wood_products_decay_between_their_inflows() -> None:
    """Against an integration in small steps of dC/dt = I - k C."""
    flows = [3e8, 1e8, 0.0, 2e8, 1e8, 1e8, 1e8, 0.0, 0.0, 1e8]
    held, k, step = 1e9, math.log(2) / 35, 1e-3
    for flow in flows:
        for _ in range(1000):
            held += step * (flow - k * (held + 0.5 * step * (flow - k * held)))
    given = WoodProducts({"sawnwood": flows}, {"sawnwood": 1e9})
    assert given.change(10) == pytest.approx(held - 1e9, rel=1e-5)
    got = gain_loss(products=[given])
    assert float(got.pool_change.sel(pool="wood_products")[0]) == pytest.approx(given.change(10))


def test_drained_organic_soil_loses_by_area_and_holds_no_mineral_soil() -> None:
    organic = {CROP: OrganicSoil(0.1, (5.0, 2.0), "t ha-1 yr-1")}
    got = change(pairs(), pools(c_soil=(120.0, 80.0)), organic=organic)
    ha = 100 * 1e3
    drained = -10 * 5.0 * 0.1 * (2000 + 1000) * ha
    assert float(got.pool_change.sel(pool="organic_soil")[0]) == pytest.approx(drained)
    assert float(got.pool_change.sel(pool="c_soil")[0]) == pytest.approx((-40 * 1000 * 0.9 + 40 * 300) * ha)
    assert float(got.stock_change_uncertainty_organic[0]) == pytest.approx(abs(drained) * 0.4)


BAD = {
    "dates_in_the_wrong_order": (lambda: change(pairs(), pools(), period=(2020, 2010)), "wrong order: 2020"),
    "one_date": (
        lambda: change(make_histogram(pd.DataFrame({"class": [1], "area": [1.0]}), scheme="own"), pools()),
        "of one date",
    ),
    "empty_overlap": (
        lambda: change(
            make_histogram(pd.DataFrame({"before": [1, None], "after": [None, 2], "area": 1.0}), scheme="s"),
            pools(),
        ),
        "no land is valid at both dates",
    ),
    "products_with_differences": (
        lambda: change(pairs(), pools(), products=[WoodProducts({"paper": [1.0] * 10})]),
        "products is given with the stock-difference",
    ),
    "no_growth": (lambda: change(pairs(), pools(), method="gain_loss"), "no growth"),
    "inflow_of_other_years": (
        lambda: gain_loss(products=[WoodProducts({"paper": [1.0]})]), "inflow of paper has 1 years"
    ),
    "growth_of_foreign_class": (
        lambda: gain_loss(growth={9: Growth(1.0, "t ha-1 yr-1", 0.5)}), "growth names class 9"
    ),
    "method_unknown": (lambda: change(pairs(), pools(), method="tier2"), "stock_difference or gain_loss"),
    "conversion_unknown": (lambda: change(pairs(), pools(), conversion="middle"), "uniform, start or end"),
    "edition_unknown": (lambda: change(pairs(), pools(), edition="ipcc1996"), "ipcc2006 or ipcc2019"),
    "edition_of_soil": (
        lambda: soil_pools({1: {}}, edition="gpg2003", climate="boreal_dry", scheme="own"),
        "ipcc2006 or ipcc2019",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused_by_name(name: str) -> None:
    call, words = BAD[name]
    with pytest.raises(SchemaError, match=words):
        call()


def test_a_series_sums_to_the_changes_between_its_dates() -> None:
    """Three dates: within an interval the years sum to its change; soils go on into the next one."""
    second = pairs(scale=5e5)
    table = pools(c_above=(60.0, 5.0), c_soil=(120.0, 80.0))
    series = yaotan.carbon.stock_series({(2000, 2010): pairs(), (2010, 2016): second}, table)
    assert series.year.values.tolist() == list(range(2000, 2016))
    first = change(pairs(), table, period=(2000, 2010), soil_years=20.0)
    later = change(second, table, period=(2010, 2016), soil_years=20.0)
    yearly = series.stock_change[0]
    assert float(yearly.sel(year=slice(2000, 2009)).sum()) == pytest.approx(float(first.stock_change[0]))
    # uniform change over 10 years, seen 16 years after its start: mean of min((16 - t) / 20, 1) is 0.55
    carried = (0.55 - 0.25) * -40.0 * 700 * 100 * 1e3
    rest = float(yearly.sel(year=slice(2010, 2015)).sum())
    assert rest == pytest.approx(float(later.stock_change[0]) + carried)
    whole = series.cumulative_change[0]
    assert float(whole[-1]) == pytest.approx(float(yearly.sum()))
    assert float(series.cumulative_change_uncertainty[0, 9]) == pytest.approx(
        float(first.stock_change_uncertainty[0])
    )


@pytest.mark.parametrize(("conversion", "year"), [("start", 2000), ("end", 2009)])
def test_a_series_of_change_at_one_end(conversion: str, year: int) -> None:
    table = pools(c_above=(60.0, 5.0))
    series = yaotan.carbon.stock_series({(2000, 2010): pairs()}, table, conversion=conversion)
    values = series.stock_change[0]
    assert float(values.sel(year=year)) == pytest.approx(-55.0 * 700 * 100 * 1e3)
    assert float(np.abs(values).sum()) == pytest.approx(55.0 * 700 * 100 * 1e3)


def test_a_series_needs_intervals_that_meet() -> None:
    with pytest.raises(SchemaError, match="no interval leads from 2010 to 2011"):
        yaotan.carbon.stock_series({(2000, 2010): pairs(), (2011, 2016): pairs()}, pools(c_above=(60.0, 5.0)))
    with pytest.raises(SchemaError, match="wrong order"):
        yaotan.carbon.stock_series({(2010, 2000): pairs()}, pools(c_above=(60.0, 5.0)))
