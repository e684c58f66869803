"""Temporal profiles of emission from files of the user: tables of a catalogue, or an hourly load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from yaotan.catalog.temporal import LoadProfile, TemporalProfile, profile_from_tables
from yaotan.errors import CatalogError
from yaotan.typing import PathLike

if TYPE_CHECKING:
    import pandas as pd

#: part of a profile -> file of the CoCO2 catalogue and its column of identifiers
TABLES: Final = {
    "month": ("coco2_monthly_profiles.csv", "ID_MonthFact"),
    "week": ("coco2_weekly_profiles.csv", "ID_WeekFact"),
    "hour": ("coco2_hourly_profiles.csv", "ID_HourFact"),
}


def open_temporal_profile(
    folder: PathLike, ids: Mapping[str, str], *, name: str, utc_offset: float
) -> TemporalProfile:
    """Read a profile from the tables of the CoCO2 catalogue (Guevara et al. 2024).

    Parameters
    ----------
    folder : path-like
        Holds ``coco2_monthly_profiles.csv``, ``coco2_weekly_profiles.csv``, ``coco2_hourly_profiles.csv``.
    ids : mapping of str to str
        Of ``month``, ``week`` and ``hour``, such as ``{"month": "FM_051", "hour": "FH_035"}``; a part that is
        not named is flat.
    name : str
        What is printed as the profile.
    utc_offset : float
        Local standard time less UTC [h].

    Returns
    -------
    TemporalProfile
        With the file names as source.

    Raises
    ------
    CatalogError
        A file is missing, or has no such identifier.

    Notes
    -----
    The tables (doi:10.24380/mxjo-nram) are not part of this package.
    """
    unknown = sorted(set(ids) - set(TABLES))
    if unknown:
        raise CatalogError(f"{unknown[0]!r} is no part of a profile", expected=", ".join(TABLES))
    rows = {}
    for part, key in ids.items():
        file, column = TABLES[part]
        table = _read(Path(folder) / file)
        if column not in table or key not in set(table[column]):
            raise CatalogError(f"there is no {key!r}", where=Path(folder) / file, expected=f"one of {column}")
        rows[part] = {str(k): v for k, v in table.set_index(column).loc[key].items()}
    text = "CoCO2 " + ", ".join(ids.values())
    return profile_from_tables(
        name, text, rows.get("month"), rows.get("week"), rows.get("hour"), utc_offset=utc_offset
    )


def open_load_profile(path: PathLike, *, time: str, load: str, name: str = "") -> LoadProfile:
    """Read an hourly load from a CSV table.

    Parameters
    ----------
    path : path-like
        CSV, packed or not, one row for each hour.
    time, load : str
        Columns: start of the hour (UTC, ISO 8601), and load in any unit.
    name : str
        What is printed as the profile. Default: the column of the load.

    Returns
    -------
    LoadProfile
        With the file's name as source.

    Raises
    ------
    CatalogError
        The file or a column is missing, a time cannot be read, or times do not rise.
    """
    import pandas as pd

    table = _read(Path(path))
    missing = [column for column in (time, load) if column not in table]
    if missing:
        raise CatalogError(f"column {missing[0]!r} is missing", where=path, expected=", ".join(table.columns))
    try:
        moments = (
            pd.to_datetime(table[time], utc=True, format="ISO8601")
            .dt.tz_localize(None)
            .to_numpy("datetime64[s]")
        )
        values = table[load].to_numpy(float)
    except (ValueError, TypeError) as error:
        raise CatalogError(f"a time or load cannot be read ({error})", where=path) from error
    return LoadProfile(name or load, Path(path).name, np.asarray(moments), np.asarray(values))


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(path)
    except OSError as error:
        raise CatalogError("cannot be read", where=path, fix="check the path") from error
    except ValueError as error:  # the parser's own errors are of this kind
        raise CatalogError(f"is no CSV table ({error})", where=path) from error
