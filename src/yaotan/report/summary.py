"""Numbers that sentences and cards are made of: one value over regions and months, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from yaotan.report.result import WHOLE, ColumnResult, StudyResults


@dataclass(frozen=True)
class Mean:
    """A mean with 1 sigma and what stands behind it.

    Parameters
    ----------
    value, uncertainty : float
        NaN when there is nothing.
    count : int
        Soundings.
    coverage : float
        Mean share of area with data.
    months : int
        Months with data.
    change, change_uncertainty : float
        Against the same months a year before; NaN when there is no such month.
    """

    value: float
    uncertainty: float
    count: int
    coverage: float
    months: int
    change: float = np.nan
    change_uncertainty: float = np.nan


def mean_of_months(rows: pd.DataFrame) -> Mean:
    """Average one region's months, each month equal.

    Random errors of months are independent, systematic ones are the same in each month and do not average
    out: ``u² = sum(u_random²) / n² + (sum(u_systematic) / n)²``.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of one region of `ColumnResult.table`.

    Returns
    -------
    Mean
        With NaN where no month has data.

    Examples
    --------
    >>> rows = pd.DataFrame({"value": [1.0, 3.0], "uncertainty": [0.5, 0.5], "count": [4, 4],
    ...                      "coverage": [0.5, 1.0]})
    >>> mean = mean_of_months(rows)
    >>> mean.value, round(mean.uncertainty, 3)
    (2.0, 0.354)
    """
    seen = rows[np.isfinite(rows["value"].astype(float))]
    count = int(rows["count"].fillna(0).sum()) if len(rows) else 0
    if seen.empty:
        return Mean(np.nan, np.nan, count, 0.0, 0)
    number = len(seen)
    total = seen["uncertainty"].to_numpy(float)
    shared = np.zeros(number)
    if "uncertainty_systematic" in seen:
        shared = np.nan_to_num(seen["uncertainty_systematic"].to_numpy(float))
    # what is not systematic is independent from month to month, whatever its terms
    rest = np.clip(total**2 - shared**2, 0, None)
    sigma, systematic = float(np.sqrt(rest.sum()) / number), float(shared.sum() / number)
    change, change_sigma = np.nan, np.nan
    if "change" in seen and seen["change"].notna().any():
        compared = seen[seen["change"].notna()]
        change = float(compared["change"].mean())
        change_sigma = float(np.sqrt((compared["change_uncertainty"] ** 2).sum(skipna=False)) / len(compared))
    return Mean(
        float(seen["value"].mean()),
        float(np.hypot(sigma, systematic)),
        count,
        float(rows["coverage"].fillna(0).mean()),
        number,
        change,
        change_sigma,
    )


def region_means(column: ColumnResult) -> dict[str, Mean]:
    """Average each region's months; the whole area is left out."""
    if column.table.empty:
        return {}
    rows = column.table[column.table["region_id"].astype(str) != WHOLE]
    return {str(key): mean_of_months(part) for key, part in rows.groupby("region_id", sort=False)}


def area_rows(column: ColumnResult, results: StudyResults) -> pd.DataFrame:
    """Give the months of the whole area: its own rows, else regions weighted by area.

    Without rows of the whole area the uncertainty takes regional errors as fully correlated, which errs to
    the wide side.
    """
    table = column.table
    if table.empty:
        return pd.DataFrame(columns=["time", "value", "uncertainty", "count", "coverage"])
    own = table[table["region_id"].astype(str) == WHOLE]
    if len(own):
        return own.sort_values("time").reset_index(drop=True)
    equal_area = results.regions.to_crs("ESRI:54034")
    area = dict(zip(results.regions["region_id"].astype(str), equal_area.area, strict=True))
    rows = []
    for time, part in table.groupby("time", sort=True):
        weight = part["region_id"].astype(str).map(area).fillna(0.0).to_numpy()
        value = part["value"].to_numpy(float)
        known = np.where(np.isfinite(value), weight, 0.0)
        share = known / known.sum() if known.sum() else np.full(known.size, np.nan)
        rows.append(
            {
                "time": time,
                "value": float(np.nansum(share * value)) if known.sum() else np.nan,
                "uncertainty": float(np.nansum(share * part["uncertainty"].to_numpy(float)))
                if known.sum()
                else np.nan,
                "count": int(part["count"].sum()),
                "coverage": float(
                    (weight * part["coverage"].to_numpy(float)).sum() / max(weight.sum(), 1e-9)
                ),
            }
        )
    return pd.DataFrame(rows)


def sounding_totals(results: StudyResults, product: str | None = None) -> tuple[int, int]:
    """Count soundings read and kept, over the whole area or, without such rows, over all regions.

    Returns
    -------
    tuple of int
        Kept, read.
    """
    rows = loss_rows(results, product)
    rows = rows[rows["unit"] == "sounding"] if len(rows) else rows
    if rows.empty:
        return 0, 0
    kept = int(rows.loc[rows["kind"] == "kept", "count"].sum())
    read = rows.loc[rows["kind"] == "read", "count"].sum()
    if not read:
        lost = rows[~rows["reason"].astype(str).str.startswith("qf:")]
        read = lost["count"].sum()
    return kept, int(read)


def loss_rows(results: StudyResults, product: str | None = None) -> pd.DataFrame:
    """Give the losses of the whole area (else of all regions), of one product or all."""
    rows = results.losses
    if rows.empty:
        return rows
    if product is not None:
        rows = rows[rows["product"] == product]
    whole = rows[rows["region_id"].astype(str) == WHOLE]
    return whole if len(whole) else rows


def judge(value: float, uncertainty: float) -> str:
    """Say whether a difference can be told from zero at 95 % (1.96 sigma).

    Examples
    --------
    >>> judge(1.0, 0.3), judge(0.1, 0.3)
    ('supported', 'not_detectable')
    """
    if not (np.isfinite(value) and np.isfinite(uncertainty)):
        return "no_data"
    return "supported" if abs(value) > 1.96 * uncertainty else "not_detectable"
