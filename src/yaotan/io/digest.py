"""SHA-256 of a file or folder, read in pieces."""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from yaotan.errors import YaotanError
from yaotan.typing import PathLike

_PIECE: Final = 1 << 20

#: (absolute path, size in bytes, modification time in ns) -> hexadecimal digest
DigestCache = MutableMapping[tuple[str, int, int], str]


def _sha256_file(path: Path, cache: DigestCache | None) -> str:
    status = path.stat()
    key = (str(path.resolve()), status.st_size, status.st_mtime_ns)
    if cache is not None and key in cache:
        return cache[key]
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    if cache is not None:
        cache[key] = digest.hexdigest()
    return digest.hexdigest()


def sha256(path: PathLike, *, cache: DigestCache | None = None) -> str:
    """Compute the SHA-256 of a file, or of a folder's files and their relative names.

    Parameters
    ----------
    path : path-like
        File, or folder (a Zarr store). A folder's digest is that of the sorted lines
        ``<digest>  <relative/name>``, so it depends on neither the order of listing nor dates.
    cache : mutable mapping, optional
        Digests already known, by (absolute path, size, modification time in ns); filled by the call. A file
        whose content changed while size and time stayed equal is taken for unchanged: without `cache`
        every byte is read.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    YaotanError
        The path is missing or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = file.write_bytes(b"abc")
    >>> sha256(file)[:16]
    'ba7816bf8f01cfea'
    """
    path = Path(path)
    try:
        if not path.is_dir():
            return _sha256_file(path, cache)
        files = sorted(file for file in path.rglob("*") if file.is_file())
        lines = [f"{_sha256_file(file, cache)}  {file.relative_to(path).as_posix()}\n" for file in files]
    except OSError as error:
        raise YaotanError(f"cannot be read ({error.strerror})", where=path, fix="check the path") from error
    return hashlib.sha256("".join(lines).encode()).hexdigest()
