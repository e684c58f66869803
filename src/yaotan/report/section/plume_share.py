"""What makes an emission uncertain: the ways to it side by side, and the terms of its error."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.report.bar import Bar, draw_bars
from yaotan.report.context import PageContext
from yaotan.report.figure import ACCENT, CLASSES, Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.number import decimals_for, fixed, measured, whole
from yaotan.report.section.look import Look
from yaotan.report.section.rate import RATE, Words, code_text, method_colour, rate_text
from yaotan.report.table import make_download, rows_of

#: ways that are drawn; the CSV has all
MOST_WAYS: Final = 16
#: start of the names of the terms of the error
TERM: Final = "emission_uncertainty_"


def ways_of(look: Look, words: Words) -> pd.DataFrame:
    """Rows of the members of a look, those with an emission first by weight."""
    members = words.one.members
    if members.empty:
        return members
    mine = members[(members["scene"] == look.row["scene"]) & (members["source"] == look.row["source"])]
    return mine.sort_values("weight", ascending=False, kind="stable", na_position="last")


def way_text(page: PageContext, row: dict[str, Any], several: dict[str, bool]) -> str:
    """Name a way: its method, and of wind and background what differs between ways."""
    parts = [code_text(page, "method", str(row["method"]))]
    parts += [code_text(page, name, str(row[name])) for name in ("wind", "background") if several[name]]
    return page.text("claim.comma").join(part for part in parts if part)


def methods_figure(page: PageContext, look: Look, words: Words) -> Figure | None:
    """Draw the emission by every way beside that of all together; None without two ways."""
    text = page.text
    every = ways_of(look, words)
    if not look.given or every.empty:
        return None
    given = every[np.isfinite(every["emission"].astype(float))]
    if len(given) < 2:
        return None
    shown = given.head(MOST_WAYS)
    order = list(dict.fromkeys(shown["method"]))
    shown = shown.sort_values("method", key=lambda names: names.map(order.index), kind="stable")
    several = {name: shown[name].nunique() > 1 for name in ("wind", "background")}
    marks = [
        Mark(
            code_text(page, "method", "ensemble"),
            look.value,
            look.value - look.sigma,
            look.value + look.sigma,
            strong=True,
        )
    ]
    for row in rows_of(shown):
        value, sigma = float(row["emission"]), float(row["emission_uncertainty"])
        colour = method_colour(str(row["method"]))
        marks.append(Mark(way_text(page, row, several), value, value - sigma, value + sigma, colour=colour))
    digits = decimals_for(look.sigma)
    low, high = (fixed(float(given["emission"].agg(name)), digits) for name in ("min", "max"))
    slots = {"n": len(given), "low": low, "high": high, "unit": RATE, "gas": words.gas}
    slots |= {"name": words.name(str(look.row["source"])), "rate": rate_text(page, look.value, look.sigma)}
    key = f"{look.key}-ways"
    svg = draw_ranking(
        key,
        marks,
        alt=text("plume.panel.methods_alt", **slots),
        label=text("quantity", symbol=text("plume.emission", gas=words.gas), unit=RATE),
        zero=any(mark.lower < 0 for mark in marks),
        band=(look.value - look.sigma, look.value + look.sigma),
        most=240.0,
    )
    caption = text("plume.panel.methods_caption")
    if len(given) > len(shown):
        caption += text("space") + text("plume.panel.more_ways", n=len(shown), total=whole(len(given)))
    download = make_download(f"{look.key}_ways", every)
    return Figure(key, svg, text("plume.panel.methods", **slots), caption, download)


def terms_of(row: dict[str, Any]) -> list[tuple[str, float]]:
    """Terms of the error of an estimate that are above zero, largest first [kg s-1]."""
    terms = [
        (str(name).removeprefix(TERM), value) for name, value in row.items() if str(name).startswith(TERM)
    ]
    known = [(name, float(value)) for name, value in terms if np.isfinite(value) and value > 0]
    return sorted(known, key=lambda term: -term[1])


def terms_figure(page: PageContext, look: Look, words: Words) -> Figure | None:
    """Draw the terms of the error; None where there are fewer than two."""
    text, terms = page.text, terms_of(look.row)
    if not look.given or len(terms) < 2:
        return None
    bars = [
        Bar(code_text(page, "term", name), value, colour=CLASSES[5] if name == "method" else ACCENT)
        for name, value in terms
    ]
    said = [f"{bar.label} {measured(bar.value, bar.value)[0]}" for bar in bars]
    slots = {"name": words.name(str(look.row["source"])), "unit": RATE, "words": text.join(said)}
    slots["term"] = bars[0].label[:1].upper() + bars[0].label[1:]
    key = f"{look.key}-terms"
    svg = draw_bars(
        key,
        bars,
        alt=text("plume.panel.terms_alt", **slots),
        label=text("quantity", symbol=text("plume.panel.terms_axis"), unit=RATE),
    )
    download = make_download(f"{look.key}_terms", pd.DataFrame(terms, columns=["term", "sigma_kg_s"]))
    return Figure(key, svg, text("plume.panel.terms", **slots), text("plume.panel.terms_caption"), download)
