"""The section on regional emissions: numbers on the page are those of the tables, words follow from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from report_results import make_results
from report_section import build, numbers, texts
from yaotan.emission import balance_levels
from yaotan.errors import SchemaError
from yaotan.report.context import PageContext
from yaotan.report.section.balance import balance_lines, balance_table
from yaotan.report.section.provincial import estimate_table, make_provincial
from yaotan.report.section.provincial_score import score_lines
from yaotan.report.text import Text


@pytest.fixture(scope="module")
def study():
    return make_results(products=0, emission={})


@pytest.fixture(scope="module")
def parts(study):
    return build(make_provincial, study).parts


def lines(study, **changes):
    """How it was scored, of changed tables; nothing is drawn."""
    return score_lines(PageContext(study, Text("en")), replace(study.emission, **changes))


def domains(study, **changes):
    table = estimate_table(PageContext(study, Text("en")), replace(study.emission, **changes))
    return {row[5] for row in texts(table)}


def test_section_is_there_only_where_asked_for(study) -> None:
    assert build(make_provincial, make_results(products=0)) is None
    assert build(make_provincial, study, "zh").title == "省级排放"


def test_table_holds_the_year_and_the_file_all_of_it(study, parts) -> None:
    one = study.emission
    rows = texts(parts["table"])
    largest = one.of_year().iloc[0]
    assert len(rows) == 24
    assert rows[0][0] == largest["region_name"]
    assert float(rows[0][1].replace(",", "")) == pytest.approx(largest["estimate"], rel=0.02)
    assert rows[0][3] == f"×÷ {largest['factor']:.2f}"
    assert [row[4] for row in rows].count("–") == 2
    assert len(numbers(parts["figures"][1].download)) == len(one.estimates)


def test_map_paints_the_regions_that_have_an_outline(study, parts) -> None:
    figure = parts["figures"][0]
    assert "6 regions of the study" in figure.caption
    assert "18 more regions of the panel" in figure.caption
    known = study.emission.of_year()
    known = known[known["region"].isin(study.regions["region_id"])]
    assert len(numbers(figure.download)) == len(known) == 6
    assert known.iloc[0]["region_name"] in figure.title


def test_ranking_begins_with_the_falsified_figure_and_says_so(study, parts) -> None:
    wrong = study.emission.truth.query("falsified").iloc[0]
    first = texts(parts["opinion"])[0]
    assert first[1] == str(wrong["period"])
    assert first[7] == "look here"
    assert "It stands at rank 1." in parts["opinion_say"][1]
    assert len(parts["opinion"].rows) == 12


def test_four_lines_say_how_it_was_scored_and_a_fifth_the_truth(study, parts) -> None:
    one = study.emission
    said = parts["scored"]
    assert len(said) == 5
    assert "22 reporting regions" in said[0]
    error = 100 * one.errors()["model"]
    assert f"{error:.0f} % of the emissions" in said[1]
    assert "Intervals of 90 %" in said[2]
    assert "it never saw these reports" in said[3]
    assert len(lines(study, truth=None)) == 4


@pytest.mark.parametrize(
    ("bounds", "said"),
    [((0.1, 0.3), "the gain is"), ((-0.1, 0.3), "is not shown to be one"), ((-0.3, -0.1), "and is better")],
)
def test_a_gain_is_claimed_only_where_its_interval_is_above_zero(study, bounds, said) -> None:
    skill = study.emission.skill.assign(lower=bounds[0], upper=bounds[1])
    assert said in lines(study, skill=skill)[1]


def test_intervals_that_do_not_hold_are_not_praised(study) -> None:
    low = study.emission.intervals.assign(exact_lower=0.2, exact_upper=0.5, province_coverage=0.3)
    found = lines(study, intervals=low)[2]
    assert "30 % of cases only" in found
    assert "which is not what they promise" in found


def test_rows_outside_the_domain_are_counted(study) -> None:
    far = study.emission.estimates.assign(inside=False, beyond=1)
    assert "24 of 24 regions lie outside" in lines(study, estimates=far)[3]
    assert domains(study, estimates=far) == {"unlike what was learned from"}
    unknown = study.emission.estimates.assign(inside=np.nan, beyond=0)
    assert domains(study, estimates=unknown) == {"not asked"}


def test_few_provinces_have_no_ranking() -> None:
    few = build(make_provincial, make_results(products=1, months=1, regions=5, emission={"regions": 5}))
    assert few.parts["opinion"] is None
    assert few.parts["opinion_say"] == ["No reported figure could be judged."]


def test_tables_that_lack_columns_are_refused(study) -> None:
    with pytest.raises(SchemaError, match="lacks lower"):
        replace(study.emission, estimates=study.emission.estimates.drop(columns="lower"))
    with pytest.raises(SchemaError, match="lacks z"):
        replace(study.emission, opinion=study.emission.opinion.drop(columns="z"))


@pytest.mark.parametrize(
    ("probability", "said"),
    [(0.4, "do not contradict"), (0.0004, "contradict each other"), (0.9995, "they share their errors")],
)
def test_levels_are_said_to_agree_as_chi_square_says(study, probability, said) -> None:
    last = study.emission.year
    tree = {"A": "CN", "B": "CN", "C": "CN"}
    rows = [("CN", last, 12.0, 1.0), ("A", last, 4.0, 1.0), ("B", last, 2.0, 1.0), ("C", last, -5.0, 1.0)]
    given = pd.DataFrame(rows, columns=["region", "period", "estimate", "uncertainty"])
    made = balance_levels(given, tree, unit="Mt yr-1")
    one = replace(
        study.emission, nodes=made.nodes, balanced=made.years.assign(probability=probability),
        facts={**study.emission.facts, "reconcile": {"open": 1, "alone": 2}},
    )  # fmt: skip
    page = PageContext(study, Text("en"))
    lines = balance_lines(page, one)
    assert said in lines[1]
    assert lines[-3].startswith("One node would have fallen below zero")
    assert lines[-2].startswith("One year could not")
    assert lines[-1].startswith("2 regions are neither")
    table = texts(balance_table(page, one))
    # C is held at 0; 12 - 4 - 2 = 6 is shared by the other three, with sigmas of 1: each moves by 2; the
    # square of an error is that without the bound, 1 - 1/4
    assert table[0] == ["CN", "–", "12.0 ± 1.0", "10.00 ± 0.87", "−2.00", "−2.00"]
    assert table[1] == ["C", "CN", "−5.0 ± 1.0", "0.00 ± 0.87", "+5.00", "+5.00"]
    assert table[2] == ["A", "CN", "4.0 ± 1.0", "6.00 ± 0.87", "+2.00", "+2.00"]
