"""What the first screen says of ecosystem carbon."""

from __future__ import annotations

import numpy as np

from yaotan.report.context import PageContext
from yaotan.report.number import measured
from yaotan.report.section.amount import (
    AREA,
    DENSITY,
    amount_text,
    area_text,
    direction,
    mass_unit,
    spread_of,
)
from yaotan.report.section.carbon_table import densities_without
from yaotan.report.section.land_change import change_unit, changed_area

#: title, value, unit, interval, change, word, tone of a card
Fields = tuple[str, str, str, str, str, str, str]


def carbon_cards(page: PageContext) -> list[Fields]:
    """Give the cards of the stock and of its change; none where the study did not ask for carbon."""
    one, text = page.results.carbon, page.text
    if one is None:
        return []
    year = one.years[-1]
    total = one.total(year)
    unit = mass_unit([total["value"]])
    value, bounds = amount_text(page, unit.amounts(total))
    density = one.total(year, "stock_density")
    mean = measured(density["value"], density["uncertainty"])[0]
    stated = bool(np.isfinite(spread_of(total)))
    kind = "bare" if not stated else "partly" if densities_without(one) else "stated"
    word = text(f"ecosystem.card.word.{kind}")
    note = text("ecosystem.card.stock_note", density=mean, unit=DENSITY)
    title = text("ecosystem.card.stock", year=year)
    cards = [
        (
            title,
            value,
            unit.name,
            bounds if stated else "",
            note,
            word,
            "good" if kind == "stated" else "open",
        )
    ]
    if one.change is not None:
        numbers = one.changed()
        unit = change_unit(one)
        value, bounds = amount_text(page, unit.amounts(numbers), sign=True)
        verdict = direction(numbers)
        title = text("ecosystem.card.change", first=one.years[0], last=year)
        note = text("ecosystem.card.change_note", area=area_text(changed_area(one)), unit=AREA)
        tone = {"gain": "good", "loss": "good", "none": "none"}.get(verdict, "open")
        word = text(f"ecosystem.verdict.{verdict}")
        known = verdict not in ("none", "unknown")
        cards.append((title, value, unit.name, bounds if known else "", note, word, tone))
    return cards
