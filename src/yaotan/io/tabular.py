"""Tables that this package wrote, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

from yaotan.errors import NotAGranuleError, SchemaError, UnitsError
from yaotan.typing import PathLike

#: columns that hold names, even when a name looks like a number (an adcode)
TEXT: Final = ("region_id", "side_a", "side_b", "a", "b", "version", "region", "source", "scene")


def read_table(path: PathLike) -> pd.DataFrame:
    """Read a CSV table written by `write`.

    Parameters
    ----------
    path : path-like
        UTF-8 text, with or without byte-order mark.

    Returns
    -------
    pandas.DataFrame
        Ids as text, ``time`` as datetime; only an empty field is missing ("NA" is a name).
    """
    table = pd.read_csv(
        path, dtype=dict.fromkeys(TEXT, str), encoding="utf-8-sig", keep_default_na=False, na_values=[""]
    )
    if "time" in table:
        table["time"] = pd.to_datetime(table["time"])
    return table


def read_parquet(path: PathLike) -> pd.DataFrame:
    """Read a Parquet table written by `write`.

    Parameters
    ----------
    path : path-like
        File.

    Returns
    -------
    pandas.DataFrame
        As it was written.

    Raises
    ------
    NotAGranuleError
        Missing or no Parquet file.
    """
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError) as error:
        raise NotAGranuleError(
            f"cannot be opened as a table ({error})", where=path, expected="a Parquet file written by yaotan"
        ) from error


#: column of a long table -> coordinate along region
_LABELS: Final = {"region_name": "region_name", "name": "region_name"} | {
    "region_name_zh": "region_name_zh",
    "name_zh": "region_name_zh",
    "area": "area",
}


def csv_columns(path: PathLike) -> list[str]:
    """Read the names in the first line of a CSV file.

    Parameters
    ----------
    path : path-like
        Text; a file that is none has no names.

    Returns
    -------
    list of str
        Empty where the first line cannot be read as text.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            return stream.readline(65536).rstrip("\r\n").split(",")
    except (OSError, UnicodeDecodeError):
        return []


def is_region_table(columns: Any) -> bool:
    """Say whether columns are those of a regional table: region, time, value.

    Examples
    --------
    >>> is_region_table(["region_id", "time", "value"]), is_region_table(["time", "value"])
    (True, False)
    """
    names = set(columns)
    return {"time", "value"} <= names and bool({"region", "region_id"} & names)


def region_estimate(table: pd.DataFrame, where: object = "") -> xr.Dataset:
    """Turn a regional table back into the estimate that it was written from.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per region, time and variable: what `write` makes of an estimate, or a study's
        ``columns/*_regions.csv``.
    where : str, optional
        File, for messages.

    Returns
    -------
    xarray.Dataset
        Dims ``(region, time)``; for each variable ``v`` its companions ``v_uncertainty`` and so on.

    Raises
    ------
    SchemaError
        Columns are missing, rows are doubled, or the table holds several products.
    UnitsError
        One variable has several units.

    Examples
    --------
    >>> table = pd.DataFrame({"region": ["a"], "time": [pd.Timestamp("2019-01-01")], "variable": ["xco2"],
    ...                       "units": ["ppm"], "value": [410.0], "uncertainty": [0.5]})
    >>> estimate = region_estimate(table)
    >>> float(estimate.xco2[0, 0]), float(estimate.xco2_uncertainty[0, 0]), estimate.xco2.attrs["units"]
    (410.0, 0.5, 'ppm')
    """
    if not is_region_table(table.columns):
        raise SchemaError("is no regional table", where=where, expected="columns region, time, value")
    key = "region" if "region" in table else "region_id"
    if "product" in table and table["product"].nunique() > 1:
        raise SchemaError(
            f"holds several products: {', '.join(map(str, table['product'].unique()))}",
            where=where,
            fix="select the rows of one",
        )
    table = table.assign(
        region=table[key].astype(str), time=pd.to_datetime(table["time"]), **_defaults(table)
    )
    doubled = int(table.duplicated(["variable", "region", "time"]).sum())
    if doubled:
        raise SchemaError(f"{doubled} rows repeat a region and time", where=where, expected="each once")
    regions, times = table["region"].unique(), np.sort(table["time"].unique())
    data: dict[str, Any] = {}
    for name, rows in table.groupby("variable", sort=False):
        units = [str(unit) for unit in rows["units"].unique()]
        if len(units) > 1:
            raise UnitsError(
                f"{name} is given in {' and '.join(map(repr, units))}", where=where, expected="one unit"
            )
        for column in rows:
            if column != "value" and not str(column).startswith(_PARTS):
                continue
            wide = rows.pivot(index="region", columns="time", values=column).reindex(regions, columns=times)
            ending = "" if column == "value" else f"_{column}"
            plain = str(column) in ("count", "coverage")
            values = wide.to_numpy(float, na_value=np.nan)
            data[f"{name}{ending}"] = (("region", "time"), values, {"units": "1" if plain else units[0]})
    coords: dict[str, Any] = {"region": ("region", regions.astype(object)), "time": ("time", times)}
    first = table.drop_duplicates("region").set_index("region")
    for column, label in _LABELS.items():
        if column in first and label not in coords:
            coords[label] = ("region", first.loc[regions, column].to_numpy())
    return xr.Dataset(data, coords)


#: companions of a value
_PARTS: Final = ("uncertainty", "spread", "standard_error", "count", "coverage")


def _defaults(table: pd.DataFrame) -> dict[str, Any]:
    """Columns that a table of one variable may lack."""
    filled = {"variable": "value", "units": ""}
    return {
        name: table[name].fillna(text).astype(str) if name in table else text for name, text in filled.items()
    }


def open_table(path: PathLike) -> xr.Dataset:
    """Open a regional table, CSV or Parquet, as an estimate.

    Parameters
    ----------
    path : path-like
        ``.csv`` or ``.parquet``.

    Returns
    -------
    xarray.Dataset
        As `region_estimate`.

    Raises
    ------
    NotAGranuleError, SchemaError, UnitsError
        The file is missing, damaged, or no regional table.
    """
    if Path(path).suffix.lower() == ".parquet":
        return region_estimate(read_parquet(path), path)
    try:
        table = read_table(path)
    except (OSError, ValueError) as error:
        raise NotAGranuleError(
            f"cannot be opened as a table ({error})", where=path, expected="a CSV file written by yaotan"
        ) from error
    return region_estimate(table, path)
