"""One source: what the image or the track shows of it, and the sentences beside."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.close_up import LINE, OUTLINE, draw_close_up, draw_thumbnail
from yaotan.report.context import PageContext
from yaotan.report.curve import Curves, draw_curves
from yaotan.report.figure import ACCENT, INK, QUIET, Figure
from yaotan.report.legend import Entry
from yaotan.report.number import decimals_for, fixed, percent, unit_text, whole
from yaotan.report.palette import Scale, make_scale
from yaotan.report.section.look import Look, close_up_of
from yaotan.report.section.plume_share import methods_figure, terms_figure
from yaotan.report.section.rate import (
    RATE,
    Words,
    caution_text,
    code_text,
    compass,
    hourly_text,
    method_colour,
    rate_text,
    when_text,
    yearly_text,
)
from yaotan.report.table import Download, make_download

Floats = npt.NDArray[np.float64]
#: more pixels than this make a page heavy
MOST_PIXELS: Final = 5000
#: how far to both sides of the centre line slices are shown [m]
WIDEST: Final = 40e3


def source_group(page: PageContext, look: Look, words: Words) -> dict[str, Any]:
    """Build the group of one source: sentences and figures."""
    figures: list[Figure | None] = [track_figure(page, look, words)] if look.is_track else []
    if look.is_image:
        key = f"{look.key}-image"
        figures = [image_figure(page, look, words, key), slices_figure(page, look, words)]
    figures += [methods_figure(page, look, words), terms_figure(page, look, words)]
    return {
        "title": words.name(str(look.row["source"])),
        "key": f"group-{look.key}",
        "kind": " even",
        "say": [source_sentence(page, look, words)],
        "figures": [figure for figure in figures if figure is not None],
        "tables": [],
    }


def source_sentence(page: PageContext, look: Look, words: Words) -> str:
    """Say the emission, the wind, whether the ways agree, and what to be careful with."""
    text, row = page.text, look.row
    slots = {"when": when_text(page, row["time"]), "gas": words.gas, "unit": RATE}
    if not look.given:
        said = [text("plume.panel.none", **slots, reason=code_text(page, "status", str(row["status"])))]
    else:
        slots |= {"rate": rate_text(page, look.value, look.sigma)}
        slots |= {"hour": hourly_text(look.value, look.sigma).removesuffix("/h")}
        said = [text("plume.panel.say", **slots, year=yearly_text(look.value, look.sigma))]
    wind = wind_text(page, look)
    said += [wind] if wind else []
    said += [agreement(page, look, words)] if look.given else []
    cautions = caution_text(page, row["cautions"])
    said += [text("plume.panel.caution", words=cautions)] if cautions and look.given else []
    return text("space").join(part for part in said if part)


def wind_text(page: PageContext, look: Look) -> str:
    """Say the wind that was used; empty where none is known."""
    speed, degrees = float(look.row["wind_speed"]), float(look.row["wind_direction"])
    if not np.isfinite(speed):
        return ""
    slots = {"speed": fixed(speed, 1), "degrees": fixed(degrees, 0)}
    return page.text("plume.panel.wind", direction=compass(page, degrees), **slots)


def agreement(page: PageContext, look: Look, words: Words) -> str:
    """Say whether the ways to the emission differ by more than their errors; empty for one way of one."""
    row, one = look.row, words.one
    members = one.members
    if members.empty:
        return ""
    mine = members[(members["scene"] == row["scene"]) & (members["source"] == row["source"])]
    number, total = int(row["member_count"]), len(mine)
    if total < 2:
        return ""
    chi, freedom = float(row["chi_square"]), float(row["degrees_of_freedom"])
    chance = float(row.get("chi_square_probability", np.nan))
    agreed = chance >= 0.05 if np.isfinite(chance) else not chi > freedom + 2.0 * np.sqrt(2.0 * freedom)
    slots = {"n": number, "total": whole(total), "chi": fixed(chi, 1), "freedom": whole(freedom)}
    slots["share"] = percent(float(row["i_squared"])).replace(" %", page.text("percent"))
    return page.text(f"plume.panel.{'agree' if agreed else 'differ'}", **slots)


def image_scale(page: PageContext, look: Look) -> Scale | None:
    """Colours of the pixels in sight, once for all languages."""
    return page.once(f"scale-{look.key}", lambda: make_scale([close_up_of(page, look).seen]))


def finding(page: PageContext, look: Look, words: Words) -> str:
    """Say what an image shows: how long the plume is and where it goes, or why there is none."""
    text, name = page.text, words.name(str(look.row["source"]))
    view = look.view
    assert view is not None
    slots = {"name": name, "symbol": page.symbol(str(view.attrs["variable"]))}
    if look.given and "line_way" in view:
        way = close_up_of(page, look).way
        east, north = way[-1] - way[0]
        side = compass(page, float(np.degrees(np.arctan2(east, north))) % 360.0)
        length = fixed(float(view["line_way"].values[-1]) / 1e3, 0)
        return text("plume.panel.image", length=length, side=side, **slots)
    if look.given:
        return text("plume.panel.image_alone", **slots)
    reason = code_text(page, "status", str(look.row["status"]))
    return text("plume.panel.image_none", reason=reason, **slots)


def image_figure(page: PageContext, look: Look, words: Words, key: str) -> Figure:
    """Draw the image around a source."""
    text, view, shown = page.text, look.view, close_up_of(page, look)
    assert view is not None
    symbol, units = page.symbol(str(view.attrs["variable"])), unit_text(str(view.attrs["units"]))
    scale, said = image_scale(page, look), finding(page, look, words)
    slots = {"symbol": symbol, "name": words.name(str(look.row["source"])), "finding": said}
    slots |= {"when": when_text(page, look.row["time"]), "wind": wind_text(page, look) or "–"}
    slots |= {"pixels": whole(int(np.isfinite(shown.values).sum())), "own": whole(int(shown.own.sum()))}
    speed = float(np.hypot(*shown.wind))
    svg = draw_close_up(
        key,
        shown,
        scale,
        alt=text("plume.panel.image_alt", **slots),
        label=text("quantity", symbol=symbol, unit=units),
        no_data=text("map.no_data"),
        entries=_entries(page, look),
        wind_words=text("plume.panel.arrow", speed=fixed(speed, 1)) if np.isfinite(speed) else "",
        north=text("plume.north"),
    )
    caption = text("plume.panel.image_caption", **slots)
    if scale is not None and (scale.below or scale.above):
        caption += text("space") + text("plume.panel.clipped")
    download = _pixels(page, look)
    caption += text("space") + text("plume.panel.pixels_left") if download is None else ""
    return Figure(key, svg, said, caption, download)


def _entries(page: PageContext, look: Look) -> list[Entry]:
    """Words of the legend, of what is there."""
    text, view, shown = page.text, look.view, close_up_of(page, look)
    assert view is not None
    entries = [Entry(text("plume.panel.source"), LINE, "^", "")]
    if shown.own.any():
        second = str(view.attrs.get("mask_variable") or "")
        word = text("plume.panel.mask_second", symbol=page.symbol(second)) if second else ""
        entries.append(Entry(word or text("plume.panel.mask"), OUTLINE))
    if len(shown.way) > 1:
        entries.append(Entry(text("plume.panel.line"), LINE, "", "--"))
    return entries


def _pixels(page: PageContext, look: Look) -> Download | None:
    """Pixels in sight as CSV, to six digits; None when there are more than a page can hold."""
    view, inside = look.view, close_up_of(page, look).inside
    assert view is not None
    names = [name for name in ("latitude", "longitude", "column", "own") if name in view]
    table = pd.DataFrame({name: np.asarray(view[name].values)[inside] for name in names})
    table = table[np.isfinite(table["column"])].round({"latitude": 4, "longitude": 4})
    if len(table) > MOST_PIXELS:
        return None
    table["column"] = [float(f"{value:.6g}") for value in table["column"]]
    if "own" in table:
        table["own"] = table["own"].astype(int)
    unit = f"{view.attrs['variable']} [{view.attrs['units']}]"
    return make_download(f"{look.key}_pixels", table.rename(columns={"column": unit}))


def thumbnail(page: PageContext, look: Look, words: Words) -> Figure:
    """Draw a source small."""
    text, view = page.text, look.view
    assert view is not None
    scale = image_scale(page, look)
    low, high = (f"{level:g}" for level in (scale.levels[0], scale.levels[-1])) if scale else ("–", "–")
    slots = {"name": words.name(str(look.row["source"])), "symbol": page.symbol(str(view.attrs["variable"]))}
    slots |= {"when": when_text(page, look.row["time"]), "low": low, "high": high}
    slots |= {"scale": unit_text(str(view.attrs["units"])), "finding": finding(page, look, words)}
    if look.given:
        caption = text(
            "plume.panel.thumbnail", rate=rate_text(page, look.value, look.sigma), unit=RATE, **slots
        )
    else:
        reason = code_text(page, "status", str(look.row["status"]))
        caption = text("plume.panel.thumbnail_none", reason=reason, **slots)
    key = f"{look.key}-small"
    alt = text("plume.panel.thumbnail_alt", **slots)
    svg = draw_thumbnail(key, close_up_of(page, look), scale, alt=alt)
    return Figure(key, svg, slots["name"], caption, small=True)


def slices_figure(page: PageContext, look: Look, words: Words) -> Figure | None:
    """Draw means over slices across the plume with what each method fitted; None without a fit."""
    text, view = page.text, look.view
    assert view is not None
    if "transect_observed" not in view:
        return None
    view = view.isel(offset=np.flatnonzero(np.abs(view["offset"].values) <= WIDEST))
    symbol, units = page.symbol(str(view.attrs["variable"])), unit_text(str(view.attrs["units"]))
    methods = [str(name) for name in view["method"].values]
    across = view["offset"].values / 1e3
    observed, sigma = view["transect_observed"].values, view["transect_observed_uncertainty"].values
    fits, plain = view["transect_fit"].values, view["transect_background"].values
    entries = [Entry(text("plume.panel.observed"), QUIET, "o", "")]
    entries += [Entry(code_text(page, "method", name), method_colour(name)) for name in methods]
    entries.append(Entry(text("plume.panel.background"), INK, "", ":"))
    starts, ends = (view[f"transect_{side}"].values / 1e3 for side in ("start", "end"))
    panels = [
        Curves(
            text("plume.panel.slice", start=fixed(start, 0), end=fixed(end, 0)),
            [(across, observed[number], sigma[number])],
            [*((across, fit[number]) for fit in fits), (across, plain[0][number])],
        )
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    rise = np.nanmax(fits[0] - plain[0]) if np.isfinite(fits[0] - plain[0]).any() else np.nan
    scatter = float(np.nanmedian(sigma)) if np.isfinite(sigma).any() else np.nan
    peak = fixed(float(rise), decimals_for(scatter, 1))
    slots = {"symbol": symbol, "unit": units, "peak": peak, "n": len(panels)}
    slots |= {
        "name": words.name(str(look.row["source"])),
        "start": fixed(starts[0], 0),
        "end": fixed(ends[-1], 0),
    }
    key = f"{look.key}-slices"
    svg = draw_curves(
        key,
        entries,
        panels,
        alt=text("plume.panel.slices_alt", **slots),
        x_label=text("plume.panel.across"),
        y_label=text("quantity", symbol=symbol, unit=units),
    )
    table = view[
        ["transect_observed", "transect_observed_uncertainty", "transect_fit", "transect_background"]
    ]
    places = ["transect_start", "transect_end"]
    download = make_download(
        f"{look.key}_slices",
        table.assign(view[places]).to_dataframe().reset_index().assign(units=view.attrs["units"]),
    )
    return Figure(key, svg, text("plume.panel.slices", **slots), text("plume.panel.slices_caption"), download)


def track_figure(page: PageContext, look: Look, words: Words) -> Figure:
    """Draw soundings along a track with the fitted plume on its background."""
    text, view = page.text, look.view
    assert view is not None
    symbol, units = page.symbol(str(view.attrs["variable"])), unit_text(str(view.attrs["units"]))
    along, column = view["along"].values / 1e3, view["column"].values
    fitted = "fit" in view
    reach = float(np.abs(view["fit_along"].values).max()) / 1e3 if fitted else 150.0
    near = np.isfinite(along) & np.isfinite(column) & (np.abs(along) <= reach)
    table = pd.DataFrame(
        {"along_km": along[near], f"{view.attrs['variable']} [{view.attrs['units']}]": column[near]}
    )
    table = table.sort_values("along_km")
    slots = {"symbol": symbol, "unit": units, "name": words.name(str(look.row["source"]))}
    slots |= {"n": whole(len(table)), "when": when_text(page, look.row["time"])}
    entries, lines = [Entry(text("plume.panel.observed"), QUIET, "o", "")], []
    said = text("plume.panel.track_none", **slots)
    if fitted:
        fit, plain, x = view["fit"].values, view["fit_background"].values, view["fit_along"].values / 1e3
        entries.append(
            Entry(code_text(page, "method", str(view.attrs.get("method", "track_gaussian"))), ACCENT)
        )
        entries.append(Entry(text("plume.panel.background"), INK, "", ":"))
        lines = [(x, fit), (x, plain)]
        rise = (fit - plain)[np.argmax(np.abs(fit - plain))]
        said = text("plume.panel.track", peak=fixed(float(rise), 1), **slots)
    key = f"{look.key}-track"
    x_seen, seen = table.to_numpy(float).T
    svg = draw_curves(
        key,
        entries,
        [Curves("", [(x_seen, seen, None)], lines)],
        alt=text("plume.panel.track_alt", finding=said, **slots),
        x_label=text("plume.panel.along" if fitted else "plume.panel.along_none"),
        y_label=text("quantity", symbol=symbol, unit=units),
    )
    download = make_download(f"{look.key}_track", table)
    return Figure(key, svg, said, text("plume.panel.track_caption", **slots), download)
