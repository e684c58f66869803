"""A STAC catalog of the granules of an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from yaotan.catalog.product import Product, load_products
from yaotan.io.container import MEMBER
from yaotan.io.index.query import locate_index
from yaotan.io.index.table import read_table
from yaotan.io.stac.catalog import StacSummary, check_target, write_catalog
from yaotan.io.stac.record import File, Group, Record, make_key
from yaotan.typing import PathLike


def write_stac(
    index: PathLike, stac: PathLike, *, title: str = "Granules", folder: PathLike | None = None
) -> StacSummary:
    """Write a static STAC catalog of an index of granules: a collection per product, an item per data file.

    Parameters
    ----------
    index : path-like
        What `yaotan.index_granules` wrote, or the folder that was indexed.
    stac : path-like
        Folder for the catalog; an older catalog of ours is replaced in one step.
    title : str
        Of the catalog.
    folder : path-like, optional
        Where the granules lie now, if they were moved away from the index.

    Returns
    -------
    StacSummary
        Path of ``catalog.json``, items by collection, files left out by reason (``error``, ``no_time``).

    Raises
    ------
    YaotanError
        There is no index.
    OutputError
        The target is something else than a catalog of ours, or cannot be written.

    Notes
    -----
    STAC 1.1; links are relative, so catalog and granules can be moved together; equal input gives equal
    files. Size and checksum are those of the file on disk (of a member, its package) and use the ``file``
    extension. A footprint across 180 degrees is a MultiPolygon cut there, its box has west > east.
    """
    target = Path(stac)
    check_target(target)
    path, base = locate_index(index)
    table = read_table(path)
    base = (Path(folder) if folder is not None else base).resolve()
    left_out: Counter[str] = Counter()
    bad = pc.is_valid(table.column("error"))
    late = pc.and_(pc.invert(bad), pc.is_null(table.column("start")))
    left_out.update({"error": pc.sum(bad).as_py() or 0, "no_time": pc.sum(late).as_py() or 0})
    table = table.filter(pc.and_(pc.invert(bad), pc.is_valid(table.column("start"))))
    names = sorted(set(table.column("product").to_pylist()))
    groups = (
        granule_group(name, table.filter(pc.equal(table.column("product"), name)), base) for name in names
    )
    written = write_catalog(
        groups, target, key="granules", title=title, description="Granules by product, with their footprints."
    )
    return StacSummary(written.path, written.items, {key: n for key, n in left_out.items() if n})


def granule_group(
    name: str, table: pa.Table, base: Path, *, key: str | None = None, entry: Product | None = None
) -> Group:
    """Make the collection of one product.

    Parameters
    ----------
    name : str
        Product.
    table : pyarrow.Table
        Its rows of an index, each with a time.
    base : pathlib.Path
        Folder that the paths are relative to.
    key : str, optional
        Of the collection; default is the product.
    entry : Product, optional
        Catalog entry; default is the packaged one.

    Returns
    -------
    Group
        Its records are made as they are asked for.
    """
    entry = entry or load_products().get(name)
    if entry is None:
        return Group(key or name, name, f"Granules of the product {name}.", _records(table, base, {}))
    common = {"platform": entry.platform, "instruments": [entry.instrument]}
    return Group(
        key or name,
        entry.title["en"],
        f"{entry.title['en']}: {', '.join(entry.gases)} of {entry.platform}. Licence: {entry.licence}.",
        _records(table, base, common),
        references=entry.references,
        keywords=entry.gases,
    )


def _records(table: pa.Table, base: Path, common: dict[str, Any]) -> Iterator[Record]:
    for batch in table.to_batches(max_chunksize=1000):
        moments = [batch.column(name).cast(pa.int64()).to_pylist() for name in ("start", "end")]
        rows = batch.drop_columns(["start", "end", "mtime"]).to_pylist()
        for row, start, end in zip(rows, *moments, strict=True):
            yield _record(row, np.datetime64(start, "ns"), np.datetime64(end, "ns"), base, common)


def _record(
    row: dict[str, Any], start: np.datetime64, end: np.datetime64, base: Path, common: dict[str, Any]
) -> Record:
    name, _, member = row["path"].partition(MEMBER)
    title = f"{member} in {Path(name).name}" if member else Path(name).name
    properties = {"title": title, **common, "yaotan:soundings": row["count"]}
    if row["good"] is not None:
        properties["yaotan:good_soundings"] = row["good"]
    if row["version"]:
        properties["yaotan:product_version"] = row["version"]
    file = File(base / name, title, "data", row["size"], row["sha256"])
    shape = shapely.from_wkb(row["geometry"]) if row["geometry"] else None
    return Record(make_key(row["path"]), start, end, shape, {"data": file}, properties)
