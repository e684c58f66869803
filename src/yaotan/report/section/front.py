"""First screen: title, cards, main map, one sentence made from the numbers, data used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from yaotan.report.context import PageContext, Section
from yaotan.report.ecosystem import CarbonResult
from yaotan.report.number import interval, measured, unit_text, whole
from yaotan.report.point_source import PointSourceResult
from yaotan.report.result import ColumnResult
from yaotan.report.section.carbon_card import carbon_cards
from yaotan.report.section.carbon_map import density_map
from yaotan.report.section.claim import claim_note, claim_rows, claim_text
from yaotan.report.section.ecosystem import stock_sentence
from yaotan.report.section.land_change import change_sentence
from yaotan.report.section.look import opening_look
from yaotan.report.section.mean_map import map_sentence, mean_figure
from yaotan.report.section.plume import overview_sentence, scene_count, sources_map
from yaotan.report.section.plume_card import plume_cards
from yaotan.report.section.plume_panel import image_figure
from yaotan.report.section.plume_season import season_only
from yaotan.report.section.provincial import emission_cards, emission_front
from yaotan.report.section.rate import Words
from yaotan.report.summary import Mean, area_rows, judge, mean_of_months, sounding_totals
from yaotan.report.table import rows_of

#: cards of the first screen
MOST_CARDS: Final = 5


@dataclass(frozen=True)
class Card:
    """One number that a director reads.

    Parameters
    ----------
    title : str
        What it is.
    value, unit : str
        The number.
    interval : str
        Its interval, or what it counts.
    change : str
        Change, or what stands behind it.
    word, tone : str
        Confidence in a word, and its tone: ``good``, ``open`` or ``none``.
    """

    title: str
    value: str
    unit: str
    interval: str
    change: str
    word: str
    tone: str


def _coverage_word(page: PageContext, mean: Mean) -> tuple[str, str]:
    if not mean.months:
        return page.text("confidence.no_data"), "none"
    level = "well" if mean.coverage >= 0.5 else "partly" if mean.coverage >= 0.15 else "sparsely"
    return page.text(f"confidence.{level}_covered"), "good" if level == "well" else "open"


def _mean_card(page: PageContext, column: ColumnResult) -> Card:
    text = page.text
    mean = mean_of_months(area_rows(column, page.results))
    value, sigma = measured(mean.value, mean.uncertainty)
    word, tone = _coverage_word(page, mean)
    change = text("card.no_change")
    if np.isfinite(mean.change):
        number, spread = measured(mean.change, mean.change_uncertainty, sign=True)
        verdict = text(f"confidence.{judge(mean.change, mean.change_uncertainty)}")
        change = text("card.change", change=number, uncertainty=spread, verdict=verdict)
    elif not mean.months:
        change = text("card.nothing")
    title = text("card.mean", symbol=page.symbol(column.variable), product=column.title)
    bounds = (
        text("card.plus_minus", uncertainty=sigma, unit=page.units(column.variable)) if mean.months else ""
    )
    return Card(title, value, page.units(column.variable) if mean.months else "", bounds, change, word, tone)


def _difference_card(page: PageContext, title: str, row: dict[str, Any], note: str) -> Card:
    text = page.text
    verdict = str(row["verdict"])
    unit = page.units(str(row["variable"]))
    numbers = [float(row[name]) for name in ("difference", "lower", "upper")]
    value, low, high = interval(*numbers)
    if verdict == "no_data":
        return Card(title, "–", "", "", note, text("confidence.no_data"), "none")
    word = "not_detectable" if verdict == "not_detectable" else "supported"
    bounds = text("card.interval", lower=low, upper=high)
    return Card(
        title,
        value,
        unit,
        bounds,
        note,
        text(f"confidence.{word}"),
        "good" if word == "supported" else "open",
    )


def _claim_card(page: PageContext, row: dict[str, Any]) -> Card:
    text, verdict = page.text, str(row["verdict"])
    title, word = claim_text(page, row), text(f"claim.verdict.{verdict}")
    note = claim_note(page, row)
    if verdict == "no_data":
        return Card(title, "–", "", "", note, word, "none")
    value, low, high = interval(row["difference"], row["lower"], row["upper"])
    tone = "open" if verdict == "not_detectable" else "good"
    bounds = text("card.interval", lower=low, upper=high)
    return Card(title, value, unit_text(str(row["units"])), bounds, note, word, tone)


def _cards(page: PageContext) -> list[Card]:
    results, text = page.results, page.text
    firsts = [page.columns_of(variable)[0] for variable in page.variables][:2]
    cards = [_mean_card(page, column) for column in firsts]
    if firsts and len(results.contrasts):
        main = firsts[0]
        rows = results.contrasts
        rows = rows[(rows["product"] == main.product) & (rows["variable"] == main.variable)]
        first = rows.sort_values("kind", key=lambda kind: kind != "west_east", kind="stable")
        for row in rows_of(first)[:1]:
            note = text("card.contrast_note", symbol=page.symbol(main.variable), product=main.title)
            cards.append(_difference_card(page, text.name(row), row, note))
    claims = claim_rows(page)
    if firsts:  # of the product whose map is shown, if it has any
        claims.sort(key=lambda row: row.get("product", "") != firsts[0].product)
    cards += [_claim_card(page, row) for row in claims[:1]]
    if len(results.comparison):
        row = rows_of(results.comparison)[0]
        title = text(
            "card.comparison",
            first=results.product_title(str(row["product_a"])),
            second=results.product_title(str(row["product_b"])),
        )
        note = text(
            "card.comparison_note", symbol=page.symbol(str(row["variable"])), cells=whole(float(row["cells"]))
        )
        cards.append(_difference_card(page, title, row, note))
    more = [Card(*fields) for fields in (*plume_cards(page), *carbon_cards(page), *emission_cards(page))][
        :MOST_CARDS
    ]
    cards = cards[: MOST_CARDS - len(more)] + more
    other = any((results.carbon, results.point_sources, results.emission))
    if len(cards) < MOST_CARDS and (results.columns or len(results.losses) or not other):
        cards.append(_kept_card(page))
    return cards


def _kept_card(page: PageContext) -> Card:
    text = page.text
    kept, read = sounding_totals(page.results)
    share = text.percent(kept / read) if read else "–"
    value = share.removesuffix(text("percent"))
    note = text("card.kept", kept=whole(kept), read=whole(read))
    word = text("confidence.counted" if read else "confidence.no_data")
    return Card(
        text("card.kept_title"),
        value,
        "%" if read else "",
        note,
        text("card.kept_note"),
        word,
        "good" if read else "none",
    )


def make_front(page: PageContext) -> Section:
    """Build the first screen.

    ``cards``, ``figure``, ``sentence``, ``data_line`` and ``headline`` parts.
    """
    results, text = page.results, page.text
    kept, read = sounding_totals(results)
    west, south, east, north = results.bounds
    parts: dict[str, object] = {
        "cards": _cards(page),
        "kicker": text("front.kicker"),
        "period": text.period(*results.period),
        "area": text(
            "front.area" if len(results.regions) else "front.area_alone",
            west=_degree(west, "E", "W"),
            east=_degree(east, "E", "W"),
            south=_degree(south, "N", "S"),
            north=_degree(north, "N", "S"),
            n=len(results.regions),
        ),
        "data_line": text("front.kept", kept=whole(kept), read=whole(read), share=text.percent(kept / read))
        if read
        else text("front.nothing_read"),
    }
    if results.columns:
        parts["figure"] = mean_figure(page, results.columns[0], "map-main")
        parts["sentence"] = map_sentence(page, results.columns[0])
        if results.point_sources is not None:
            parts["also"] = overview_sentence(page, Words(page, results.point_sources))
    elif results.point_sources is not None and not len(results.losses):
        parts |= _plume_front(page, results.point_sources)
    elif results.carbon is not None and not len(results.losses):
        parts |= _carbon_front(page, results.carbon)
    elif results.emission is not None and not len(results.losses):
        parts |= emission_front(page, results.emission)
    return Section("front", results.title_in(text.language), parts=parts)


def _carbon_front(page: PageContext, carbon: CarbonResult) -> dict[str, object]:
    """First screen of a study without soundings: map and sentence of the carbon."""
    years, text = carbon.years, page.text
    data = text("ecosystem.front.data", n=len(years), first=years[0], last=years[-1])
    parts: dict[str, object] = {"kicker": text("ecosystem.front.kicker"), "data_line": data}
    figure = density_map(page, carbon, "map-main")
    if figure is not None:
        parts["figure"] = figure
    said = [stock_sentence(page, carbon), *([change_sentence(page, carbon)] if len(years) > 1 else [])]
    parts["sentence"] = text("space").join(said)
    return parts


def _plume_front(page: PageContext, one: PointSourceResult) -> dict[str, object]:
    """First screen of a study of point sources alone: the strongest one, or where the sources are."""
    text, words = page.text, Words(page, one)
    pairs = whole(len(one.estimates))
    number = scene_count(words)
    data = text("plume.front.data", n=number, shown=whole(number), pairs=pairs)
    if season_only(words):
        data = text("plume.front.together", n=number, shown=whole(number))
    parts: dict[str, object] = {"kicker": text("plume.front.kicker"), "data_line": data}
    look = opening_look(page, one)
    figure = sources_map(page, words, "map-main")
    if look is not None:
        figure = image_figure(page, look, words, "map-main")
    if figure is not None:
        parts["figure"] = figure
    parts["sentence"] = overview_sentence(page, words)
    return parts


def _degree(value: float, plus: str, minus: str) -> str:
    value = (value + 180) % 360 - 180 if plus == "E" and value > 180 else value
    return f"{abs(value):g}°{plus if value >= 0 else minus}"
