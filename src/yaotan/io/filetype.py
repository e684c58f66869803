"""What a file is by its first bytes, in words for people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import h5py

from yaotan.errors import NotAGranuleError

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


def is_text(head: bytes) -> bool:
    """Tell text by its first bytes: no control characters but blanks, or the mark of UTF-16."""
    marked = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return marked or all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)


def check_head(path: Path, *, tables: bool = False) -> str:
    """Tell netCDF-3 from HDF5 by the first bytes, or say in plain words what the file is instead.

    Parameters
    ----------
    path : pathlib.Path
        File.
    tables : bool
        Whether text may be a table that is wanted.

    Returns
    -------
    str
        ``"HDF5"``, ``"netCDF-3"`` or, with `tables`, ``"text"``.

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
        if tables and is_text(head):
            return "text"
        kind = "a text file" if is_text(head) else "of an unknown type"
    raise NotAGranuleError(f"is {kind}", where=path, expected=expected)
