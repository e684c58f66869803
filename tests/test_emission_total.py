"""Totals and sectors: common errors stay in common, parts sum to the whole."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from emission_truth import panel
from yaotan import ProvincialEmission
from yaotan.emission import estimate_total
from yaotan.errors import PanelError


def stand_in(common: float, own: float, seed: int) -> SimpleNamespace:
    """A model that says 100 everywhere, with errors common to a year and errors of each province."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([range(20), range(1800, 2000)], names=["group", "period"])
    error = rng.normal(0, common, 200)[index.get_level_values(1) - 1800] + rng.normal(0, own, 4000)
    left_out = pd.DataFrame({"residual": error}, index=index).reset_index()
    return SimpleNamespace(
        predict_values=lambda given: np.full(len(given), 100.0),
        engine_=SimpleNamespace(residuals_=left_out),
        statistic="median",
        smearing_=1.0,
        target_=SimpleNamespace(unit="Mt yr-1"),
    )


def half_width(table: pd.DataFrame, kind: str = "") -> float:
    row = table.iloc[0]
    return float((row[f"{kind}upper"] - row[f"{kind}lower"]) / 2)


def test_common_errors_do_not_cancel():
    rows = panel(regions=20, years=1).hidden(np.arange(20))
    made = estimate_total(stand_in(0.1, 0.1, 3), rows)
    # 20 regions of 100: 1.645 x 2000 x sqrt(0.1^2 + 0.1^2 / 20) = 337; were all independent, 104
    assert half_width(made) == pytest.approx(337, rel=0.12)
    assert half_width(made, "independent_") == pytest.approx(104, rel=0.12)


def test_own_errors_cancel_and_are_not_added_up():
    rows = panel(regions=20, years=1).hidden(np.arange(20))
    made = estimate_total(stand_in(0.0, 0.2, 3), rows)
    # 1.645 x 2000 x 0.2 / sqrt(20) = 147; adding half-widths would give 658
    assert half_width(made) == pytest.approx(147, rel=0.12)


def test_known_rows_have_no_error_and_rows_without_estimate_are_counted():
    rows = panel(regions=6, years=2)
    known = estimate_total(stand_in(0.1, 0.1, 3), rows)
    assert half_width(known) == 0.0
    np.testing.assert_allclose(known["total"], rows.table.groupby("period")["co2"].sum())
    five = panel(regions=6, years=8)
    model = ProvincialEmission("nowcast").fit(five.select(five.table["region"] != "p00"))
    later = panel(regions=6, years=9).hidden(np.arange(54))
    made = estimate_total(model, later.select(period=(2009, 2009)))
    assert made.loc[2009, ["estimated", "known", "missing"]].tolist() == [5, 0, 1]
    assert made.loc[2009, "lower"] < made.loc[2009, "total"] < made.loc[2009, "upper"]


def test_too_few_regions_in_a_year():
    model = stand_in(0.1, 0.1, 3)
    model.engine_.residuals_ = model.engine_.residuals_[model.engine_.residuals_["group"] < 4]
    with pytest.raises(PanelError, match="no year has errors of 5 regions"):
        estimate_total(model, panel(regions=6, years=1))


def test_sectors_sum_to_the_estimate_and_follow_the_targets():
    made = panel()
    model = ProvincialEmission(families=("ridge",)).fit(made)
    parts = model.predict_parts(made)
    np.testing.assert_allclose(parts["power"] + parts["rest"], model.predict_values(made), rtol=1e-12)
    share = (parts["power"] / model.predict_values(made)).groupby(made.table["region"]).mean()
    truth = (made.table["power"] / made.table["co2"]).groupby(made.table["region"]).mean()
    assert np.corrcoef(share, truth)[0, 1] > 0.9


def test_parts_that_exceed_the_whole_are_refused():
    made = panel()
    with pytest.raises(PanelError, match="the parts exceed the target in 112 rows, first p00 2001"):
        ProvincialEmission(families=("ridge",)).fit(made.with_columns({"power": made.table["co2"] * 1.2}))
    with pytest.raises(PanelError, match="knows no sectors"):
        ProvincialEmission("nowcast").fit(made).predict_parts(made)
