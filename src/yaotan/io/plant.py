"""Lists of power plants: points with capacity and fuel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from yaotan.catalog.inventory import PlantList, plant_catalog
from yaotan.errors import NotAGranuleError, SchemaError
from yaotan.io.trust import warn_unchecked
from yaotan.io.user_table import read_user_table
from yaotan.io.workbook import cell_text
from yaotan.schema import check_features
from yaotan.typing import PathLike
from yaotan.units import conversion

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


def open_power_plants(
    path: PathLike, *, product: str | None = None, sheet: str | None = None, trust_layout: bool = False
) -> gpd.GeoDataFrame:
    """Open a list of power plants.

    Parameters
    ----------
    path : path-like
        CSV (UTF-8), Parquet or workbook.
    product : str, optional
        Name in ``catalogs/power_plants.yaml``; told by the columns where it is not given.
    sheet : str, optional
        Of a workbook with several sheets.
    trust_layout : bool
        Do not warn of a layout that is known from documents only.

    Returns
    -------
    geopandas.GeoDataFrame
        Points (WGS84), one row a plant or unit: ``source`` (each once), ``name``, ``kind`` (power_plant),
        ``diameter`` [m] and ``stack_height`` [m] as plume functions take them, ``fuel`` (one word, ``other``
        where the catalog knows none), ``fuel_source`` (as written), ``capacity`` [MW], ``status``, ``start``
        and ``end`` (year), and ``emission`` [kg s-1] where the list gives one. What it lacks is missing.
        ``attrs["reading"]`` counts rows read, left out for want of a place, and identifiers that came twice
        (these get ``#2``, ``#3``).

    Raises
    ------
    NotAGranuleError
        The file cannot be read, or is no known list.
    SchemaError
        A place is no place, or a capacity is no number or negative.

    Warns
    -----
    UncheckedLayoutWarning
        The layout is known from documents only.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "plants.csv"
    >>> _ = path.write_text("ID,fuel,longitude,latitude,co2_Mt_2018" + chr(10) + "P1,coal,117.0,36.7,5.2")
    >>> plants = open_power_plants(path)
    >>> plants.loc[0, "fuel"], float(plants.loc[0, "emission"].round(1))
    ('coal', 164.8)
    """
    table = read_user_table(path, sheet=sheet)
    name, entry = _find(table, product, path)
    warn_unchecked(name, entry.title["en"], trust_layout or entry.checked == "file")
    import geopandas as gpd

    columns = {key: _first(table, names) for key, names in entry.columns.items()}
    place = {axis: _numbers(table, columns[axis], path) for axis in ("longitude", "latitude")}
    known = np.isfinite(place["longitude"]) & np.isfinite(place["latitude"])
    if ((np.abs(place["latitude"]) > 90) | (np.abs(place["longitude"]) > 360))[known].any():
        raise SchemaError("a place lies outside of the globe", where=path)
    data = _attributes(table, columns, entry, path)
    source, twice = _unique(data["source"][known])
    frame = gpd.GeoDataFrame(
        {key: np.asarray(values)[known] for key, values in data.items()} | {"source": source},
        geometry=gpd.points_from_xy(place["longitude"][known], place["latitude"][known]),
        crs=4326,
    )
    frame.attrs = {
        "product": name,
        "source": Path(path).name,
        "references": "; ".join(entry.references),
        "licence": entry.licence,
        "reading": {"read": len(table), "left_out": {"no place": int((~known).sum())}, "repeated_ids": twice},
    }
    return check_features(frame)


def _find(table: pd.DataFrame, product: str | None, path: PathLike) -> tuple[str, PlantList]:
    lists = plant_catalog().lists
    if product is not None and product not in lists:
        raise NotAGranuleError(f"list {product!r} is unknown", expected=", ".join(lists))
    needed = ("source", "longitude", "latitude")
    for name, entry in lists.items() if product is None else [(product, lists[product])]:
        groups = [names for key, names in entry.columns.items() if key in (*needed, "capacity")]
        if all(set(names) & set(table.columns) for names in groups):
            return name, entry
    raise NotAGranuleError(
        "is no known list of power plants",
        where=path,
        expected="columns of " + ", ".join(lists if product is None else [product]),
        fix="rename the columns, or add an entry to the catalog",
    )


def _first(table: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in table.columns), None)


def _numbers(table: pd.DataFrame, column: str | None, path: PathLike) -> Any:
    import pandas as pd

    if column is None:
        return np.full(len(table), np.nan)
    values = pd.to_numeric(table[column], errors="coerce")
    wrong = table.loc[values.isna() & table[column].notna(), column]
    if len(wrong):
        raise SchemaError(f"{column} holds {wrong.iloc[0]!r}", where=path, expected="numbers")
    return values.to_numpy(float)


def _texts(table: pd.DataFrame, column: str | None) -> Any:
    if column is None:
        return np.full(len(table), "", object)
    return np.array([cell_text(value) for value in table[column]], object)


def _attributes(table: pd.DataFrame, columns: Any, entry: PlantList, path: PathLike) -> dict[str, Any]:
    capacity = _numbers(table, columns.get("capacity"), path)
    if (capacity < 0).any():
        raise SchemaError("a capacity is negative", where=path, expected="MW of 0 or more")
    fuel = _texts(table, columns.get("fuel"))
    if entry.fuel:
        fuel = np.full(len(table), entry.fuel, object)
    words = {word: name for name, group in plant_catalog().fuels.items() for word in group}
    source = _texts(table, columns["source"])
    data = {
        "source": source,
        "name": _texts(table, columns.get("name")) if columns.get("name") else source,
        "kind": np.full(len(table), "power_plant", object),
        "diameter": np.full(len(table), 1000.0),
        "stack_height": np.full(len(table), np.nan),
        "fuel": np.array([words.get(word.casefold(), "other") for word in fuel], object),
        "fuel_source": fuel,
        "capacity": capacity,
        "status": _texts(table, columns.get("status")),
        "start": _years(table, columns.get("start")),
        "end": _years(table, columns.get("end")),
    }
    if entry.emission is not None:
        scale = conversion(entry.emission.unit, "kg s-1")[0]
        data["emission"] = _numbers(table, entry.emission.column, path) * scale
    return data


def _years(table: pd.DataFrame, column: str | None) -> Any:
    """Years as they stand at the head of a date: "2013", 2013.0, "2013-05"; anything else is missing."""
    text = _texts(table, column)
    heads = [word[:4] if word[:4].isdigit() and not word[4:5].isdigit() else "" for word in text]
    return np.array([float(head) if head else np.nan for head in heads])


def _unique(names: Any) -> tuple[Any, int]:
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return np.array(unique, object), len(unique) - len(seen)
