"""Tables of pools as people write them, made long, in kg m-2, and checked value by value."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd

from yaotan.catalog.factor import HALF_WIDTH, factor_table
from yaotan.errors import SchemaError, UnitsError
from yaotan.units import conversion

#: columns of the long form, in order
LONG: Final = (
    "zone", "class", "class_name", "pool", "value", "sd", "distribution", "lower", "upper",
    "common", "common_sd", "source",
)  # fmt: skip
DISTRIBUTIONS: Final = ("normal", "lognormal", "triangular", "fixed")
_NAMES: Final = ("c_above", "c_below", "c_dead", "c_soil")
#: names met for the column of class codes, names, and zones
_CODE: Final = ("class", "lucode", "code")
_TITLE: Final = ("class_name", "lulc_name", "name", "name_en")
_TEXT: Final = ("zone", "class_name", "common", "source", "edition", "scheme", "units", "distribution")
_NUMBER: Final = ("sd", "lower", "upper", "common_sd", "depth")


def long_pools(
    table: pd.DataFrame,
    *,
    units: str | None,
    depth: float | None,
    edition: str | None,
    scheme: str | None,
    where: str,
) -> pd.DataFrame:
    """Bring a table of pools to the long form, in kg m-2.

    Parameters
    ----------
    table : pandas.DataFrame
        Long or wide (see `yaotan.carbon.pool.open_pools`).
    units, depth, edition, scheme : optional
        What the table itself does not say.
    where : str
        For messages.

    Returns
    -------
    pandas.DataFrame
        Columns `LONG`, and ``depth``, ``edition``, ``scheme``.

    Raises
    ------
    SchemaError, UnitsError
        As `open_pools`.
    """
    named = _named(table, where)
    long = named if {"pool", "value"} <= set(named) else _melt(named, where)
    long = long.assign(pool=long["pool"].astype(str).str.strip().str.lower()).reset_index(drop=True)
    strange = sorted(set(long["pool"]) - set(_NAMES))
    if strange:
        raise SchemaError(f"has pool {strange[0]!r}", where=where, expected=f"one of {', '.join(_NAMES)}")
    given = {"units": units, "edition": edition, "scheme": scheme, "depth": depth}
    for name, value in given.items():
        if value is not None and name in long and long[name].notna().any():
            raise SchemaError(
                f"has a column {name}, and {name}= is given too", where=where, fix="leave one out"
            )
        if value is not None or name not in long:
            long[name] = value
    for name in _TEXT:
        long[name] = long[name].fillna("").astype(str).str.strip() if name in long else ""
    for name in _NUMBER:
        long[name] = _numbers(long, name, where) if name in long else np.nan
    long["value"] = _numbers(long, "value", where)
    _check_depth(long, where)
    long = _in_si(long, where)
    _check_values(long, where)
    return _with_spread(long, where)


def _named(table: pd.DataFrame, where: str) -> pd.DataFrame:
    lower = table.rename(columns={name: str(name).strip().lower() for name in table.columns})
    code = next((name for name in _CODE if name in lower), None)
    title = next((name for name in _TITLE if name in lower), None)
    if code is None:
        raise SchemaError(
            f"has columns {', '.join(map(str, table.columns))}",
            where=where,
            expected="class (or lucode), and pool with value, or one column for each of " + ", ".join(_NAMES),
        )
    lower = lower.rename(columns={code: "class", **({title: "class_name"} if title else {})})
    codes = pd.to_numeric(lower["class"], errors="coerce")
    if codes.isna().any() or (codes % 1 != 0).any():
        bad = lower["class"][codes.isna() | (codes % 1 != 0)].iloc[0]
        raise SchemaError(f"has class {bad!r}", where=where, expected="whole codes")
    return lower.assign(**{"class": codes.astype("int64")})


def _melt(wide: pd.DataFrame, where: str) -> pd.DataFrame:
    there = [name for name in _NAMES if name in wide]
    if not there:
        raise SchemaError(
            "has no column of a pool", where=where, expected=f"pool and value, or some of {', '.join(_NAMES)}"
        )
    others = [name for name in wide if not any(str(name).startswith(pool) for pool in _NAMES)]
    blocks = []
    for pool in there:
        block = wide[others].assign(pool=pool, value=wide[pool])
        if f"{pool}_sd" in wide:
            block["sd"] = wide[f"{pool}_sd"]
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)


def _numbers(long: pd.DataFrame, name: str, where: str) -> pd.Series:
    text = long[name]
    numbers = pd.to_numeric(text, errors="coerce").astype(float)
    strange = (
        numbers.isna() & text.notna() & (text.astype(str).str.strip() != "") & (text.astype(str) != "nan")
    )
    if strange.any():
        raise SchemaError(f"{name} holds {text[strange].iloc[0]!r}", where=where, expected="numbers")
    return numbers


def _check_depth(long: pd.DataFrame, where: str) -> None:
    bare = (long["pool"] == "c_soil") & long["value"].notna() & ~(long["depth"] > 0)
    if bare.any():
        raise SchemaError(
            "the depth of the soil pool is not declared",
            where=where,
            expected="depth= [m], or a column depth: 0.3 in IPCC tier 1, 1.0 in most Chinese inventories",
        )


def carbon_unit(text: str, where: str) -> str:
    """Take the word for carbon out of a unit: "t C/ha" -> "t/ha"; refuse dry matter and CO2.

    Examples
    --------
    >>> carbon_unit("Mg C ha-1", "table")
    'Mg ha-1'
    """
    if not text.strip():
        raise UnitsError(
            "the unit of the densities is not said", where=where, expected="t ha-1, kg m-2, g m-2 of carbon",
            fix="units='t ha-1', or a column units",
        )  # fmt: skip
    if re.search(r"co2|d\.?m\.?\b|dry", text, re.IGNORECASE):
        raise UnitsError(
            f"densities are in {text!r}", where=where, expected="carbon per area",
            fix="turn CO2 into carbon (x 12/44), dry matter with its carbon fraction",
        )  # fmt: skip
    bare = re.sub(r"(?<![A-Za-z])C(?![A-Za-z0-9])", " ", text)
    bare = re.sub(r"\s+", " ", bare.replace("²", "2").replace("⁻¹", "-1").replace("⁻²", "-2")).strip()
    return bare.replace(" /", "/").replace("/ ", "/")


def _in_si(long: pd.DataFrame, where: str) -> pd.DataFrame:
    out = long.copy()
    for unit in sorted(set(long["units"])):
        try:
            scale, _ = conversion(carbon_unit(unit, where), "kg m-2")
        except UnitsError as error:
            raise UnitsError(
                error.what, where=where, expected="carbon per area, such as t ha-1", fix=error.fix
            ) from error
        rows = long["units"] == unit
        for name in ("value", "sd", "lower", "upper"):
            out.loc[rows, name] = long.loc[rows, name] * scale
    return out


def _check_values(long: pd.DataFrame, where: str) -> None:
    if (long["value"] < 0).any() or (long["sd"] < 0).any():
        raise SchemaError("a density or its sd is negative", where=where, expected="0 or more")
    limits = factor_table("density_limit")
    for pool in _NAMES:
        rows = long[long["pool"] == pool]
        if not rows["value"].notna().any():
            continue
        per = rows["value"] / (rows["depth"] if pool == "c_soil" else 1.0)
        most = limits.find(pool, "most").value
        low = pool == "c_soil" and per.max() < limits.find(pool, "least").value and per.max() > 0
        if per.max() > most or low:
            worst = rows.iloc[int(np.nanargmax(per.to_numpy()))]
            raise UnitsError(
                f"{pool} of class {worst['class']} would be {worst['value']:g} kg m-2 "
                f"({worst['value'] * 10:g} t C/ha), which no class holds",
                where=where,
                expected=f"{'some class above' if low else 'at most'} "
                f"{limits.find(pool, 'least' if low else 'most').value:g} kg m-2"
                f"{' per m of depth' if pool == 'c_soil' else ''}",
                fix=f"check the unit {worst['units']!r}",
            )


def _with_spread(long: pd.DataFrame, where: str) -> pd.DataFrame:
    kind = long["distribution"].where(long["distribution"] != "", "normal")
    strange = sorted(set(kind) - set(DISTRIBUTIONS))
    if strange:
        raise SchemaError(
            f"has distribution {strange[0]!r}", where=where, expected=f"one of {', '.join(DISTRIBUTIONS)}"
        )
    interval = long["upper"] - long["lower"]
    ordered = ~(interval < 0) & ~(long["value"] < long["lower"]) & ~(long["value"] > long["upper"])
    if not ordered.all():
        raise SchemaError("a value lies outside its lower and upper end", where=where)
    pointed = kind == "triangular"
    if (pointed & interval.isna()).any():
        raise SchemaError("a triangular distribution needs lower and upper", where=where)
    low, top, mode = long["lower"], long["upper"], long["value"]
    triangle = np.sqrt((low**2 + top**2 + mode**2 - low * top - low * mode - top * mode) / 18.0)
    sd = long["sd"].where(long["sd"].notna(), interval / (2.0 * HALF_WIDTH))
    return long.assign(distribution=kind, sd=sd.where(~pointed, triangle).where(kind != "fixed", 0.0))
