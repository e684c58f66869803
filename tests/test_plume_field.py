"""The smooth field of the background: what is estimated of it, and what it does to weights and errors."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import xarray as xr

from yaotan.plume.cross_section import fit_shape
from yaotan.plume.detection import detect_plumes
from yaotan.plume.effective import EffectiveWind
from yaotan.plume.fading import line_fading
from yaotan.plume.linear import solve_linear
from yaotan.plume.mass import column_mass
from yaotan.plume.method import estimate_point_source
from yaotan.plume.preparation import Scenery, prepare
from yaotan.plume.sharing import make_once, shared_work
from yaotan.plume.source import make_sources
from yaotan.simulate.plume import PlumeSetting, simulate_plume

SETTING = PlumeSetting(size=70, noise=0.5)
SOURCE = make_sources(["P"], [SETTING.longitude], [SETTING.latitude])
WIND = EffectiveWind.from_direction(
    5.0, SETTING.direction, uncertainty={"wind_speed": 0.5}, direction_uncertainty=5.0
)


@cache
def scene(structure: float = 0.0, seed: int = 3, rate: float = 500.0) -> xr.Dataset:
    made, _ = simulate_plume(replace(SETTING, structure=structure, rate=rate), seed)
    return detect_plumes(column_mass(made, variable="xco2", water_vapour=False), SOURCE, variable="no2")


def laid_out(structure: float) -> Scenery:
    return prepare(scene(structure), SOURCE, WIND)


def test_size_of_the_field_is_that_of_the_structure() -> None:
    size = {structure: laid_out(structure).field.size for structure in (0.0, 0.2, 0.6)}  # type: ignore[union-attr]
    # waves of 60 to 300 km beside a plane of 130 km: part of their variance is the plane's
    assert size[0.0] < 0.08
    assert 0.1 < size[0.2] < 0.35
    assert 0.35 < size[0.6] < 1.0


def test_the_fit_is_generalised_least_squares() -> None:
    layout = laid_out(0.4).again(spacing=30e3)
    shape = layout.options.prior[0]
    linear = solve_linear(layout, shape)
    background = layout.background
    # the same by the covariance of noise and field, written out
    count = layout.centre.size
    lines = np.zeros((layout.mass.size, count))
    down = layout.bin >= 0
    lines[down, layout.bin[down]] = (linear.profile * layout.sigma)[down]
    design = np.concatenate([lines, background.polynomial], axis=1)
    covariance = np.diag(layout.sigma**2) + background.modes @ background.modes.T
    solved = np.linalg.solve(covariance, np.column_stack([design, layout.mass]))
    normal = design.T @ solved[:, :-1]
    expected = np.linalg.solve(normal, design.T @ solved[:, -1])
    assert linear.density == pytest.approx(expected[:count], rel=1e-5)
    assert linear.covariance[:count, :count] == pytest.approx(np.linalg.inv(normal)[:count, :count], rel=1e-5)
    # what the field adds to the lines is its modes times their weights
    weights = np.linalg.solve(normal, solved[:, :-1].T)[:count]
    assert np.abs(linear.field_response()) == pytest.approx(
        np.abs(weights @ background.modes), rel=1e-4, abs=1e-9
    )
    # and of a further column, without what amplitudes can explain
    extra = (linear.profile * (linear.profile > 0.0) * layout.along / 1e5)[:, None]
    column = extra[:, 0] * layout.sigma
    inside = np.linalg.solve(covariance, column)
    taken = design.T @ inside
    reduced = column @ inside - taken @ np.linalg.solve(normal, taken)
    assert linear.reduced(extra)[0, 0] == pytest.approx(reduced, rel=1e-5)


def test_error_by_the_field_is_part_of_the_background() -> None:
    model = fit_shape(laid_out(0.6))
    made = estimate_point_source(scene(0.6), SOURCE, WIND, method="gaussian")
    error = float(np.sqrt(model.field_covariance[0, 0])) * WIND.speed
    assert 0.0 < error <= 1.001 * float(made.emission_uncertainty_background[0])


def test_field_takes_no_part_of_the_plume() -> None:
    # a strong plume without noise: what the field could take of it is missing in the emission
    quiet, truth = simulate_plume(replace(SETTING, noise=0.02, rate=5000.0), 1)
    quiet["xco2_uncertainty"] = quiet.xco2_uncertainty * 0.0 + 0.5
    massed = detect_plumes(
        column_mass(quiet, variable="xco2", water_vapour=False, gravity=False), SOURCE, variable="no2"
    )
    for method in ("cross_section", "gaussian", "ime"):
        made = estimate_point_source(massed, SOURCE, WIND, method=method)
        assert float(made.emission[0]) == pytest.approx(truth.rate, rel=0.02), method


def test_a_line_that_is_lost_fades() -> None:
    scenery = laid_out(0.0)
    model = fit_shape(scenery)
    sure = replace(model, shape_covariance=np.zeros_like(model.shape_covariance))
    assert np.all(line_fading(sure) == 0.0)
    wide = np.diag([0.0, 0.0, 0.2**2, *np.zeros(model.shape.size - 3)])
    lines = replace(model, layout=scenery.again(spacing=10e3), shape_covariance=wide)
    faded = np.sqrt(np.diag(line_fading(lines)))
    # a turn of 0.2 radian moves a line by more than its width at any distance: uniform in what it sees of it
    assert faded.min() > 0.2
    assert faded.max() < 0.5
    assert np.all(np.diag(line_fading(lines, corridor=2.0)) < np.diag(line_fading(lines)))


def test_shared_work_changes_nothing_and_ends_with_its_block() -> None:
    methods = ("cross_section", "ime", "gaussian", "light_cross_section")

    def run() -> list[float]:
        made = [estimate_point_source(scene(0.2), SOURCE, WIND, method=method) for method in methods]
        return [float(one[name][0]) for one in made for name in ("emission", "emission_uncertainty")]

    alone = run()
    with shared_work():
        assert run() == alone
        assert run() == alone
    calls: list[int] = []
    for _ in range(2):
        make_once("x", (SOURCE,), {}, lambda: calls.append(1))
    assert len(calls) == 2


def test_default_source_is_a_stack() -> None:
    # a point that is taken for an area of 1 km gives 1 to 2 per cent too much with pixels of 2 km
    quiet, truth = simulate_plume(replace(SETTING, noise=1e-3, slope=0.0), 1)
    quiet["xco2_uncertainty"] = quiet.xco2_uncertainty * 0.0 + 0.5
    massed = column_mass(quiet, variable="xco2", water_vapour=False, gravity=False)
    held = {"spread": SETTING.spread, "spread_error": 0.0, "rotate": False}
    made = {
        width: float(
            estimate_point_source(
                massed, SOURCE.assign(diameter=width), WIND, method="gaussian", **held
            ).emission[0]
        )
        / truth.rate
        for width in (float(SOURCE.diameter.iloc[0]), 1000.0)
    }
    assert made[200.0] == pytest.approx(1.0, abs=0.007)
    assert made[1000.0] > made[200.0] + 0.005
