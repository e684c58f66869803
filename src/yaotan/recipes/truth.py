"""The step of a simulated study that sets every regional estimate beside its truth."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from yaotan.errors import RecipeError
from yaotan.io.digest import sha256
from yaotan.io.netcdf import open_estimate
from yaotan.io.tabular import read_table
from yaotan.io.write import write
from yaotan.recipes.context import Context
from yaotan.recipes.step import Made, Step


def truth_step(context: Context, tables: Mapping[str, str]) -> Step:
    """Make the step that joins regional tables with the truth file of a simulated study.

    Parameters
    ----------
    context : Context
        Facts of the run; the study names the truth file.
    tables : mapping
        Path of each regional CSV table, relative to the output folder, to its content hash.

    Returns
    -------
    Step
        Output ``columns/truth.csv``: product, variable, region_id, time, estimate, uncertainty, truth.
        The truth is the mean over the whole region and month, clouds or not, so the difference holds
        the sampling error too.
    """
    path = context.base / str(context.study.truth)

    def work() -> Made:
        truth = open_estimate(path)
        parts = []
        for name in sorted(tables):
            if not name.endswith(".csv"):
                continue
            table = read_table(context.folder / name)
            variable = str(table["variable"].iloc[0])
            if variable not in truth:
                continue
            known = truth[variable].to_series().rename("truth").reset_index()
            known["time"] = pd.DatetimeIndex(known["time"]).to_period("M").to_timestamp()
            known = known.rename(columns={"region": "region_id"})[["region_id", "time", "truth"]]
            known["region_id"] = known["region_id"].astype(str)
            joined = table.rename(columns={"value": "estimate"}).merge(known, on=["region_id", "time"])
            parts.append(
                joined[["product", "variable", "region_id", "time", "estimate", "uncertainty", "truth"]]
            )
        if not parts:
            raise RecipeError(
                "the truth file holds no column of this study",
                where=path,
                expected="values of a column that the study reads, by region and time",
                fix="take truth out of the study file, or name another file",
            )
        table = pd.concat(parts, ignore_index=True)
        return [write(table, context.folder / "columns" / "truth.csv")], {}

    return Step("truth", {**tables, "truth": sha256(path)}, {}, work)
