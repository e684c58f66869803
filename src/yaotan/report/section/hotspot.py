"""Clusters of high and low cells: where they are, how lasting they are, and what chance gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.analysis import HotspotResult
from yaotan.report.context import DERIVED, PageContext, Section
from yaotan.report.figure import Figure
from yaotan.report.legend import Entry
from yaotan.report.map import draw_map
from yaotan.report.number import fixed, unit_text, whole
from yaotan.report.overlay import Overlay
from yaotan.report.palette import make_scale
from yaotan.report.section.grid import download_cells, layers_of
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

Floats = npt.NDArray[np.float64]
#: values of ``hotspot``
HOT, COLD = 1, 2
#: rows of a table that is shown whole
MOST_ROWS = 24
#: colours of the outlines, beside their words
OUTLINES = {"hot": "#7a1f00", "cold": "#06304d"}


def make_hotspots(page: PageContext) -> Section | None:
    """Build the section on hot spots; None when the study did not ask for them.

    ``groups``: per product the sentences, the map of the latest month, that of persistence, the months.
    """
    text = page.text
    if not page.results.hotspots:
        return None
    groups = []
    for one in page.results.hotspots:
        groups.append(
            {
                "title": text("hotspot.group", symbol=page.symbol(one.variable), product=one.title),
                "key": f"group-hotspot-{one.key}",
                "say": _say(page, one),
                "figures": [*_map(page, one), *_persistence(page, one)],
                "table": _table(page, one),
            }
        )
    return Section("hotspots", text("hotspot.title"), text("hotspot.lead"), {"groups": groups})


def _judged(one: HotspotResult) -> pd.DataFrame:
    """Months in which anything was judged, in order."""
    if one.months.empty:
        return one.months
    judged = np.isfinite(one.months["anywhere"].astype(float))
    if "reason" in one.months:  # without null fields there is no share of them
        judged |= one.months["reason"].fillna("").eq("") & (one.months["cells"] > 0)
    return one.months[judged].sort_values("time")


def _say(page: PageContext, one: HotspotResult) -> list[str]:
    """Say in how many months clusters were found, and how often noise alone is as striking as the latest."""
    text, judged = page.text, _judged(one)
    if judged.empty:
        return [text("hotspot.nothing")]
    found = int(((judged["hot"] > 0) | (judged["cold"] > 0)).sum())
    lines = [text("hotspot.found", n=found, total=whole(len(judged)))]
    last = rows_of(judged)[-1]
    slots = {"month": text.month(last["time"]), "share": text.percent(float(last["anywhere"]))}
    striking = last["hot"] > 0 or last["cold"] > 0
    if np.isfinite(last["anywhere"]):
        lines.append(text("hotspot.chance" if striking else "hotspot.chance_none", **slots))
    if "fdr" in one.options:
        rate = text.level(float(one.options["fdr"]))
        reach = fixed(float(one.options["distance"]) / 1000, 0) if "distance" in one.options else "–"
        lines.append(text("hotspot.rule", rate=rate, distance=reach))
    return [text("space").join(lines)]


def _latest(one: HotspotResult) -> int | None:
    """Number of the latest layer of the grid in which anything was judged."""
    known = np.isfinite(layers_of(one.grid, f"{one.variable}_gstar")).any(axis=(1, 2))
    return int(np.flatnonzero(known)[-1]) if known.any() else None


def _map(page: PageContext, one: HotspotResult) -> list[Figure]:
    text, step = page.text, _latest(one)
    if step is None:
        return []
    flag = layers_of(one.grid, "hotspot")[step]
    values = layers_of(one.grid, one.variable)[step]
    month = text.period(*page.results.period)
    if "time" in one.grid.coords:
        month = text.month(np.atleast_1d(one.grid["time"].values)[step])
    masks = {"hot": flag == HOT, "cold": flag == COLD}
    counts = {name: int(mask.sum()) for name, mask in masks.items()}
    overlays = [
        Overlay(mask, Entry(text(f"hotspot.{name}"), OUTLINES[name]))
        for name, mask in masks.items()
        if counts[name]
    ]
    centred = any(one.variable.endswith(ending) for ending in DERIVED)
    scale = make_scale([values], kind="diverging" if centred else "sequential")
    slots = {"symbol": page.symbol(one.variable), "product": one.title, "month": month}
    slots |= {name: whole(count) for name, count in counts.items()}
    slots |= {"cells": whole(int(np.isfinite(values).sum())), "unit": unit_text(one.units)}
    key = f"hotspot-{one.key}"
    svg = draw_map(
        f"{key}-map",
        page.frame,
        page.corners(key, one.grid),
        values,
        scale,
        alt=text("hotspot.alt", **slots),
        label=page.quantity(one.variable, one.units),
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
        overlays=overlays,
    )
    layers = {one.variable: values, "gstar": layers_of(one.grid, f"{one.variable}_gstar")[step]}
    layers["hotspot"] = flag.astype(int)
    download, elsewhere = download_cells(page, f"hotspots_{one.key}", one.grid, layers)
    title = text("hotspot.map" if sum(counts.values()) else "hotspot.map_none", n=counts["hot"], **slots)
    caption = text("hotspot.caption_centred" if centred else "hotspot.caption") + elsewhere
    return [Figure(f"{key}-map", svg, title, caption, download)]


def _persistence(page: PageContext, one: HotspotResult) -> list[Figure]:
    text = page.text
    if one.persistence is None:
        return []
    share = np.asarray(one.persistence["persistence"].values, float)
    if not np.isfinite(share).any():
        return []
    lower = np.asarray(one.persistence["persistence_lower"].values, float)
    peak = np.unravel_index(int(np.nanargmax(share)), share.shape)
    slots = {"symbol": page.symbol(one.variable), "product": one.title, "share": text.percent(share[peak])}
    slots |= {"lower": text.percent(lower[peak]), "months": whole(len(_judged(one)))}
    slots |= {"ever": text.percent(float((share > 0).sum() / np.isfinite(share).sum()))}
    key = f"hotspot-{one.key}-persistence"
    svg = draw_map(
        key,
        page.frame,
        page.corners(key, one.persistence),
        100 * share,
        # few cells are ever hot, so percentiles would hide them
        make_scale([np.linspace(0, 100 * share[peak] or 100, 101)], steps=8),
        alt=text("hotspot.persistence_alt", **slots),
        label=text("hotspot.persistence_axis"),
        no_data=text("hotspot.not_judged"),
        language=text.language,
        south_sea=text("map.south_sea"),
    )
    names = ("persistence", "persistence_lower", "persistence_upper", "persistence_count")
    layers: dict[str, Any] = {name: np.asarray(one.persistence[name].values, float) for name in names}
    download, elsewhere = download_cells(page, f"persistence_{one.key}", one.persistence, layers)
    kind = "persistence" if share[peak] > 0 else "persistence_none"
    caption = text("hotspot.persistence_caption") + elsewhere
    return [Figure(key, svg, text(f"hotspot.{kind}", **slots), caption, download)]


def _table(page: PageContext, one: HotspotResult) -> Table | None:
    text, rows = page.text, []
    if one.months.empty:
        return None
    known = set(_judged(one)["time"])
    for row in rows_of(one.months.sort_values("time")):
        judged = row["time"] in known
        found = judged and (row["hot"] > 0 or row["cold"] > 0)
        verdict = "found" if found else "none" if judged else "not_judged"
        rows.append(
            (
                Cell(text.month(row["time"])),
                number_cell(whole(row["cells"]), row["cells"]),
                *(number_cell(whole(row[name]) if judged else "–", row[name]) for name in ("hot", "cold")),
                number_cell(text.percent(row["anywhere"]), row["anywhere"]),
                Cell(text(f"hotspot.verdict.{verdict}"), f"verdict {'higher' if found else 'no_data'}"),
            )
        )
    names = ("month", "cells", "hot", "cold", "anywhere", "verdict")
    heads = make_heads(text, "hotspot", names, left=("verdict",))
    title = text("hotspot.table", symbol=page.symbol(one.variable), product=one.title)
    download = make_download(f"hotspot_months_{one.key}", one.months)
    kind = "long" if len(rows) > MOST_ROWS else ""
    return Table(f"table-hotspot-{one.key}", title, heads, rows, text("hotspot.note"), download, kind)
