"""Point sources over many overpasses: means of a year, and scenes averaged before they are read."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from yaotan.report.close_up import CloseUp, draw_close_up, frame_around, local_frame
from yaotan.report.context import PageContext
from yaotan.report.curve import Curves, draw_curves
from yaotan.report.figure import ACCENT, QUIET, Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.legend import Entry
from yaotan.report.number import fixed, measured, whole
from yaotan.report.palette import make_scale
from yaotan.report.section.plume_table import MOST_ROWS, interval_text
from yaotan.report.section.rate import RATE, Words, code_text, gas_text, rate_text, yearly_text
from yaotan.report.shape import part_key
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


def season_groups(page: PageContext, words: Words) -> list[dict[str, Any]]:
    """Build the group of sources of which many scenes were averaged first; none without any."""
    text, figures, said = page.text, [], []
    for estimate, drawn in words.one.seasons:
        method = str(estimate.attrs.get("method", ""))
        for place in range(estimate.sizes["source"]):
            single = estimate.isel(source=place)
            make = _divergence_figure if method == "divergence" else _curve_figure
            if drawn is not None:
                figures.append(make(page, words, single, drawn, place))
            if np.isfinite(single["emission"]):
                slots = {"method": code_text(page, "method", method), **_season_slots(page, words, single)}
                told = f"{slots['name']}{text('claim.comma')}{text('plume.season.say', **slots)}"
                said.append(told)
    if not figures:
        return []
    return [
        {
            "title": text("plume.season.group"),
            "key": "group-plume-season",
            "kind": "",
            "say": said,
            "figures": figures,
            "tables": [],
        }
    ]


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
    said = text("plume.season.curve" if given else "plume.season.curve_none", **slots)
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
