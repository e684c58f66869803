"""Trends and seasons: key regions with their curves, rates of all regions, and what was skipped."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.analysis import TrendResult
from yaotan.report.chart import draw_cycle
from yaotan.report.context import PageContext, Section
from yaotan.report.facet import Facet, Trace, draw_facets
from yaotan.report.figure import CLASSES, QUIET, Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.legend import Entry
from yaotan.report.number import interval, measured, probability, unit_text, whole
from yaotan.report.result import WHOLE
from yaotan.report.summary import judge
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell, rows_of

#: panels of a figure of series
MOST_PANELS: Final = 4
#: more rows than this make the chart of rates taller than the panels
TALL: Final = 16
#: reasons that their own words tell in full
PLAIN: Final = frozenset({"too_short", "too_few_months", "constant", "outside_grid"})
#: half width of a 95 % interval [1 sigma]
_Z95: Final = 1.96
Floats = npt.NDArray[np.float64]


def make_trends(page: PageContext) -> Section | None:
    """Build the section on trends; None when the study did not ask for them.

    ``groups``: per gas and product the figures, the table of rates and the table of what was skipped.
    """
    text = page.text
    if not page.results.trends:
        return None
    groups = []
    for one in page.results.trends:
        names = page.region_names(one.rates) if len(one.rates) else dict(page.names)
        figures = [*_series(page, one, names), *_rates(page, one, names), *_season(page, one, names)]
        if len(one.rates) > TALL and len(figures) == 3:  # the tallest stands beside the other two
            figures = [figures[1], figures[0], figures[2]]
        groups.append(
            {
                "title": text("trend.group", symbol=page.symbol(one.variable), product=one.title),
                "key": f"group-trend-{one.key}",
                "say": [] if len(_known(one)) else [text("trend.nothing")],
                "figures": figures,
                "table": _rate_table(page, one, names),
                "skipped": _skipped_table(page, one, names),
            }
        )
    return Section("trends", text("trend.title"), text("trend.lead"), {"groups": groups})


def _known(one: TrendResult) -> pd.DataFrame:
    """Rates that were found."""
    return one.rates[np.isfinite(one.rates["rate"].astype(float))] if len(one.rates) else one.rates


def _key_regions(page: PageContext, one: TrendResult, names: dict[str, str]) -> list[str]:
    """Choose the regions to draw: the whole area, those the study names, else those with most months."""
    if one.series.empty:
        return []
    ids = one.series["region_id"].astype(str)
    seen = one.series["value"].notna().groupby(ids).sum()
    drawn = [key for key in dict.fromkeys(ids) if seen[key] > 1]
    named = [str(key) for key in page.results.summary.get("key_regions", ()) if str(key) in drawn]
    rest = sorted((key for key in drawn if key not in named), key=lambda key: (-seen[key], key))
    order = [key for key in (WHOLE, *named, *rest) if key in drawn]
    return [key for key in dict.fromkeys(order) if key in names][:MOST_PANELS]


def _rows(one: TrendResult, key: str) -> pd.DataFrame:
    return one.series[one.series["region_id"].astype(str) == key].sort_values("time")


def _series(page: PageContext, one: TrendResult, names: dict[str, str]) -> list[Figure]:
    text, chosen = page.text, _key_regions(page, one, names)
    if not chosen:
        return []
    entries = [
        Entry(text("trend.measured"), QUIET, "o", ""),
        Entry(text("trend.fitted"), CLASSES[4], "", "-"),
        Entry(text("trend.trend"), CLASSES[1], "", "--"),
    ]
    facets = []
    for key in chosen:
        rows = _rows(one, key)
        time = pd.DatetimeIndex(rows["time"])
        sigma = rows["uncertainty"].to_numpy(float) if "uncertainty" in rows else None
        measured_ = Trace(time, rows["value"].to_numpy(float), sigma)
        curves = [Trace(time, rows[name].to_numpy(float)) for name in ("fitted", "trend")]
        facets.append(Facet(names[key], [measured_, *curves]))
    first = _rows(one, chosen[0])
    slots = {"symbol": page.symbol(one.variable), "product": one.title, "unit": unit_text(one.units)}
    slots |= {"region": page.in_sentence(chosen[0], names)}
    slots["regions"] = text.join([page.in_sentence(key, names) for key in chosen])
    title, ends = _rise(page, first)
    slots |= ends
    title = text(title, **slots)
    key = f"trend-series-{one.key}"
    svg = draw_facets(
        key,
        entries,
        facets,
        alt=text("trend.series_alt", **slots),
        label=page.quantity(one.variable, one.units),
        language=text.language,
    )
    caption = text("trend.series_caption")
    total = one.series["region_id"].astype(str).nunique()
    if total > len(chosen):
        caption += text("space") + text("trend.chosen", n=len(chosen), total=whole(total))
    return [Figure(key, svg, title, caption, make_download(f"trend_series_{one.key}", one.series))]


def _rise(page: PageContext, rows: pd.DataFrame) -> tuple[str, dict[str, str]]:
    """Choose the words for what a trend gained from its first month to its last, and fill their slots."""
    trend = rows["trend"].to_numpy(float)
    known = np.flatnonzero(np.isfinite(trend))
    if known.size < 2:
        return "trend.series_none", {}
    first, last = pd.DatetimeIndex(rows["time"])[known[[0, -1]]]
    gain = float(trend[known[-1]] - trend[known[0]])
    slots = {"gain": measured(abs(gain), _scatter(rows))[0]}
    slots |= {"start": page.text.month(first), "end": page.text.month(last)}
    return "trend.series_fall" if gain < 0 else "trend.series_rise", slots


def _scatter(rows: pd.DataFrame) -> float:
    """Error of one value, which says how many digits of the trend are of use.

    The larger of scatter about the curve and stated error: a curve of many terms follows few values closely.
    """
    rest = (rows["value"] - rows["fitted"]).to_numpy(float)
    found = [float(np.nanstd(rest))] if np.isfinite(rest).sum() > 2 else []
    if "uncertainty" in rows and rows["uncertainty"].notna().any():
        found.append(float(rows["uncertainty"].median()))
    return max(found, default=np.nan)


def _season(page: PageContext, one: TrendResult, names: dict[str, str]) -> list[Figure]:
    """Mean year of the season, curve less trend, of the regions that are drawn."""
    text, lines = page.text, []
    for key in _key_regions(page, one, names):
        rows = _rows(one, key)
        season = rows["fitted"] - rows["trend"]
        part = season.groupby(pd.DatetimeIndex(rows["time"]).month.to_numpy()).mean()
        year = part.reindex(range(1, 13)).to_numpy(float)
        if np.isfinite(year).any():
            lines.append((key, year))
    if not lines:
        return []
    first, year = lines[0]
    high, low = int(np.nanargmax(year)), int(np.nanargmin(year))
    slots = {"symbol": page.symbol(one.variable), "product": one.title}
    slots["region"] = page.in_sentence(first, names)
    slots |= {"unit": unit_text(one.units), "range": measured(year[high] - year[low], 0.05 * np.ptp(year))[0]}
    slots |= {"high": text.month_name(high + 1), "low": text.month_name(low + 1)}
    key = f"trend-season-{one.key}"
    svg = draw_cycle(
        key,
        [(names[one_id], values) for one_id, values in lines],
        alt=text("trend.season_alt", **slots),
        label=text("trend.season_axis", quantity=page.quantity(one.variable, one.units)),
        months=text("trend.month_axis"),
    )
    table = pd.DataFrame({"month": range(1, 13)} | dict(lines))
    download = make_download(f"season_{one.key}", table)
    return [Figure(key, svg, text("trend.season", **slots), text("trend.season_caption"), download)]


def _rates(page: PageContext, one: TrendResult, names: dict[str, str]) -> list[Figure]:
    text, rows = page.text, _known(one)
    if rows.empty:
        return []
    ids, marks = [], []
    for row in rows_of(rows.sort_values("rate", ascending=False, kind="stable")):
        ids.append(str(row["region_id"]))
        name = names.get(ids[-1], text.name(row))
        marks.append(Mark(name, row["rate"], row["lower"], row["upper"]))
    # the whole area holds the regions, so it is drawn but not ranked among them
    places = [place for place, one_id in enumerate(ids) if one_id != WHOLE] or [0]
    high, low, unit = marks[places[0]], marks[places[-1]], page.per_year(one.units)
    slots = {"symbol": page.symbol(one.variable), "product": one.title, "unit": unit, "n": len(marks)}
    slots |= {"high": page.in_sentence(ids[places[0]], names), "low": low.label}
    slots |= {"high_rate": interval(high.value, high.lower, high.upper)[0]}
    slots |= {"low_rate": interval(low.value, low.lower, low.upper)[0]}
    kind = "one"
    if len(places) > 1:
        sigma = np.hypot(high.upper - high.lower, low.upper - low.lower) / (2 * _Z95)
        kind = judge(high.value - low.value, float(sigma))
    label = text("trend.rate_axis", quantity=text("quantity", symbol=slots["symbol"], unit=unit))
    key = f"trend-rates-{one.key}"
    alt = text("trend.rates_alt", **slots)
    svg = draw_ranking(key, marks, alt=alt, label=label, zero=any(mark.lower < 0 for mark in marks))
    title, download = text(f"trend.rates_{kind}", **slots), make_download(f"trend_{one.key}", one.rates)
    return [Figure(key, svg, title, text("trend.rates_caption"), download)]


def _rate_table(page: PageContext, one: TrendResult, names: dict[str, str]) -> Table | None:
    text, rows = page.text, []
    known = _known(one)
    if len(known):
        known = known.sort_values("region_id", key=lambda ids: ids != WHOLE, kind="stable")
    for row in rows_of(known):
        value, low, high = interval(row["rate"], row["lower"], row["upper"])
        size, sigma = measured(row["amplitude"], row.get("amplitude_uncertainty", np.nan))
        amplitude = size if sigma == "–" else f"{size} ± {sigma}"
        rows.append(
            (
                Cell(names.get(str(row["region_id"]), text.name(row))),
                number_cell(value, row["rate"]),
                number_cell(text("interval", lower=low, upper=high), row["upper"] - row["lower"]),
                number_cell(probability(row["p_value"]), row["p_value"]),
                number_cell(amplitude, row["amplitude"]),
                number_cell(_day(page, row["phase_day"]), row["phase_day"]),
                number_cell(whole(row["months"]), row["months"]),
            )
        )
    if not rows:
        return None
    names_of = ("region", "rate", "interval", "p_value", "amplitude", "phase", "months")
    units = {"rate": page.per_year(one.units), "amplitude": unit_text(one.units)}
    heads = make_heads(text, "trend", names_of, units=units)
    slots = {"symbol": page.symbol(one.variable), "product": one.title}
    note, download = text("trend.note"), make_download(f"trend_{one.key}", one.rates)
    return Table(f"table-trend-{one.key}", text("trend.table", **slots), heads, rows, note, download)


def _day(page: PageContext, day: Any) -> str:
    """Name a day of the year, counted from 0, of a year that is no leap year."""
    if day is None or not np.isfinite(day):
        return "–"
    stamp = pd.Timestamp("2019-01-01") + pd.Timedelta(days=int(day) % 365)
    return page.text("trend.day", day=stamp.day, month=page.text.month_name(stamp.month))


def _skipped_table(page: PageContext, one: TrendResult, names: dict[str, str]) -> Table | None:
    """Say for each region without a trend what is needed and what there is."""
    text, rows = page.text, []
    for row in rows_of(one.skipped):
        known = f"trend.skip.{row['reason']}"
        reason = text(known if text.has(known) else "trend.skip.other")
        pair = [number_cell(whole(row[name]), row[name]) for name in ("needed", "given")]
        detail = row.get("detail")
        more = Cell(detail if isinstance(detail, str) and row["reason"] not in PLAIN else "", "source")
        rows.append((Cell(names.get(str(row["region_id"]), text.name(row))), Cell(reason), *pair, more))
    if not rows:
        return None
    columns = ("region", "reason", "needed", "given", "detail")
    heads = make_heads(text, "trend", columns, left=("reason", "detail"))
    # a column in which no row says anything is left out
    told = [place for place in range(len(heads)) if any(row[place].text.strip("–") for row in rows)]
    heads, rows = [heads[place] for place in told], [tuple(row[place] for place in told) for row in rows]
    title = text("trend.skipped", n=len(rows), shown=whole(len(rows)))
    download = make_download(f"trend_skipped_{one.key}", one.skipped)
    return Table(f"table-skipped-{one.key}", title, heads, rows, "", download)
