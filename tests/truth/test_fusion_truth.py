"""Stated uncertainty of bias corrections and fused columns against many simulated truths."""

from __future__ import annotations

import pytest

from test_fusion_correction import share_inside

pytestmark = pytest.mark.truth


def test_correction_of_1000_records() -> None:
    one, two = share_inside(range(1000)), share_inside(range(1000), 1.96)
    assert abs(one - 0.683) < 0.04, one  # 60 days: the sandwich of few clusters is a little small
    assert abs(two - 0.95) < 0.03, two
