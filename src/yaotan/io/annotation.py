"""Attributes of open files, decoded one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

import h5py
import numpy as np

#: what netCDF-4 keeps in attributes for itself
_BOOKKEEPING: Final = frozenset(
    {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_Netcdf4Dimid", "_Netcdf4Coordinates"}
)
#: in place of an attribute that is not there
_ABSENT: Final = object()


def plain(value: Any) -> Any:
    """Turn length-1 arrays into scalars, and bytes into text."""
    if isinstance(value, np.ndarray):
        if value.size == 1:
            return plain(value.reshape(-1)[0])
        return [plain(item) for item in value] if value.dtype.kind in "SO" else value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\x00 ")
    return value


class Attributes(Mapping[str, Any]):
    """Attributes of a file or dataset: there are dozens, of which a reader needs a few.

    Parameters
    ----------
    stored : mapping
        As the library gives them, usable while the file is open.
    names : callable
        Lists them.
    guard : callable
        Gives, for the words for a part of the file, the context that says when it is damaged.
    owner : str
        Whose they are, in words.
    """

    def __init__(
        self,
        stored: Mapping[str, Any],
        names: Callable[[], Iterable[str]],
        guard: Callable[[str], AbstractContextManager[None]],
        owner: str,
    ) -> None:
        self._stored, self._names, self._guard, self._owner = stored, names, guard, owner
        self._known: dict[object, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        if self._known[name] is None:
            with self._guard(f"attribute {name} of {self._owner}"):
                self._known[name] = plain(self._stored[name])
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        if name not in self._known:
            with self._guard(f"attributes of {self._owner}"):
                there = name not in _BOOKKEEPING and name in self._stored
            self._known[name] = None if there else _ABSENT
        return self._known[name] is not _ABSENT

    def __iter__(self) -> Iterator[str]:
        with self._guard(f"attributes of {self._owner}"):
            return iter([str(name) for name in self._names() if name not in _BOOKKEEPING])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def attribute_names(item: h5py.Dataset) -> list[str]:
    """List attributes without asking for the creation properties of the dataset, as h5py would.

    HDF5 2.0 crashes on these for texts of variable length when another thread has closed the same file
    in the meantime (h5py issue 2920).
    """
    names: list[bytes] = []
    h5py.h5a.iterate(item.id, lambda name, *_: names.append(name))
    return [name.decode("utf-8", "replace") for name in names]
