"""Point sources on the page: numbers, words and pictures that follow the estimates; the extremes."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import yaotan
from report_plumes import SHARES, make_point_sources
from report_results import make_results
from report_section import build, numbers, texts
from yaotan.plume.estimate import CAUTION, PlumeResult, make_estimate
from yaotan.plume.scene import quantify
from yaotan.plume.table import estimate_table, member_table
from yaotan.report.close_up import frame_around, local_frame, quads_of_centres
from yaotan.report.page import render
from yaotan.report.point_source import PointSourceResult
from yaotan.report.section.front import make_front
from yaotan.report.section.look import MOST_PANELS, MOST_THUMBNAILS
from yaotan.report.section.plume import make_point_sources as make_section
from yaotan.report.section.plume_sight import sight_class
from yaotan.report.section.rate import hourly_text, yearly_text
from yaotan.simulate.plume import PlumeSetting, simulate_plume

BOUNDS = (100.0, 20.0, 126.0, 44.0)


@cache
def study(**options):
    return make_results(products=0, months=1, regions=2, plumes=options)


def with_sources(**changes):
    results = study()
    return replace(results, point_sources=replace(results.point_sources, **changes))


def groups(results=None, language="en"):
    parts = usual(language) if results is None else build(make_section, results, language).parts
    return {group["key"]: group for group in parts["groups"]}


@cache
def usual(language):
    return build(make_section, study(), language).parts


def test_the_strongest_source_is_named_with_its_numbers():
    table = study().point_sources.estimates
    row = table.loc[table["emission"].idxmax()]
    rate = f"{row.emission:,.0f} ± {row.emission_uncertainty:.0f}"
    said = groups()["group-plume-all"]["say"][0]
    assert said.startswith("5 sources have an emission, of 8 that were looked at in 2 scenes.")
    assert f"The strongest is Jänschwalde, {rate} kg/s of CO₂" in said
    assert f"延施瓦尔德电厂，CO₂ {rate} kg/s" in groups(language="zh")["group-plume-all"]["say"][0]
    panel = groups()["group-plume-P000"]
    assert panel["say"][0].startswith(f"23 April 2019, 11:00 UTC: {rate} kg/s of CO₂")


def test_rates_in_the_units_of_people():
    # 1000 kg/s are 3600 t/h and, over 365.25 days, 31.56 Mt
    assert hourly_text(1000.0, 30.0) == "3,600 t/h"
    assert yearly_text(1000.0, 30.0) == "31.56 Mt/yr"
    assert yearly_text(-1.0, 0.4) == "−32 kt/yr"


def test_every_figure_of_a_source_is_there_and_says_what_was_found():
    titles = [figure.title for figure in groups()["group-plume-P000"]["figures"]]
    assert re.fullmatch(r"A plume of 38 km from Jänschwalde leaves towards [NESW]{1,2}", titles[0])
    assert re.fullmatch(r"Across the plume XCO₂ rises by up to [\d.]+ ppm above the background", titles[1])
    assert re.fullmatch(r"8 ways gave [\d,]+ to [\d,]+ kg/s for Jänschwalde", titles[2])
    assert titles[3] == "Wind speed is the largest term of the uncertainty of Jänschwalde"
    terms = numbers(groups()["group-plume-P000"]["figures"][3].download)
    assert terms["term"].tolist() == sorted(SHARES, key=SHARES.get, reverse=True)
    row = study().point_sources.estimates.iloc[0]
    assert np.isclose((terms["sigma_kg_s"] ** 2).sum(), row["emission_uncertainty"] ** 2)


def test_cautions_and_disagreement_are_said_in_words():
    third = groups()["group-plume-P002"]["say"][0]
    assert "To be read with caution: the plume of another source lies over this one; parts of" in third
    assert "they differ no more than their errors explain (χ² 9.1 of 7 degrees of freedom)" in third
    table = study().point_sources.estimates.assign(chi_square=60.0, i_squared=0.88)
    said = groups(with_sources(estimates=table))["group-plume-P000"]["say"][0]
    assert "they differ more than their errors explain (I² 88 %)" in said
    assert (
        "其差异超出各自误差（I² 88%）"
        in (groups(with_sources(estimates=table), "zh")["group-plume-P000"]["say"][0])
    )


def test_a_track_has_its_own_figure():
    first = groups()["group-plume-P001"]["figures"][0]
    assert first.title.startswith("The track crosses a plume of Datang Togtoh")
    assert first.title.endswith("2.5 ppm of XCO₂ above the background")


def test_what_could_not_be_seen_is_counted():
    group = groups()["group-plume-unseen"]
    table = study().point_sources.estimates
    assert group["say"][0] == (
        "11 looks at sources gave no emission, of 16. 3 pairs of scene and source do not meet; "
        "they are not counted."
    )
    counted = {row[0]: row[1] for row in texts(group["tables"][0])}
    assert counted["clouds over the plume"] == str((table["status"] == "cloudy").sum())
    assert sum(int(number) for number in counted.values()) == len(table)
    assert texts(group["tables"][1]) == [["bad.nc", "is cut short. To do: fetch it again."]]


def test_table_has_every_overpass_strongest_first():
    rows = texts(groups()["group-plume-all"]["tables"][0])
    assert len(rows) == 16
    assert rows[0][0] == "Jänschwalde"
    assert rows[2][-1].startswith("with caution: the plume of another source")
    values = [float(row[2].replace(",", "")) for row in rows if row[2] != "–"]
    assert values == sorted(values, reverse=True)
    assert len(values) == 5


def test_cards_show_strongest_count_and_total():
    cards = build(make_front, study()).parts["cards"]
    one = study().point_sources
    assert [card.title for card in cards] == [
        "Strongest source of CO₂: Jänschwalde",
        "Sources with an emission",
        "Sources together, CO₂, annual mean",
    ]
    assert cards[0].value == f"{one.estimates['emission'].max():,.0f}"
    assert cards[1].value == "5"
    assert cards[2].value == f"{float(one.annual.emission.sum()):,.0f}"
    # shared errors of winds and methods do not average out
    assert f"{float(one.annual.emission_uncertainty.sum()):,.0f}" in cards[2].interval


def test_nothing_found_says_why():
    results = study(found=0, track=False)
    front = build(make_front, results).parts
    assert [card.value for card in front["cards"]] == ["0"]
    assert "most often: no plume found" in front["sentence"]
    found = groups(results)
    assert "No source has overpasses enough" in found["group-plume-annual"]["say"][0]
    assert "no emission is given: no plume found" in found["group-plume-P000"]["say"][0]


def test_a_run_in_which_no_scene_holds_a_source_has_a_page():
    nothing = pd.DataFrame()
    bare = {"estimates": nothing, "members": nothing, "views": {}, "annual": None, "seasons": ()}
    features = gpd.GeoDataFrame(geometry=[], crs=4326)
    empty = with_sources(**bare, plumes=features, lines=features, observability=features)
    found = groups(empty)
    assert found["group-plume-all"]["say"] == ["None of the 8 sources of the study lies in any of 2 scenes."]
    assert found["group-plume-unseen"]["say"][0].startswith("No scene holds a source.")
    assert sorted(found) == ["group-plume-all", "group-plume-unseen"]
    assert "没有一景包含所列的源" in render(empty, "zh")


def test_of_many_sources_few_have_pictures_and_the_rest_is_said():
    found = groups(study(count=40, found=24, views=20, track=False))
    assert sum(key.startswith("group-plume-P") for key in found) == MOST_PANELS
    others = found["group-plume-others"]
    assert len(others["small"]) == MOST_THUMBNAILS
    assert f"{40 - MOST_PANELS - MOST_THUMBNAILS} further sources have no picture" in others["say"][0]
    shown = [
        float(card) for card in re.findall(r"(\d+) ± \d+ kg/s", " ".join(f.caption for f in others["small"]))
    ]
    assert shown == sorted(shown, reverse=True)


def test_scenes_together_have_map_and_curve():
    figures = groups()["group-plume-season"]["figures"]
    assert figures[0].title.startswith("Averaged over 24 scenes the flux diverges at Jänschwalde")
    assert figures[1].title.endswith("the gas decays in 2.00 ± 0.31 h")
    assert numbers(figures[0].download)["divergence"].max() > 1e-6


def together(**facts):
    """Scenes that were averaged and not looked at one by one; of one an estimate in the table alone."""
    one = study().point_sources
    found = PlumeResult(900.0, {"noise": 90.0, "ratio": 200.0}, details={"scene_count": (24.0, "1")})
    ratio = make_estimate([found], one.sources.iloc[:1], method="divergence", substance="nox")
    none = PlumeResult(status="too_few", reason="7 scenes, 10 are needed")
    few = make_estimate([none], one.sources.iloc[2:3], method="emg", substance="co2")
    told = {"scenes": 26, "failed": 1, "status": {"used": 48, "no_wind": 3, "cloudy": 1, "failed": 1}} | facts
    features = gpd.GeoDataFrame(geometry=[], crs=4326)
    return with_sources(
        **{name: pd.DataFrame() for name in ("estimates", "members")},
        **{"plumes": features, "lines": features, "views": {}, "annual": None, "observability": None},
        seasons=(*one.seasons, (ratio, None), (few, None)),
        facts={"scenes": 26, "season": told},
    )


def test_scenes_averaged_alone_have_front_table_and_losses():
    found = groups(together())
    assert sorted(found) == ["group-plume-season"]
    group = found["group-plume-season"]
    assert len(group["figures"]) == 2
    assert group["say"][-1] == (
        "48 of 52 looks (scene, source and method) were used. Left out: no wind for place and time (3) and "
        "clouds over the plume (1)."
    )
    rows = texts(group["tables"][0])
    assert [row[1:3] for row in rows] == [
        ["flux divergence", "CO₂"],
        ["decay along the wind", "CO₂"],
        ["flux divergence", "NOₓ (as NO₂)"],
        ["decay along the wind", "CO₂"],
    ]
    assert rows[1][7] == "2.00 ± 0.31"
    assert rows[2][3:5] == ["900", "219"]
    assert rows[3][3:] == ["–", "–", "–", "–", "–", "too few pixels, lines, scenes or overpasses"]
    assert texts(group["tables"][1])[0][0] == "bad.nc"
    numbered = numbers(group["tables"][0].download)
    assert numbered["emission_uncertainty_ratio"].dropna().tolist() == [200.0]
    parts = build(make_front, together()).parts
    assert parts["cards"][0].title == "Strongest source of CO₂: Jänschwalde"
    assert parts["cards"][1].value == "2"
    assert parts["sentence"].startswith("2 sources of 8 have an emission from many scenes averaged together.")
    assert "由多景平均得出排放" in build(make_front, together(), "zh").parts["sentence"]


def test_a_lifetime_at_the_bound_of_the_search_is_none():
    one = study().point_sources
    estimate, drawn = one.seasons[1]
    bound = estimate.assign(caution=("source", np.array([1 << CAUTION.index("at_bound")], np.uint16)))
    group = groups(with_sources(seasons=((bound, drawn),), views={}))["group-plume-season"]
    assert group["figures"][0].title.endswith("no decay can be told")
    assert texts(group["tables"][0])[0][7] == "–"


@pytest.mark.parametrize(
    ("annual", "visits", "needed", "detection", "kind"),
    [
        (0.19, 380.0, 10.0, 0.9, "good"),
        (np.nan, np.nan, 12.0, 0.9, "asked"),
        (0.5, 1.4, np.inf, 0.6, "seen"),
        (0.5, 1.4, np.inf, 0.4, "hardly"),
    ],
)
def test_sources_are_classed_by_their_best_sensor(annual, visits, needed, detection, kind):
    row = {"annual_error": annual, "visits": visits, "needed_visits": needed, "detection": detection}
    poor = {"annual_error": np.nan, "visits": 2.0, "needed_visits": np.inf, "detection": 0.0}
    assert sight_class([poor, row]) == kind


def test_corners_of_pixels_lie_halfway_and_the_frame_holds_the_plume():
    x, y = np.meshgrid(np.arange(4) * 2.0, np.arange(3) * 2.0)
    quads = quads_of_centres(x, y)
    assert quads[1, 2].tolist() == [[3.0, 1.0], [5.0, 1.0], [5.0, 3.0], [3.0, 3.0]]
    assert quads[0, 0].min() == -1.0
    left, bottom, right, top = frame_around(local_frame(14.0, 51.0), np.array([[90e3, 10e3]])).extent
    assert left < 0 < 90e3 < right
    assert bottom < 0 < 10e3 < top
    east, north = local_frame(14.0, 51.0).project(np.array([14.1, 14.0]), np.array([51.0, 51.1]))
    assert east[0] > 6e3
    assert abs(east[1]) < 1e-6  # true north is up at the source
    assert north[1] > 11e3


def test_section_takes_what_quantify_gives():
    scene, truth = simulate_plume(PlumeSetting(noise=0.2, size=44), seed=1)
    plants = yaotan.plume.make_sources(["P", "Q"], [14.4, 20.0], [51.8, 51.8], name=["Here", "Far"])
    wind = yaotan.EffectiveWind.from_direction(truth.speed, truth.direction, uncertainty={"wind_speed": 0.5})
    methods = ("cross_section", "light_cross_section")
    made = quantify(scene, plants, wind, variable="xco2", mask_variable="no2", methods=methods)
    one = PointSourceResult(
        "co2",
        plants,
        estimate_table(made.estimate, "a.nc"),
        member_table(made.estimate, "a.nc"),
        made.plumes.assign(scene="a.nc"),
        made.lines.assign(scene="a.nc"),
        {("a.nc", name): view for name, view in made.views.items()},
    )
    found = groups(replace(study(), point_sources=one))
    value = float(made.estimate.emission[0])
    assert f"{value:,.0f} ±" in found["group-plume-P"]["say"][0]
    titles = [figure.title for figure in found["group-plume-P"]["figures"]]
    assert len(titles) == 4
    assert titles[0].endswith("leaves towards NE")  # the wind comes from 245 degrees
    assert "1 look" in found["group-plume-unseen"]["say"][0].replace("One look", "1 look")


def test_tables_that_lack_columns_are_refused():
    one = study().point_sources
    with pytest.raises(yaotan.errors.SchemaError, match="i_squared"):
        replace(one, estimates=one.estimates.drop(columns="i_squared"))


def test_a_page_without_boundaries_opens_with_the_plume():
    bare = make_results(products=0, months=1, regions=0, plumes={"count": 1, "found": 1, "track": False})
    assert build(make_front, bare).parts["figure"].title.startswith("A plume of 38 km from Jänschwalde")
    assert groups(bare)["group-plume-all"]["figures"][0].key == "plume-map"
    front = build(make_front, study()).parts
    assert front["figure"].title == "5 sources of 8 have an emission"
    assert [figure.key for figure in groups()["group-plume-all"]["figures"]] == ["plume-ranking"]


def test_same_study_same_page():
    results = [
        make_results(products=0, months=1, regions=1, plumes={"count": 2, "found": 1, "annual": False})
        for _ in range(2)
    ]
    assert render(results[0], "en") == render(results[1], "en")
    assert isinstance(make_point_sources(BOUNDS, count=2, found=1).sources, gpd.GeoDataFrame)
    assert pd.notna(results[0].point_sources.estimates["time"]).all()
