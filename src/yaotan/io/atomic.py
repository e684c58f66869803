"""Write under a temporary name, rename when complete: a reader never meets half a file."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from yaotan.errors import OutputError
from yaotan.typing import PathLike

#: errno -> (what, what to do); the rest is reported with the system's own words
_REASON: Final = {
    errno.ENOSPC: ("cannot be written: the disk is full", "free some space or write to another disk"),
    errno.EDQUOT: ("cannot be written: the disk quota is used up", "free some space or write elsewhere"),
    errno.EACCES: ("cannot be written: permission denied", "choose a folder that you may write to"),
    errno.EPERM: ("cannot be written: not permitted", "choose a folder that you may write to"),
    errno.EROFS: ("cannot be written: the file system is read-only", "choose another folder"),
    errno.ENAMETOOLONG: ("cannot be written: the name is too long", "choose a shorter name"),
}


def output_error(error: OSError, path: PathLike) -> OutputError:
    """Turn an error of the operating system into one that says what to do.

    Parameters
    ----------
    error : OSError
        As raised while `path` was written. Libraries that hide the number behind their own text
        (HDF5, GDAL) are understood by that text.
    path : path-like
        The file or folder that the user asked for.

    Returns
    -------
    OutputError
        To be raised.

    Examples
    --------
    >>> output_error(OSError(errno.ENOSPC, "No space left on device"), "a.nc").fix
    'free some space or write to another disk'
    """
    number = error.errno
    if number not in _REASON:
        number = next((code for code in _REASON if os.strerror(code) in str(error)), number)
    what, fix = _REASON.get(number or 0, (f"cannot be written ({error.strerror or error})", "check the path"))
    return OutputError(what, where=path, fix=fix)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Bring the content to the disk before the name, so that a power cut leaves the old file or the new."""
    files = (found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _install(temporary: Path, path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        temporary.replace(path)
        return
    # a folder with content cannot be replaced in one step: move it aside, and back if the rename fails
    aside = temporary.with_name(temporary.name + ".old")
    path.rename(aside)
    try:
        temporary.rename(path)
    except OSError:
        aside.rename(path)
        raise
    _remove(aside)


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends without error.

    Works for a file and for a folder (a Zarr store): whichever the block creates. On failure the temporary
    file is removed and an older `path` stays as it was.

    Parameters
    ----------
    path : path-like
        Final name. Its folder must exist.

    Yields
    ------
    pathlib.Path
        Unused name in the same folder and with the same suffix (libraries choose a driver by it).

    Raises
    ------
    OutputError
        The folder is missing, is not a folder, may not be written to, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("done")
    >>> [file.name for file in folder.iterdir()]
    ['a.txt']
    """
    path = Path(path)
    folder = path.parent
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "the folder does not exist"
        raise OutputError(what, where=folder, fix="create it first, or write elsewhere")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise output_error(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), path)
    temporary = folder / f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}"
    try:
        yield temporary
        if not temporary.exists():
            raise OutputError("nothing was written", where=path, fix="write to the path that was given")
        _flush(temporary)
        _install(temporary, path)
    except OutputError:
        raise
    except OSError as error:
        # a file that the block reads from may fail too: that is not the output's fault
        if error.filename is not None and not str(error.filename).startswith(str(temporary)):
            raise
        raise output_error(error, path) from error
    finally:
        _remove(temporary)
