"""Tells a file that is what its name promises from a page or message that came in its place."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Final

from yaotan.io.fetch.patience import TransferError

_HDF5: Final = (b"\x89HDF\r\n\x1a\n",)
_CLASSIC: Final = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_TIFF: Final = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

#: suffix -> first bytes that a file of this kind may have
_MAGIC: Final = {
    ".nc": (*_HDF5, *_CLASSIC),
    ".nc4": (*_HDF5, *_CLASSIC),
    ".h5": _HDF5,
    ".he5": _HDF5,
    ".hdf5": _HDF5,
    ".hdf": (*_HDF5, b"\x0e\x03\x13\x01"),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".zip": (b"PK\x03\x04", b"PK\x05\x06"),
    ".gz": (b"\x1f\x8b",),
    ".grib": (b"GRIB",),
    ".grb": (b"GRIB",),
    ".parquet": (b"PAR1",),
}
#: suffixes whose files are themselves pages or JSON
_TEXTS: Final = frozenset({".html", ".htm", ".xml", ".json", ".geojson"})

#: how many bytes `check_start` wants to see
START: Final = 1024

#: names of algorithms as NASA's records and registries write them -> hashlib's
_ALGORITHM: Final = {
    "md5": "md5",
    "sha-1": "sha1",
    "sha1": "sha1",
    "sha-256": "sha256",
    "sha256": "sha256",
    "sha-384": "sha384",
    "sha384": "sha384",
    "sha-512": "sha512",
    "sha512": "sha512",
}


def algorithm(name: str) -> str | None:
    """Give hashlib's name of a checksum algorithm, or None when it cannot be checked.

    Examples
    --------
    >>> algorithm("SHA-256")
    'sha256'
    """
    return _ALGORITHM.get(name.lower())


def checksum_matches(path: Path, checksum: str) -> bool:
    """Compare a file with ``algorithm:hex``."""
    kind, _, wanted = checksum.partition(":")
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, kind).hexdigest() == wanted.lower()


def check_start(start: bytes, name: str) -> None:
    """Refuse what begins like a page or a message, or unlike a file of this suffix.

    Parameters
    ----------
    start : bytes
        First bytes, `START` of them where there are so many.
    name : str
        Name that the file will have; the suffix decides what is expected.

    Raises
    ------
    TransferError
        Says what came instead.
    """
    suffix = Path(name).suffix.lower()
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:START]
    if suffix not in _TEXTS:
        if re.match(rb"<(!doctype\s+html|html|head|body)", head, re.IGNORECASE):
            login = re.search(rb"log\s?in|sign\s?in|earthdata", start, re.IGNORECASE) is not None
            raise TransferError(
                "a web page came instead of data" + (" (it asks to log in)" if login else ""),
                fix="check the account's login and licences, and the address",
                lasting=True,
            )
        if head.startswith(b"<?xml") or re.match(rb"[{\[]\s*[\"{\[\]}]", head):
            raise TransferError(
                "a message came instead of data" + _error_words(head), fix="check the request", lasting=True
            )
    magic = _MAGIC.get(suffix)
    if magic is not None and not start.startswith(magic):
        raise TransferError(
            f"its content is not that of a {suffix} file", fix="get it elsewhere", lasting=True
        )


def _error_words(head: bytes) -> str:
    """Tell the code of an error, never its text: a service may quote the request in it."""
    found = re.search(rb'"(?:code|status|error)"\s*:\s*"?([A-Za-z0-9_]{1,40})"?', head)
    return f" ({found.group(1).decode()})" if found else ""


def check_file(path: Path, name: str) -> None:
    """Refuse a complete file that is not what its name promises; HDF5 is opened, so a cut one is found.

    Raises
    ------
    TransferError
        Says what is wrong.
    """
    with path.open("rb") as stream:
        start = stream.read(START)
    if not start:
        raise TransferError("it is empty", fix="get it elsewhere")
    check_start(start, name)
    if start.startswith(_HDF5):
        import h5py

        try:
            # no lock: the part is already locked by the download itself
            with h5py.File(path, "r", locking=False):
                pass
        except OSError:
            raise TransferError("it is a damaged HDF5 file", fix="get it elsewhere") from None
    if Path(name).suffix.lower() in (".json", ".geojson"):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            raise TransferError("it is not valid JSON", fix="get it elsewhere") from None


def is_sound(path: Path, name: str) -> bool:
    """Tell whether `check_file` has nothing against a file."""
    try:
        check_file(path, name)
    except TransferError:
        return False
    return True
