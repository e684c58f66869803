"""Gap fillers against planted truths: many seeds of the model's own family, twenty years of another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fill_trial import Score, at_months, at_points, baseline_of, by_blocks, record_of, table_of
from fill_truth import plant, plant_rank, plant_scaled, planted_scale
from yaotan import Dineof, FixedRankKriging, SpaceTimeKriging
from yaotan.column import MeanModel
from yaotan.column.fill.covariance import ProductSum
from yaotan.column.fill.filler import GapFiller

pytestmark = pytest.mark.truth

#: twenty years, and every fifth month of them: errors of a monthly map are alike in many of its cells, so
#: that six months leave the coverage uncertain by five points
DAYS = 7305
MONTHS = [str(np.datetime64("2019-03") + 5 * number) for number in range(47)]
#: fillers that are tried on the changing field
FILLERS: dict[str, Callable[[], GapFiller]] = {
    "space-time kriging": lambda: SpaceTimeKriging(MeanModel(2, 2, 4, 1)),
    "fixed-rank kriging": lambda: FixedRankKriging(MeanModel(2, 2, 4, 1), functions=120, step=8.0),
    "DINEOF": lambda: Dineof(MeanModel(2, 2, 4, 1)),
}
#: points by which coverage may miss: on fields of the model, and on the changing field
CONSISTENT, CHANGING = 5.0, 8.0


def test_coverage_on_planted_fields_of_the_model(capsys) -> None:
    """Mean and covariance are fitted; errors are correlated along the tracks."""
    model = ProductSum(0.4, 0.2, 1.2, 0.1, 600e3, 15.0)
    errors, sigmas, left_out = [], [], []
    for seed in range(40):
        made = plant(seed, model)
        families = {"space_family": "exponential", "time_family": "exponential"}
        filler = SpaceTimeKriging(MeanModel(1, 1, 1), **families).fit(made.observations)
        value, sigma = filler.predict_at(made.latitude, made.longitude, made.time)
        errors.append(made.truth - value)
        sigmas.append(sigma)
        left_out.append(by_blocks(filler))
    scores = {
        "truth at points": Score.of(np.concatenate(errors), np.concatenate(sigmas)),
        "blocks left out": Score(
            *(float(np.mean([getattr(one, name) for one in left_out])) for name in Score.__annotations__)
        ),
    }
    with capsys.disabled():
        print("\n40 planted fields of the model\n" + table_of(scores))  # noqa: T201
    for score in scores.values():
        assert abs(score.coverage_68 - 68.0) <= CONSISTENT
        assert abs(score.coverage_95 - 95.0) <= CONSISTENT


def test_coverage_on_planted_fields_of_fixed_rank(capsys) -> None:
    """Variances and mean are fitted; the field has two levels, a fine part and correlated errors."""
    errors, sigmas, left_out = [], [], []
    for seed in range(20):
        made = plant_rank(seed)
        filler = FixedRankKriging(MeanModel(1, 1, 0), functions=60, levels=2).fit(made.observations)
        value, sigma = filler.predict_at(made.latitude, made.longitude, made.time)
        errors.append(made.truth - value)
        sigmas.append(sigma)
        left_out.append(by_blocks(filler))
    scores = {
        "truth at points": Score.of(np.concatenate(errors), np.concatenate(sigmas)),
        "blocks left out": Score(
            *(float(np.mean([getattr(one, name) for one in left_out])) for name in Score.__annotations__)
        ),
    }
    with capsys.disabled():
        print("\n20 planted fields of fixed rank\n" + table_of(scores))  # noqa: T201
    for score in scores.values():
        assert abs(score.coverage_68 - 68.0) <= CONSISTENT
        assert abs(score.coverage_95 - 95.0) <= CONSISTENT


def test_coverage_on_planted_fields_with_a_scale_and_a_wave(capsys) -> None:
    """Right in quiet and in lively places and seasons; the scale and a correlation below zero are learned."""
    z, quiet, waves = [], [], []
    for seed in range(8):
        made = plant_scaled(seed, ProductSum(0.0, 0.0, 1.5, 0.0, 1000e3, 8.0, time_wave=0.4))
        families = {"space_family": "exponential", "time_family": "exponential"}
        filler = SpaceTimeKriging(MeanModel(1, 1, 1), **families).fit(made.observations)
        value, sigma = filler.predict_at(made.latitude, made.longitude, made.time)
        scale = planted_scale(made.latitude, made.time)
        z.append((made.truth - value) / sigma)
        quiet.append(scale < np.median(scale))
        waves.append(filler.model_.time_wave)
    error, calm = np.concatenate(z), np.concatenate(quiet)
    scores = {
        name: Score.of(error[some], np.ones(some.sum()))
        for name, some in (("quiet", calm), ("lively", ~calm))
    }
    with capsys.disabled():
        print("\n8 planted fields with scale and wave\n" + table_of(scores), waves)  # noqa: T201
    for score in scores.values():
        assert abs(score.coverage_68 - 68.0) <= CONSISTENT
        assert abs(score.coverage_95 - 95.0) <= CONSISTENT
    assert np.median(waves) == pytest.approx(0.4, rel=0.25)


@pytest.fixture(scope="module")
def scores() -> dict[tuple[str, str], Score]:
    """Figures of every filler over twenty years that are not stationary, with errors that nobody assumes."""
    record = record_of(1, DAYS)
    found = {("spatial kriging by month", "blocks"): baseline_of(1, DAYS)}
    for name, make in FILLERS.items():
        filler = make().fit(record.soundings)
        found[name, "blocks"] = by_blocks(filler)
        found[name, "points"] = at_points(filler, record)
        found[name, "monthly means"] = at_months(filler, record, MONTHS)
    return found


def test_table_of_twenty_years(scores, capsys) -> None:
    with capsys.disabled():
        print("\ntwenty years\n" + table_of(scores))  # noqa: T201
    assert all(score.rmse > 0.0 for score in scores.values())


@pytest.mark.parametrize("name", FILLERS)
@pytest.mark.parametrize("kind", ["blocks", "points", "monthly means"])
def test_coverage_on_a_changing_field(scores, name, kind) -> None:
    assert abs(scores[name, kind].coverage_68 - 68.0) <= CHANGING
    assert abs(scores[name, kind].coverage_95 - 95.0) <= CHANGING


def test_the_best_beats_spatial_kriging_month_by_month(scores) -> None:
    best = min(scores[name, "blocks"].rmse for name in FILLERS)
    assert best <= 0.85 * scores["spatial kriging by month", "blocks"].rmse
