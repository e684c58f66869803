"""Make or update the index of a folder."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from yaotan.catalog.product import find_product, load_products
from yaotan.catalog.source import root
from yaotan.errors import OutputError, YaotanError
from yaotan.io.atomic import output_error
from yaotan.io.identify import Aliases
from yaotan.io.index.facts import failed
from yaotan.io.index.folder import Found, list_folder
from yaotan.io.index.known import Known
from yaotan.io.index.pool import read_all
from yaotan.io.index.table import (
    make_rows,
    read_about,
    sort_rows,
    to_table,
    write_table,
)
from yaotan.io.paths import SUFFIXES
from yaotan.io.teaching import load_aliases
from yaotan.io.trust import warn_unchecked
from yaotan.typing import PathLike

#: name of the index of a folder, unless another is given
INDEX_NAME: Final = "granule_index.parquet"
#: rows that are kept as Python objects before they go into a table
_BATCH: Final = 5_000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ProductRows:
    """Files of one product in an index; first and last time of their soundings in UTC, as ISO texts."""

    files: int
    soundings: int
    first: str | None
    last: str | None


@dataclass(frozen=True)
class IndexSummary:
    """What `index_granules` did.

    Attributes
    ----------
    path : pathlib.Path
        The index.
    rows, read, kept, gone : int
        Data files in it; of these read now and taken over from the last time; files that vanished since.
    products : dict
        `ProductRows` by product.
    errors : list of (str, str)
        Path in the folder and reason, of every file that could not be read.
    """

    path: Path
    rows: int
    read: int
    kept: int
    gone: int
    products: dict[str, ProductRows]
    errors: list[tuple[str, str]]


def index_granules(
    folder: PathLike,
    *,
    target: PathLike | None = None,
    product: str | None = None,
    aliases: Aliases = None,
    trust_layout: bool = False,
    checksum: bool = True,
    refresh: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> IndexSummary:
    """Index the granules of a folder as GeoParquet; a second call reads only what changed.

    Parameters
    ----------
    folder : path-like
        Searched in depth for data files and tar packages; hidden names are passed over.
    target : path-like, optional
        The index; default ``granule_index.parquet`` in the folder. It is replaced in one step.
    product : str, optional
        Name of the only product to be tried, or a product file of the user's own.
    aliases : path-like or mapping, optional
        Names of the variables of a delivery without public layout.
    trust_layout : bool
        As in `yaotan.open_soundings`; only products of files that are read now are spoken of.
    checksum : bool
        Whether every byte is read for the SHA-256; without it the column stays empty.
    refresh : bool
        Read every file again.
    workers : int, optional
        Processes that read; default: the processors there are, one when the files are few. The index does
        not depend on it.
    progress : callable, optional
        Called with (what, number done, number in all).

    Returns
    -------
    IndexSummary
        Counts, products, errors.

    Raises
    ------
    YaotanError
        The folder is missing or holds no data file.
    OutputError
        The target cannot be written, or is something else than an index.

    Warns
    -----
    UncheckedLayoutWarning
        The reader of a product was never run on a real file.

    Notes
    -----
    A row has ``path`` (relative to the folder; members of packages as ``package.tar::member``), ``product``,
    ``version``, ``start`` and ``end`` (UTC) of the soundings with a time, ``count`` and ``good`` (by the
    product's own flag; empty where it has none), ``size``, ``mtime`` and ``sha256`` of the file on disk
    (of a member, its package), ``error``, and the footprint of
    `yaotan.io.index.footprint.cover_points`.

    A file is read again when its size or time of change differ, when it failed before and its
    permissions changed, and every file when the package, its catalog, `product` or `aliases` changed. A file
    rewritten with the same size and time is taken for unchanged (`refresh` reads it).
    """
    folder = Path(folder)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "there is no such folder"
        raise YaotanError(what, where=folder, fix="name the folder that holds the granules")
    path = Path(target) if target is not None else folder / INDEX_NAME
    _check_target(path)
    options = _check_options(product, aliases)
    about = {"folder": _way(folder, path.parent), "made_with": _made_with(options)}
    known = Known() if refresh else Known.open(path, about)
    found = list_folder(folder, known.has)
    if not found and not path.exists():
        raise YaotanError(
            "there is no data file", where=folder, expected=f"files that end in {' '.join(SUFFIXES)}"
        )
    todo = [item for item in found if not known.holds(item, checksum)]
    tasks = _Tasks(folder, [item for item in todo if item.error is None], {"checksum": checksum, **options})
    tables = list(_read(todo, tasks, workers, progress))
    _warn_unchecked(tables, product, trust_layout)
    kept = known.take({item.name for item in found} - {item.name for item in todo})
    table = sort_rows(pa.concat_tables([kept, *tables]))
    gone = len(known.names - {item.name for item in found})
    if known.table is None or not table.equals(known.table):
        write_table(table, path, about)
    return _summarise(path, table, len(tasks), kept.num_rows, gone)


class _Tasks(Sequence[Mapping[str, Any]]):
    """What to read, each task made when it is asked for: there may be a hundred thousand."""

    def __init__(self, folder: Path, found: list[Found], options: Mapping[str, Any]) -> None:
        self._folder, self._found, self._options = folder, found, options

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, place: Any) -> Any:
        return {"path": str(self._folder / self._found[place].name), **self._options}


def _warn_unchecked(tables: list[pa.Table], product: str | None, trust: bool) -> None:
    """Say which layouts are known from documents only; the processes that read are not heard."""
    names = {name for table in tables for name in pc.unique(table.column("product")).to_pylist() if name}
    own = find_product(product) if product is not None else None
    for name in sorted(names):
        entry = own if own is not None and own.product == name else load_products()[name]
        if entry.checked == "note":
            warn_unchecked(name, entry.title["en"], trust, stacklevel=4)


def _check_target(path: Path) -> None:
    """Refuse, before anything is read, what could not be written afterwards."""
    if path.exists() and (not path.is_file() or read_about(path) is None):
        raise OutputError(
            "is there already and is no index of granules",
            where=path,
            fix="give another target, or remove it",
        )
    if not path.parent.is_dir():
        raise OutputError("the folder does not exist", where=path.parent, fix="create it first")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise output_error(PermissionError(errno.EACCES, os.strerror(errno.EACCES)), path)


def _check_options(product: str | None, aliases: Aliases) -> dict[str, Any]:
    """Read the options once, so that a mistake in them is one error and not one per file."""
    options: dict[str, Any] = {}
    if product is not None:
        find_product(product)
        options["product"] = product
    if aliases is not None:
        load_aliases(aliases)
        options["aliases"] = dict(aliases) if isinstance(aliases, Mapping) else str(aliases)
    return options


def _made_with(options: Mapping[str, Any]) -> str:
    """Give one text for everything but the files that decides what the index says."""
    digest = hashlib.sha256(_catalog_digest().encode())
    for name, value in sorted(options.items()):
        is_file = isinstance(value, str) and Path(value).is_file()
        content = Path(value).read_text(encoding="utf-8") if is_file else json.dumps(value, default=str)
        digest.update(f"{name}={content}".encode())
    return f"{metadata.version('yaotan')}+{digest.hexdigest()[:16]}"


@cache
def _catalog_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted((root() / "products").glob("*.yaml")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _way(folder: Path, start: Path) -> str:
    """Write where the folder lies, seen from the index, so that both can be moved together."""
    return Path(os.path.relpath(folder.resolve(), start.resolve())).as_posix()


def _read(
    todo: list[Found], tasks: _Tasks, workers: int | None, progress: Progress | None
) -> Iterator[pa.Table]:
    """Give the rows of files in their order, those that are known to be unreadable among them."""
    rows: list[dict[str, Any]] = []
    with closing(read_all(tasks, workers)) as answers:
        for number, item in enumerate(todo):
            facts = next(answers) if item.error is None else [failed(item.error)]
            if progress:
                progress("read", number, len(todo))
            rows += make_rows(item, facts)
            if len(rows) >= _BATCH:
                yield to_table(rows)
                rows = []
    if progress and todo:
        progress("read", len(todo), len(todo))
    yield to_table(rows)


def _summarise(path: Path, table: pa.Table, read: int, kept: int, gone: int) -> IndexSummary:
    table = table.drop_columns(["geometry"])  # what is picked below would copy it
    names = table.column("product").to_pylist()
    counts = Counter(name for name in names if name is not None)
    products = {}
    for name in sorted(counts):
        rows = table.filter(pc.equal(table.column("product"), name))
        first, last = pc.min(rows.column("start")).value, pc.max(rows.column("end")).value
        products[name] = ProductRows(
            counts[name], pc.sum(rows.column("count")).as_py() or 0, _iso(first), _iso(last)
        )
    bad = table.filter(pc.is_valid(table.column("error")))
    errors = list(zip(bad.column("path").to_pylist(), bad.column("error").to_pylist(), strict=True))
    return IndexSummary(path, table.num_rows, read, kept, gone, products, errors)


def _iso(moment: int | None) -> str | None:
    import numpy as np

    return None if moment is None else str(np.datetime64(moment, "ns").astype("datetime64[s]"))
