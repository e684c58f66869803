"""Stated errors of plume methods against 500 images that the error budget was not fitted on."""

from __future__ import annotations

import pytest

from plume_truth import CASES, run_trials, score

pytestmark = pytest.mark.truth


def test_stated_errors_of_500_plumes() -> None:
    found = run_trials(range(500))
    for name in CASES:
        scored = score([trial for trial in found if trial.method == name])
        assert 0.55 < scored["one"] < 0.78, (name, scored)
        assert 0.88 < scored["two"] < 0.99, (name, scored)
