"""Data files of a folder, with size and time, whether they can be read or not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yaotan.io.paths import SUFFIXES, TEXT_SUFFIXES, is_data_file


@dataclass(frozen=True)
class Found:
    """A data file by name, or a folder that may not be read.

    Attributes
    ----------
    name : str
        Relative to the folder, with ``/``.
    size : int or None
        [bytes].
    moment, changed : int or None
        Times of the last change of content, and of anything (permissions, name) [ns since 1970].
    error : str or None
        Why it cannot be read, where that is known already.
    """

    name: str
    size: int | None = None
    moment: int | None = None
    changed: int | None = None
    error: str | None = None


def list_folder(folder: Path, known: Callable[[Found], bool] | None = None) -> list[Found]:
    """List the data files below a folder, sorted by name.

    Parameters
    ----------
    folder : pathlib.Path
        Searched in depth. Names that begin with a dot (hidden files, unfinished downloads) are passed over;
        links to files are followed, links to folders are not.
    known : callable, optional
        Tells that a file was taken for data before and is unchanged: whether text is a table of a known
        product is seen from its content only, and need not be seen again.

    Returns
    -------
    list of Found
        A broken link, a name that is not Unicode and a folder that may not be read are listed with the
        reason.
    """
    return sorted(_walk(str(folder), "", known or (lambda item: False)), key=lambda item: item.name)


def _walk(path: str, prefix: str, known: Callable[[Found], bool]) -> Iterator[Found]:
    try:
        entries = list(os.scandir(path))
    except OSError as error:
        yield Found(_shown(prefix), error=f"the folder cannot be read ({error.strerror})")
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/", known)
        elif entry.name.lower().endswith((*SUFFIXES, *TEXT_SUFFIXES)):
            found = _look(entry, prefix + entry.name)
            if found is not None and (known(found) or is_data_file(entry.path)):
                yield found


def _look(entry: os.DirEntry[str], name: str) -> Found | None:
    if _shown(name) != name:
        return Found(_shown(name), error="its name is not Unicode (UTF-8): rename it")
    try:
        status = entry.stat()
        if not entry.is_file():
            return None
    except OSError as error:
        broken = entry.is_symlink() and isinstance(error, FileNotFoundError)
        what = "is a link to a file that is not there" if broken else f"cannot be read ({error.strerror})"
        return Found(name, error=what)
    return Found(name, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _shown(name: str) -> str:
    """Write a name whose bytes are no Unicode so that it can be stored."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
