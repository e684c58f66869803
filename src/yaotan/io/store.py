"""Open files behind a container: netCDF-4 / HDF5 and netCDF-3, each with the same few questions."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import h5py


def flat_names(path: str) -> tuple[str, ...]:
    """Give the names under which services that know no groups write a dataset of a group.

    OPeNDAP joins the names of the groups by one underscore (``PRODUCT_qa_value``), NASA's subsetters join
    them by two, before the first as well (``__PRODUCT__qa_value``).

    Examples
    --------
    >>> flat_names("PRODUCT/qa_value")
    ('PRODUCT_qa_value', '__PRODUCT__qa_value', 'PRODUCT__qa_value')
    """
    parts = [part for part in path.split("/") if part]
    doubled = "__".join(parts)
    return ("_".join(parts), f"__{doubled}", doubled) if len(parts) > 1 else ()


class Store(Protocol):
    """What a container asks of an open file."""

    name: str

    def find(self, path: str) -> Any:
        """Give the dataset object; None when there is none."""

    def walk(self) -> Iterator[str]:
        """List the datasets."""

    def root_attributes(self) -> Mapping[str, Any]:
        """Give the global attributes as stored; one may be read only when it is asked for."""

    def close(self) -> None:
        """Close the file."""


def dimension_names(item: Any) -> tuple[str, ...]:
    """Give the names of the dimensions of a dataset, the empty text for one that has no name."""
    if not isinstance(item, h5py.Dataset):
        return tuple(getattr(item, "dimensions", ("",) * len(item.shape)))
    if item.is_scale and len(item.shape) == 1:  # a coordinate is a dimension itself
        return (str(item.name).rpartition("/")[2],)
    scales = [tuple(dim.values()) for dim in item.dims]
    return tuple(str(found[0].name).rpartition("/")[2] if found else "" for found in scales)


class Hdf5Store:
    """netCDF-4 or plain HDF5."""

    name = "HDF5"

    def __init__(self, source: str | io.BytesIO) -> None:
        self._file = h5py.File(source, "r")
        self._names: dict[str, frozenset[bytes]] = {}

    def find(self, path: str) -> Any:
        """Give the dataset object; None when there is none."""
        parts = [part for part in path.split("/") if part]
        root = self._names_in("")
        if len(parts) > 1 and parts[0].encode() not in root:
            flat = next((name for name in flat_names(path) if name.encode() in root), None)
            return self.find(flat) if flat is not None else None
        # a catalog asks for the paths of all its products: what a group lacks is told by its list of names,
        # since each miss in HDF5 itself is slow
        if not parts or parts[-1].encode() not in self._names_in("/".join(parts[:-1])):
            return None
        try:
            # below h5py's own look-up, which opens the file's properties anew for each path
            item = h5py.h5o.open(self._file.id, path.encode())
        except KeyError:  # a link that leads nowhere
            return None
        return h5py.Dataset(item, readonly=True) if isinstance(item, h5py.h5d.DatasetID) else None

    def _names_in(self, group: str) -> frozenset[bytes]:
        """Give the names in a group, listed once; none where there is no such group."""
        if group not in self._names:
            above, _, name = group.rpartition("/")
            there = not group or name.encode() in self._names_in(above)
            item = self._file.get(group or "/") if there else None
            self._names[group] = frozenset(item.id if isinstance(item, h5py.Group) else ())
        return self._names[group]

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

    def root_attributes(self) -> Mapping[str, Any]:
        """Give the global attributes as stored, each read when it is asked for."""
        attributes: Mapping[str, Any] = self._file.attrs
        return attributes

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
        names = (path.strip("/"), *flat_names(path))
        return next((self._file.variables[name] for name in names if name in self._file.variables), None)

    def walk(self) -> Iterator[str]:
        """List the datasets."""
        yield from self._file.variables

    def root_attributes(self) -> Mapping[str, Any]:
        """Give the global attributes as stored."""
        return dict(self._file._attributes)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
