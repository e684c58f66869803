"""Text tables behind a container: columns are datasets, facts in comment lines are global attributes."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from yaotan.errors import NotAGranuleError
from yaotan.io.text_table import Heading, decode_text, read_columns, read_heading, split_lines

#: a table is held in memory as a whole; the ones read last are kept up to this size of all together
LARGEST: Final = 64 * 1024 * 1024
_BUDGET: Final = 256 * 1024 * 1024
#: the heading must end within these bytes
_HEAD: Final = 256 * 1024


Columns = dict[str, NDArray[Any]]


class Kept:
    """Tables read last: the variables of a file are read one after the other, each from a file opened anew.

    Parameters
    ----------
    budget : int
        Bytes of all tables together; beyond it those go that were not asked for longest, but never the last.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._tables: dict[Hashable, tuple[Columns | None, int]] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._tables)

    def get(self, key: Hashable, size: int, read: Callable[[], Columns]) -> Columns:
        """Give a table, read where it is not kept, from a file of `size` bytes.

        One table is read at a time: threads that want the same one wait for it, and reading two at once
        would not be quicker.
        """
        with self._lock:
            table, own = self._tables.pop(key, (None, 0))
            if table is None:
                table = read()
                own = max(size, sum(values.nbytes for values in table.values()))
            self._tables[key] = table, own  # now the newest
            while len(self._tables) > 1 and sum(own for _, own in self._tables.values()) > self._budget:
                del self._tables[next(iter(self._tables))]
            return table


_KEPT: Final = Kept(_BUDGET)


class TextStore:
    """A table in a text file: comma, semicolon, tab or blanks between fields, one line of names.

    Opening reads no more than the heading; the rows are read when the first column is asked for.

    Parameters
    ----------
    source : str or bytes
        Path, or the content of a file.
    where : str
        Path, for messages.

    Raises
    ------
    NotAGranuleError
        It is no table of text in UTF-8.
    """

    name = "text"

    def __init__(self, source: str | bytes, where: str) -> None:
        self._source, self._where = source, where
        self.heading = _cut_heading(source[:_HEAD] if isinstance(source, bytes) else _head(source), where)

    @cached_property
    def columns(self) -> Columns:
        """All columns; of a path from the few tables that are kept, where it did not change."""
        if isinstance(self._source, bytes):
            return _parse(self._source, self._where)
        path = os.path.abspath(self._source)  # noqa: PTH100  (Path.resolve would ask for each folder)
        state = os.stat(path)  # noqa: PTH116
        key = (path, state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
        return _KEPT.get(key, state.st_size, lambda: _read(path, state.st_size))

    def find(self, path: str) -> Any:
        """Give a column; None when there is none."""
        name = path.strip("/")
        return Column(self, name) if name in self.heading.names else None

    def walk(self) -> Iterator[str]:
        """List the columns."""
        yield from self.heading.names

    def root_attributes(self) -> dict[str, Any]:
        """Give the facts of the comment lines."""
        return dict(self.heading.facts)

    def close(self) -> None:
        """Forget the columns."""
        self.__dict__.pop("columns", None)


class Column:
    """One column, with the few members that a container asks of a dataset."""

    def __init__(self, store: TextStore, name: str) -> None:
        self._store, self._name = store, name
        self._attributes = store.heading.own.get(name, {})

    @property
    def data(self) -> NDArray[Any]:
        """Values."""
        return self._store.columns[self._name]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows."""
        return self.data.shape

    def __getitem__(self, selection: Any) -> NDArray[Any]:
        return np.asarray(self.data[selection])


def read_names(path: str) -> tuple[str, ...]:
    """Give the column names of a text table; none where the file is no such table.

    Parameters
    ----------
    path : str
        File.

    Returns
    -------
    tuple of str
        Names.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    try:
        return _cut_heading(_head(path), path).names
    except NotAGranuleError:
        return ()


def _head(path: str) -> bytes:
    with Path(path).open("rb") as stream:
        return stream.read(_HEAD)


def _cut_heading(head: bytes, where: str) -> Heading:
    if len(head) == _HEAD:  # perhaps in the middle of a character
        head = head[: head.rfind(b"\n") + 1]
    return read_heading(split_lines(decode_text(head, where)), where)


def _read(path: str, size: int) -> Columns:
    if size > LARGEST:
        raise NotAGranuleError(
            f"is a text file of {size / 2**20:.0f} MiB",
            where=path,
            expected=f"a text table of at most {LARGEST / 2**20:.0f} MiB",
            fix="cut it into parts, or store it as netCDF",
        )
    return _parse(Path(path).read_bytes(), path)


def _parse(content: bytes, where: str) -> Columns:
    lines = split_lines(decode_text(content, where))
    columns = read_columns(lines, read_heading(lines, where), where)
    for values in columns.values():
        values.flags.writeable = False  # shared by all who read this table
    return columns
