"""Open files behind a container: netCDF-4 / HDF5 and netCDF-3, each with the same few questions."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Protocol

import h5py


class Store(Protocol):
    """What a container asks of an open file."""

    name: str

    def find(self, path: str) -> Any:
        """Give the dataset object; None when there is none."""

    def walk(self) -> Iterator[str]:
        """List the datasets."""

    def root_attributes(self) -> dict[str, Any]:
        """Give the global attributes as stored."""

    def close(self) -> None:
        """Close the file."""


class Hdf5Store:
    """netCDF-4 or plain HDF5."""

    name = "HDF5"

    def __init__(self, source: str | io.BytesIO) -> None:
        self._file = h5py.File(source, "r")
        self._names: dict[str, frozenset[bytes]] = {}

    def find(self, path: str) -> Any:
        """Give the dataset object; None when there is none."""
        group, _, name = path.strip("/").rpartition("/")
        if group in self._names and name.encode() not in self._names[group]:
            return None
        try:
            # below h5py's own look-up, which opens the file's properties anew for each path
            item = h5py.h5o.open(self._file.id, path.encode())
        except KeyError:
            self._list(group)
            return None
        return h5py.Dataset(item, readonly=True) if isinstance(item, h5py.h5d.DatasetID) else None

    def _list(self, group: str) -> None:
        """Keep the names of a group that lacks a path: a catalog asks it for more, each miss being slow."""
        if group not in self._names:
            item = self._file.get(group or "/")
            self._names[group] = frozenset(item.id if isinstance(item, h5py.Group) else ())

    def walk(self) -> Iterator[str]:
        """List the datasets."""
        paths: list[str] = []

        def visit(path: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                label = item.attrs.get("NAME", b"")
                if not bytes(label if isinstance(label, bytes) else b"").startswith(b"This is a netCDF dim"):
                    paths.append(path)

        self._file.visititems(visit)
        yield from paths

    def root_attributes(self) -> dict[str, Any]:
        """Give the global attributes as stored."""
        return dict(self._file.attrs)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ClassicStore:
    """netCDF-3."""

    name = "netCDF-3"

    def __init__(self, source: str | io.BytesIO) -> None:
        from scipy.io import netcdf_file  # late: most granules are HDF5

        self._file = netcdf_file(source, "r", mmap=isinstance(source, str))

    def find(self, path: str) -> Any:
        """Give the dataset object; None when there is none."""
        return self._file.variables.get(path.strip("/"))

    def walk(self) -> Iterator[str]:
        """List the datasets."""
        yield from self._file.variables

    def root_attributes(self) -> dict[str, Any]:
        """Give the global attributes as stored."""
        return dict(self._file._attributes)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
