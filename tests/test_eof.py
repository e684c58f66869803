"""Modes: planted patterns come back, weights and signs are as stated, degenerate ones are so called."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from yaotan.column import eof
from yaotan.errors import GridError, SeriesError, YaotanError

TIME = np.arange("2010-01", "2018-01", dtype="datetime64[M]").astype("datetime64[ns]")
LAT, LON = np.linspace(-60, 60, 13), np.arange(0.0, 120, 10)


def make(
    amplitudes: tuple[float, float], seed: int = 1, season: float = 0.0
) -> tuple[xr.Dataset, np.ndarray]:
    """Two patterns orthogonal over the sphere, white series, a season everywhere, and little noise."""
    random = np.random.default_rng(seed)
    one = np.cos(np.radians(LON) * 3)[None, :] * np.ones(LAT.size)[:, None]
    two = np.sin(np.radians(LON) * 3)[None, :] * np.ones(LAT.size)[:, None]
    series = random.standard_normal((2, TIME.size))
    field = amplitudes[0] * series[0][:, None, None] * one + amplitudes[1] * series[1][:, None, None] * two
    field += season * np.sin(2 * np.pi * np.arange(TIME.size) / 12)[:, None, None]
    field += 400 + 0.05 * random.standard_normal(field.shape)
    axes = {"time": TIME, "lat": LAT, "lon": LON}
    return xr.Dataset({"xco2": (("time", "lat", "lon"), field, {"units": "ppm"})}, axes), series


def test_planted_modes_come_back_with_season_out() -> None:
    grid, series = make((3.0, 1.0), season=5.0)
    found = eof(grid, modes=3)
    assert abs(np.corrcoef(found.series[0], series[0])[0, 1]) > 0.9
    assert found.separated.values.tolist()[:2] == [1, 1]
    assert float(found.variance_share[0]) == pytest.approx(0.9, abs=0.05)
    assert float(found.pattern[0].max()) == pytest.approx(3.0, rel=0.2)
    np.testing.assert_allclose((found.series**2).sum("time") / (TIME.size - 1), 1.0)
    # without taking it out, the season is the first mode
    assert np.ptp(eof(grid, modes=1, season=False).pattern.values) < 2.5


def test_equal_variances_are_degenerate() -> None:
    grid, _ = make((1.0, 1.0))
    assert eof(grid, modes=2).separated.values.tolist() == [0, 0]


def test_sign_does_not_depend_on_that_of_the_field() -> None:
    grid, _ = make((3.0, 1.0))
    turned = grid.assign(xco2=(-grid.xco2).assign_attrs(units="ppm"))
    one, other = eof(grid, modes=2), eof(turned, modes=2)
    np.testing.assert_allclose(one.pattern, other.pattern, atol=1e-9)
    np.testing.assert_allclose(one.series, -other.series, atol=1e-9)
    flat = one.pattern.values.reshape(2, -1)
    assert (flat[[0, 1], np.abs(flat).argmax(axis=1)] > 0).all()


def test_areas_count_alike() -> None:
    """Eigenvalues sum to the area-weighted mean variance."""
    grid, _ = make((2.0, 1.0))
    field = grid.xco2.values - grid.xco2.values.mean(axis=0)
    weight = np.cos(np.radians(LAT))[:, None] * np.ones(LON.size)
    mean = (field.var(axis=0, ddof=1) * weight).sum() / weight.sum()
    found = eof(grid, modes=90, season=False)
    assert float(found.eigenvalue.sum()) == pytest.approx(mean, rel=1e-3)
    # patterns and series put the field together again
    again = np.einsum("mt,mij->tij", found.series.values, found.pattern.values)
    assert np.abs(again - field).max() < 0.2


def test_serial_correlation_widens_the_error() -> None:
    grid, _ = make((3.0, 1.0))
    slow = grid.rolling(time=6, center=True).mean().dropna("time")
    slow["xco2"].attrs["units"] = "ppm"
    assert float(eof(slow, modes=1, season=False).effective_count[0]) < 0.5 * slow.sizes["time"]


def test_missing_cells_and_what_is_refused() -> None:
    grid, _ = make((3.0, 1.0))
    gappy = grid.copy(deep=True)
    gappy["xco2"][3, 2, 2] = np.nan
    found = eof(gappy)
    assert found.attrs["cells_left_out"] == 1
    assert np.isnan(found.pattern[0, 2, 2])
    assert eof(gappy, missing=0.1).attrs["cells_left_out"] == 0
    with pytest.raises(GridError, match="0 cells of xco2 are measured at 100%"):
        eof(gappy.assign(xco2=gappy.xco2.where(gappy.time != TIME[0])))
    with pytest.raises(SeriesError, match=r"there are 1 times.*at least 7 for 5 modes"):
        eof(grid.isel(time=[0]))
    with pytest.raises(SeriesError, match="no calendar month comes twice"):
        eof(grid.isel(time=slice(0, 12)))
    with pytest.raises(GridError, match="dim time"):
        eof(grid.isel(time=0))
    with pytest.raises(YaotanError, match="missing is 1"):
        eof(grid, missing=1.0)
