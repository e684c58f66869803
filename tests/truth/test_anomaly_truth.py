"""False and true anomalies in many simulated series (``make truth``): the figures of docs/anomaly.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anomaly_truth import series
from yaotan import anomaly

pytestmark = pytest.mark.truth


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"years": 6}, 0.052),
        ({"years": 8}, 0.052),
        ({"years": 10}, 0.052),
        ({"years": 10, "correlation": 0.0}, 0.052),
        ({"years": 6, "correlation": 0.9}, 0.055),
        ({"years": 10, "correlation": 0.9}, 0.056),
        ({"years": 15, "bend": 0.05}, 0.053),
        ({"years": 10, "missing": 0.3}, 0.052),
        # departures with heavy tails are not what Student's distribution takes them for
        ({"years": 10, "freedom": 5.0}, 0.061),
    ],
)
def test_share_of_usual_months_called_high_or_low(options: dict[str, Any], most: float) -> None:
    """1,500 series; in the first and last year growth is told from one side, and departures persist."""
    verdict = anomaly(series(21, places=1500, **options)).xco2_anomaly_verdict.values
    for part, low, high in (
        (slice(None), 0.04, most),
        (slice(0, 12), 0.034, most + 0.01),
        (slice(-12, None), 0.034, most + 0.01),
    ):
        judged = verdict[:, part][verdict[:, part] <= 2]
        assert low < np.isin(judged, (1, 2)).mean() < high


@pytest.mark.parametrize(("years", "least"), [(6, 0.62), (10, 0.65), (15, 0.80)])
def test_planted_anomalies_of_four_spreads_are_found(years: int, least: float) -> None:
    for month in (12 * (years // 2) + 6, 12 * years - 6):
        table = series(22, places=1000, years=years)
        winter = 1 + 0.3 * np.cos(2 * np.pi * (month + 0.5) / 12)
        table["xco2"][:, month] += 4 * 0.5 * winter
        assert (anomaly(table).xco2_anomaly_verdict[:, month] == 1).mean() > least
