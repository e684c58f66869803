"""Maps without gaps: what was filled, how sure it is, and what leaving out blocks says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.analysis import FilledResult
from yaotan.report.context import PageContext, Section, mean_of_times
from yaotan.report.figure import ACCENT, INK, Figure
from yaotan.report.legend import Entry
from yaotan.report.map import draw_map
from yaotan.report.number import decimals_for, fixed, measured, unit_text, whole
from yaotan.report.overlay import Overlay
from yaotan.report.palette import make_scale
from yaotan.report.section.grid import download_cells, layers_of
from yaotan.report.section.small import make_small_maps
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
#: values of ``v_measured``
FILLED, MEASURED = 0, 1
#: colours of cells by how often they were measured; those that never were are hatched
SHADES = {"always": ACCENT, "often": "#6fb0c4", "seldom": "#cfe5ec"}
#: schemes of leaving out, the honest one first
SCHEMES = ("block", "overpass", "observation")


def make_filled(page: PageContext) -> Section | None:
    """Build the section on filled maps; None when nothing was filled.

    ``groups``: per gas and product the maps, the sentences and the table of leaving out.
    """
    text = page.text
    if not page.results.filled:
        return None
    groups = []
    for one in page.results.filled:
        key = f"filled-{one.key}"
        groups.append(
            {
                "title": text("filled.group", symbol=page.symbol(one.variable), product=one.title),
                "key": f"group-{key}",
                "say": _say_validation(page, one),
                "figures": _figures(page, one, key),
                "small": make_small_maps(
                    page, key, one.grid, one.variable, text("filled.product", product=one.title)
                ),
                "table": _validation_table(page, one, key),
            }
        )
    return Section("filled", text("filled.title"), text("filled.lead"), {"groups": groups})


@dataclass(frozen=True)
class Shares:
    """What was measured and what was filled.

    Parameters
    ----------
    has : ndarray of bool, dims (rows, columns)
        Cells with a value.
    measured : ndarray, dims (rows, columns)
        Share of a cell's months that were measured.
    filled : float
        Share of all cell-months that are filled.
    """

    has: Bools
    measured: Floats
    filled: float

    @property
    def never(self) -> Bools:
        """Cells that were never measured."""
        return self.has & (self.measured == 0)

    def of(self, mask: Bools) -> float:
        """Share of the cells."""
        return float((mask & self.has).sum() / max(self.has.sum(), 1))


def _shares(one: FilledResult) -> Shares:
    flag = layers_of(one.grid, f"{one.variable}_measured")
    has = np.isfinite(layers_of(one.grid, one.variable))
    months = has.sum(axis=0)
    seen = ((flag == MEASURED) & has).sum(axis=0)
    filled = float(((flag == FILLED) & has).sum() / max(has.sum(), 1))
    return Shares(months > 0, seen / np.maximum(months, 1), filled)


def _figures(page: PageContext, one: FilledResult, key: str) -> list[Figure]:
    values = mean_of_times(one.grid[one.variable])
    if not np.isfinite(values).any():
        return []
    return [_value_map(page, one, key, values), _mask_map(page, one, key), _sigma_map(page, one, key)]


def _draw(page: PageContext, one: FilledResult, key: str, values: Floats, **words: Any) -> str:
    text = page.text
    scale = make_scale([values])
    return draw_map(
        key,
        page.frame,
        page.corners(f"filled-{one.key}", one.grid),
        values,
        scale,
        no_data=text("map.no_data"),
        language=text.language,
        south_sea=text("map.south_sea"),
        **words,
    )


def _slots(page: PageContext, one: FilledResult) -> dict[str, str]:
    time = np.atleast_1d(one.grid["time"].values)
    return {
        "symbol": page.symbol(one.variable),
        "product": one.title,
        "unit": unit_text(one.units),
        "period": page.text.months(list(time)),
    }


def _value_map(page: PageContext, one: FilledResult, key: str, values: Floats) -> Figure:
    text = page.text
    shares = _shares(one)
    slots = _slots(page, one) | {"share": text.percent(shares.filled)}
    slots["never"] = text.percent(shares.of(shares.never))
    overlay = Overlay(shares.never, Entry(text(f"filled.never{_ending(one)}"), colour=INK, hatch=True))
    svg = _draw(
        page,
        one,
        f"{key}-map",
        values,
        alt=text("filled.alt", **slots),
        label=page.quantity(one.variable, one.units),
        overlays=[overlay] if shares.never.any() else [],
    )
    layers = {one.variable: values, f"{one.variable}_uncertainty": mean_of_times(_sigma(one))}
    download, elsewhere = download_cells(page, f"filled_{one.key}", one.grid, layers)
    title, caption = text("filled.map", **slots), text("filled.map_caption")
    if shares.never.any():
        caption += text("space") + text("filled.hatched")
    return Figure(f"{key}-map", svg, title, caption + elsewhere, download)


def _mask_map(page: PageContext, one: FilledResult, key: str) -> Figure:
    text, shares = page.text, _shares(one)
    part, one_month = shares.measured, _ending(one)
    masks = {
        "always": shares.has & (part == 1),
        "often": shares.has & (part >= 0.5) & (part < 1),
        "seldom": shares.has & (part > 0) & (part < 0.5),
        "never": shares.never,
    }
    overlays = [
        Overlay(mask, Entry(text(f"filled.{name}{one_month}"), colour=SHADES.get(name, INK), **_fill(name)))
        for name, mask in masks.items()
        if mask.any()
    ]
    slots = _slots(page, one) | {name: text.percent(shares.of(mask)) for name, mask in masks.items()}
    svg = draw_map(
        f"{key}-mask",
        page.frame,
        page.corners(f"filled-{one.key}", one.grid),
        np.full(part.shape, np.nan),
        None,
        alt=text("filled.mask_alt", **slots),
        label="",
        no_data="",
        language=text.language,
        south_sea=text("map.south_sea"),
        overlays=overlays,
    )
    layers = {"share_measured": np.where(shares.has, part, np.nan)}
    download, elsewhere = download_cells(page, f"filled_mask_{one.key}", one.grid, layers)
    caption = text("filled.mask_caption", share=text.percent(shares.filled)) + elsewhere
    return Figure(f"{key}-mask", svg, text(f"filled.mask{one_month}", **slots), caption, download)


def _ending(one: FilledResult) -> str:
    """Ending of words that are simpler where there is one month alone."""
    return "_one" if len(layers_of(one.grid, one.variable)) == 1 else ""


def _fill(name: str) -> dict[str, Any]:
    return {"fill": SHADES[name]} if name in SHADES else {"hatch": True}


def _sigma(one: FilledResult) -> Any:
    return one.grid[f"{one.variable}_uncertainty"]


def _sigma_map(page: PageContext, one: FilledResult, key: str) -> Figure:
    text = page.text
    sigma, flag = layers_of(one.grid, _sigma(one).name), layers_of(one.grid, f"{one.variable}_measured")
    seen, filled = (_median(sigma[flag == code]) for code in (MEASURED, FILLED))
    shown = {"seen": measured(seen, seen)[0], "filled": measured(filled, filled)[0]}
    kind = "sigma" if np.isfinite(seen) and np.isfinite(filled) else "sigma_one"
    slots = _slots(page, one) | shown | {"value": shown["filled" if np.isfinite(filled) else "seen"]}
    values = mean_of_times(_sigma(one))
    label = text("term.axis", quantity=page.quantity(one.variable, one.units))
    svg = _draw(page, one, f"{key}-sigma", values, alt=text("filled.sigma_alt", **slots), label=label)
    layers = {f"{one.variable}_uncertainty": values}
    download, elsewhere = download_cells(page, f"filled_sigma_{one.key}", one.grid, layers)
    title, caption = text(f"filled.{kind}", **slots), text("filled.sigma_caption") + elsewhere
    return Figure(f"{key}-sigma", svg, title, caption, download)


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan


def _schemes(one: FilledResult) -> dict[str, dict[str, Any]]:
    rows = {str(row["scheme"]): row for row in rows_of(one.validation)}
    return {name: rows[name] for name in SCHEMES if name in rows}


def _say_validation(page: PageContext, one: FilledResult) -> list[str]:
    """Say what the map is worth in a gap, by blocks; that of single observations beside it, labelled."""
    text, found = page.text, _schemes(one)
    unit, lines = unit_text(one.units), []
    digits, known = _digits(found), f"filled.method.{one.method}"
    method = text(known) if text.has(known) else one.method
    if not np.isfinite(layers_of(one.grid, one.variable)).any():
        return [text("filled.nothing")]
    for name in ("block", "observation"):
        if name not in found:
            lines.append(text("filled.no_block") if name == "block" else "")
            continue
        row = found[name]
        slots = {"rmse": fixed(row["rmse"], digits), "unit": unit, "method": method}
        slots |= {f"in_{level}": text.percent(row[f"coverage_{level}"]) for level in (68, 95)}
        bias = fixed(row["bias"], digits, sign=True)
        lines.append(text(f"filled.say_{name}", n=whole(row["observations"]), bias=bias, **slots))
    return [line for line in lines if line]


def _digits(found: dict[str, dict[str, Any]]) -> int:
    """Decimals at which the smallest error has two digits, so that all of them can be compared."""
    return decimals_for(min((float(row["rmse"]) for row in found.values()), default=1.0))


def _validation_table(page: PageContext, one: FilledResult, key: str) -> Table | None:
    text, found = page.text, _schemes(one)
    if not found:
        return None
    rows = []
    decimals = _digits(found)
    for name, row in found.items():
        rows.append(
            (
                Cell(text(f"filled.scheme.{name}"), "strong" if name == "block" else ""),
                number_cell(fixed(row["rmse"], decimals), row["rmse"]),
                number_cell(fixed(row["bias"], decimals, sign=True), row["bias"]),
                number_cell(text.percent(row["coverage_68"]), row["coverage_68"]),
                number_cell(text.percent(row["coverage_95"]), row["coverage_95"]),
                number_cell(whole(row["observations"]), row["observations"]),
            )
        )
    names = ("left_out", "rmse", "mean_error", "in_68", "in_95", "predicted")
    heads = make_heads(text, "filled", names, units=dict.fromkeys(names[1:3], unit_text(one.units)))
    title = text("filled.table", symbol=page.symbol(one.variable), product=one.title)
    table = pd.DataFrame(one.validation)
    note, download = text("filled.table_note"), make_download(f"leave_out_{one.key}", table)
    return Table(f"table-{key}", title, heads, rows, note, download)
