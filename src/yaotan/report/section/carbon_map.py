"""Maps of carbon: density, land classes, change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import xarray as xr

from yaotan.report.context import PageContext
from yaotan.report.ecosystem import CarbonResult
from yaotan.report.figure import RULE, Figure
from yaotan.report.legend import Entry
from yaotan.report.map import draw_map
from yaotan.report.number import fixed, measured, whole
from yaotan.report.overlay import Overlay
from yaotan.report.palette import DIVERGING, make_scale
from yaotan.report.section.amount import DENSITY, Words
from yaotan.report.section.grid import download_cells
from yaotan.report.table import rows_of

Floats = npt.NDArray[np.float64]
#: classes of the legend below a map; what is left over is drawn in one colour
MOST_CLASSES = 14
_REST = "#b8bec4"
#: changes below this [kg m-2] are no change: float32 rounding
_NONE = 1e-6


def _values(grid: xr.Dataset) -> Floats:
    return np.asarray(grid["value"].values, float)


def density_map(page: PageContext, one: CarbonResult, key: str = "carbon-map") -> Figure | None:
    """Draw the mean density of carbon of every cell; None where there is no map."""
    grid = one.maps.get("stock")
    if grid is None or not np.isfinite(_values(grid)).any():
        return None
    text, values, year = page.text, _values(grid), one.years[-1]
    slots = {"year": year, "unit": DENSITY, **_densest(page, one)}
    low, high = np.nanpercentile(values, (5, 95))
    slots |= {"low": fixed(float(low), 1), "high": fixed(float(high), 1)}
    several = "region" in slots
    svg = draw_map(
        key,
        page.frame,
        page.corners("carbon-stock", grid),
        values,
        make_scale([values]),
        alt=text("ecosystem.map.alt", **slots),
        label=text("quantity", symbol=text("ecosystem.map.axis"), unit=DENSITY),
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
    )
    download, elsewhere = download_cells(page, "carbon_density", grid, {"density": values})
    title = text("ecosystem.map.title" if several else "ecosystem.map.title_one", **slots)
    return Figure(key, svg, title, text("ecosystem.map.caption", **slots) + elsewhere, download)


def _densest(page: PageContext, one: CarbonResult) -> dict[str, str]:
    """Give the region with most carbon per area and its mean; the mean alone where there is one region."""
    rows = one.rows(one.stock, "stock_density", year=one.years[-1])
    single = rows[rows["region"].astype(str) != one.whole]
    chosen = single if len(single) > 1 else rows
    best = rows_of(chosen.loc[[chosen["value"].astype(float).idxmax()]])[0]
    value = measured(float(best["value"]), float(best.get("uncertainty", np.nan)))[0]
    named = {"region": Words(page, one).region(best)} if len(single) > 1 else {}
    return {"value": value, **named}


def class_map(page: PageContext, one: CarbonResult, words: Words) -> Figure | None:
    """Draw the class with most area in every cell, in the colours of the legend."""
    grid = one.maps.get("class")
    if grid is None or not np.isfinite(_values(grid)).any():
        return None
    text, values, year = page.text, _values(grid), one.years[-1]
    areas = one.rows(one.stock, "class_area", region=one.whole, year=year)
    areas = areas.sort_values("value", ascending=False, kind="stable")
    shares = dict(zip(areas["class"].astype(int), areas["value"] / areas["value"].sum(), strict=True))
    there = {int(code) for code in np.unique(values[np.isfinite(values)])}
    order = [code for code in shares if code in there] + sorted(there - set(shares))
    overlays = [
        Overlay(values == code, Entry(words.name(code), words.colour(code), fill=words.colour(code)))
        for code in order[:MOST_CLASSES]
    ]
    if order[MOST_CLASSES:]:
        rest = np.isin(values, order[MOST_CLASSES:])
        overlays.append(Overlay(rest, Entry(text("ecosystem.classes.rest"), _REST, fill=_REST)))
    first = next(iter(shares))
    slots = {"first": words.name(first), "share": text.percent(float(shares[first])), "year": year}
    svg = draw_map(
        "carbon-classes",
        page.frame,
        page.corners("carbon-class", grid),
        values,
        None,
        alt=text("ecosystem.classes.alt", **slots),
        label="",
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
        overlays=overlays,
    )
    download, elsewhere = download_cells(page, "land_classes", grid, {"class": values})
    caption = text("ecosystem.classes.caption", **slots) + elsewhere
    return Figure("carbon-classes", svg, text("ecosystem.classes.title", **slots), caption, download)


def change_map_figure(page: PageContext, one: CarbonResult) -> Figure | None:
    """Draw the change of every cell, diverging about zero."""
    grid = one.maps.get("change")
    if grid is None or not np.isfinite(_values(grid)).any():
        return None
    text, values = page.text, _values(grid)
    counts = {"gained": int((values > _NONE).sum()), "lost": int((values < -_NONE).sum())}
    slots = {name: whole(count) for name, count in counts.items()}
    slots |= {"cells": whole(int(np.isfinite(values).sum())), "unit": DENSITY}
    slots |= {"first": str(one.years[0]), "last": str(one.years[-1])}
    moved = values[np.isfinite(values) & (np.abs(values) > _NONE)]
    # most land does not change, so the scale is that of the cells that do
    scale = make_scale([moved if moved.size else values], kind="diverging")
    still = np.isfinite(values) & (np.abs(values) <= _NONE)
    entry = Entry(text("ecosystem.change_map.none"), RULE, fill=DIVERGING[len(DIVERGING) // 2])
    svg = draw_map(
        "carbon-change-map",
        page.frame,
        page.corners("carbon-change", grid),
        values,
        scale,
        alt=text("ecosystem.change_map.alt", **slots),
        label=text("quantity", symbol=text("ecosystem.change_map.axis"), unit=DENSITY),
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
        # a step of the scale ends at zero, so without this what is unchanged would look like a small gain
        overlays=[Overlay(still, entry)] if still.any() else [],
    )
    download, elsewhere = download_cells(page, "carbon_change", grid, {"change": values})
    caption = text("ecosystem.change_map.caption") + elsewhere
    return Figure("carbon-change-map", svg, text("ecosystem.change_map.title", **slots), caption, download)
