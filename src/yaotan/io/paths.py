"""Which files a `paths` argument stands for: files, folders, patterns and packages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from yaotan.catalog.product import load_products
from yaotan.errors import NotAGranuleError
from yaotan.io.container import MEMBER
from yaotan.io.package import data_members, is_package
from yaotan.io.text_store import read_names
from yaotan.typing import Paths

#: file names that a folder is searched for; a subset service may append ".SUB"
SUFFIXES: Final = (".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".hdf", ".he5", ".tar", ".tar.gz", ".tgz", ".sub")
#: of these names a folder gives the tables whose columns are those of a known product
TEXT_SUFFIXES: Final = (".csv", ".txt", ".tsv", ".dat", ".co2", ".ch4", ".n2o", ".co")


def is_data_file(path: str) -> bool:
    """Tell whether a file in a folder is taken for data.

    Parameters
    ----------
    path : str
        File.

    Returns
    -------
    bool
        By its name; of text (read-me files, tables of results) only what has the columns of a known
        product. Text that cannot be read counts, so that whoever opens it says why.
    """
    name = path.lower()
    if name.endswith(SUFFIXES):
        return True
    if not name.endswith(TEXT_SUFFIXES):
        return False
    try:
        names = set(read_names(path))
    except OSError:
        return True
    needed = (entry.identify.required for entry in load_products().values())
    return any(required and names.issuperset(required) for required in needed)


def find_files(paths: Paths) -> list[str]:
    """List the files that a `paths` argument stands for, each once, sorted.

    Parameters
    ----------
    paths : path-like or sequence of path-like
        Files, folders, glob patterns, tar packages (their data files are listed as ``tar::member``). Folders
        give files by `is_data_file`; a file or a pattern may name any other.

    Returns
    -------
    list of str
        At least one.

    Raises
    ------
    NotAGranuleError
        Nothing is there.
    """
    items = [paths] if isinstance(paths, str) or not isinstance(paths, Sequence) else list(paths)
    found: set[str] = set()
    for item in items:
        found.update(_expand(str(item)))
    if not found:
        raise NotAGranuleError("there is no data file", where=show_paths(paths), expected=" ".join(SUFFIXES))
    return sorted(found, key=lambda name: (Path(name).name, name))


def _expand(text: str) -> list[str]:
    path = Path(text)
    if path.is_dir():
        inside = [str(p) for p in sorted(path.rglob("*")) if p.is_file() and is_data_file(str(p))]
        return [member for name in inside for member in _members(name)]
    if path.exists() or MEMBER in text:
        return _members(text)
    if not set(path.name + str(path.parent)) & set("*?["):
        raise NotAGranuleError("there is no such file or folder", where=text, fix="check the path")
    return [member for name in _matches(path) for member in _expand(name)]


def _matches(pattern: Path) -> list[str]:
    parts = pattern.parts
    first = next(place for place, part in enumerate(parts) if set(part) & set("*?["))
    found = sorted(str(name) for name in Path(*parts[:first]).glob("/".join(parts[first:])))
    if not found:
        raise NotAGranuleError("the pattern matches no file", where=pattern, fix="check the path")
    return found


def _members(name: str) -> list[str]:
    return data_members(name) if is_package(name) and MEMBER not in name else [name]


def show_paths(paths: Paths) -> str:
    """Name a `paths` argument in a message: at most three of its items."""
    return (
        str(paths)
        if isinstance(paths, str) or not isinstance(paths, Sequence)
        else ", ".join(map(str, paths[:3]))
    )
