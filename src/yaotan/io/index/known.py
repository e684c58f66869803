"""What an index knew the last time, and which of it is still true."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yaotan.io.index.folder import Found
from yaotan.io.index.table import COLUMNS, FORMAT, file_names, read_about, read_table, to_table


class Known:
    """The rows of the last time."""

    def __init__(self, table: pa.Table | None = None, written: int = 0) -> None:
        self.table = table
        self._written = written  # [ns since 1970]
        files = file_names(table) if table is not None else []
        self.names = set(files)
        self._place: dict[str, int] = {}
        for place, name in enumerate(files):
            self._place.setdefault(name, place)
        self._files = files
        self._failed: set[str] = set()
        if table is None:
            return
        self._size = table.column("size").to_pylist()
        self._moment = table.column("mtime").cast(pa.int64()).to_pylist()
        self._hashed = pc.is_valid(table.column("sha256")).to_pylist()
        bad = pc.is_valid(table.column("error")).to_pylist()
        self._failed = {name for name, wrong in zip(files, bad, strict=True) if wrong}

    @classmethod
    def open(cls, path: Path, about: Mapping[str, Any]) -> Known:
        """Read an index if it was made in the same way."""
        if not path.exists() or read_about(path) != {"format": FORMAT, **about}:
            return cls()
        table = read_table(path)
        if table.schema.names != COLUMNS.names:
            return cls()
        return cls(table.replace_schema_metadata(None), path.stat().st_mtime_ns)

    def has(self, found: Found) -> bool:
        """Tell whether a file is there as it was, whatever became of it."""
        place = self._place.get(found.name)
        if place is None or found.error is not None:
            return False
        return bool((self._size[place], self._moment[place]) == (found.size, found.moment))

    def holds(self, found: Found, checksum: bool) -> bool:
        """Tell whether the row of a file is still true."""
        if not self.has(found):
            return False
        if found.name in self._failed:
            # permissions leave size and time as they are
            return (found.changed or 0) < self._written
        return bool(self._hashed[self._place[found.name]]) or not checksum

    def take(self, names: set[str]) -> pa.Table:
        """Give the rows of some files."""
        if self.table is None:
            return to_table([])
        if names >= self.names:
            return self.table
        places = [place for place, name in enumerate(self._files) if name in names]
        return self.table.take(pa.array(places, type=pa.int64()))
