"""Tar packages of data files: listed and read in place, never extracted."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath

from yaotan.errors import NotAGranuleError
from yaotan.io.container import MEMBER

_DATA = (".h5", ".hdf5", ".nc", ".nc4")


def is_package(path: str) -> bool:
    """Tell by its name whether a path is a tar package."""
    return Path(path).name.lower().endswith((".tar", ".tar.gz", ".tgz"))


def data_members(path: str) -> list[str]:
    """List the data files of a tar package as ``package::member``.

    Parameters
    ----------
    path : str
        ``.tar``, ``.tar.gz`` or ``.tgz``.

    Returns
    -------
    list of str
        At least one, sorted.

    Raises
    ------
    NotAGranuleError
        Damaged, without a data file, or holding a link, an absolute path or ``..`` (then nothing of it
        is read).
    """
    try:
        with tarfile.open(path) as archive:
            members = archive.getmembers()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise NotAGranuleError(
            f"is not a tar package, or is cut short ({error})", where=path, fix="get the file again"
        ) from error
    for member in members:
        name = PurePosixPath(member.name)
        if not (member.isfile() or member.isdir()) or name.is_absolute() or ".." in name.parts:
            raise NotAGranuleError(
                f"holds {member.name!r}, a link or a path that leaves the package",
                where=path,
                expected="plain files and folders",
            )
    found = sorted(m.name for m in members if m.isfile() and m.name.lower().endswith(_DATA))
    if not found:
        raise NotAGranuleError("the package holds no data file", where=path, expected=" ".join(_DATA))
    return [f"{path}{MEMBER}{name}" for name in found]
