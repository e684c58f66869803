"""Estimate against truth, a part of the section on trust."""

from __future__ import annotations

import numpy as np
import pandas as pd

from yaotan.report.context import PageContext
from yaotan.report.figure import Figure
from yaotan.report.number import fixed, whole
from yaotan.report.result import WHOLE
from yaotan.report.scatter import draw_scatter
from yaotan.report.table import Cell, Table, make_download, make_heads, number_cell


def _regional_truth(page: PageContext) -> pd.DataFrame | None:
    """Truth by region; the whole area repeats it and is used only where there is nothing else."""
    truth = page.results.truth
    if truth is None or truth.empty:
        return truth
    own = truth[truth["region_id"].astype(str) != WHOLE]
    return own if len(own) else truth


def make_truth_figures(page: PageContext) -> list[Figure]:
    """Draw estimates against the truth of a simulated study, one figure per product and gas."""
    text, truth, figures = page.text, _regional_truth(page), []
    if truth is None or truth.empty:
        return []
    for number, (key_pair, rows) in enumerate(truth.groupby(["product", "variable"], sort=False)):
        product, variable = (str(part) for part in key_pair)
        rows = rows[np.isfinite(rows["estimate"].astype(float)) & np.isfinite(rows["truth"].astype(float))]
        if len(rows) < 2:
            continue
        score = _score(rows)
        unit, symbol, title = page.units(variable), page.symbol(variable), page.results.product_title(product)
        slots = {"symbol": symbol, "product": title, "unit": unit, "n": len(rows), "shown": whole(len(rows))}
        slots |= {"bias": fixed(score["bias"], 2, sign=True), "within": text.percent(score["within_95"])}
        key = f"truth-{number}"
        svg = draw_scatter(
            key,
            rows["truth"].to_numpy(float),
            rows["estimate"].to_numpy(float),
            rows["uncertainty"].to_numpy(float),
            alt=text("truth.alt", **slots),
            x_label=text("truth.x", quantity=page.quantity(variable)),
            y_label=text("truth.y", quantity=page.quantity(variable)),
        )
        download = make_download(f"truth_{product}_{variable}", rows)
        figures.append(Figure(key, svg, text("truth.figure", **slots), text("truth.caption"), download))
    return figures


def _score(rows: pd.DataFrame) -> dict[str, float]:
    """Score estimates: mean error, RMSE, share of truths inside 68 % and 95 % intervals."""
    error = (rows["estimate"] - rows["truth"]).to_numpy(float)
    known = rows["uncertainty"].to_numpy(float)
    reduced = np.abs(error) / np.where(known > 0, known, np.nan)
    judged = reduced[np.isfinite(reduced)]
    share = (lambda limit: float((judged <= limit).mean())) if judged.size else (lambda limit: np.nan)
    return {
        "bias": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "within_68": share(1.0),
        "within_95": share(1.96),
        "n": float(error.size),
    }


def make_truth_table(page: PageContext) -> Table | None:
    """Score each product and gas against the truth; None outside of simulated studies."""
    text, truth = page.text, _regional_truth(page)
    if truth is None or truth.empty:
        return None
    rows = []
    for key_pair, part in truth.groupby(["product", "variable"], sort=False):
        product, variable = (str(one) for one in key_pair)
        part = part[np.isfinite(part["estimate"].astype(float)) & np.isfinite(part["truth"].astype(float))]
        if part.empty:
            continue
        score = _score(part)
        rows.append(
            (
                Cell(page.results.product_title(product), "source"),
                Cell(page.quantity(variable)),
                number_cell(fixed(score["bias"], 2, sign=True), score["bias"]),
                number_cell(fixed(score["rmse"], 2), score["rmse"]),
                number_cell(text.percent(score["within_68"]), score["within_68"]),
                number_cell(text.percent(score["within_95"]), score["within_95"]),
                number_cell(whole(score["n"]), score["n"]),
            )
        )
    names = ("product", "quantity", "mean_error", "rmse", "within_68", "within_95", "region_months")
    heads = make_heads(text, "truth", names, left=("quantity",))
    return Table(
        "table-truth", text("truth.table"), heads, rows, text("truth.note"), make_download("truth", truth)
    )
