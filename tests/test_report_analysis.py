"""Sections on column analyses: numbers on the page are those that were planted, words follow from them."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely

from report_analyses import ANOMALY, LEFT_OUT, RATE, STEP
from report_results import make_results
from report_section import build, group, numbers, study, texts, with_first
from yaotan.report.context import PageContext
from yaotan.report.legend import Entry
from yaotan.report.overlay import Overlay, join_cells
from yaotan.report.page import SECTIONS
from yaotan.report.pane import cell_quads
from yaotan.report.section.anomaly import make_anomalies
from yaotan.report.section.claim import make_claims
from yaotan.report.section.filled import make_filled
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


def test_a_curve_that_follows_few_values_closely_gives_no_more_digits():
    series = (
        study()
        .trends[0]
        .series.assign(value=lambda t: t["fitted"] + 1e-4 * (np.arange(len(t)) % 2), uncertainty=0.5)
    )
    title = group(make_trends, with_first(study(), "trends", series=series))["figures"][0].title
    (gain,) = re.findall(r"([0-9.]+) ppm", title)
    assert len(gain.partition(".")[2]) == 2


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
    area = join_cells(cell_quads((x, y)), mask)
    assert area.area == 8
    assert not area.contains(shapely.Point(1.5, 1.5))
    assert join_cells(cell_quads((x, y)), np.zeros((3, 3), bool)).is_empty
    x[0, 0] = np.nan
    assert join_cells(cell_quads((x, y)), mask).area == 7
    assert Overlay(mask, Entry("a")).mask.sum() == 8


def test_one_month_is_measured_or_filled():
    figures = group(make_filled, study(1))["figures"]
    assert "of the cells were measured, " in figures[1].title
    assert ">filled</text>" in figures[1].svg
    assert "every month" not in figures[1].svg.partition("</title>")[2]


def test_columns_without_words_are_left_out():
    skipped = study().trends[0].skipped.assign(needed=np.nan, given=np.nan, reason="not_fitted")
    table = group(make_trends, with_first(study(), "trends", skipped=skipped))["skipped"]
    assert [head.text for head in table.head] == ["Region", "Why not"]
