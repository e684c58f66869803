"""The index as a table: its columns, and how it is kept as GeoParquet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from yaotan.errors import YaotanError
from yaotan.io.atomic import replacing
from yaotan.io.container import MEMBER
from yaotan.io.index.facts import Facts
from yaotan.io.index.folder import Found

#: key of what the file says of itself, beside GeoParquet's own
KEY: Final = b"yaotan_index"
FORMAT: Final = 1
_MOMENT: Final = pa.timestamp("ns", tz="UTC")

COLUMNS: Final = pa.schema(
    [
        ("path", pa.string()),
        ("product", pa.string()),
        ("version", pa.string()),
        ("start", _MOMENT),
        ("end", _MOMENT),
        ("count", pa.int64()),
        ("good", pa.int64()),
        ("size", pa.int64()),
        ("mtime", _MOMENT),
        ("sha256", pa.string()),
        ("error", pa.string()),
        ("geometry", pa.binary()),
    ]
)
_GEO: Final = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {
        "geometry": {
            "encoding": "WKB",
            "geometry_types": ["MultiPolygon", "Polygon"],
            "orientation": "counterclockwise",
        }
    },
}


def make_rows(found: Found, facts: Iterable[Facts]) -> list[dict[str, Any]]:
    """Join what the folder says of a file with what is in it: one row, or one per member."""
    rows = []
    for item in facts:
        member = item["member"]
        shape = item["geometry"]
        rows.append(
            {
                **{name: item[name] for name in COLUMNS.names if name in item},
                "path": f"{found.name}{MEMBER}{member}" if member else found.name,
                "size": found.size,
                "mtime": found.moment,
                "geometry": bytes.fromhex(shape) if shape else None,
            }
        )
    return rows


def to_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Make a table of rows."""
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def file_names(table: pa.Table) -> list[str]:
    """Give the file of each row: of a member, its package."""
    return [text.partition(MEMBER)[0] for text in table.column("path").to_pylist()]


def sort_rows(table: pa.Table) -> pa.Table:
    """Sort by file, then by member; rows that are in order already are not copied."""
    # a character that no name has, and which comes before all others: sorts like the pair of file and member
    paths = [text.replace(MEMBER, "\0", 1) for text in table.column("path").to_pylist()]
    if all(first <= second for first, second in pairwise(paths)):
        return table
    order = sorted(range(len(paths)), key=paths.__getitem__)
    return table.take(pa.array(order, type=pa.int64()))


def write_table(table: pa.Table, target: Path, about: Mapping[str, Any]) -> None:
    """Write the index under a temporary name and rename it.

    Parameters
    ----------
    table : pyarrow.Table
        Sorted rows.
    target : pathlib.Path
        File.
    about : mapping
        What the file says of itself: ``folder``, ``made_with``.

    Raises
    ------
    OutputError
        The place cannot be written to.
    """
    about = {"format": FORMAT, **about}
    kept = {b"geo": json.dumps(_GEO).encode(), KEY: json.dumps(about, sort_keys=True).encode()}
    with replacing(target) as temporary:
        pq.write_table(
            table.replace_schema_metadata(kept), temporary, compression="zstd", row_group_size=20_000
        )


def read_about(path: Path) -> dict[str, Any] | None:
    """Read what an index says of itself; None when the file is no index."""
    try:
        kept = pq.read_metadata(path).metadata or {}
        about = json.loads(kept[KEY])
    except (pa.ArrowInvalid, OSError, KeyError, ValueError):
        return None
    return about if isinstance(about, dict) and about.get("format") == FORMAT else None


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read the rows of an index, or some of its columns.

    Raises
    ------
    YaotanError
        The file is no index, or is damaged.
    """
    try:
        return pq.read_table(path, columns=columns, partitioning=None)
    except (pa.ArrowInvalid, OSError) as error:
        raise YaotanError(
            f"cannot be read as an index ({error})", where=path, fix="make it again with `yaotan catalog`"
        ) from error
