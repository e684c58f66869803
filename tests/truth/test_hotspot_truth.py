"""False and true hot spots in many simulated months (``make truth``)."""

from __future__ import annotations

import numpy as np
import pytest

from hotspot_truth import month
from yaotan import hot_spots

pytestmark = pytest.mark.truth


def test_at_most_one_in_twenty_null_months_shows_any_hot_spot() -> None:
    shown = [np.isin(hot_spots(month(seed)[0], seed=seed).hotspot, (1, 2)).any() for seed in range(500)]
    assert np.mean(shown) <= 0.05


def test_planted_hot_spots_are_found_and_few_are_false() -> None:
    """Two squares of 5 x 5 cells, 3 ppm up, in noise of 0.7 ppm, a fifth of the cells seen."""
    hit, false = [], []
    for seed in range(1000, 1200):
        grid, source = month(seed, planted=3.0)
        flag = hot_spots(grid, seed=seed).hotspot.values
        hit.append((flag[source] == 1).any())
        clear = np.isin(flag, (1, 2))
        false.append((clear & ~((flag == 1) & source)).sum() / max(clear.sum(), 1))
    assert np.mean(hit) > 0.6
    assert np.mean(false) < 0.15
