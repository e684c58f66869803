"""Sections on column analyses: numbers on the page are those that were planted, words follow from them."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
import shapely

from report_analyses import ANOMALY, BIASES, LEFT_OUT, RATE, SCATTER, STEP
from report_results import make_results
from yaotan.report.context import PageContext
from yaotan.report.legend import Entry
from yaotan.report.overlay import Overlay, join_cells
from yaotan.report.page import SECTIONS, render
from yaotan.report.section.anomaly import make_anomalies
from yaotan.report.section.claim import make_claims
from yaotan.report.section.filled import make_filled
from yaotan.report.section.front import make_front
from yaotan.report.section.fusion import make_fused
from yaotan.report.section.hotspot import make_hotspots
from yaotan.report.section.trend import make_trends
from yaotan.report.section.validation import make_validations
from yaotan.report.text import Text

ASKED = ("claims", "filled", "fused", "trends", "anomalies", "hotspots", "validation")
MAKERS = (
    make_claims,
    make_filled,
    make_fused,
    make_trends,
    make_anomalies,
    make_hotspots,
    make_validations,
)


@cache
def study(months: int = 24):
    return make_results(months=months, products=1, truth=False, analyses=True)


def build(make, results=None, language="en"):
    return make(PageContext(results or study(), Text(language)))


def group(make, results=None, language="en"):
    return build(make, results, language).parts["groups"][0]


def texts(table):
    return [[cell.text for cell in row] for row in table.rows]


def numbers(download):
    content = base64.b64decode(download.href.partition("base64,")[2]).decode("utf-8-sig")
    return pd.read_csv(io.StringIO(content))


def with_first(results, field, **changes):
    """Replace fields of the first analysis of a kind."""
    return replace(results, **{field: (replace(getattr(results, field)[0], **changes),)})


def test_sections_stand_in_order_and_only_where_asked_for():
    for asked in (True, False):
        results = make_results(months=2, regions=2, products=1, resolution=6.0, analyses=asked)
        page = PageContext(results, Text("en"))
        keys = [section.key for section in (make(page) for make in SECTIONS) if section is not None]
        wanted = ASKED if asked else ()
        assert keys == ["columns", *wanted, "trust", "losses", "sources"]


def test_block_figure_is_said_first_and_the_flattering_one_is_labelled():
    said = group(make_filled)["say"]
    block, single = LEFT_OUT["block"], LEFT_OUT["observation"]
    assert f"{block[0]:.2f} ppm (root mean square" in said[0]
    assert "block of space and time was left out" in said[0]
    assert f"{round(100 * block[1])} % inside the 95 % interval" in said[0]
    assert f"{single[0]:.2f} ppm" in said[1]
    assert "flatters" in said[1]
    rows = texts(group(make_filled)["table"])
    assert [row[1] for row in rows] == [
        f"{LEFT_OUT[name][0]:.2f}" for name in ("block", "overpass", "observation")
    ]
    assert "1.24 ppm" in group(make_filled, language="zh")["say"][0]


def test_without_blocks_nothing_is_said_of_a_gap():
    one = study().filled[0]
    table = one.validation[one.validation["scheme"] != "block"]
    said = group(make_filled, with_first(study(), "filled", validation=table))["say"]
    assert "nothing is said of the error in a gap" in said[0]
    assert "1.24" not in " ".join(said)


def test_mask_tells_measured_from_filled():
    one = study().filled[0]
    flag, value = one.grid["xco2_measured"].values, one.grid["xco2"].values
    figures = group(make_filled)["figures"]
    filled = ((flag == 0) & np.isfinite(value)).sum() / np.isfinite(value).sum()
    assert f"{round(100 * filled)} % of the cell-months" in figures[0].title
    never = (flag == 0).all(axis=0).sum() / np.isfinite(value).any(axis=0).sum()
    assert f"{round(100 * never)} % in none" in figures[1].title
    assert "url(#" in figures[1].svg, "cells that were filled are hatched"
    assert "filled in every month" in figures[1].svg
    shares = numbers(figures[1].download)["share_measured"]
    assert (shares == 0).sum() == (flag == 0).all(axis=0).sum()
    assert "1.3 ppm where filled and 0.52 ppm where measured" in figures[2].title


def test_rates_are_those_of_the_table():
    found = group(make_trends)
    rates = study().trends[0].rates
    shown = {row[0]: row for row in texts(found["table"])}
    for number, row in enumerate(rates.itertuples()):
        if row.region_id != "*":
            cells = shown[row.name]
            assert cells[1] == f"+{RATE + STEP * number:.2f}"
            assert cells[2] == f"+{row.lower:.2f} to +{row.upper:.2f}"
            assert cells[3] == "< 0.001"
            assert cells[4:6] == ["6.00 ± 0.21", "15 April"]
    csv = numbers(found["table"].download)
    np.testing.assert_allclose(csv["rate"], rates["rate"], rtol=1e-8)
    assert next(iter(shown)) == "whole area"


def test_titles_of_rates_follow_the_intervals():
    titles = [figure.title for figure in group(make_trends)["figures"]]
    assert any("grows faster over" in title for title in titles)
    assert any("over the whole area rises by" in title for title in titles)
    wide = study().trends[0].rates.assign(lower=lambda t: t["rate"] - 1, upper=lambda t: t["rate"] + 1)
    wide_titles = [f.title for f in group(make_trends, with_first(study(), "trends", rates=wide))["figures"]]
    assert any("cannot be told apart" in title for title in wide_titles)
    falling = study().trends[0].series.assign(trend=lambda t: -t["trend"])
    down = group(make_trends, with_first(study(), "trends", series=falling))["figures"][0].title
    assert "falls by" in down
    assert "−" not in down


def test_season_peaks_where_it_was_planted():
    figure = group(make_trends)["figures"][2]
    assert "highest in April and lowest in October, 6.00 ppm apart" in figure.title
    year = numbers(figure.download)
    assert year.iloc[:, 1].idxmax() == 3


def test_skipped_regions_say_what_is_needed_and_given():
    row = texts(group(make_trends)["skipped"])[0]
    assert row[1:] == ["too few months have a value", "14", "9"]
    short = group(make_trends, study(3))
    assert short["figures"] == []
    assert short["say"] == ["No region has a trend; the table says why."]
    assert all(row[1:] == ["the series is too short (months)", "24", "3"] for row in texts(short["skipped"]))
    detail = study().trends[0].skipped.assign(detail="cells are lost", reason="of_tomorrow")
    row = texts(group(make_trends, with_first(study(), "trends", skipped=detail))["skipped"])[0]
    assert row[1] == "no trend could be estimated"
    assert row[-1] == "cells are lost"


def test_planted_anomaly_is_named_and_counted_against_chance():
    found = group(make_anomalies)
    table = study().anomalies[0].table
    judged = (table["verdict"] != "too_few_years").sum()
    assert f"2 of {judged} judged region-months are unusual (1 high, 1 low)" in found["say"][0]
    assert f"about {0.05 * judged:.1f}." in found["say"][0]
    assert "2 region-months were not judged" in found["say"][1]
    assert "(3 at most; regions concerned: 1)" in found["say"][1]
    title = found["figures"][0].title
    assert title.startswith("September 2019 was high over Inner Mongolia")
    assert f"+{0.5 * ANOMALY[2]:.2f} ppm, {ANOMALY[2]} times" in title
    rows = texts(found["table"])
    assert [row[7] for row in rows] == ["high", "low", "usual", "usual", "usual", "usual"]
    assert rows[0][5] == f"+{ANOMALY[2]}"
    chinese = group(make_anomalies, language="zh")
    assert "偏高" in chinese["figures"][0].title
    assert texts(chinese["table"])[1][7] == "偏低"


def test_no_verdict_without_years():
    table = study().anomalies[0].table.assign(verdict="too_few_years", z=np.nan, p=np.nan)
    found = group(make_anomalies, with_first(study(), "anomalies", table=table))
    assert found["figures"] == []
    assert found["table"] is None
    assert found["say"][0] == "No month could be judged."
    usual = study().anomalies[0].table.assign(verdict="usual", z=lambda t: t["z"].clip(-1, 1).fillna(0))
    calm = group(make_anomalies, with_first(study(), "anomalies", table=usual))
    assert calm["say"][0].startswith("None of ")
    assert calm["figures"][0].title.startswith("No month stands out")


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
    np.testing.assert_allclose(pairs["reference"], study().validations[0].pairs["reference"], rtol=1e-8)


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
    assert section.parts["sentences"][0].startswith("Claim: The south leads. Only 1 of 24 months")
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


@pytest.mark.parametrize("make", MAKERS)
def test_nothing_to_say_is_said(make):
    results = make_results(months=2, regions=1, products=1, empty=True, analyses=True)
    section = build(make, results)
    if make is make_claims:
        assert section is None
        return
    one = section.parts["groups"][0]
    assert one["figures"] == []
    assert all(line.strip() for line in one["say"])
    assert one["say"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_has_its_numbers_and_names_its_unit(language):
    for make in MAKERS:
        parts = build(make, language=language).parts
        figures = parts.get("figures") or [figure for one in parts["groups"] for figure in one["figures"]]
        for figure in figures:
            assert len(numbers(figure.download)) > 0, figure.key
            assert re.search(r"ppm|%|\(1\)|（1）", figure.svg), figure.key


def test_region_known_to_one_analysis_alone_has_its_name():
    rates = study().trends[0].rates.copy()
    rates.loc[0, ["region_id", "name", "name_zh"]] = ["jing_jin_ji", "Jing-Jin-Ji", "京津冀"]
    results = with_first(study(), "trends", rates=rates)
    assert "京津冀" in [row[0] for row in texts(group(make_trends, results, "zh")["table"])]


def test_area_of_cells_keeps_its_hole():
    x, y = np.meshgrid(np.arange(4.0), np.arange(4.0))
    mask = np.ones((3, 3), bool)
    mask[1, 1] = False
    area = join_cells((x, y), mask)
    assert area.area == 8
    assert not area.contains(shapely.Point(1.5, 1.5))
    assert join_cells((x, y), np.zeros((3, 3), bool)).is_empty
    x[0, 0] = np.nan
    assert join_cells((x, y), mask).area == 7
    assert Overlay(mask, Entry("a")).mask.sum() == 8


def test_names_of_stations_are_escaped():
    pairs = study().validations[0].pairs.assign(station="<b>&</b>")
    sites = study().validations[0].sites[:1].assign(station="<b>&</b>")
    small = make_results(months=2, regions=1, products=1, resolution=6.0, analyses=True)
    html = render(with_first(small, "validations", pairs=pairs, sites=sites), "en")
    assert "<b>&" not in html
    assert "&lt;b&gt;" in html
