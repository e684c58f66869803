"""From selected rows to one lazy table: a task per granule and variable, attributes, and the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dask.array as da
import numpy as np
import xarray as xr
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph
from numpy.typing import NDArray

from yaotan.errors import NotAGranuleError, YaotanError
from yaotan.io.attribute import base_name, dataset_attributes, variable_attributes
from yaotan.io.container import MEMBER
from yaotan.io.granule import Granule
from yaotan.io.row_set import RowSet
from yaotan.io.selection import Selection
from yaotan.schema import FLAG_FILL

_ALWAYS: Final = ("time", "latitude", "longitude", "quality")


def read_block(granule: Granule, name: str, rows: RowSet, start: int, stop: int) -> NDArray[Any]:
    """Read one chunk: rows[start:stop] of one variable; as fill where the granule lacks it."""
    part = rows.array(start, stop)
    if name not in granule.names():
        return _absent(granule, name, part.size)
    contiguous = part.size and part[-1] - part[0] + 1 == part.size and (np.diff(part) == 1).all()
    return granule.read(name, slice(int(part[0]), int(part[-1]) + 1) if contiguous else part)


def _absent(granule: Granule, name: str, count: int) -> NDArray[Any]:
    dtype = granule.dtype_of(name)
    fill: Any = np.nan if dtype.kind == "f" else FLAG_FILL if dtype.itemsize == 1 else 0
    return np.full(granule.shape_of(name, count), fill, dtype=dtype)


def check_chunks(chunks: Any) -> None:
    """Refuse a chunk size that is not a positive whole number."""
    size = chunks.get("sounding") if isinstance(chunks, Mapping) else chunks
    if size is not None and (not isinstance(size, int) or size < 1):
        raise YaotanError(
            f"{chunks!r} is no chunk size", where="chunks", expected="a number from 1, or {'sounding': n}"
        )


def build_table(
    selections: list[Selection],
    reading: list[dict[str, Any]],
    variables: Sequence[str] | None,
    chunks: int | Mapping[str, int] | None,
) -> xr.Dataset:
    """Put the rows selected from each granule together as one lazy table.

    Parameters
    ----------
    selections : list of Selection
        One per file that could be read.
    reading : list of dict
        Records of the other files.
    variables : sequence of str, optional
        Names wanted; default all.
    chunks : int or mapping, optional
        Soundings per chunk; default one chunk per granule.

    Returns
    -------
    xarray.Dataset
        Soundings.

    Raises
    ------
    YaotanError
        A name is in none of the files; files disagree on levels or bias correction.
    """
    # files without a sounding left stay as the last resort, for their variables and attributes
    used = [item for item in selections if item.kept]
    used.sort(key=lambda item: (item.first, base_name(item.granule), item.granule.path))
    used = used or sorted(selections, key=lambda s: s.granule.path)[:1]
    names = _choose(selections, variables)
    size = chunks.get("sounding") if isinstance(chunks, Mapping) else chunks
    stamp = tokenize([_stamp(item) for item in used])
    data = {name: _variable(name, used, size, stamp) for name in names}
    data["granule"] = xr.Variable("sounding", _index(used, size, stamp), {"long_name": "index into source"})
    reading = reading + [
        {
            "file": item.granule.path,
            "product": item.granule.product.product,
            "version": item.granule.version,
            "read": item.granule.count,
            "kept": item.kept,
            "dropped": item.dropped,
            **({"flags": item.flags} if item.flags else {}),
        }
        for item in selections
    ]
    return xr.Dataset(data, attrs=dataset_attributes([item.granule for item in used], reading))


def _choose(selections: list[Selection], variables: Sequence[str] | None) -> list[str]:
    offered: dict[str, None] = {}
    for item in selections:
        offered.update(dict.fromkeys(item.granule.names()))
    if variables is None:
        return list(offered)
    wanted = [variables] if isinstance(variables, str) else list(variables)
    unknown = [name for name in wanted if name not in offered]
    if unknown:
        raise YaotanError(
            f"{', '.join(unknown)} is not in these files",
            where="variables",
            expected=f"among {', '.join(offered)}",
        )
    return [name for name in offered if name in _ALWAYS or name in wanted]


def _blocks(used: list[Selection], size: int | None) -> list[tuple[Selection, int, int]]:
    blocks = []
    for item in used:
        step = size or max(item.kept, 1)
        blocks += [(item, start, min(start + step, item.kept)) for start in range(0, max(item.kept, 1), step)]
    return blocks


def _lazy(
    name: str, tasks: list[Any], lengths: tuple[int, ...], rest: tuple[int, ...], dtype: np.dtype[Any]
) -> Any:
    """Make one array of one task per block."""
    zeros = (0,) * len(rest)
    graph: dict[Any, Any] = {(name, place, *zeros): task for place, task in enumerate(tasks)}
    chunks = (lengths, *((n,) for n in rest))
    return da.Array(HighLevelGraph.from_collections(name, graph), name, chunks=chunks, dtype=dtype)


def _index(used: list[Selection], size: int | None, stamp: str) -> Any:
    """Number of the granule of each sounding, made when asked for: four bytes a sounding are not held."""
    place = {id(item): number for number, item in enumerate(used)}
    blocks = _blocks(used, size)
    lengths = tuple(stop - start for _, start, stop in blocks)
    tasks = [
        (np.full, length, place[id(item)], np.dtype("uint32"))
        for (item, _, _), length in zip(blocks, lengths, strict=True)
    ]
    return _lazy(f"granule-{tokenize(size, stamp)}", tasks, lengths, (), np.dtype("uint32"))


def _variable(name: str, used: list[Selection], size: int | None, stamp: str) -> xr.Variable:
    """Put one variable together: one task per block, each with all that it needs to read itself."""
    having = next((s.granule for s in used if name in s.granule.names()), used[0].granule)
    blocks = _blocks(used, size)
    dims = having.dims_of(name)
    rest = having.shape_of(name, 0)[1:]
    _same_layout(name, used, dims, rest)
    label = f"{name}-{tokenize(name, size, stamp)}"
    tasks = [(read_block, item.granule, name, item.rows, start, stop) for item, start, stop in blocks]
    lengths = tuple(stop - start for _, start, stop in blocks)
    array = _lazy(label, tasks, lengths, rest, having.dtype_of(name))
    return xr.Variable(dims, array, variable_attributes(name, having, [item.granule for item in used]))


def _stamp(item: Selection) -> tuple[Any, ...]:
    path = Path(item.granule.path.partition(MEMBER)[0])
    state = path.stat()
    return item.granule.path, state.st_mtime_ns, state.st_size, item.rows, str(item.granule.sources)


def _same_layout(name: str, used: list[Selection], dims: tuple[str, ...], rest: tuple[int, ...]) -> None:
    sources: dict[bool | None, str] = {}
    for item in used:
        granule = item.granule
        if name not in granule.names():
            continue
        if granule.shape_of(name, 0)[1:] != rest:
            raise NotAGranuleError(
                f"{name} has another number of levels than in other files", where=granule.path
            )
        if granule.dims_of(name) != dims:
            raise NotAGranuleError(
                f"{name} belongs to {granule.dims_of(name)[-1]}s here and to {dims[-1]}s in other files",
                where=granule.path,
                fix="open them apart",
            )
        source = granule.sources.get(name)
        sources.setdefault(source.bias_corrected if source else None, granule.path)
    if len(sources) > 1:
        raise NotAGranuleError(
            f"{name} is bias corrected in some files and not in others ({', '.join(sources.values())})",
            fix="open them apart",
        )
