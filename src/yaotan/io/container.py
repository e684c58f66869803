"""One view on netCDF-3 and netCDF-4 / HDF5 files: paths with shape, dtype and attributes, rows on request."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from yaotan.errors import NotAGranuleError
from yaotan.typing import PathLike

#: parts of a path inside a package: "delivery.tar.gz::folder/data.h5"
MEMBER: Final = "::"
_HDF5_MAGIC: Final = b"\x89HDF\r\n\x1a\n"
_OTHER_TYPES: Final = {
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"%PDF": "a PDF document",
    b"GRIB": "a GRIB file",
    b"II*\x00": "a TIFF image",
    b"MM\x00*": "a TIFF image",
    b"\x0e\x03\x13\x01": "an HDF4 file",
    b"CDF\x05": "a netCDF file of the 64-bit data kind (CDF-5)",
}
#: shortest gap between wanted rows that is worth a second read
_GAP: Final = 4096


@dataclass(frozen=True)
class Entry:
    """One dataset of a file."""

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    attributes: dict[str, Any]


def _plain(value: Any) -> Any:
    """Turn length-1 arrays into scalars, and bytes into text."""
    if isinstance(value, np.ndarray):
        if value.size == 1:
            return _plain(value.reshape(-1)[0])
        return [_plain(item) for item in value] if value.dtype.kind in "SO" else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\x00 ")
    return value


class _Backend(Protocol):
    def find(self, path: str) -> Any: ...
    def walk(self) -> Iterator[str]: ...
    def root_attributes(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


class _Hdf5:
    name = "HDF5"

    def __init__(self, source: str | io.BytesIO) -> None:
        self._file = h5py.File(source, "r")

    def find(self, path: str) -> Any:
        item = self._file.get(path)
        return item if isinstance(item, h5py.Dataset) else None

    def walk(self) -> Iterator[str]:
        paths: list[str] = []

        def visit(path: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                label = item.attrs.get("NAME", b"")
                if not bytes(label if isinstance(label, bytes) else b"").startswith(b"This is a netCDF dim"):
                    paths.append(path)

        self._file.visititems(visit)
        yield from paths

    def root_attributes(self) -> dict[str, Any]:
        return dict(self._file.attrs)

    def close(self) -> None:
        self._file.close()


class _Netcdf3:
    name = "netCDF-3"

    def __init__(self, source: str | io.BytesIO) -> None:
        from scipy.io import netcdf_file  # late: most granules are HDF5

        self._file = netcdf_file(source, "r", mmap=isinstance(source, str))

    def find(self, path: str) -> Any:
        return self._file.variables.get(path.strip("/"))

    def walk(self) -> Iterator[str]:
        yield from self._file.variables

    def root_attributes(self) -> dict[str, Any]:
        return dict(self._file._attributes)

    def close(self) -> None:
        self._file.close()


class Container:
    """An open file; use it in a ``with`` block.

    Nothing is listed or read before it is asked for, so that opening costs the same for large files.
    """

    def __init__(self, backend: _Hdf5 | _Netcdf3, path: str) -> None:
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
    def attributes(self) -> dict[str, Any]:
        """Global attributes; text as `str`, arrays of one element as scalars."""
        return {str(key): _plain(value) for key, value in self._backend.root_attributes().items()}

    def paths(self) -> list[str]:
        """List every dataset of the file (dimensions without values are left out)."""
        return list(self._backend.walk())

    def attributes_of(self, path: str) -> dict[str, Any]:
        """Give the attributes of a dataset; references and netCDF bookkeeping are left out."""
        item = self._require(path)
        if isinstance(item, h5py.Dataset):
            skip = {
                "DIMENSION_LIST",
                "REFERENCE_LIST",
                "CLASS",
                "NAME",
                "_Netcdf4Dimid",
                "_Netcdf4Coordinates",
            }
            return {key: _plain(item.attrs[key]) for key in item.attrs if key not in skip}
        return {key: _plain(value) for key, value in item._attributes.items()}

    def shape_of(self, path: str) -> tuple[int, ...]:
        """Give the shape of a dataset."""
        if path not in self._shapes:
            self._shapes[path] = tuple(self._require(path).shape)
        return self._shapes[path]

    def entry(self, path: str) -> Entry:
        """Describe one dataset."""
        item = self._require(path)
        dtype = item.dtype if isinstance(item, h5py.Dataset) else item.data.dtype.newbyteorder("=")
        return Entry(path, tuple(item.shape), dtype, self.attributes_of(path))

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
        try:
            values = item[()] if rows is None else _take(item, rows)
        except (OSError, ValueError) as error:
            raise NotAGranuleError(
                f"dataset {path} cannot be read ({error})", where=self.path, fix="get the file again"
            ) from error
        values = np.array(values)
        return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))

    def text(self, path: str) -> str:
        """Read a dataset that holds one text."""
        values = self.read(path).reshape(-1)
        return str(_plain(values[0])) if values.size else ""

    def close(self) -> None:
        """Close the file."""
        self._found.clear()
        self._backend.close()

    def _find(self, path: str) -> Any:
        # identification asks for the same paths again and again, and each look-up in HDF5 costs
        if path not in self._found:
            self._found[path] = self._backend.find(path)
        return self._found[path]

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
    chunks = getattr(item, "chunks", None)
    gap = max(_GAP, chunks[0] if chunks else 0)
    starts = np.flatnonzero(np.diff(wanted, prepend=wanted[0]) > gap)
    parts = [np.asarray(item[part[0] : part[-1] + 1])[part - part[0]] for part in np.split(wanted, starts)]
    values = np.concatenate(parts) if len(parts) > 1 else parts[0]
    result = np.empty_like(values)
    result[order] = values
    return result


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except FileNotFoundError as error:
        raise NotAGranuleError("there is no such file", where=path, fix="check the path") from error
    except PermissionError as error:
        raise NotAGranuleError(
            "may not be read (permission denied)", where=path, fix="change its permissions or its owner"
        ) from error
    except OSError as error:
        raise NotAGranuleError(f"cannot be read ({error.strerror})", where=path) from error


def check_head(path: Path) -> str:
    """Tell netCDF-3 from HDF5 by the first bytes, or say in plain words what the file is instead.

    Parameters
    ----------
    path : pathlib.Path
        File.

    Returns
    -------
    str
        ``"HDF5"`` or ``"netCDF-3"``.

    Raises
    ------
    NotAGranuleError
        Missing, folder, unreadable, empty, text, web page, or of another type.
    """
    if path.is_dir():
        raise NotAGranuleError("is a folder, not a file", where=path, fix="name a file in it")
    head = _head(path)
    expected = "a netCDF-3, netCDF-4 or HDF5 file"
    again = "get the file again from the archive"
    if not head:
        raise NotAGranuleError("is empty (0 bytes)", where=path, expected=expected, fix=again)
    if head.startswith(_HDF5_MAGIC) or (h5py.is_hdf5(path) and not head.startswith(b"CDF")):
        return "HDF5"
    if head[:4] in (b"CDF\x01", b"CDF\x02"):
        return "netCDF-3"
    start = head[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        what = "is a web page (HTML), perhaps a login or an error page saved in place of the data"
        raise NotAGranuleError(what, where=path, expected=expected, fix=f"log in, then {again}")
    kind = next((name for magic, name in _OTHER_TYPES.items() if head.startswith(magic)), None)
    if kind is None:
        plain = all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)
        kind = "a text file" if plain else "of an unknown type"
    raise NotAGranuleError(f"is {kind}", where=path, expected=expected)


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
                content = io.BytesIO(stream.read() if stream else b"")
            return Container(_Hdf5(content), text)
        kind = check_head(Path(text))
        return Container(_Hdf5(text) if kind == "HDF5" else _Netcdf3(text), text)
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
