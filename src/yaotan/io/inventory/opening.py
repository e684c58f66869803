"""One verb for all inventories."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import xarray as xr

from yaotan.catalog.inventory import Inventory, inventory_catalog
from yaotan.errors import NotAGranuleError
from yaotan.io.inventory import ceads, national
from yaotan.io.inventory.emission import Reading, make_inventory
from yaotan.io.tabular import csv_columns
from yaotan.io.trust import warn_unchecked
from yaotan.io.user_table import read_user_table
from yaotan.io.workbook import Workbook
from yaotan.typing import PathLike, Paths

if TYPE_CHECKING:
    import pandas as pd

_Reader = Callable[["pd.DataFrame"], Reading]
#: of each table the columns that tell it, those of names, and its reader
TABLES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...], _Reader]]] = {
    "ceads_sector_table": (
        ("adcode", "year", "sector", "scope1_mtco2"),
        ("adcode", "province", "sector"),
        ceads.read_sector_table,
    ),
    "ceads_fuel_table": (("adcode", "year", "raw_coal", "scope_1_total"), ("adcode",), ceads.read_fuel_table),
    "edgar_country_table": (
        ("emissions_id", "actor_id", "year", "total_emissions"),
        ("actor_id", "emissions_id"),
        national.read_edgar_table,
    ),
    "carbon_monitor_sector_table": (
        ("emissions_id", "sector_id", "emissions_value"),
        ("emissions_id", "sector_id"),
        national.read_carbon_monitor_table,
    ),
    "carbon_monitor_daily": (
        ("country", "date", "sector", "value"),
        ("country", "sector", "date"),
        national.read_carbon_monitor_daily,
    ),
}


def open_inventory(
    paths: Paths, *, product: str | None = None, sheet: str | None = None, trust_layout: bool = False
) -> xr.Dataset:
    """Open an emission inventory as an estimate.

    Parameters
    ----------
    paths : path-like or sequence of path-like
        One file; of CEADs provinces several workbooks, or a folder of them (the names of the files may be in
        any letter case: one year of the series is).
    product : str, optional
        Name in ``catalogs/inventories.yaml``. Told by content where it is not given; the workbook of GCP
        holds two (``gcp_fossil``, the default, and ``gcp_consumption``).
    sheet : str, optional
        Of ``gcp_land`` the model: BLUE (default), H&C2023, OSCAR or LUCE.
    trust_layout : bool
        Do not warn of a layout that is known from documents only.

    Returns
    -------
    xarray.Dataset
        ``emission`` (region, time) and, where the source divides it, ``emission_part`` (region, time and
        sector, fuel or both) in kg s-1 of the gas named in ``attrs["substance"]`` (CO2e: as equivalents),
        positive into the atmosphere; ``time`` is the start of the year (of the day for daily tables), a year
        has 365.25 days. ``emission_uncertainty`` is missing: none of these sources states one by region.
        ``attrs["scope"]`` says what is counted, ``attrs["reading"]`` what was left out. What the source does
        not give stays missing.

    Raises
    ------
    NotAGranuleError
        The file is missing, damaged, too large, or no known inventory.
    SchemaError
        A column or sheet is unknown, a total is not the sum of its parts, a region and year come twice.

    Warns
    -----
    UncheckedLayoutWarning
        The layout is known from documents only (cities of CEADs, EDGAR workbooks, daily Carbon Monitor).

    Notes
    -----
    Inventories of other scope are not comparable: read ``attrs["scope"]``. The sum of CEADs provinces is not
    the CEADs nation (7 % above it in 2016), and placeholders near 1 Mt (Ningxia 2000-2002, Hainan 2002) are
    given as they stand: `yaotan.emission.check_panel` finds them. Scope 2 columns are left out and noted. In
    sheets of GCP sums (World, OECD) stand among the countries: coordinate ``region_kind`` tells them.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "edgar.csv"
    >>> _ = path.write_text("emissions_id,actor_id,year,total_emissions,datasource_id" + chr(10)
    ...                     + "x,CN,2019,14583462983,EDGARv8.0:ghg" + chr(10))
    >>> inventory = open_inventory(path)
    >>> round(float(inventory.emission.sel(region="CN")[0])), inventory.attrs["substance"]
    (462122, 'CO2e')
    """
    files = _files(paths)
    if files[0].suffix.casefold() in (".xlsx", ".xlsm"):
        return _open_workbooks([Workbook(path) for path in files], product, sheet, trust_layout)
    if len(files) > 1:
        raise NotAGranuleError(f"{len(files)} tables", where=files[0].parent, expected="one at a time")
    name = product or _told_by_columns(files[0])
    entry = _entry(name)
    if name not in TABLES:
        raise NotAGranuleError(f"is no table of {name}", where=files[0], expected="a workbook (.xlsx)")
    warn_unchecked(name, entry.title["en"], trust_layout or entry.checked == "file")
    needed, text, reader = TABLES[name]
    table = read_user_table(files[0], text=text)
    missing = [column for column in needed if column not in table]
    if missing:
        raise NotAGranuleError(f"has no column {missing[0]}", where=files[0], expected=", ".join(needed))
    return make_inventory(reader(table), entry, name, files)


def _files(paths: Paths) -> list[Path]:
    given = [paths] if isinstance(paths, str) or not isinstance(paths, Sequence) else list(paths)
    files: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            files += sorted(item for item in path.iterdir() if item.suffix.casefold() == ".xlsx")
        else:
            files.append(path)
    if not files:
        raise NotAGranuleError("holds no workbook", where=given[0] if given else "", expected=".xlsx files")
    return files


def _told_by_columns(path: PathLike) -> str:
    names = set(csv_columns(path))
    for name, (needed, _, _) in TABLES.items():
        if set(needed) <= names:
            return name
    raise NotAGranuleError(
        "is no known inventory",
        where=path,
        expected="; ".join(f"{name} ({', '.join(needed)})" for name, (needed, _, _) in TABLES.items()),
    )


def _told_by_sheets(book: Workbook) -> str:
    sheets = set(book.sheets)
    if ceads.CITY_SHEET in sheets:
        return "ceads_city"
    if national.GCP_FOSSIL in sheets:
        return "gcp_fossil"
    if national.GCP_LAND[0] in sheets:
        return "gcp_land"
    if national.EDGAR_SHEET in sheets:
        return "edgar_country_workbook"
    if any(ceads.YEAR_SHEET.match(sheet) for sheet in sheets):
        return "ceads_national"
    if any(ceads.PROVINCE_SHEET.match(sheet) for sheet in sheets):
        return "ceads_province"
    raise NotAGranuleError(
        "is no known inventory", where=book.path, expected="a workbook of CEADs, EDGAR or GCP"
    )


def _open_workbooks(
    books: list[Workbook], product: str | None, sheet: str | None, trust_layout: bool
) -> xr.Dataset:
    name = product or _told_by_sheets(books[0])
    entry = _entry(name)
    paths = [book.path for book in books]
    if len(books) > 1 and not name.startswith("ceads"):
        raise NotAGranuleError(f"{len(books)} workbooks of {name}", where=paths[0], expected="one at a time")
    warn_unchecked(name, entry.title["en"], trust_layout or entry.checked == "file")
    readers: dict[str, Callable[[Sequence[Workbook]], Reading]] = {
        "ceads_province": ceads.read_provinces,
        "ceads_national": ceads.read_nation,
        "ceads_city": ceads.read_cities,
        "gcp_fossil": lambda given: national.read_gcp(given[0], national.GCP_FOSSIL),
        "gcp_consumption": lambda given: national.read_gcp(given[0], national.GCP_CONSUMPTION),
        "gcp_land": lambda given: national.read_gcp(given[0], sheet or national.GCP_LAND[0]),
    }
    if name == "edgar_country_workbook":
        reading, substance = national.read_edgar_workbook(books[0])
        return make_inventory(reading, entry, name, paths).assign_attrs(substance=substance)
    if name not in readers:
        raise NotAGranuleError(f"is no workbook of {name}", where=paths[0], expected="a table (.csv)")
    result = make_inventory(readers[name](books), entry, name, paths)
    return result.assign_attrs(model=sheet or national.GCP_LAND[0]) if name == "gcp_land" else result


def _entry(name: str) -> Inventory:
    entries = inventory_catalog().inventories
    if name not in entries:
        raise NotAGranuleError(f"inventory {name!r} is unknown", expected=", ".join(entries))
    return entries[name]
