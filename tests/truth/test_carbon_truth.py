"""Intervals of stocks and changes against 500 simulated landscapes (docs/carbon.md holds the figures)."""

from __future__ import annotations

import json

import pytest

from carbon_truth import coverage

pytestmark = pytest.mark.truth
SEEDS = range(500)


@pytest.mark.parametrize("uncertainty", ["monte_carlo", "propagation"])
def test_errors_as_assumed(uncertainty: str, capsys) -> None:
    got = coverage(SEEDS, uncertainty=uncertainty, draws=1000)
    with capsys.disabled():
        print("\nas assumed", uncertainty, json.dumps(got))  # noqa: T201
    assert 0.93 <= got["stock"] <= 0.97
    assert 0.93 <= got["change"] <= 0.97


@pytest.mark.parametrize(
    ("correlation", "area", "told"),
    [(0.0, False, False), (0.0, True, False), (0.5, False, False), (0.5, True, False), (0.5, True, True)],
)
def test_confusion_and_correlation(correlation: float, area: bool, told: bool, capsys) -> None:
    """Reported; what must hold is that intervals are right when the method is told all there is to know."""
    got = coverage(
        SEEDS, confusion=0.25, correlation=correlation, area=area, told=told, uncertainty="propagation"
    )
    with capsys.disabled():
        print(f"\nconfusion 0.25, correlation {correlation}, area {area}, told {told}", json.dumps(got))  # noqa: T201
    if area and (told or correlation == 0.0):
        assert 0.92 <= got["stock"] <= 0.98
        assert 0.91 <= got["change"] <= 0.98
