"""Monthly values of regions, from a table or an estimate, as differences of two of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.catalog.gas import gases
from yaotan.errors import RegionError, YaotanError


def read_monthly(table: xr.Dataset | pd.DataFrame, variable: str | None) -> tuple[pd.DataFrame, str, str]:
    """Bring a regional table to one form.

    Parameters
    ----------
    table : xarray.Dataset or pandas.DataFrame
        Of `zonal_statistics`, or as a run writes it.
    variable : str or None
        Column variable.

    Returns
    -------
    table : pandas.DataFrame
        region_id, name, name_zh, time, value, sigma (errors that regions do not share).
    variable, units : str
        Which, and its unit.

    Raises
    ------
    YaotanError
        The variable or its unit is not clear.
    """
    if isinstance(table, xr.Dataset):
        return _from_estimate(table, variable)
    known = sorted(set(table["variable"])) if "variable" in table else []
    if variable is None and len(known) != 1:
        raise YaotanError(
            f"the table holds {', '.join(known) or 'no column variable'}",
            where="variable",
            fix="say which with variable=",
        )
    chosen = variable or known[0]
    if known and chosen not in known:
        raise YaotanError(f"the table has no {chosen!r}", where="variable", expected=", ".join(known))
    part = table[table["variable"] == chosen] if known else table
    units = sorted(set(part["units"])) if "units" in part else ["1"]
    if len(units) > 1:
        raise YaotanError(f"{chosen} has several units: {', '.join(units)}", where="check_claim")
    terms = [part[c] for c in ("uncertainty_random", "uncertainty_sampling") if c in part]
    terms = terms or [part[c] for c in ("uncertainty",) if c in part]
    sigma = np.sqrt(sum((term.fillna(0.0) ** 2 for term in terms), pd.Series(0.0, part.index)))
    names = {c: part[c] if c in part else part["region_id"] for c in ("name", "name_zh")}
    return part.assign(sigma=sigma, **names), chosen, units[0]


def _from_estimate(table: xr.Dataset, variable: str | None) -> tuple[pd.DataFrame, str, str]:
    known = [name for name in gases() if name in table]
    if variable is None and len(known) != 1:
        raise YaotanError(
            f"the table holds {', '.join(known) or 'no column variable'}", where="variable", fix="say which"
        )
    chosen = variable or known[0]
    if chosen not in table:
        raise YaotanError(f"the table has no {chosen!r}", where="variable", expected=", ".join(known))
    values = table[chosen].transpose("region", "time")
    columns: dict[str, Any] = {
        "region_id": np.repeat(table["region"].values.astype(str), values.sizes["time"]),
        "time": np.tile(table["time"].values, values.sizes["region"]),
        "value": values.values.ravel(),
    }
    for term in ("random", "sampling"):
        if f"{chosen}_uncertainty_{term}" in table:
            array = table[f"{chosen}_uncertainty_{term}"].transpose("region", "time")
            columns[f"uncertainty_{term}"] = array.values.ravel()
    for column, coordinate in (("name", "region_name"), ("name_zh", "region_name_zh")):
        if coordinate in table.coords:
            columns[column] = np.repeat(table[coordinate].values.astype(str), values.sizes["time"])
    units = str(table[chosen].attrs.get("units", "1"))
    frame = pd.DataFrame(columns).assign(variable=chosen, units=units)
    return read_monthly(frame, chosen)


def find_region(table: pd.DataFrame, wanted: str) -> tuple[str, str, str]:
    """Give id, English and Chinese name of a region named by any of them.

    Raises
    ------
    RegionError
        No region, or several, have that name.
    """
    for column in ("region_id", "name", "name_zh"):
        rows = table[table[column] == wanted]
        if len(rows):
            if rows["region_id"].nunique() > 1:
                raise RegionError(f"{wanted!r} names several regions", fix="give the id")
            first = rows.iloc[0]
            return str(first["region_id"]), str(first["name"]), str(first["name_zh"])
    known = ", ".join(sorted(set(table["region_id"])))
    raise RegionError(f"{wanted!r} is no region of the table", expected=f"one of {known}, or a name")


def monthly_differences(table: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """Give difference and sigma by month; NaN where one of the two has no value.

    Raises
    ------
    YaotanError
        The table is not monthly.
    """
    table = table.assign(month=pd.DatetimeIndex(table["time"]).to_period("M"))
    table = table[table["region_id"].isin([a, b])]
    if table.duplicated(["region_id", "month"]).any():
        raise YaotanError(
            "a region has several values in one month", where="check_claim", expected="a monthly table"
        )
    first, second = (table[table["region_id"] == side].set_index("month") for side in (a, b))
    months = first.index.union(second.index)
    first, second = (side[["value", "sigma"]].reindex(months) for side in (first, second))
    return pd.DataFrame(
        {
            "difference": first["value"] - second["value"],
            "sigma": np.hypot(first["sigma"], second["sigma"]),
        }
    ).sort_index()


def months_of(pairs: pd.DataFrame, period: tuple[str, str] | None) -> pd.PeriodIndex:
    """List the months of a period, by default all from the first to the last of the table.

    Raises
    ------
    YaotanError
        The period cannot be read, or ends before it begins.
    """
    if period is None:
        return pd.period_range(pairs.index[0], pairs.index[-1], freq="M")
    try:
        first, last = (pd.Period(str(day)[:7], "M") for day in period)
    except (ValueError, TypeError) as error:
        raise YaotanError(f"{period!r} is no period", expected="two ISO dates") from error
    if first > last:
        raise YaotanError(f"the period {period!r} ends before it begins", expected="two ISO dates in order")
    return pd.period_range(first, last, freq="M")
