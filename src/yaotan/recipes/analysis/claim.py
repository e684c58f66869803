"""Claims of the study against its regional tables: the step, and its results read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from yaotan.column.claim import check_claim
from yaotan.errors import TooFewSoundingsError
from yaotan.io.tabular import read_table
from yaotan.io.write import write
from yaotan.recipes.analysis.finished import Finished, read_rows
from yaotan.recipes.analysis.place import find_place
from yaotan.recipes.context import ALL_REGIONS, Context
from yaotan.recipes.option import ClaimOptions
from yaotan.recipes.step import Made, Step
from yaotan.report.analysis import ClaimResult
from yaotan.report.result import WHOLE

#: columns of a claim that could not be judged
_FIGURES: Final = (
    *("difference", "lower", "upper", "effective_months", "missed_bias", "missed_bias_uncertainty"),
    *("standard_error", "sentence_en", "sentence_zh"),
)


def claim_step(context: Context, tables: Mapping[str, str]) -> Step:
    """Make the step that checks every claim against every product that it means.

    Parameters
    ----------
    context : Context
        Facts of the run.
    tables : mapping
        Path of each regional table, those of key regions too, relative to the output folder, to its hash.

    Returns
    -------
    Step
        Output ``columns/claims.csv``: a row for each claim, product and variable.
    """
    files = [name for name in tables if name.endswith(".csv")]
    claims = context.study.claims

    def work() -> Made:
        table = pd.concat([read_table(context.folder / name) for name in sorted(files)], ignore_index=True)
        rows = []
        for number, claim in enumerate(claims):
            for (product, variable), part in table.groupby(["product", "variable"], sort=True):
                if claim.products is not None and product not in claim.products:
                    continue
                if claim.variable is not None and variable != claim.variable:
                    continue
                row = check_one(context, claim, part, str(variable), f"claims.{number}")
                rows.append({"claim": number, "product": product, "variable": variable, **row})
        return [write(pd.DataFrame(rows), context.folder / "columns" / "claims.csv")], {}

    return Step(
        "claims",
        {name: tables[name] for name in files},
        {"claims": [c.model_dump() for c in claims], "period": context.study.period},
        work,
    )


def check_one(
    context: Context, claim: ClaimOptions, table: pd.DataFrame, variable: str, where: str
) -> dict[str, Any]:
    """Check one claim against one product; months that are too few make the verdict ``no_data``."""
    a, b = (find_place(context, name, f"{where}.{side}") for side, name in (("a", claim.a), ("b", claim.b)))
    start, end = claim.period or context.study.period
    texts = claim.text if isinstance(claim.text, dict) else dict.fromkeys(("en", "zh"), claim.text)
    names = table.drop_duplicates("region_id").set_index("region_id")
    head = {
        "a": a,
        "b": b,
        **{f"name_{side}": str(names["name"][one]) for side, one in (("a", a), ("b", b))},
        **{f"name_{side}_zh": str(names["name_zh"][one]) for side, one in (("a", a), ("b", b))},
        "start": str(start),
        "end": str(end),
        **{f"text_{language}": text for language, text in texts.items()},
    }
    try:
        found = check_claim(
            table,
            a=a,
            b=b,
            at_least=claim.at_least,
            period=(str(start), str(end)),
            variable=variable,
            level=claim.level,
        )
    except TooFewSoundingsError as error:
        months = len(pd.period_range(start, end, freq="M"))
        seen = table[table["value"].notna() & table["region_id"].isin([a, b])]
        seen = seen[seen["time"].between(pd.Timestamp(start).to_period("M").start_time, pd.Timestamp(end))]
        both = int((seen.groupby("time")["region_id"].nunique() == 2).sum())
        return {
            **head,
            "verdict": "no_data",
            "at_least": claim.at_least,
            "units": str(table["units"].iloc[0]),
            "level": claim.level,
            "months": both,
            "period_months": months,
            **dict.fromkeys(_FIGURES, np.nan),
            "reason": error.what,
        }
    return {**head, **found.as_row()}


def load_claims(finished: Finished) -> ClaimResult | None:
    """Read the claims of a finished run; None when it had none."""
    step = finished.step("claims")
    if step is None:
        return None
    table = read_rows(step[0]["claims.csv"])
    sides = {side: table[side].replace(ALL_REGIONS, WHOLE) for side in ("a", "b")}
    return ClaimResult(table.assign(title=table["product"].map(finished.titles), **sides))
