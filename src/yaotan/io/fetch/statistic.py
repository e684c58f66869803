"""Tables of the Statistical service, read back from the files that `yaotan.fetch` left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yaotan.errors import FetchError
from yaotan.io.fetch.record import read_record
from yaotan.typing import PathLike

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "region",
    "start",
    "end",
    "band",
    "units",
    "mean",
    "spread",
    "least",
    "greatest",
    "count",
    "missing",
)


def read_statistics(paths: Sequence[PathLike]) -> pd.DataFrame:
    """Read the JSON tables of ``form="table"`` into one table.

    Parameters
    ----------
    paths : sequence of path-like
        Files, as `FetchResult.paths` gives them; ``fetch.json`` beside them says region, bands and units.

    Returns
    -------
    pandas.DataFrame
        Sorted by region, start and band: ``region``, ``start``, ``end`` (UTC, the end not included),
        ``band``, ``units``, ``mean``, ``spread`` (standard deviation of cells), ``least``, ``greatest``,
        ``count`` (cells with data), ``missing`` (cells without). The cells of a day are those of the
        service's raster, so ``spread`` is no uncertainty of the mean.

    Raises
    ------
    FetchError
        A file is missing, not such a table, or not in the record beside it.
    """
    import pandas as pd

    rows = [row for path in paths for row in _rows(Path(path))]
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    for name in ("start", "end"):
        table[name] = pd.to_datetime(table[name], utc=True).dt.tz_localize(None)
    return table.sort_values(["region", "start", "band"], ignore_index=True)


def _rows(path: Path) -> list[dict[str, Any]]:
    about = read_record(path.parent)["files"].get(path.name)
    if about is None or "bands" not in about:
        raise FetchError(
            "is not in the record beside it",
            where=path,
            expected="a table that yaotan fetch --form table left, with its fetch.json",
            fix="fetch it again",
        )
    try:
        return [
            row
            for entry in json.loads(path.read_bytes())["data"]
            for row in _interval(entry, about["bands"], {"region": about["region"], "units": about["units"]})
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FetchError(
            f"is not a table of statistics ({type(error).__name__})", where=path, fix="fetch it again"
        ) from error


def _interval(entry: dict[str, Any], bands: Sequence[str], facts: dict[str, str]) -> list[dict[str, Any]]:
    """Give a row per band; the service numbers bands B0, B1 ... in the order in which they were asked for."""
    rows = []
    for number, band in enumerate(bands):
        numbers = entry["outputs"]["default"]["bands"][f"B{number}"]["stats"]
        missing = int(numbers["noDataCount"])
        rows.append(
            {
                **facts,
                "start": entry["interval"]["from"],
                "end": entry["interval"]["to"],
                "band": band,
                "mean": float(numbers["mean"]),
                "spread": float(numbers["stDev"]),
                "least": float(numbers["min"]),
                "greatest": float(numbers["max"]),
                "count": int(numbers["sampleCount"]) - missing,
                "missing": missing,
            }
        )
    return rows
