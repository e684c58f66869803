"""Inventories of countries: EDGAR, Global Carbon Project, Carbon Monitor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from yaotan.catalog.inventory import inventory_catalog
from yaotan.errors import SchemaError
from yaotan.io.inventory.emission import Reading, year_start
from yaotan.io.workbook import Row, Workbook, cell_text

if TYPE_CHECKING:
    import pandas as pd

EDGAR_SHEET: Final = "IPCC 2006"
GCP_FOSSIL: Final = "Territorial Emissions"
GCP_CONSUMPTION: Final = "Consumption Emissions"
GCP_LAND: Final = ("BLUE", "H&C2023", "OSCAR", "LUCE")
_YEAR_COLUMN: Final = re.compile(r"^Y_((?:19|20)\d\d)$")
#: how the first cell of the row of names begins in the sheets of GCP
_GCP_UNITS: Final = re.compile(r"^(?:unit:\s*)?(MtC/yr|Tg ?C/year|MtC/year)$", re.IGNORECASE)


def read_edgar_table(table: pd.DataFrame) -> Reading:
    """Read the table emissions_id, actor_id, year, total_emissions."""
    frame = table.assign(
        region=table["actor_id"].astype(str),
        time=table["year"].map(year_start),
        value=table["total_emissions"],
    )
    return Reading(frame[["region", "time", "value"]])


def read_edgar_workbook(book: Workbook) -> tuple[Reading, str]:
    """Read the sheet of IPCC codes of an EDGAR workbook; give the substance that it states as well."""
    import pandas as pd

    rows = book.rows(EDGAR_SHEET)
    start = next((n for n, row in enumerate(rows) if "Country_code_A3" in map(cell_text, row)), None)
    if start is None:
        raise SchemaError("no row of names", where=book.path, expected="Country_code_A3 among them")
    names = [cell_text(cell) for cell in rows[start]]
    frame = pd.DataFrame(rows[start + 1 :], columns=names)
    years = {name: match[1] for name in names if (match := _YEAR_COLUMN.match(name))}
    code = next((name for name in names if name.startswith("ipcc_code_2006")), None)
    if not years or code is None or "Substance" not in names:
        raise SchemaError(
            "columns are missing", where=book.path, expected="ipcc_code_2006..., Substance, Y_1970, ..."
        )
    substances = sorted({cell_text(cell) for cell in frame["Substance"]})
    if len(substances) > 1:
        raise SchemaError(f"several substances: {', '.join(substances)}", where=book.path)
    keys = ["Country_code_A3", code] + [n for n in ("fossil_bio",) if n in names]
    long = frame.melt(keys, list(years), "year", "value")
    value = pd.to_numeric(long["value"], errors="coerce")
    long = long.assign(
        region=long["Country_code_A3"].map(cell_text),
        time=long["year"].map(years).map(year_start),
        sector=long[keys[1:]].map(cell_text).agg(" ".join, axis=1),
        value=value,
    )
    part = long.loc[value.notna(), ["region", "time", "sector", "value"]]
    total = part.groupby(["region", "time"], as_index=False)[["value"]].sum()
    return Reading(total, part, {"left_out": {"no value": int(value.isna().sum())}}), substances[0]


def read_gcp(book: Workbook, sheet: str) -> Reading:
    """Read a sheet of GCP: countries in columns below a row that states MtC a year, years in rows."""
    import pandas as pd

    rows = book.rows(sheet)
    start = next((n for n, row in enumerate(rows) if row and _GCP_UNITS.match(cell_text(row[0]))), None)
    if start is None:
        raise SchemaError("no row states the unit MtC/yr", where=f"{book.path}, sheet {sheet}")
    first = next((n for n in range(start, len(rows)) if isinstance(rows[n][0], float)), len(rows))
    names = _names(rows[start:first])
    values = pd.DataFrame([row[1:] for row in rows[first:] if isinstance(row[0], float)], columns=names)
    years = [year_start(row[0]) for row in rows[first:] if isinstance(row[0], float)]
    kept = [name for name in names if name]
    long = values[kept].assign(time=years).melt("time", kept, "region", "value")
    number = pd.to_numeric(long["value"], errors="coerce")
    text = long.loc[number.isna() & (long["value"] != ""), "value"]
    if len(text):
        raise SchemaError(f"{text.iloc[0]!r} stands where a number should", where=f"{book.path}, {sheet}")
    words = inventory_catalog().gcp
    kinds = dict.fromkeys(words.sums, "sum") | dict.fromkeys(words.remainders, "remainder")
    kind = long["region"].map(lambda name: kinds.get(name, "country"))
    frame = long.assign(value=number, region_name=long["region"], region_kind=kind)[number.notna()]
    return Reading(frame, None, {"left_out": {"no value": int(number.isna().sum())}})


def _names(heading: list[Row]) -> list[str]:
    """Names of the columns: of the last row of the heading that has them (the first has them in capitals)."""
    filled = [row for row in heading if sum(bool(cell_text(cell)) for cell in row[1:]) > 1]
    if not filled:
        raise SchemaError("no row of countries", where="GCP sheet")
    return [cell_text(cell) for cell in filled[-1][1:]]


def read_carbon_monitor_table(table: pd.DataFrame) -> Reading:
    """Read the table emissions_id (``carbon_monitor:CN:2019``), sector_id, emissions_value."""
    ids = table["emissions_id"].str.extract(r"^carbon_monitor:([^:]+):(\d{4})$")
    if ids.isna().any().any():
        raise SchemaError("emissions_id is not of the form carbon_monitor:CN:2019", where="Carbon Monitor")
    part = table.assign(
        region=ids[0],
        time=ids[1].map(year_start),
        sector=table["sector_id"].str.rpartition(":")[2],
        value=table["emissions_value"],
    )[["region", "time", "sector", "value"]]
    return Reading(_territorial(part), part, _BUNKERS)


def read_carbon_monitor_daily(table: pd.DataFrame) -> Reading:
    """Read the table country, date, sector, value; days stay days."""
    import pandas as pd

    text = table["date"].astype(str)
    pattern = "%d/%m/%Y" if text.str.match(r"^\d\d/\d\d/\d{4}$").all() else "ISO8601"
    try:
        time = pd.to_datetime(text, format=pattern)
    except ValueError as error:
        raise SchemaError(f"a date cannot be read ({error})", where="Carbon Monitor") from error
    part = table.assign(region=table["country"].astype(str), time=time)[["region", "time", "sector", "value"]]
    return Reading(_territorial(part), part, _BUNKERS)


#: international flights belong to no country's territory
_BUNKER: Final = "international aviation"
_BUNKERS: Final[dict[str, Any]] = {"total": "without International Aviation, which is among the parts"}


def _territorial(part: pd.DataFrame) -> pd.DataFrame:
    inside = part[part["sector"].str.casefold() != _BUNKER]
    total = inside.groupby(["region", "time"], as_index=False)["value"].sum()
    return total.assign(value=total["value"].astype(np.float64))
