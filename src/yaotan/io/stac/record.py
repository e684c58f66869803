"""What a STAC catalog is made of: files, records of them, and groups of records."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pystac

_MEDIA: Final = {
    ".nc": pystac.MediaType.NETCDF,
    ".nc4": pystac.MediaType.NETCDF,
    ".cdf": pystac.MediaType.NETCDF,
    ".sub": pystac.MediaType.NETCDF,
    ".h5": pystac.MediaType.HDF5,
    ".he5": pystac.MediaType.HDF5,
    ".hdf5": pystac.MediaType.HDF5,
    ".hdf": pystac.MediaType.HDF,
    ".tar": "application/x-tar",
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
    ".csv": "text/csv",
    ".parquet": pystac.MediaType.VND_APACHE_PARQUET,
    ".geojson": pystac.MediaType.GEOJSON,
    ".json": pystac.MediaType.JSON,
    ".tif": pystac.MediaType.COG,
    ".html": pystac.MediaType.HTML,
    ".svg": "image/svg+xml",
    ".png": pystac.MediaType.PNG,
}
_LONGEST: Final = 150


@dataclass(frozen=True)
class File:
    """A file that a record points to.

    Attributes
    ----------
    path : pathlib.Path
        Where it lies.
    title : str
        For people.
    role : str
        ``data``, ``metadata``, ``overview``, ...
    size : int or None
        [bytes].
    sha256 : str or None
        Hexadecimal digits.
    """

    path: Path
    title: str
    role: str = "data"
    size: int | None = None
    sha256: str | None = None

    @property
    def media(self) -> str:
        """Media type by the file's suffix."""
        return str(_MEDIA.get(self.path.suffix.lower(), "application/octet-stream"))


@dataclass(frozen=True)
class Record:
    """One STAC item.

    Attributes
    ----------
    key : str
        Unique in its group; see `make_key`.
    start, end : numpy.datetime64
        UTC, both included.
    geometry : shapely geometry or None
        [degrees], cut at the dateline.
    files : mapping of str to File
        Assets by key.
    properties : mapping
        JSON values, by STAC names.
    derived_from : tuple of (str, str)
        Group and key of the records of the same catalog that it was made of.
    """

    key: str
    start: np.datetime64
    end: np.datetime64
    geometry: Any
    files: Mapping[str, File]
    properties: Mapping[str, Any] = field(default_factory=dict)
    derived_from: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Group:
    """One STAC collection; its records may be a generator, read once."""

    key: str
    title: str
    description: str
    records: Iterable[Record]
    references: tuple[str, ...] = ()
    licence: str = ""
    keywords: tuple[str, ...] = ()


def make_key(path: str) -> str:
    """Make an identifier of a relative path that is also a file name.

    Parameters
    ----------
    path : str
        With ``/``.

    Returns
    -------
    str
        The path with ``__`` for ``/`` where it is of plain letters; otherwise made plain, with the start of
        its SHA-256, so that two paths never share a key.

    Examples
    --------
    >>> make_key("2020/oco2_LtCO2_200115.nc4")
    '2020__oco2_LtCO2_200115.nc4'
    >>> make_key("my data.nc")
    'my-data.nc-08717290'
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", path.replace("../", "").replace("/", "__")).lstrip(".")
    if plain == path.replace("/", "__") and "__" not in path and len(plain) <= _LONGEST:
        return plain
    return f"{plain[:_LONGEST]}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"
