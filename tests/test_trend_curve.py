"""Curves of a series against the steps of NOAA's ccgcrv done plainly, and what must hold of any filter."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft, interpolate, stats

from yaotan.column.trend.curve import Curve, Settings
from yaotan.errors import SeriesError

MONTHS = 1990 + (np.arange(240) + 0.5) / 12


def record(year: np.ndarray, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    slow = np.cumsum(random.normal(0, 0.05, year.size))
    return (
        350 + 1.6 * (year - 2000) + 0.012 * (year - 2000) ** 2 + 3 * np.sin(2 * np.pi * year)
        + 0.8 * np.cos(4 * np.pi * year) + slow + 0.3 * random.standard_normal(year.size)
    )  # fmt: skip


def ccgcrv(year: np.ndarray, value: np.ndarray, step: float) -> dict[str, np.ndarray]:
    """The steps that NOAA GML describes (gml.noaa.gov/ccgg/mbl/crvfit), by other routines than ours."""
    x = year - np.floor(year[0])
    waves = [f(2 * np.pi * k * x) for k in range(1, 5) for f in (np.sin, np.cos)]
    design = np.column_stack([np.ones_like(x), x, x**2, *waves])
    coefficients = np.linalg.lstsq(design, value, rcond=None)[0]
    residual = value - design @ coefficients
    near = (x <= x[0] + 667 / 365 / 4) | (x >= x[-1] - 667 / 365 / 4)
    line = stats.linregress(x[near], residual[near])
    count = round((x[-1] - x[0]) * 365 / step) + 1
    even = np.linspace(x[0], x[-1], count)
    flat = interpolate.interp1d(x, residual - line.intercept - line.slope * x)(even)
    size = 4 * fft.next_fast_len(count)
    spectrum = fft.fft(np.concatenate([flat, np.zeros(size - count)]))
    frequency = np.abs(fft.fftfreq(size, even[1] - even[0]))
    curves = {}
    for name, cutoff in (("smooth", 80.0), ("trend", 667.0)):
        gain = np.exp(-np.log(2) * (frequency * cutoff / 365) ** 6)
        filtered = fft.ifft(spectrum * gain).real[:count] + line.intercept + line.slope * even
        base = np.column_stack([np.ones(count), even, even**2])
        curves[name] = base @ coefficients[:3] + filtered
        if name == "smooth":
            even_waves = [f(2 * np.pi * k * even) for k in range(1, 5) for f in (np.sin, np.cos)]
            curves[name] += np.column_stack(even_waves) @ coefficients[3:]
    curves["even"] = even + np.floor(year[0])
    return curves


@pytest.mark.parametrize("gappy", [False, True], ids=["complete", "gaps"])
def test_curves_are_those_of_ccgcrv(gappy: bool) -> None:
    year = MONTHS
    if gappy:
        year = year[(np.abs(year - 1998.3) > 0.2) & (np.random.default_rng(3).random(year.size) > 0.1)]
    value = record(year)
    wanted = ccgcrv(year, value, 30.0)
    curve = Curve(year, Settings(step=30.0))
    for kind in ("smooth", "trend"):
        ours = curve.evaluator(value, kind)(wanted["even"])
        np.testing.assert_allclose(ours, wanted[kind], atol=1e-9)


def test_the_filter_halves_its_cut_off_and_keeps_longer_periods() -> None:
    year = 1950 + np.arange(60 * 52) / 52
    curve = Curve(year, Settings(terms=1, harmonics=0))
    middle = year[(year > 1970) & (year < 1990)]
    for days, share in ((667.0, 0.5), (1334.0, 2 ** -(0.5**6)), (333.0, 2 ** -((667 / 333) ** 6))):
        wave = np.sin(2 * np.pi * 365 / days * (year - 1950))
        ours = curve.evaluator(wave, "trend")(middle)
        np.testing.assert_allclose(ours, share * np.sin(2 * np.pi * 365 / days * (middle - 1950)), atol=0.01)


def test_rows_times_data_are_the_curves() -> None:
    value, curve = record(MONTHS), Curve(MONTHS, Settings())
    at = np.array([1995.0, 2001.37, 2005.9])
    for kind in ("function", "smooth", "trend", "season", "growth"):
        np.testing.assert_allclose(curve.rows(at, kind) @ value, curve.evaluator(value, kind)(at), atol=1e-9)
    total = curve.rows(at, "trend") + curve.rows(at, "season")
    np.testing.assert_allclose(total, curve.rows(at, "smooth"), atol=1e-12)


def test_growth_is_the_derivative_of_the_trend() -> None:
    value, curve = record(MONTHS), Curve(MONTHS, Settings())
    trend = curve.evaluator(value, "trend")
    for at in (1993.2, 2000.0, 2007.5):
        slope = (trend([at + 1e-4]) - trend([at - 1e-4])) / 2e-4
        np.testing.assert_allclose(curve.rows([at], "growth") @ value, slope, atol=1e-6)


def test_polynomial_and_season_come_back_as_they_are() -> None:
    year = MONTHS[np.random.default_rng(0).random(MONTHS.size) > 0.2]
    trend = 350 + 2 * (year - 2000) - 0.03 * (year - 2000) ** 2
    season = 3 * np.sin(2 * np.pi * year) - 0.5 * np.cos(8 * np.pi * year)
    curve = Curve(year, Settings())
    np.testing.assert_allclose(curve.rows(year, "trend") @ (trend + season), trend, atol=1e-8)
    np.testing.assert_allclose(curve.rows(year, "season") @ (trend + season), season, atol=1e-8)
    np.testing.assert_allclose(curve.rows([2000.0], "growth") @ (trend + season), 2.0, atol=1e-8)


def test_weights_go_into_the_fit() -> None:
    value, weight = record(MONTHS), np.random.default_rng(1).uniform(0.2, 5, MONTHS.size)
    curve = Curve(MONTHS, Settings(), weight)
    design = curve.design(MONTHS) * np.sqrt(weight)[:, None]
    wanted = np.linalg.lstsq(design, value * np.sqrt(weight), rcond=None)[0]
    np.testing.assert_allclose(curve.fit_rows @ value, wanted, rtol=1e-9, atol=1e-9)


def test_times_that_cannot_tell_the_harmonics_apart_are_refused() -> None:
    summer = np.sort(np.concatenate([1990.5 + np.arange(20), 1990.52 + np.arange(20)]))
    with pytest.raises(SeriesError, match="cannot tell 3 polynomial terms and 4 harmonics apart"):
        Curve(summer, Settings())
