"""A product against its reference: scatter, series and scores by station, and over all in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from yaotan.report.analysis import ValidationResult
from yaotan.report.context import PageContext, Section
from yaotan.report.facet import Facet, Trace, draw_facets
from yaotan.report.figure import CLASSES, Figure
from yaotan.report.forest import Mark, draw_ranking
from yaotan.report.legend import Entry
from yaotan.report.number import decimals_for, fixed, interval, measured, unit_text, whole
from yaotan.report.palette import make_scale
from yaotan.report.scatter import draw_scatter
from yaotan.report.shape import ANALYSIS_COLUMNS
from yaotan.report.table import Cell, Download, Table, make_download, make_heads, number_cell, rows_of

Floats = npt.NDArray[np.float64]
#: panels of the figure of series; pairs that are drawn as points; stations of the chart of biases
MOST_PANELS: Final = 5
MOST_POINTS: Final = 600
MOST_STATIONS: Final = 40
#: more stations than this make the chart of biases taller than the panels
TALL: Final = 16
#: pairs beyond this stay in the study's files
MOST_ROWS: Final = 10_000


def make_validations(page: PageContext) -> Section | None:
    """Build the section on validation; None when the study did not ask for it.

    ``groups``: per product and reference the sentences, figures, scores by station and lost pairs.
    """
    text = page.text
    if not page.results.validations:
        return None
    groups = []
    for one in page.results.validations:
        slots = {"symbol": page.symbol(one.variable), "product": one.title, "reference": one.reference}
        figures = [*_series(page, one), *_scatter(page, one), *_biases(page, one)]
        if len(one.sites) > TALL and len(figures) == 3:  # the tallest stands beside the other two
            figures = [figures[2], figures[0], figures[1]]
        groups.append(
            {
                "title": text("validation.group", **slots),
                "key": f"group-validation-{one.key}",
                "say": _say(page, one),
                "figures": figures,
                "table": _site_table(page, one),
                "lost": _lost_table(page, one),
            }
        )
    return Section("validation", text("validation.title"), text("validation.lead"), {"groups": groups})


def _pairs(one: ValidationResult) -> pd.DataFrame:
    if one.pairs.empty:
        return one.pairs
    known = np.isfinite(one.pairs["value"].astype(float)) & np.isfinite(one.pairs["reference"].astype(float))
    return one.pairs[known]


def _slots(page: PageContext, one: ValidationResult) -> dict[str, Any]:
    """Words and figures over all stations."""
    bias, low, high = (one.figure(f"bias{ending}") for ending in ("", "_lower", "_upper"))
    value, lower, upper = interval(bias, low, high)
    stations = one.sites["station"].nunique() if len(one.sites) else 0
    return {
        "symbol": page.symbol(one.variable),
        "product": one.title,
        "reference": one.reference,
        "unit": unit_text(one.units),
        "bias": value,
        "lower": lower,
        "upper": upper,
        "n": stations,
        "shown": whole(stations),
        "pairs": whole(len(_pairs(one))),
    }


def _verdict(one: ValidationResult) -> str:
    """Tell whether the mean bias can be told from zero."""
    low, high = one.figure("bias_lower"), one.figure("bias_upper")
    if not np.isfinite(one.figure("bias")):
        return "no_data"
    if not (np.isfinite(low) and np.isfinite(high)):
        return "unknown"
    return "higher" if low > 0 else "lower" if high < 0 else "not_detectable"


def _say(page: PageContext, one: ValidationResult) -> list[str]:
    """Say what the figures over all stations mean; what was not made is not said."""
    text, slots, unit = page.text, _slots(page, one), unit_text(one.units)
    verdict = _verdict(one)
    lines = [text(f"validation.say_{verdict}", **slots)]
    if verdict == "no_data":
        return lines
    known = f"validation.kernel.{one.kernel}"
    lines.append(text(known) if text.has(known) else text("validation.kernel_other", kernel=one.kernel))
    spread, scatter = one.figure("station_spread"), one.figure("scatter")
    if np.isfinite(spread):
        lines.append(text("validation.spread", spread=measured(spread, spread)[0], unit=unit))
    if np.isfinite(scatter):
        lines.append(text("validation.scatter", scatter=measured(scatter, scatter)[0], unit=unit))
    drift = [one.figure(f"drift{ending}") for ending in ("", "_lower", "_upper")]
    if np.isfinite(drift).all():
        value, lower, upper = interval(drift[0], drift[1], drift[2])
        kind = "drift" if drift[1] > 0 or drift[2] < 0 else "no_drift"
        per_year = page.per_year(one.units)
        lines.append(text(f"validation.{kind}", drift=value, lower=lower, upper=upper, unit=per_year))
    lines += _say_chi_square(page, one)
    return [text("space").join(lines)]


def _say_chi_square(page: PageContext, one: ValidationResult) -> list[str]:
    """Say whether the stated errors explain the scatter, by the interval that chi-square has when they do."""
    value, low, high = (one.figure(f"chi_square{ending}") for ending in ("", "_lower", "_upper"))
    if not np.isfinite(value):
        return []
    kind = "unknown"
    if np.isfinite(low) and np.isfinite(high):
        kind = "small" if value > high else "large" if value < low else "right"
    bounds = {"lower": fixed(low, 2), "upper": fixed(high, 2)}
    return [page.text(f"validation.chi_{kind}", value=fixed(value, 2), **bounds)]


def _scatter(page: PageContext, one: ValidationResult) -> list[Figure]:
    text, pairs = page.text, _pairs(one)
    if len(pairs) < 3:
        return []
    x, y = pairs["reference"].to_numpy(float), pairs["value"].to_numpy(float)
    sigma = pairs["value_uncertainty"].to_numpy(float)
    correlation = float(np.corrcoef(x, y)[0, 1]) if x.std() > 0 and y.std() > 0 else np.nan
    slots = _slots(page, one) | {"correlation": fixed(correlation, 2)}
    quantity, key = page.quantity(one.variable, one.units), f"validation-scatter-{one.key}"
    bins: dict[str, Any] = {}
    if len(pairs) > MOST_POINTS:
        low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))
        edges = np.linspace(low, high + 1e-9 * max(abs(high), 1.0), 37)
        density = np.histogram2d(x, y, bins=[edges, edges])[0]
        scale = make_scale([density[density > 0]], kind="count", steps=6)
        bins = {"scale": scale, "density": density, "edges": edges}
        bins["density_label"] = text("validation.density")
    svg = draw_scatter(
        key,
        x,
        y,
        None if bins or not np.isfinite(sigma).any() else sigma,
        alt=text("validation.scatter_alt", **slots),
        x_label=text("scatter.axis", product=one.reference, quantity=quantity),
        y_label=text("scatter.axis", product=one.title, quantity=quantity),
        **bins,
    )
    download, caption = _download(page, f"pairs_{one.key}", pairs)
    caption = text("validation.bins_caption" if bins else "validation.scatter_caption") + caption
    return [Figure(key, svg, text("validation.scatter_title", **slots), caption, download)]


def _series(page: PageContext, one: ValidationResult) -> list[Figure]:
    text, pairs = page.text, _pairs(one)
    if pairs.empty:
        return []
    stations = pairs["station"].astype(str)
    counts = stations.value_counts()
    chosen = sorted((name for name in counts.index if counts[name] > 1), key=lambda k: (-counts[k], k))
    chosen = chosen[:MOST_PANELS]
    if not chosen:
        return []
    entries = [Entry(one.reference, "#000000", "s", ""), Entry(one.title, CLASSES[1], "o", "")]
    facets = []
    for name in chosen:
        rows = pairs[stations == name].sort_values("time")
        time = pd.DatetimeIndex(rows["time"])
        traces = [
            Trace(time, rows[column].to_numpy(float), rows[f"{column}_uncertainty"].to_numpy(float))
            for column in ("reference", "value")
        ]
        facets.append(Facet(name, traces))
    first, last = pairs["time"].min(), pairs["time"].max()
    slots = _slots(page, one) | {"stations": text.join(chosen), "period": text.months([first, last])}
    key = f"validation-series-{one.key}"
    svg = draw_facets(
        key,
        entries,
        facets,
        alt=text("validation.series_alt", **slots),
        label=page.quantity(one.variable, one.units),
        language=text.language,
    )
    caption = text("validation.series_caption")
    if len(counts) > len(chosen):
        caption += text("space") + text("validation.chosen", n=len(chosen), total=whole(len(counts)))
    download, elsewhere = _download(page, f"series_{one.key}", pairs[stations.isin(chosen)])
    title = text("validation.series_title", **slots)
    return [Figure(key, svg, title, caption + elsewhere, download)]


def _download(page: PageContext, name: str, pairs: pd.DataFrame) -> tuple[Download | None, str]:
    """Put pairs into the page; when there are too many, say where they are."""
    if len(pairs) > MOST_ROWS:
        return None, page.text("space") + page.text("validation.in_file")
    return make_download(name, pairs[list(ANALYSIS_COLUMNS["pairs"])]), ""


def _biases(page: PageContext, one: ValidationResult) -> list[Figure]:
    """Biases of stations with intervals; of many stations the highest and the lowest."""
    if len(one.sites) < 2:
        return []
    text = page.text
    rows = one.sites[np.isfinite(one.sites["bias"].astype(float))].sort_values("bias", ascending=False)
    marks = [
        Mark(str(row["station"]), row["bias"], row["bias_lower"], row["bias_upper"]) for row in rows_of(rows)
    ]
    if not marks:
        return []
    clear = sum(mark.lower > 0 or mark.upper < 0 for mark in marks)
    slots = _slots(page, one) | {"total": whole(len(marks)), "n": clear, "shown": whole(clear)}
    caption = text("validation.bias_caption")
    if len(marks) > MOST_STATIONS:
        half = MOST_STATIONS // 2
        marks = [*marks[:half], Mark("…", np.nan, np.nan, np.nan), *marks[-half:]]
        caption += text("space") + text("validation.ends", n=half)
    key = f"validation-bias-{one.key}"
    label = text("validation.bias_axis", quantity=page.quantity(one.variable, one.units))
    svg = draw_ranking(key, marks, alt=text("validation.bias_alt", **slots), label=label, zero=True)
    download = make_download(f"stations_{one.key}", one.sites)
    return [Figure(key, svg, text("validation.bias_title", **slots), caption, download)]


def _site_table(page: PageContext, one: ValidationResult) -> Table | None:
    text = page.text
    rows: list[Sequence[Cell]] = []
    for row in rows_of(one.sites):
        value, low, high = interval(row["bias"], row["bias_lower"], row["bias_upper"])
        digits = decimals_for((row["bias_upper"] - row["bias_lower"]) / 2)
        rows.append(
            (
                Cell(str(row["station"]), "source"),
                number_cell(whole(row["pairs"]), row["pairs"]),
                number_cell(value, row["bias"]),
                number_cell(text("interval", lower=low, upper=high), row["bias_upper"] - row["bias_lower"]),
                number_cell(fixed(row["scatter"], digits), row["scatter"]),
                number_cell(fixed(row["correlation"], 2), row["correlation"]),
                number_cell(fixed(row["chi_square"], 2), row["chi_square"]),
            )
        )
    if not rows:
        return None
    names = ("station", "pairs", "bias", "interval", "scatter", "correlation", "chi_square")
    units = dict.fromkeys(("bias", "interval", "scatter"), unit_text(one.units))
    heads = make_heads(text, "validation", names, units=units)
    title = text("validation.table", **_slots(page, one))
    note, download = text("validation.note"), make_download(f"stations_{one.key}", one.sites)
    kind = "long" if len(rows) > MOST_STATIONS else ""
    return Table(f"table-validation-{one.key}", title, heads, rows, note, download, kind)


def _lost_table(page: PageContext, one: ValidationResult) -> Table | None:
    """Soundings, overpasses and measurements that found no partner, by reason."""
    text, rows = page.text, []
    for row in rows_of(one.lost):
        known = f"validation.reason.{row['reason']}"
        reason = text(known) if text.has(known) else page.reason(str(row["reason"]))
        unit = text(f"validation.unit.{row['unit']}")
        rows.append((Cell(reason), Cell(unit), number_cell(whole(row["count"]), row["count"])))
    if not rows:
        return None
    heads = make_heads(text, "validation", ("reason", "of", "count"), left=("of",))
    title = text("validation.lost", **_slots(page, one))
    download = make_download(f"without_partner_{one.key}", one.lost)
    return Table(f"table-lost-{one.key}", title, heads, rows, text("validation.lost_note"), download)
