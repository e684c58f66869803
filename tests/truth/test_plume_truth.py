"""Stated errors of plume methods against 500 images that the error budget was not fitted on."""

from __future__ import annotations

import pytest

from plume_truth import CASES, run_trials, score

pytestmark = pytest.mark.truth


def test_stated_errors_of_500_plumes() -> None:
    found = run_trials(range(500))
    for name in CASES:
        scored = score([trial for trial in found if trial.method == name])
        # the aim is 0.63 to 0.73 and 0.92 to 0.98; methods with CO2 alone state too little (docs/plume.md)
        assert 0.55 < scored["one"] < 0.78, (name, scored)
        assert 0.88 < scored["two"] < 0.99, (name, scored)
