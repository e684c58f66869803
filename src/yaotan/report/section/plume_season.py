"""Point sources of which many scenes were averaged before they were read: divergence of the flux, decay."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.plume.estimate import meanings
from yaotan.report.close_up import CloseUp, draw_close_up, frame_around, local_frame
from yaotan.report.context import PageContext
from yaotan.report.curve import Curves, draw_curves
from yaotan.report.figure import ACCENT, QUIET, Figure
from yaotan.report.legend import Entry
from yaotan.report.number import fixed, measured, whole
from yaotan.report.palette import make_scale
from yaotan.report.section.plume_table import MOST_ROWS, failure_table
from yaotan.report.section.rate import (
    RATE,
    YEARLY,
    Words,
    caution_text,
    code_text,
    gas_text,
    rate_text,
    yearly_text,
)
from yaotan.report.shape import part_key
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: estimates that are said in sentences; the table has all
MOST_SAID: Final = 6


def season_rows(words: Words) -> pd.DataFrame:
    """Rows of the estimates from many scenes together, one for each source, method and gas; none without any.

    Parameters
    ----------
    words : Words
        Of the study.

    Returns
    -------
    pandas.DataFrame
        source, name, method, substance, emission, emission_uncertainty, its terms, status, cautions, reason,
        scene_count, lifetime, lifetime_uncertainty.
    """
    rows = []
    for estimate, _ in words.one.seasons:
        states, cautions = meanings(estimate)
        for place in range(estimate.sizes["source"]):
            one = estimate.isel(source=place)
            numbers = {str(name): float(one[name]) for name in one.data_vars if one[name].dtype.kind == "f"}
            rows.append(
                {
                    "source": str(one["source"].item()),
                    "name": str(one["source_name"].item()),
                    **{key: str(estimate.attrs[key]) for key in ("method", "substance")},
                    **{name: numbers[name] for name in numbers if name.startswith("emission")},
                    **{"status": states[place], "cautions": ",".join(cautions[place])},
                    "reason": str(one["reason"].item()),
                    **{name: numbers.get(name, np.nan) for name in _NUMBERS},
                }
            )
    return pd.DataFrame(rows)


#: numbers of an estimate that the table shows
_NUMBERS: Final = ("scene_count", "lifetime", "lifetime_uncertainty")


def season_only(words: Words) -> bool:
    """Tell whether scenes were averaged and none was looked at by itself."""
    return bool(words.one.facts.get("season")) and words.one.estimates.empty


def clearest_rows(words: Words) -> list[dict[str, Any]]:
    """Give the surest row of each source with an emission, of the gas of the scenes; strongest first."""
    rows = season_rows(words)
    if rows.empty:
        return []
    given = rows[(rows["status"] == "estimated") & (rows["substance"] == words.one.substance)]
    share = given["emission_uncertainty"] / given["emission"].abs()
    best = given.assign(_share=share).sort_values("_share", kind="stable").drop_duplicates("source")
    return rows_of(best.sort_values("emission", ascending=False, kind="stable"))


def season_sentence(page: PageContext, words: Words) -> str:
    """Say how many sources have an emission from scenes averaged together, and which is the strongest."""
    text, best = page.text, clearest_rows(words)
    if not best:
        rows = season_rows(words)
        if rows.empty:
            number, scenes = len(words.one.sources), int(words.one.facts["season"]["scenes"])
            told = text("plume.card.scenes", n=scenes, shown=whole(scenes))
            return text("plume.overview.unmet", n=number, shown=whole(number), scenes=told)
        reason = code_text(page, "status", str(rows["status"].mode()[0]))
        return text("plume.season.nothing", reason=reason)
    first = best[0]
    number = int(first["scene_count"])
    return text(
        "plume.season.overview",
        n=len(best),
        shown=whole(len(best)),
        total=whole(len(words.one.sources)),
        scenes=text("plume.card.scenes", n=number, shown=whole(number)),
        first=words.name(first["source"]),
        rate=rate_text(page, first["emission"], first["emission_uncertainty"]),
        unit=RATE,
        gas=gas_text(page, first["substance"]),
        method=code_text(page, "method", first["method"]),
    )


def season_groups(page: PageContext, words: Words) -> list[dict[str, Any]]:
    """Build the group of sources of which many scenes were averaged first; none without any."""
    if not words.one.seasons and not season_only(words):
        return []
    text, figures = page.text, []
    said: list[str] = []
    for estimate, drawn in words.one.seasons:
        method = str(estimate.attrs.get("method", ""))
        for place in range(estimate.sizes["source"]):
            single = estimate.isel(source=place)
            make = _divergence_figure if method == "divergence" else _curve_figure
            if drawn is not None:
                figures.append(make(page, words, single, drawn, place))
            if np.isfinite(single["emission"]) and len(said) < MOST_SAID:
                slots = {"method": code_text(page, "method", method), **_season_slots(page, words, single)}
                said.append(f"{slots['name']}{text('claim.comma')}{text('plume.season.say', **slots)}")
    lost = _lost_words(page, words)
    tables = [_season_table(page, words), failure_table(page, words) if season_only(words) else None]
    return [
        {
            "title": text("plume.season.group"),
            "key": "group-plume-season",
            "kind": "",
            "say": [*said, *([lost] if lost else [])],
            "figures": figures,
            "tables": [table for table in tables if table is not None],
        }
    ]


def _lost_words(page: PageContext, words: Words) -> str:
    """Say how many looks of scenes at sources were used, and why the others were not."""
    counted = dict(words.one.facts.get("season", {}).get("status", {}))
    # a file that could not be used at all is no look; the table of failures names it
    counted.pop("failed", None)
    used, total = int(counted.pop("used", 0)), sum(int(number) for number in counted.values())
    if not total:
        return ""
    ordered = sorted(counted.items(), key=lambda pair: -pair[1])
    told = [f"{code_text(page, 'status', code)} ({whole(number)})" for code, number in ordered]
    return page.text(
        "plume.season.lost", used=whole(used), total=whole(used + total), words=page.text.join(told)
    )


def _season_table(page: PageContext, words: Words) -> Table:
    text, rows, body = page.text, season_rows(words), []
    for row in rows_of(rows):
        value, sigma = float(row["emission"]), float(row["emission_uncertainty"])
        given = row["status"] == "estimated"
        shown, spread = measured(value, sigma) if given else ("–", "–")
        hours, error = (float(row[name]) / 3600.0 for name in ("lifetime", "lifetime_uncertainty"))
        # a lifetime at the bound of the search is none
        hours = np.nan if "at_bound" in row["cautions"] else hours
        careful = caution_text(page, row["cautions"])
        what = code_text(page, "status", row["status"])
        if given and careful:
            what = text("plume.overview.careful", words=careful)
        tone = "open" if given and careful else "supported" if given else "no_data"
        body.append(
            (
                Cell(words.name(row["source"])),
                Cell(code_text(page, "method", row["method"])),
                Cell(gas_text(page, row["substance"])),
                number_cell(shown, value),
                number_cell(spread, sigma),
                number_cell(yearly_text(value, sigma) if given else "–", YEARLY * value),
                number_cell(whole(row["scene_count"]), row["scene_count"]),
                number_cell(rate_text(page, hours, error) if np.isfinite(hours) else "–", hours),
                Cell(what, f"state {tone}"),
            )
        )
    names = ("source", "method", "gas", "emission", "sigma", "year", "scenes", "lifetime", "what")
    units = {"emission": RATE, "sigma": RATE, "lifetime": "h"}
    heads = make_heads(text, "plume", names, left=("method", "gas", "what"), units=units)
    title, note = text("plume.season.table"), text("plume.season.note")
    kind = "long" if len(body) > MOST_ROWS else ""
    return Table("table-plume-season", title, heads, body, note, make_download("plume_season", rows), kind)


def _season_slots(page: PageContext, words: Words, single: xr.Dataset) -> dict[str, str]:
    scenes = float(single["scene_count"]) if "scene_count" in single else np.nan
    value, sigma = float(single["emission"]), float(single["emission_uncertainty"])
    return {
        "name": words.name(str(single["source"].item())),
        "scenes": whole(scenes),
        "rate": rate_text(page, value, sigma),
        "unit": RATE,
        "gas": gas_text(page, str(single.attrs.get("substance", words.one.substance))),
    }


def _divergence_figure(
    page: PageContext, words: Words, single: xr.Dataset, drawn: xr.Dataset, place: int
) -> Figure:
    """Draw the divergence of the mean flux around a source, in g km-2 s-1."""
    text, field = page.text, drawn.isel(source=place)
    slots = _season_slots(page, words, single)
    frame = local_frame(float(single["longitude"]), float(single["latitude"]))
    x, y = (np.asarray(field[name].values, float) for name in ("x", "y"))
    step = float(np.diff(x)[0])
    edges = [np.append(part - step / 2, part[-1] + step / 2) for part in (x, y)]
    corner = np.stack(np.meshgrid(*edges), axis=-1)
    quads = np.stack([corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]], axis=2)
    values = np.asarray(field["divergence"].transpose("y", "x").values, float) * 1e9
    reach = float(np.abs(x).max())
    seen = frame_around(frame, 0.85 * reach * np.array([[-1.0, -1.0], [1.0, 1.0]]))
    none = np.zeros(values.shape, bool)
    shown = CloseUp(
        float(single["longitude"]), float(single["latitude"]), quads, values, seen, none, np.zeros((0, 2))
    )
    given = bool(np.isfinite(single["emission"]))
    said = text("plume.season.map" if given else "plume.season.map_none", **slots)
    key = part_key("plume-divergence", str(single["source"].item()))
    svg = draw_close_up(
        key,
        shown,
        make_scale([shown.seen], kind="diverging") if shown.seen.size else None,
        alt=text("plume.season.map_alt", reach=fixed(reach / 1e3, 0), finding=said, **slots),
        label=text("plume.season.axis", gas=slots["gas"]),
        no_data=text("map.no_data"),
        entries=[Entry(text("plume.panel.source"), "#000000", "^", "")],
        wind_words="",
        north=text("plume.north"),
    )
    table = field[["divergence"]].to_dataframe().reset_index()[["x", "y", "divergence"]].dropna()
    return Figure(key, svg, said, text("plume.season.map_caption"), make_download(key, table))


def _curve_figure(
    page: PageContext, words: Words, single: xr.Dataset, drawn: xr.Dataset, place: int
) -> Figure:
    """Draw the mean flux by travel time with the fitted decay."""
    text, slots = page.text, _season_slots(page, words, single)
    hours = np.asarray(drawn["travel_time"].values, float) / 3600.0
    flux, sigma, fit = (np.asarray(drawn[name].values, float) for name in ("flux", "flux_uncertainty", "fit"))
    given = bool(np.isfinite(single["emission"]))
    lifetime = float(single["lifetime"]) / 3600.0 if "lifetime" in single else np.nan
    error = float(single["lifetime_uncertainty"]) / 3600.0 if "lifetime_uncertainty" in single else np.nan
    slots["lifetime"] = rate_text(page, lifetime, error)
    kind = "curve" if given else "curve_none"
    if given and "at_bound" in meanings(single)[1][0]:
        kind = "curve_bound"
    said = text(f"plume.season.{kind}", **slots)
    entries = [Entry(text("plume.season.measured"), QUIET, "o", "")]
    lines = []
    if np.isfinite(fit).any():
        entries.append(Entry(text("plume.season.fit"), ACCENT))
        lines = [(hours, fit)]
    key = part_key("plume-curve", str(single["source"].item()))
    svg = draw_curves(
        key,
        entries,
        [Curves("", [(hours, flux, sigma)], lines)],
        alt=text("plume.season.curve_alt", finding=said, **slots),
        x_label=text("plume.season.time"),
        y_label=text("plume.panel.flux_axis", gas=slots["gas"], unit=RATE),
    )
    download = make_download(key, drawn.to_dataframe().reset_index())
    return Figure(key, svg, said, text("plume.season.curve_caption"), download)
