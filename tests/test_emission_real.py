"""The real provinces: what is claimed of them in the docs, with the quick ones of the models."""

from __future__ import annotations

import pytest

from emission_panel import province_panel
from yaotan import ProvincialEmission, evaluate
from yaotan.emission import skill, splits
from yaotan.emission.baseline import LogLinear, Persistence


@pytest.fixture(scope="module")
def provinces(data_root):
    if not (data_root / "ml").is_dir():
        pytest.skip("no ml beside the real data")
    return province_panel(data_root)


def test_a_nowcast_beats_the_copy_over_the_years_and_not_when_emissions_stand_still(provinces):
    copied = {"persistence": Persistence()}
    folds = splits(provinces, "nowcast")
    found = evaluate(ProvincialEmission("nowcast"), provinces, folds, baselines=copied, levels=(0.9,))
    # worked out from the table with pandas alone: the value of t - 2 for every province, 2006 to 2016
    assert found.metrics.loc["persistence", ["n", "rmse", "wmape"]].tolist() == pytest.approx(
        [330, 46.89, 0.1187], rel=1e-3
    )
    against = found.skill.set_index("measure")
    assert (against["skill"] >= 0.10).all()
    assert (against["verdict"] == "better").all()
    late = found.predictions[found.predictions["period"] >= 2014]
    made = skill(late["observed"], late["model"], late["persistence"], late["group"])
    assert made.verdict == "not shown to be better"
    assert found.intervals.loc[0, "holds"]


def test_a_province_with_no_inventory(provinces):
    model = ProvincialEmission(families=("kernel",), scale="population")
    lights = {"lights": LogLinear("ntl_sum")}
    folds = splits(provinces, "no_inventory")
    found = evaluate(model, provinces, folds, baselines=lights, levels=(0.9,))
    # the note of this field: 477 rows, lights alone R2 0.449 and WMAPE 38.8 %, trees 25.5 %
    assert len(found.predictions) == 477
    assert found.metrics.loc["lights", ["r2", "wmape"]].tolist() == pytest.approx([0.449, 0.388], abs=2e-3)
    assert found.metrics.loc["model", "wmape"] <= 0.95 * 0.255
    interval = found.intervals.iloc[0]
    assert interval["holds"]
    assert interval["factor"] <= 2.3
    shandong = found.predictions[found.predictions["region"] == "370000"]
    assert shandong["observed"].between(shandong["lower_90"], shandong["upper_90"]).all()
