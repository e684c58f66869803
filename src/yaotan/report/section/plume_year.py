"""Point sources over many overpasses: means of a year."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.context import PageContext
from yaotan.report.figure import Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.number import measured, whole
from yaotan.report.section.plume_table import MOST_ROWS, interval_text
from yaotan.report.section.rate import RATE, Words, code_text, rate_text, yearly_text
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

Floats = npt.NDArray[np.float64]
#: sources that are drawn
MOST_MARKS: Final = 30


def annual_rows(words: Words) -> pd.DataFrame:
    """Rows of the annual means, largest first; none without any."""
    annual = words.one.annual
    if annual is None:
        return pd.DataFrame()
    flat = annual[[name for name in annual.data_vars if annual[name].dims == ("source",)]]
    table = flat.to_dataframe().reset_index()
    return table.sort_values("emission", ascending=False, kind="stable", na_position="last")


def annual_group(page: PageContext, words: Words) -> dict[str, Any] | None:
    """Build the group of annual means; None when the study did not ask for them."""
    text, rows = page.text, annual_rows(words)
    if words.one.annual is None:
        return None
    given = rows[np.isfinite(rows["emission"])]
    said = [text("plume.annual.nothing")]
    if len(given):
        said = [text("plume.annual.say", n=len(given), shown=whole(len(given)), **_first(page, words, given))]
    said += _profile_words(page, words)
    if "calm_share" in rows and np.isfinite(rows["calm_share"]).any():
        share = text.percent(float(rows["calm_share"].mean()))
        said.append(text("plume.annual.calm", share=share))
    figure = _annual_figure(page, words, given)
    return {
        "title": text("plume.annual.group"),
        "key": "group-plume-annual",
        "kind": "",
        "say": [text("space").join(said)],
        "figures": [] if figure is None else [figure],
        "tables": [_annual_table(page, words, rows)],
    }


def _first(page: PageContext, words: Words, given: pd.DataFrame) -> dict[str, str]:
    row = rows_of(given)[0]
    value, sigma = float(row["emission"]), float(row["emission_uncertainty"])
    return {
        "first": words.name(str(row["source"])),
        "rate": rate_text(page, value, sigma),
        "unit": RATE,
        "year": yearly_text(value, sigma),
        "interval": interval_text(page, row["emission_lower"], row["emission_upper"], sigma),
    }


def _profile_words(page: PageContext, words: Words) -> list[str]:
    annual = words.one.annual
    assert annual is not None
    named = annual.attrs.get("profile", "")
    try:
        found = json.loads(named) if isinstance(named, str) else dict(named)
    except ValueError:
        found = named
    names = sorted({str(one) for one in found.values()}) if isinstance(found, dict) else [str(found)]
    names = [name for name in names if name and name.lower() not in ("none", "null")]
    if not names:
        return [page.text("plume.annual.no_profile")]
    return [page.text("plume.annual.profile", profile=page.text.join(names))]


def _annual_figure(page: PageContext, words: Words, given: pd.DataFrame) -> Figure | None:
    text = page.text
    if given.empty:
        return None
    marks = [
        Mark(words.name(str(row["source"])), row["emission"], row["emission_lower"], row["emission_upper"])
        for row in rows_of(given.head(MOST_MARKS))
    ]
    slots = {"n": len(given), "gas": words.gas, **_first(page, words, given)}
    svg = draw_ranking(
        "plume-annual",
        marks,
        alt=text("plume.annual.alt", **slots),
        label=text("quantity", symbol=text("plume.emission", gas=words.gas), unit=RATE),
        zero=True,
    )
    title, caption = text("plume.annual.figure", **slots), text("plume.annual.caption")
    return Figure("plume-annual", svg, title, caption, make_download("plume_annual", given))


def _annual_table(page: PageContext, words: Words, rows: pd.DataFrame) -> Table:
    text, body = page.text, []
    status = words.one.annual["status"].attrs if words.one.annual is not None else {}
    meaning = str(status.get("flag_meanings", "")).split()
    for row in rows_of(rows):
        value, sigma = float(row["emission"]), float(row["emission_uncertainty"])
        given, code = bool(np.isfinite(value)), int(row["status"])
        shown, spread = measured(value, sigma) if given else ("–", "–")
        word = meaning[code] if code < len(meaning) else "estimated" if given else "too_few"
        counts = [float(row.get(name, np.nan)) for name in ("overpass_count", "used_count")]
        calm = float(row.get("calm_share", np.nan))
        body.append(
            (
                Cell(words.name(str(row["source"]))),
                number_cell(shown, value),
                number_cell(spread, sigma),
                number_cell(interval_text(page, row["emission_lower"], row["emission_upper"], sigma)),
                number_cell(yearly_text(value, sigma) if given else "–", value),
                *(number_cell(whole(count), count) for count in counts),
                number_cell(text.percent(calm), calm),
                Cell(code_text(page, "status", word), f"verdict {'supported' if given else 'no_data'}"),
            )
        )
    names = ("source", "emission", "sigma", "interval", "year", "overpasses", "used", "calm", "what")
    heads = make_heads(text, "plume", names, left=("what",), units={"emission": RATE, "sigma": RATE})
    title, note = text("plume.annual.table"), text("plume.annual.note")
    kind = "long" if len(body) > MOST_ROWS else ""
    return Table("table-plume-annual", title, heads, body, note, make_download("plume_annual", rows), kind)
