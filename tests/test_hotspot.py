"""Hot spots: the statistic, the null that holds under correlated noise, persistence, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from hotspot_truth import month
from yaotan import hot_spots
from yaotan.column import persistence
from yaotan.column.hotspot.correlation import Covariance, draw_fields, lay_out
from yaotan.column.hotspot.neighbourhood import excess_variance, find_neighbours
from yaotan.column.hotspot.null import discoveries
from yaotan.errors import GridError, SchemaError, SeriesError, TooFewSoundingsError, UnitsError, YaotanError
from yaotan.geodesy import distance, sphere_point


def places(count: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    lat, lon = random.uniform(20, 30, count), random.uniform(175, 185, count)
    return lat, np.where(lon > 180, lon - 360, lon), random.normal(400, 1, count)


def test_statistic_is_that_of_the_textbook_over_the_dateline() -> None:
    """Ord and Getis (1995), written out cell by cell with great-circle distances."""
    lat, lon, x = places()
    n, near = x.size, find_neighbours(sphere_point(lat, lon), 250e3)
    found = near.textbook(x)
    spread = np.sqrt(np.mean(x**2) - np.mean(x) ** 2)
    for i in range(n):
        w = (distance(lat[i], lon[i], lat, lon) <= 250e3).astype(float)
        top = (w * x).sum() - x.mean() * w.sum()
        assert found[i] == pytest.approx(
            top / (spread * np.sqrt((n * (w**2).sum() - w.sum() ** 2) / (n - 1)))
        )
    assert (near.size > 1).any()


def test_variance_of_sums_is_the_quadratic_form() -> None:
    lat, lon, _ = places(80)
    place, noise = sphere_point(lat, lon), np.random.default_rng(1).uniform(0.5, 1.5, 80)
    near = find_neighbours(place, 200e3)
    variogram = lay_out(place, noise, 200e3, np.random.default_rng(0))
    variance = excess_variance(near, place, noise, 200e3, variogram, np.random.default_rng(0))
    chord = np.linalg.norm(place[:, None] - place, axis=2)
    a = near.weight.toarray() - near.size[:, None] / 80
    for length in (float(variogram.lengths[2]), float(variogram.lengths[-1])):
        matrix = 0.3 * np.diag(noise) + 0.7 * np.exp(-chord / length)
        np.testing.assert_allclose(
            variance.of(Covariance(0.3, 0.7, length)), ((a @ matrix) * a).sum(axis=1), rtol=1e-9
        )


@pytest.mark.parametrize("count", [400, 2600], ids=["cholesky", "waves"])
def test_fields_drawn_have_their_covariance(count: int) -> None:
    random = np.random.default_rng(2)
    lat, lon = random.uniform(20, 40, count), random.uniform(100, 120, count)
    place, noise = sphere_point(lat, lon), np.ones(count)
    fields = draw_fields(Covariance(0.5, 1.0, 400e3), place, noise, 20, random)
    assert fields.var() == pytest.approx(1.5, rel=0.15)
    variogram = lay_out(place, noise, 200e3, random)
    square = (fields[:, variogram.first] - fields[:, variogram.second]) ** 2 / 2
    gamma = np.bincount(variogram.kind, weights=square.mean(axis=0)) / variogram.count
    wanted = 0.5 + 1 - np.exp(-variogram.apart / 400e3)
    np.testing.assert_allclose(gamma[2:], wanted[2:], rtol=0.15)


def test_noise_has_no_hot_spots_and_the_textbook_says_it_has() -> None:
    """Six months of the kind in hotspot_truth; 500 in tests/truth."""
    flags = [hot_spots(month(seed)[0], seed=seed).hotspot.values for seed in range(6)]
    assert sum(np.isin(flag, (1, 2)).any() for flag in flags) <= 1
    naive = [hot_spots(month(seed)[0], null="independent").hotspot.values for seed in range(6)]
    assert sum(np.isin(flag, (1, 2)).any() for flag in naive) >= 2


def test_planted_hot_spots_are_found() -> None:
    found, false = 0, 0
    for seed in range(100, 108):
        grid, source = month(seed, planted=4.0)
        flag = hot_spots(grid).hotspot.values
        found += bool((flag[source] == 1).any())
        false += int((flag == 2).sum())
    assert found >= 5
    assert false == 0


def test_cold_is_hot_turned_over_and_equal_seeds_are_equal() -> None:
    grid, _ = month(102, planted=5.0)
    before = grid.copy(deep=True)
    one, two = hot_spots(grid, seed=3), hot_spots(grid, seed=3)
    xr.testing.assert_identical(one, two)
    xr.testing.assert_identical(grid, before)
    turned = grid.assign(xco2_enhancement=(400 - 2 * grid.xco2_enhancement).assign_attrs(units="ppm"))
    turned["xco2_enhancement_uncertainty"] = grid.xco2_enhancement_uncertainty * 2
    turned["xco2_enhancement_uncertainty"].attrs["units"] = "ppm"
    other = hot_spots(turned, seed=3)
    np.testing.assert_allclose(other.xco2_enhancement_gstar, -one.xco2_enhancement_gstar, rtol=1e-6)
    assert (one.hotspot == 1).sum() > 0
    assert ((other.hotspot == 2) == (one.hotspot == 1)).all()


def test_null_fields_that_are_given() -> None:
    """Members of a rough noise: the same noise is no hot spot, what is planted is one."""
    random = np.random.default_rng(4)
    axes = {"lat": np.arange(20.0, 35), "lon": np.arange(100.0, 120)}
    members = xr.DataArray(random.normal(size=(99, 15, 20)), dims=("member", "lat", "lon"), coords=axes)
    field = random.normal(size=(15, 20))
    noise = xr.Dataset({"xco2": (("lat", "lon"), field, {"units": "ppm"})}, axes)
    assert not np.isin(hot_spots(noise, null=members).hotspot, (1, 2)).any()
    field[5:9, 5:9] += 3
    flag = hot_spots(
        xr.Dataset({"xco2": (("lat", "lon"), field, {"units": "ppm"})}, axes), null=members
    ).hotspot
    assert (flag[6:8, 6:8] == 1).all()
    with pytest.raises(YaotanError, match="at least 39"):
        hot_spots(noise, null=members[:10])
    with pytest.raises(GridError, match="the null has dims"):
        hot_spots(noise, null=members[:, :5])


def test_level_of_the_whole_field_decides_whether_anything_is_named() -> None:
    """A planted field that one of 199 null fields reaches: 2 / 200 is above 0.005, and not above 0.01."""
    grid, _ = month(113, planted=3.0)
    found = hot_spots(grid)
    assert json.loads(found.attrs["hotspot"])[0]["anywhere"] == 0.01
    assert np.isin(found.hotspot, (1, 2)).any()
    assert not np.isin(hot_spots(grid, anywhere=0.005).hotspot, (1, 2)).any()
    assert json.loads(found.attrs["options"])["anywhere"] == 0.01


def test_false_discovery_rate_by_hand() -> None:
    np.testing.assert_allclose(discoveries(np.array([0.04, 0.01, 0.02])), [0.04, 0.03, 0.03])


def test_times_missing_cells_and_a_constant_field() -> None:
    grid, _ = month(5)
    empty = grid * np.nan
    lonely = grid.copy(deep=True)
    lonely["xco2_enhancement"][:, 20:40] = np.nan
    lonely["xco2_enhancement"][15, 30] = 1.0
    lonely["xco2_enhancement_uncertainty"][15, 30] = 1.0
    months = xr.concat([grid, empty, lonely], "time").assign_coords(
        time=np.array(["2020-01-01", "2020-02-01", "2020-03-01"], "datetime64[ns]")
    )
    for name in months.data_vars:
        months[name].attrs["units"] = "ppm"
    found = hot_spots(months)
    assert (found.hotspot[1] == 4).all()
    assert int(found.hotspot[2, 15, 30]) == 3
    assert np.isnan(float(found.xco2_enhancement_gstar[2, 15, 30]))
    assert ((found.hotspot == 4) == months.xco2_enhancement.isnull()).all()
    assert [entry["cells"] for entry in json.loads(found.attrs["hotspot"])][1] == 0
    flat = grid.assign(xco2_enhancement=grid.xco2_enhancement * 0 + 1)
    assert not np.isin(hot_spots(flat.drop_vars("xco2_enhancement_uncertainty")).hotspot, (1, 2)).any()


def test_persistence_is_the_share_of_judged_times() -> None:
    flags = np.array([[1, 4, 0, 2], [1, 1, 0, 2], [1, 3, 1, 2], [1, 1, 0, 4]], np.uint8)
    found = xr.Dataset({"hotspot": (("time", "lat"), flags)})
    share = persistence(found)
    np.testing.assert_allclose(share.persistence, [1.0, np.nan, 0.25, 0.0])
    assert share.persistence_count.values.tolist() == [4, 2, 4, 3]
    # of 4 of 4: lower end (alpha / 2)^(1 / 4); of 0 of 3: upper end 1 - (alpha / 2)^(1 / 3)
    assert float(share.persistence_lower[0]) == pytest.approx(0.025**0.25)
    assert float(share.persistence_upper[3]) == pytest.approx(1 - 0.025 ** (1 / 3))
    assert float(share.persistence_upper[0]) == 1.0
    assert float(persistence(found, kind="cold").persistence[3]) == 1.0
    with pytest.raises(SeriesError, match="there are 1 times"):
        persistence(found.isel(time=[0]))
    with pytest.raises(SchemaError, match="dim time"):
        persistence(found.isel(time=0))


def test_what_is_refused_by_name() -> None:
    grid, _ = month(6)
    few = grid.isel(lat=slice(0, 4), lon=slice(0, 5)).fillna(1.0)
    with pytest.raises(TooFewSoundingsError, match="20 measured cells"):
        hot_spots(few)
    mixed = grid.xco2_enhancement_uncertainty.assign_attrs(units="ppb")
    with pytest.raises(UnitsError, match="uncertainty in 'ppb'"):
        hot_spots(grid.assign(xco2_enhancement_uncertainty=mixed))
    with pytest.raises(SchemaError, match="xch4 is not told"):
        hot_spots(grid, variable="xch4")
    options = ({"fdr": 1.0}, {"distance": 0.0}, {"draws": 10}, {"minimum": 0}, {"anywhere": 0.004})
    for wrong in (*options, {"anywhere": 1.0}, {"null": "none"}):
        with pytest.raises(YaotanError, match=f"{next(iter(wrong))} is"):
            hot_spots(grid, **wrong)
