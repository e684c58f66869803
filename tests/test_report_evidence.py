"""Sections on validation, hot spots, claims and fusion: numbers are those planted, words follow from them."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from report_analyses import BIASES, SCATTER
from report_results import make_results
from report_section import build, group, numbers, study, texts, with_first
from yaotan import anomaly, hot_spots, validate
from yaotan.column import anomaly_table, persistence
from yaotan.column.validation.validation import score_table
from yaotan.report.analysis import AnomalyResult, HotspotResult, ValidationResult
from yaotan.report.page import render
from yaotan.report.section.anomaly import make_anomalies
from yaotan.report.section.claim import make_claims
from yaotan.report.section.front import make_front
from yaotan.report.section.fusion import make_fused
from yaotan.report.section.hotspot import make_hotspots
from yaotan.report.section.validation import make_validations


def test_validation_says_bias_scatter_drift_and_errors():
    found = group(make_validations)
    said = found["say"][0]
    mean = np.mean([bias + 0.001 * k for k, bias in enumerate(BIASES)])
    assert f"OCO-2 Lite v11.1 is higher than TCCON GGG2020: +{mean:.2f} ppm" in said
    assert "mean of 6 stations, from 144 pairs" in said
    assert f"Single pairs scatter by {SCATTER:.2f} ppm" in said
    assert "No drift can be told from zero: +0.03 ppm per year" in said
    assert "the stated errors are too small" in said
    titles = [figure.title for figure in found["figures"]]
    # 0.62, 0.35, 0.51 and 0.94 are more than 0.3 from zero
    assert "4 of 6 stations have a bias that can be told from zero" in titles
    rows = {row[0]: row for row in texts(found["table"])}
    assert rows["Hefei"][1:6] == ["24", "+0.35", "+0.05 to +0.65", "0.80", "0.91"]
    lost = texts(found["lost"])
    assert ["not near a station", "soundings", "5,120"] in lost
    assert ["marked bad by its quality flag", "measurements of the reference", "31"] in lost
    pairs = numbers(found["figures"][1].download)
    expected = study().validations[0].pairs["reference"]
    np.testing.assert_allclose(pairs["reference"], expected, rtol=5e-7)  # seven digits


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((0.1, 0.7), "is higher than"),
        ((-0.2, 0.6), "can be told from zero: "),
        ((-0.9, -0.1), "is lower than"),
        ((np.nan, np.nan), "the uncertainty is not known"),
    ],
)
def test_words_of_validation_follow_the_interval(bounds, words):
    overall = {"bias": 0.4, "bias_lower": bounds[0], "bias_upper": bounds[1]}
    said = group(make_validations, with_first(study(), "validations", overall=overall))["say"][0]
    assert words in said
    for missing in ("drift", "Chi-square", "Stations differ"):
        assert missing not in said


@pytest.mark.parametrize(
    ("value", "words"), [(1.0, "explain the scatter"), (2.0, "too small"), (0.2, "larger than the scatter")]
)
def test_words_of_chi_square(value, words):
    overall = dict(study().validations[0].overall) | {"chi_square": value}
    assert words in group(make_validations, with_first(study(), "validations", overall=overall))["say"][0]


def test_hot_spots_are_counted_outlined_and_set_against_chance():
    found = group(make_hotspots)
    assert "Clusters were found in 12 of 24 judged months." in found["say"][0]
    assert "In 0.5 % of fields of correlated noise" in found["say"][0]
    assert "held at 5 %; a neighbourhood reaches 200 km" in found["say"][0]
    figure = found["figures"][0]
    assert figure.title == "December 2020: 9 of 154 cells are in high clusters, 4 in low ones"
    assert "#7a1f00" in figure.svg
    assert "centred on zero" in figure.caption
    cells = numbers(figure.download)
    assert (cells["hotspot"] == 1).sum() == 9
    assert "hot in 50 % of its judged months (at least 30 %" in found["figures"][1].title
    rows = texts(found["table"])
    assert rows[-1] == ["December 2020", "154", "9", "4", "0.5 %", "clusters"]
    assert rows[-2] == ["November 2020", "154", "0", "0", "37 %", "nothing stands out"]


def test_hot_spots_of_an_independent_null_have_no_share_of_chance():
    months = study().hotspots[0].months.assign(anywhere=np.nan)
    found = group(make_hotspots, with_first(study(), "hotspots", months=months))
    assert "12 of 24 judged months" in found["say"][0]
    assert "by chance" not in found["say"][0]
    assert texts(found["table"])[-1][4:] == ["–", "clusters"]


def test_claims_have_verdict_interval_and_ready_sentence():
    results = study()
    section = build(make_claims, results)
    rows = results.claims.claims
    shown = texts(section.parts["table"])
    words = {"supported": "supported", "not_supported": "not supported", "not_detectable": "cannot be told"}
    for row, cells in zip(rows.itertuples(), shown, strict=True):
        assert cells[2] == words[row.verdict]
        assert abs(float(cells[3].split()[0].replace("−", "-")) - row.difference) < 0.006
    assert section.parts["sentences"][0] == rows["sentence_en"][0]
    chinese = build(make_claims, results, "zh")
    assert [row[2] for row in texts(chinese.parts["table"])] == [
        {"supported": "成立", "not_supported": "不成立", "not_detectable": "无法判断"}[v]
        for v in rows["verdict"]
    ]
    assert chinese.parts["sentences"][0] == rows["sentence_zh"][0]


def test_first_screen_shows_one_claim():
    cards = build(make_front).parts["cards"]
    row = study().claims.claims.iloc[0]
    card = next(card for card in cards if "is higher than" in card.title)
    assert sum("is higher than" in one.title for one in cards) == 1
    assert abs(float(card.value) - row["difference"]) < 0.006
    assert card.word == "supported"
    assert len(cards) <= 5
    other = pd.concat([study().claims.claims[1:2].assign(product="gf5b_gmi"), study().claims.claims])
    results = replace(study(), claims=replace(study().claims, claims=other))
    assert card in build(make_front, results).parts["cards"], "the product of the map comes first"
    without = build(make_front, replace(study(), claims=None)).parts["cards"]
    assert not any("is higher than" in one.title for one in without)


def test_claim_without_data_and_in_words_of_the_user():
    claims = study().claims.claims.copy()
    figures = ["difference", "lower", "upper", "effective_months", "missed_bias"]
    claims.loc[0, figures] = np.nan
    claims.loc[0, ["verdict", "sentence_en", "text_en", "months"]] = ["no_data", None, "The south leads", 1]
    results = replace(study(), claims=replace(study().claims, claims=claims))
    section = build(make_claims, results)
    assert texts(section.parts["table"])[0][:6] == [
        "The south leads", "OCO-2 Lite v11.1", "no data", "–", "–", "0",
    ]  # fmt: skip
    assert section.parts["sentences"][0].startswith("Claim: The south leads. 1 of 24 months")
    card = next(card for card in build(make_front, results).parts["cards"] if card.title == "The south leads")
    assert (card.value, card.word, card.tone) == ("–", "no data", "none")


def test_fusion_lists_what_each_product_gave():
    found = group(make_fused)
    assert texts(found["table"]) == [
        ["OCO-2 Lite v11.1", "310", "12", "62 %", "−0.14"],
        ["ACOS GOSAT Lite v9", "190", "11", "38 %", "+0.23"],
    ]
    assert "the product whose average is the median" in found["say"][0]
    assert "1σ is 0.45 ppm" in found["figures"][0].title


def test_names_of_stations_are_escaped():
    pairs = study().validations[0].pairs.assign(station="<b>&</b>")
    sites = study().validations[0].sites[:1].assign(station="<b>&</b>")
    small = make_results(months=2, regions=1, products=1, resolution=6.0, analyses=True)
    html = render(with_first(small, "validations", pairs=pairs, sites=sites), "en")
    assert "<b>&" not in html
    assert "&lt;b&gt;" in html


def test_rare_persistent_cells_are_in_the_colours():
    one = study().hotspots[0]
    share = np.zeros((40, 40))
    share[3, 3] = 0.6
    big = one.grid[["time"]].assign_coords(lat=np.linspace(20, 44, 40), lon=np.linspace(100, 126, 40))
    endings = ("", "_lower", "_upper", "_count")
    rare = big.assign({f"persistence{ending}": (("lat", "lon"), share) for ending in endings})
    figure = group(make_hotspots, with_first(study(), "hotspots", persistence=rare))["figures"][1]
    assert "hot in 60 % of its judged months" in figure.title
    labels = [float(text) for text in re.findall(r">(\d+)</text>", figure.svg)]
    assert min(labels) == 0
    assert max(labels) >= 50, "the bar reaches the few cells that are hot"


def test_sections_take_what_the_functions_give():
    """Hot spots, anomalies and scores as the library itself makes them."""
    rng = np.random.default_rng(3)
    field = rng.normal(0, 1, (4, 12, 12))
    field[:, 5:8, 5:8] += 4
    field[2] = np.nan
    axes = {"lat": np.arange(21.0, 33), "lon": np.arange(101.0, 113)}
    axes["time"] = pd.date_range("2019-01-01", periods=4, freq="MS")
    name = "xco2_enhancement"
    grid = xr.Dataset({name: (("time", "lat", "lon"), field, {"units": "ppm"})}, axes)
    found = hot_spots(grid, draws=99)
    times = [
        {"time": t} | one for t, one in zip(axes["time"], json.loads(found.attrs["hotspot"]), strict=True)
    ]
    options = json.loads(found.attrs["options"])
    head = {"product": "oco2_lite", "title": "OCO-2 Lite v11.1", "units": "ppm"}
    hot = HotspotResult(
        **head, variable=name, grid=grid.merge(found), persistence=persistence(found),
        months=pd.DataFrame(times), options=options,
    )  # fmt: skip
    year = np.arange(96) / 12
    series = 400 + 2.3 * year + rng.normal(0, 0.3, (1, 96))
    series[0, 90] += 4
    months = pd.date_range("2012-01-01", periods=96, freq="MS")
    table = xr.Dataset(
        {"xco2": (("region", "time"), series, {"units": "ppm"})}, {"region": ["R00"], "time": months}
    )
    unusual = AnomalyResult(**head, variable="xco2", table=anomaly_table(anomaly(table)))
    pairs = study().validations[0].pairs
    columns = {key: ("pair", pairs[key].to_numpy()) for key in pairs if key != "station"}
    given = xr.Dataset(columns, coords={"station": ("pair", np.array(pairs["station"].tolist()))})
    scores = score_table(validate(given.assign_attrs(variable="xco2", units="ppm", kernel="none")))
    whole = scores[scores["station"] == "*"].iloc[0].drop("station").dropna()
    against = ValidationResult(
        **head, variable="xco2", reference="TCCON", kernel="none", pairs=pairs,
        sites=scores[scores["station"] != "*"], overall=dict(whole), lost=pd.DataFrame(),
    )  # fmt: skip
    results = replace(study(), hotspots=(hot,), anomalies=(unusual,), validations=(against,))
    rows = texts(group(make_hotspots, results)["table"])
    flagged = found["hotspot"].isin([1, 2]).any(["lat", "lon"]).values
    words = ["clusters" if some else "nothing stands out" for some in flagged]
    assert [row[-1] for row in rows] == [*words[:2], "not judged", words[3]]
    assert words[3] == "clusters"
    assert group(make_hotspots, results)["figures"][0].title.startswith("April 2019: ")
    assert "July 2019 was high" in group(make_anomalies, results)["figures"][0].title
    site = {row[0]: row for row in texts(group(make_validations, results)["table"])}["Hefei"]
    expected = pairs[pairs["station"] == "Hefei"]["difference"].mean()
    assert abs(float(site[2].replace("−", "-")) - expected) < 0.006
