"""One view on netCDF-3, netCDF-4 / HDF5 and tables of text: paths, shapes, attributes, rows on request."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from yaotan.errors import NotAGranuleError
from yaotan.io.annotation import Attributes, attribute_names, plain
from yaotan.io.filetype import check_head, is_text
from yaotan.io.store import ClassicStore, Hdf5Store, Store, dimension_names
from yaotan.io.text_store import TextStore
from yaotan.typing import PathLike

#: parts of a path inside a package: "delivery.tar.gz::folder/data.h5"
MEMBER: Final = "::"
#: what the libraries raise for damaged files
_DAMAGE: Final = (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError)
#: shortest gap between wanted rows that is worth a second read
_GAP: Final = 4096


@dataclass(frozen=True)
class Entry:
    """One dataset of a file."""

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: dict[str, Any]


class _Guard:
    """Turns what the libraries raise for damaged files, which is nearly anything, into one error."""

    __slots__ = ("_part", "_path")

    def __init__(self, path: str, part: str) -> None:
        self._path, self._part = path, part

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, _DAMAGE) and not isinstance(error, NotAGranuleError):
            raise NotAGranuleError(
                f"{self._part} cannot be read: the file is damaged ({error})",
                where=self._path,
                fix="get the file again from the archive",
            ) from error


class Container:
    """An open file; use it in a ``with`` block.

    Nothing is listed or read before it is asked for, so that opening costs the same for large files.
    """

    def __init__(self, backend: Store, path: str) -> None:
        self._backend = backend
        self._found: dict[str, Any] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self.path = path

    def __enter__(self) -> Container:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and self._find(path) is not None

    @property
    def format(self) -> str:
        """Kind of file, in words for people."""
        return self._backend.name

    @cached_property
    def attributes(self) -> Mapping[str, Any]:
        """Global attributes, each read when asked for; text as `str`, arrays of one element as scalars."""
        with self._guard("attributes of the file"):
            stored = self._backend.root_attributes()
        return Attributes(stored, lambda: stored, self._guard, "the file")

    def paths(self) -> list[str]:
        """List every dataset of the file (dimensions without values are left out)."""
        with self._guard("list of datasets"):
            return list(self._backend.walk())

    def attributes_of(self, path: str) -> Mapping[str, Any]:
        """Give the attributes of a dataset, each read when asked for, without netCDF's own bookkeeping."""
        item = self._require(path)
        if isinstance(item, h5py.Dataset):
            return Attributes(item.attrs, lambda: attribute_names(item), self._guard, path)
        # not the item: its values are the open file
        return Attributes(item._attributes, item._attributes.keys, self._guard, path)

    def dims_of(self, path: str) -> tuple[str, ...]:
        """Give the names of the dimensions of a dataset, the empty text for one that has no name."""
        with self._guard(f"dimensions of {path}"):
            return dimension_names(self._require(path))

    def shape_of(self, path: str) -> tuple[int, ...]:
        """Give the shape of a dataset."""
        if path not in self._shapes:
            item = self._require(path)
            with self._guard(f"shape of {path}"):
                self._shapes[path] = tuple(item.id.shape if isinstance(item, h5py.Dataset) else item.shape)
        return self._shapes[path]

    def entry(self, path: str) -> Entry:
        """Describe one dataset."""
        item = self._require(path)
        dtype = item.dtype if isinstance(item, h5py.Dataset) else item.data.dtype.newbyteorder("=")
        return Entry(path, tuple(item.shape), dtype, dict(self.attributes_of(path)))

    def read(self, path: str, rows: slice | NDArray[np.integer[Any]] | None = None) -> NDArray[Any]:
        """Read a dataset, or some of its rows, in native byte order.

        Parameters
        ----------
        path : str
            Dataset.
        rows : slice or integer array, optional
            Rows along the first axis, in any order; repeated ones are allowed.

        Returns
        -------
        numpy.ndarray
            A copy: no handle on the file stays open.

        Raises
        ------
        NotAGranuleError
            The data are damaged.
        """
        item = self._require(path)
        with self._guard(f"dataset {path}"):
            values = np.array(item[()] if rows is None else _take(item, rows))
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))

    def read_slab(self, path: str, selection: tuple[slice | int, ...]) -> NDArray[Any]:
        """Read a block of a dataset, given by slices along its first axes, in native byte order.

        Parameters
        ----------
        path : str
            Dataset.
        selection : tuple of slice or int
            One for each of the first axes; the other axes are read whole.

        Returns
        -------
        numpy.ndarray
            A copy.

        Raises
        ------
        NotAGranuleError
            The data are damaged.
        """
        item = self._require(path)
        with self._guard(f"dataset {path}"):
            values = np.array(item[selection])
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))

    def text(self, path: str) -> str:
        """Read a dataset that holds one text."""
        values = self.read(path).reshape(-1)
        return str(plain(values[0])) if values.size else ""

    def close(self) -> None:
        """Close the file."""
        self._found.clear()
        self._backend.close()

    def _find(self, path: str) -> Any:
        if path not in self._found:  # asked for again and again, and each look-up in HDF5 costs
            with self._guard(f"dataset {path}"):
                self._found[path] = self._backend.find(path)
        return self._found[path]

    def _guard(self, part: str) -> _Guard:
        return _Guard(self.path, part)

    def _require(self, path: str) -> Any:
        item = self._find(path)
        if item is None:
            raise NotAGranuleError(f"dataset {path} is missing", where=self.path)
        return item


def _take(item: Any, rows: slice | NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Read rows by contiguous slabs: fancy lists are slow in HDF5, and a slab is decompressed once."""
    if isinstance(rows, slice):
        return np.asarray(item[rows])
    if rows.size == 0:
        return np.asarray(item[0:0])
    order = np.argsort(rows, kind="stable")
    wanted = rows[order].astype(np.int64)
    # chunks are creation properties too: see yaotan.io.annotation.attribute_names
    chunks = item.chunks if isinstance(item, h5py.Dataset) and item.dtype.kind != "O" else None
    gap = max(_GAP, chunks[0] if chunks else 0)
    starts = np.flatnonzero(np.diff(wanted, prepend=wanted[0]) > gap)
    parts = [np.asarray(item[part[0] : part[-1] + 1])[part - part[0]] for part in np.split(wanted, starts)]
    values = np.concatenate(parts) if len(parts) > 1 else parts[0]
    result = np.empty_like(values)
    result[order] = values
    return result


def open_content(content: bytes, where: str) -> Container:
    """Open what was read from a file; damaged content raises what the library of its format raises."""
    if content[:3] == b"CDF":
        return Container(ClassicStore(io.BytesIO(content)), where)
    if is_text(content[:4096]):
        return Container(TextStore(content, where), where)
    return Container(Hdf5Store(io.BytesIO(content)), where)


def open_container(path: PathLike) -> Container:
    """Open a granule, or one member of a tar package (``"package.tar.gz::folder/data.h5"``).

    Parameters
    ----------
    path : path-like
        File.

    Returns
    -------
    Container
        To be closed by the caller (``with``).

    Raises
    ------
    NotAGranuleError
        Says what the file is instead, or that it is damaged.
    """
    text = str(path)
    package, _, member = text.partition(MEMBER)
    try:
        if member:
            with tarfile.open(package) as archive:
                stream = archive.extractfile(member)
                return open_content(stream.read() if stream else b"", text)
        kind = check_head(Path(text), tables=True)
        if kind == "text":
            return Container(TextStore(text, text), text)
        return Container(Hdf5Store(text) if kind == "HDF5" else ClassicStore(text), text)
    except NotAGranuleError:
        raise
    except PermissionError as error:
        raise NotAGranuleError(
            "may not be read (permission denied)", where=text, fix="change its permissions or its owner"
        ) from error
    except Exception as error:  # h5py, scipy and tarfile raise many kinds for damaged files
        raise NotAGranuleError(
            f"is damaged or cut short ({error})", where=text, fix="get the file again from the archive"
        ) from error
