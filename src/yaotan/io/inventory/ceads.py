"""CEADs: workbooks of provinces, of the nation and of cities, in all spellings of their headings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from yaotan.catalog.inventory import inventory_catalog
from yaotan.catalog.region import region_catalog
from yaotan.errors import SchemaError
from yaotan.io.inventory.emission import Reading, year_start
from yaotan.io.workbook import Row, Workbook, cell_text

if TYPE_CHECKING:
    import pandas as pd

#: a sheet of one province: "InnerMongolia2016", "Inner mongolia 2016"
PROVINCE_SHEET: Final = re.compile(r"^\s*([A-Za-z][A-Za-z ]*?)\s*((?:19|20)\d\d)\s*$")
YEAR_SHEET: Final = re.compile(r"^(?:19|20)\d\d$")
CITY_SHEET: Final = "emission vector"
#: code of the nation
NATION: Final = "CN"
#: part of a stated total that its parts may miss
TOLERANCE: Final = 1e-3


def letters(text: Any) -> str:
    """Reduce a heading to its letters and digits: spellings differ in case, blanks and underscores only.

    Examples
    --------
    >>> letters("Scope_1_Total") == letters("Scope 1 Total") == letters("SCOPE1TOTAL")
    True
    """
    return re.sub(r"[\W_]+", "", str(text)).casefold()


@cache
def _provinces() -> dict[str, str]:
    return {letters(names[0]): code for code, names in region_catalog().provinces.items()}


@cache
def _headings() -> tuple[dict[str, str], set[str], set[str], set[str]]:
    words = inventory_catalog().ceads
    return (
        {letters(fuel): fuel for fuel in words.fuels},
        {letters(word) for word in words.totals},
        {letters(word) for word in words.not_scope_1},
        {letters(word) for word in words.total_rows},
    )


def read_provinces(books: Sequence[Workbook]) -> Reading:
    """Read workbooks of provinces, one sheet for a province and year.

    Parameters
    ----------
    books : sequence of Workbook
        Of any years.

    Returns
    -------
    Reading
        Totals of scope 1 and parts by sector and fuel; the sums of scope 2 that stand beside them are notes.

    Raises
    ------
    SchemaError
        A sheet names no province, a column is unknown, a total is missing or not the sum of its parts.
    """
    sheets = []
    for book in books:
        for sheet in book.sheets:
            if match := PROVINCE_SHEET.match(sheet):
                code = _provinces().get(letters(match[1]))
                if code is None:
                    raise SchemaError(f"sheet {sheet!r} names no known province", where=book.path)
                sheets.append((book, sheet, code, region_catalog().provinces[code][0], int(match[2])))
    return _read(sheets, books, "a sheet named like InnerMongolia2016")


def read_nation(books: Sequence[Workbook]) -> Reading:
    """Read workbooks of the nation, one sheet for a year; sheets of sums repeat these and are not read."""
    sheets = [
        (book, sheet, NATION, "China", int(sheet))
        for book in books
        for sheet in book.sheets
        if YEAR_SHEET.match(sheet)
    ]
    return _read(sheets, books, "a sheet named like 2016")


def _read(
    sheets: list[tuple[Workbook, str, str, str, int]], books: Sequence[Workbook], expected: str
) -> Reading:
    import pandas as pd

    for book in books:
        if not any(book is used[0] for used in sheets):
            raise SchemaError(
                f"no sheet is read of {', '.join(book.sheets[:5])}", where=book.path, expected=expected
            )
    read = {(used[0].path, used[1]) for used in sheets}
    others = [
        f"{book.path.name}: {sheet}"
        for book in books
        for sheet in book.sheets
        if (book.path, sheet) not in read
    ]
    totals: list[tuple[Any, ...]] = []
    parts: list[tuple[Any, ...]] = []
    scope_2, empty = 0.0, 0
    for book, sheet, code, name, year in sheets:
        total, rows, beside = _read_sheet(book.rows(sheet), f"{book.path}, sheet {sheet}")
        totals.append((code, year_start(year), total, name))
        parts.extend((code, year_start(year), label, fuel, value or 0.0) for label, fuel, value in rows)
        empty += sum(value is None for _, _, value in rows)
        scope_2 += beside
    return Reading(
        pd.DataFrame(totals, columns=["region", "time", "value", "region_name"]),
        pd.DataFrame(parts, columns=["region", "time", "sector", "fuel", "value"]),
        {
            "sheets": len(sheets),
            "sheets_not_read": others,
            "empty_cells_taken_as_0": empty,
            "left_out": {"scope 2 heat and electricity [Mt]": round(scope_2, 6)},
        },
    )


def _read_sheet(rows: list[Row], where: str) -> tuple[float, list[tuple[str, str, float | None]], float]:
    """Give the total, the parts (sector, fuel, value or None of an empty cell), the sum of scope 2."""
    if not rows:
        raise SchemaError("the sheet is empty", where=where)
    fuels, totals, others, total_rows = _headings()
    columns: dict[int, str] = {}
    total_column, beside, unknown = -1, [], []
    for number, cell in enumerate(rows[0][1:], 1):
        key = letters(cell)
        if key in fuels:
            columns[number] = fuels[key]
        elif key in totals:
            total_column = number
        elif key in others:
            beside.append(number)
        elif key not in ("", "unit"):
            unknown.append(cell_text(cell))
    if unknown or total_column < 0 or not columns:
        what = f"unknown columns {', '.join(unknown)}" if unknown else "no fuel, or no total of scope 1"
        raise SchemaError(what, where=where, expected=f"{', '.join(sorted(fuels.values()))}, Scope 1 Total")
    parts: list[tuple[str, str, float | None]] = []
    total, scope_2 = None, 0.0
    for row in rows[1:]:
        label = cell_text(row[0])
        if not label or letters(label) == "unit":  # the row of units and the empty one below it
            continue
        if letters(label) in total_rows:
            total = _number(row[total_column], where)
            scope_2 = sum(_number(row[number], where) or 0.0 for number in beside)
        else:
            parts.extend((label, fuel, _number(row[number], where)) for number, fuel in columns.items())
    if total is None:
        raise SchemaError(
            "no row of totals", where=where, expected=", ".join(inventory_catalog().ceads.total_rows)
        )
    # an empty cell is no use of the fuel: this sum shows where it is not
    added = sum(value or 0.0 for _, _, value in parts)
    if abs(added - total) > TOLERANCE * max(total, 1e-9):
        raise SchemaError(
            f"the parts add up to {added:.6g}, the total is {total:.6g}", where=where, expected="one number"
        )
    return total, parts, scope_2


def _number(cell: Any, where: str) -> float | None:
    if cell == "" or cell is None:
        return None
    try:
        return float(cell)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{cell!r} stands where a number should", where=where) from error


def read_cities(books: Sequence[Workbook]) -> Reading:
    """Read workbooks of cities: the sheet ``emission vector`` with columns city, year, emission."""
    import pandas as pd

    rows: list[tuple[str, Any, float | None]] = []
    empty = 0
    for book in books:
        table = book.rows(CITY_SHEET)
        names = [letters(cell) for cell in table[0]]
        missing = [name for name in ("city", "year", "emission") if name not in names]
        if missing:
            raise SchemaError(f"no column {missing[0]}", where=book.path, expected="city, year, emission")
        city, year, value = (names.index(name) for name in ("city", "year", "emission"))
        for row in table[1:]:
            if cell_text(row[value]) == "":
                empty += bool(cell_text(row[city]))
                continue
            number = _number(row[value], str(book.path))
            rows.append((cell_text(row[city]), year_start(row[year]), number))
    frame: pd.DataFrame = pd.DataFrame(rows, columns=["region", "time", "value"])
    return Reading(frame.assign(region_name=frame["region"]), None, {"left_out": {"no value": empty}})


def read_sector_table(table: pd.DataFrame) -> Reading:
    """Read the table adcode, province, year, sector, scope1_mtco2, process_mtco2, with rows TOTAL."""
    frame = table.assign(
        region=table["adcode"].astype(str),
        time=table["year"].map(year_start),
        value=table["scope1_mtco2"],
        region_name=table["province"],
    )
    whole = frame["sector"] == "TOTAL"
    part = frame.loc[~whole, ["region", "time", "sector", "value"]]
    return Reading(frame.loc[whole, ["region", "time", "value", "region_name"]], part)


def read_fuel_table(table: pd.DataFrame) -> Reading:
    """Read the table adcode, province, year, one column a fuel, scope_1_total."""
    fuels = list(inventory_catalog().ceads.fuels)
    unknown = set(table.columns) - {*fuels, "adcode", "province", "year", "scope_1_total"}
    if unknown:
        raise SchemaError(f"unknown columns {', '.join(sorted(unknown))}", where="fuel table")
    frame = table.assign(
        region=table["adcode"].astype(str),
        time=table["year"].map(year_start),
        value=table["scope_1_total"],
        region_name=table["province"],
    )
    part = frame.melt(["region", "time"], [f for f in fuels if f in frame], "fuel", "part")
    return Reading(frame[["region", "time", "value", "region_name"]], part.rename(columns={"part": "value"}))
