"""The section on ecosystem carbon: numbers on the page are those of the tables, words follow from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from report_carbon import ACCOUNT, MOVED
from report_results import make_results
from report_section import build, numbers, texts
from yaotan.carbon.patch_picture import legend_colours
from yaotan.catalog.landcover import LandClass, legends
from yaotan.errors import SchemaError
from yaotan.report.context import PageContext
from yaotan.report.flow import draw_flow
from yaotan.report.page import SECTIONS, render
from yaotan.report.section.amount import amount_text, area_text, direction, mass_unit
from yaotan.report.section.ecosystem import make_ecosystem
from yaotan.report.text import Text


@pytest.fixture(scope="module")
def study():
    return make_results(products=0, carbon={})


@pytest.fixture(scope="module")
def found(study):
    return groups(study)


def groups(results, language="en"):
    return {one["key"]: one for one in build(make_ecosystem, results, language).parts["groups"]}


def test_section_is_there_only_where_asked_for(study):
    assert build(make_ecosystem, make_results(products=0)) is None
    page = PageContext(study, Text("en"))
    keys = [section.key for section in (make(page) for make in SECTIONS) if section is not None]
    assert keys == ["ecosystem", "sources"]


def test_total_and_interval_are_those_of_the_table(study, found):
    one = study.carbon
    rows = one.stock.query("variable == 'stock' and region == '*' and year == 2020")
    value, low, high = (float(rows[name].iloc[0]) / 1e9 for name in ("value", "lower", "upper"))
    said = found["group-carbon-stock"]["say"][0]
    digits = len(said.split("stores ")[1].split(" ")[0].partition(".")[2])
    assert f"In 2020 the land stores {value:.{digits}f} Tg C" in said
    assert f"{low:.{digits}f} to {high:.{digits}f}" in said
    assert "kg C m⁻²" in said
    assert f"{value:.{digits}f} Tg C" in groups(study, "zh")["group-carbon-stock"]["say"][0]


def test_table_of_classes_holds_stock_area_and_density(study, found):
    one = study.carbon
    table = found["group-carbon-stock"]["tables"][0]
    rows = one.stock.query("variable == 'class_stock' and region == '*' and year == 2020")
    rows = rows.sort_values("value", ascending=False)
    assert [row[0].text for row in table.rows] == rows["class_name"].tolist()
    area = one.stock.query("variable == 'class_area' and region == '*' and year == 2020").set_index("class")[
        "value"
    ]
    first = rows.iloc[0]
    assert table.rows[0][1].sort == pytest.approx(area[first["class"]] / 1e6)
    assert table.rows[0][3].sort == pytest.approx(first["value"] / 1e9)
    assert table.rows[0][5].sort == pytest.approx(first["value"] / area[first["class"]])
    assert sum(row[2].sort for row in table.rows) == pytest.approx(area.sum())
    assert "Areas are those of the map" in table.note


def test_bars_have_the_colours_of_the_legend_and_name_the_largest(study, found):
    figure = next(f for f in found["group-carbon-stock"]["figures"] if f.key == "carbon-class-bars")
    rows = study.carbon.stock.query("variable == 'class_stock' and region == '*' and year == 2020")
    first = rows.loc[rows["value"].idxmax()]
    share = round(100 * first["value"] / rows["value"].sum())
    assert figure.title == f"{first['class_name']} holds {share} % of the carbon"
    colours = study.carbon.classes.set_index("class")["colour"]
    assert colours[first["class"]] in figure.svg
    assert set(numbers(figure.download)["variable"]) == {"class_stock"}


def test_legends_with_colours_of_their_own_keep_them():
    """CLC 2018, legend file of the product; WorldCover, palette as users have it."""
    assert legend_colours(legends()["corine"])[12] == (255, 255, 168)
    assert legend_colours(legends()["corine_clc"])[313] == (77, 255, 0)
    assert legend_colours(legends()["worldcover"])[95] == (0, 207, 117)
    igbp = legend_colours(legends()["igbp"])
    assert len({igbp[code] for code in (1, 2, 3, 4, 5)}) == 5
    with pytest.raises(ValidationError, match="colour"):
        LandClass(name={"en": "a"}, colour="green")


def test_change_is_said_with_sign_interval_and_what_is_to_come(study, found):
    one = study.carbon
    rows = one.change.query("variable == 'stock_change' and region == '*'")
    value, low, high = (float(rows[name].iloc[0]) for name in ("value", "lower", "upper"))
    said = " ".join(found["group-carbon-change"]["say"])
    unit = mass_unit([value])
    assert (
        f"lost {abs(value) * unit.factor:.0f}" in said
        or f"{value * unit.factor:+.0f}".replace("-", "−") in said
    )
    kind = direction({"value": value, "lower": low, "upper": high})
    assert {"gain": "gained", "loss": "lost", "unsure": "no change"}[kind] in said
    assert "Soil and dead matter will change by another" in said
    alone = one.change.query("variable == 'area_before_only' and region == '*'")["value"].sum() / 1e6
    assert f"{area_text(alone)} km² are valid in 2010 only" in said


def test_diagram_names_the_largest_transition_and_its_share(study, found):
    figure = next(f for f in found["group-carbon-change"]["figures"] if f.key == "carbon-flow")
    rows = study.carbon.change.query("variable == 'transition_area' and region == '*'")
    moved = rows[rows["before"] != rows["after"]]
    largest = moved.loc[moved["value"].idxmax()]
    assert largest["value"] / 1e6 >= MOVED
    names = study.carbon.classes.set_index("class")["class_name"]
    share = round(100 * largest["value"] / moved["value"].sum())
    wanted = f"{share} % of that went from {names[largest['before']]} to {names[largest['after']]}"
    assert wanted in figure.title
    table = numbers(figure.download)
    assert table["area_km2"].sum() == pytest.approx(moved["value"].sum() / 1e6)


def test_matrix_sums_to_the_land_valid_at_both_dates(study, found):
    table = found["group-carbon-change"]["tables"][0]
    rows = study.carbon.change.query("variable == 'transition_area' and region == '*'")
    assert table.rows[-1][-1].sort == pytest.approx(rows["value"].sum() / 1e6)
    assert len(table.rows) == len(table.head) - 1
    inner = np.array([[cell.sort for cell in row[1:-1]] for row in table.rows[:-1]])
    assert inner.sum() == pytest.approx(rows["value"].sum() / 1e6)


def test_attribution_ranks_transitions_by_carbon(study, found):
    figure = next(f for f in found["group-carbon-change"]["figures"] if f.key == "carbon-attribution")
    rows = study.carbon.change.query("variable == 'transition_change' and region == '*'")
    largest = rows.loc[rows["value"].abs().idxmax()]
    names = study.carbon.classes.set_index("class")["class_name"]
    word = "gain" if largest["value"] > 0 else "loss"
    start = f"{names[largest['before']]} to {names[largest['after']]}: the largest {word}"
    assert figure.title.startswith(start)
    table = numbers(figure.download)
    assert table["change_kg"].sum() == pytest.approx(rows["value"].sum())


def test_waterfall_sums_to_the_gap(study, found):
    group = found["group-carbon-gap-0"]
    steps = study.carbon.published[0].steps
    inner = steps[~steps["step"].isin(["ours", "theirs"])]
    assert inner["change"].sum() == pytest.approx(steps["end"].iloc[-1] - steps["end"].iloc[0])
    assert ACCOUNT in group["say"][0]
    assert "less than" in group["say"][0]
    assert "larger than the two uncertainties allow" in group["say"][0]
    assert "Not told apart" in group["say"][0]
    assert group["figures"][0].title.startswith("Density of soil carbon: the largest part")


def test_patches_are_listed_in_order_and_counted(study, found):
    group = found["group-carbon-patches"]
    assert group["say"][0].startswith("812 patches changed their class, 910 km² in all; the first 30")
    table = group["tables"][0]
    assert [row[0].text for row in table.rows[:3]] == ["1", "2", "3"]
    assert table.rows[0][3].text == "−30.0"
    assert len(table.rows) == 12
    assert len(numbers(table.download)) == 30


def test_method_says_scheme_depth_and_assumptions(study):
    lines = build(make_ecosystem, study).parts["method"]
    for words in ("scheme clcd", "a depth of 1 m", "by error propagation", "over 20 years", "changed evenly"):
        assert any(words in line for line in lines), words


def test_without_stated_errors_no_interval_is_made_up():
    results = make_results(products=0, regions=1, carbon={"years": (2020,), "stated": False})
    made = groups(results)
    assert "nobody states the uncertainty" in made["group-carbon-stock"]["say"][0]
    assert "group-carbon-change" not in made
    row = texts(made["group-carbon-stock"]["tables"][0])[0]
    assert row[4] == "–"
    lines = build(make_ecosystem, results).parts["method"]
    assert any("densities state no uncertainty" in line for line in lines)


def test_adjusted_areas_come_with_their_interval(study):
    areas = study.carbon.areas.assign(
        lower=study.carbon.areas["value"] * 0.9, upper=study.carbon.areas["value"] * 1.2
    )
    table = groups(replace(study, carbon=replace(study.carbon, areas=areas)))["group-carbon-stock"]["tables"][
        0
    ]
    assert [head.text for head in table.head][2] == "Interval of the area"
    assert "adjusted by the reference sample" in table.note
    value = table.rows[0][1].sort
    assert table.rows[0][2].text == f"{area_text(0.9 * value)} to {area_text(1.2 * value)}"


def test_many_classes_leave_the_matrix_and_many_dates_get_a_chart():
    results = make_results(products=0, regions=2, carbon={"scheme": "survey", "years": (2000, 2010, 2020)})
    made = groups(results)
    keys = [figure.key for figure in made["group-carbon-change"]["figures"]]
    assert "carbon-flow" not in keys
    assert "carbon-attribution" in keys
    assert "carbon-series" in [figure.key for figure in made["group-carbon-stock"]["figures"]]


def test_first_screen_of_a_study_of_carbon_alone(study):
    text = render(study, "en")
    assert "Carbon stock in 2020" in text
    assert "Change of the stock, 2010 to 2020" in text
    assert 'href="#losses"' not in text
    assert "Soundings kept" not in text.partition("<main")[0]
    both = render(make_results(products=1, months=2, regions=2, carbon={}), "zh")
    assert "2020 年碳储量" in both
    assert "卫星" in both


def test_wrong_shapes_are_refused(study):
    one = study.carbon
    with pytest.raises(SchemaError, match="stock lacks value"):
        replace(one, stock=one.stock.drop(columns="value"))
    with pytest.raises(SchemaError, match="no map 'height'"):
        replace(one, maps={"height": one.maps["stock"]})


def test_amounts_and_flows():
    page = PageContext(make_results(products=0), Text("en"))
    assert amount_text(page, {"value": -3.14159, "lower": -4.0, "upper": -2.0}, sign=True) == (
        "−3.1",
        "−4.0 to −2.0",
    )
    assert amount_text(page, {"value": 3.14159, "lower": np.nan, "upper": np.nan}) == ("3.14", "–")
    assert direction({"value": 1.0, "lower": -1.0, "upper": 2.0}) == "unsure"
    svg = draw_flow(
        "f",
        [(1, 2, 3.0), (2, 1, 1.0), (1, 3, 0.5)],
        {1: ("A", "#ff0000"), 2: ("B", "#00ff00"), 3: ("C", "#0000ff")},
        heads=("1990", "2000"),
        alt="flows",
    )
    assert svg.count("#ff0000") >= 3
    assert "1990" in svg
