"""Stated uncertainty of bias corrections and fused columns against many simulated truths."""

from __future__ import annotations

import pytest

from test_fusion_correction import share_inside
from test_fusion_ensemble import shares

pytestmark = pytest.mark.truth


def test_correction_of_1000_records() -> None:
    one, two = share_inside(range(1000)), share_inside(range(1000), 1.96)
    assert abs(one - 0.683) < 0.04, one  # 60 days: the sandwich of few clusters is a little small
    assert abs(two - 0.95) < 0.03, two


@pytest.mark.parametrize("method", ["median", "inverse_variance"])
def test_fused_columns_of_1000_months(method: str) -> None:
    one, two = shares(range(1000), method)
    assert abs(one - 0.683) < 0.06, one  # errors with heavier tails than the method assumes
    assert abs(two - 0.95) < 0.03, two
