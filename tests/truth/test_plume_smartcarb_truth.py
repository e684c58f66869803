"""Sub-windows, noise draws and cloud masks of the SMARTCARB scene: all methods, 120 draws."""

from __future__ import annotations

from pathlib import Path

import pytest

from plume_smartcarb_truth import CASES, Scene, run_scenes, score_rows

pytestmark = pytest.mark.truth


def test_draws_of_the_scene_give_the_table_of_simulated_ones(data_root: Path) -> None:
    rows = run_scenes(Scene(data_root / "plume"), range(120))
    for name in CASES:
        scored = score_rows(rows[rows.method == name])
        # one hour of one model, whose wind grew: the draws share its excess of 16 to 30 per cent
        assert 0.50 <= scored["one"] <= 0.90, (name, scored)
        assert scored["two"] >= 0.85, (name, scored)
        assert scored["sigma"] <= 1.5 * scored["rmse"], (name, scored)
        assert abs(scored["median"]) < 0.25, (name, scored)
